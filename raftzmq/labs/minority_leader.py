"""The leader is cut off in the minority and goes on taking writes; another is elected, and overwrites them."""

from __future__ import annotations

from contextlib import suppress

from raftzmq.errors import RequestError
from raftzmq.labs.clean_election import votes_for
from raftzmq.labs.history import END, History, Moment, Reign
from raftzmq.labs.lab import CALM, Lab
from raftzmq.labs.logs import all_equal, disagreement, log_of
from raftzmq.labs.narration import Step
from raftzmq.labs.stage import Stage
from raftzmq.labs.verdict import Verdict
from raftzmq.labs.words import Words, both

WRITES = 5

_BEFORE = Step(
    Words(
        "Five nodes run, {leader} leads term {term}. Put {writes} keys.",
        "5台が動き、{leader}が任期{term}のリーダー。キーを{writes}個書き込む。",
    ),
    Words("All logs are equal.", "全員のログが等しい。"),
    Words("Raft §5.3: log matching.", "Raft §5.3: ログ一致。"),
)
_CUT = Step(
    Words(
        "Cut all links between {minority} and {majority}. At once a client puts three keys at {leader}.",
        "{minority}と{majority}の間の回線をすべて切る。すぐにクライアントが{leader}へ3つのキーを書き込む。",
    ),
    Words(
        "{leader} still believes that it leads. It appends the entries, but only two of five have them: none commits.",
        "{leader}はまだ自分がリーダーだと思っている。エントリを足すが、持つのは5台中2台。コミットされない。",
    ),
    Words(
        "Raft §5.3: committed is what a majority has. Thesis 6.2: a leader that hears no majority steps down.",
        "Raft §5.3: コミットには過半数が要る。博士論文 6.2: 過半数の声を聞けないリーダーは退く。",
    ),
)
_OTHER = Step(
    Words(
        "The majority has elected {leader} in term {term}. Put {writes} keys there.",
        "多数派は任期{term}に{leader}を選んだ。そこへキーを{writes}個書き込む。",
    ),
    Words(
        "At the same indexes the two sides now have different entries, of different terms. Only one side can commit.",
        "同じ番号に、両側で異なる任期の異なるエントリがある。コミットできるのは片側だけ。",
    ),
    Words(
        "Raft §5.2: two majorities of five share a node, so two leaders never commit at the same index.",
        "Raft §5.2: 5台の過半数どうしは必ず1台を共有する。同じ番号を2人がコミットすることはない。",
    ),
)
_HEAL = Step(
    Words("Heal the links.", "回線を元に戻す。"),
    Words(
        "{old} hears the higher term and follows. Where its log conflicts with the leader's, its tail is dropped and "
        "overwritten.",
        "{old}は高い任期を聞いて従う。リーダーのログと食い違う末尾は捨てられ、上書きされる。",
    ),
    Words(
        "Raft §5.3: the leader's log wins; what was never committed may go.",
        "Raft §5.3: リーダーのログが優先する。コミットされていないものは消えてよい。",
    ),
)


def act(stage: Stage) -> None:
    """Write, cut, write on both sides, heal."""
    stage.start()
    old, term = stage.leader()
    stage.tell(_BEFORE, leader=old, term=term, writes=WRITES)
    client = stage.client()
    for number in range(WRITES):
        client.put(f"before/{number}", "all five")
    stage.settle()
    stage.rest(0.5)
    old, term = stage.leader()
    others = stage.others(old)
    minority, majority = [old, others[0]], others[1:]
    stage.tell(_CUT, leader=old, minority=", ".join(minority), majority=", ".join(majority))
    stage.partition(minority, majority)
    futures = []
    for number in range(3):
        # It gives up before another leads, or it would take its writes there.
        futures.append(client.put_async(f"lost/{number}", "only two have it", timeout=0.4))
        stage.rest(0.05)  # so that they are entries of their own
    for future in futures:
        with suppress(RequestError):  # nobody knows what becomes of it: the events will tell
            future.result()
    leader, term = stage.leader(majority, above_term=term)
    stage.tell(_OTHER, leader=leader, term=term, writes=WRITES)
    there = stage.client(*majority, timeout=10)
    for number in range(WRITES):
        there.put(f"kept/{number}", "a majority has it")
    stage.settle(majority)
    stage.rest(1.0)
    stage.tell(_HEAL, old=old)
    stage.heal()
    stage.leader()
    stage.settle()
    stage.rest(1.0)


def judge(history: History) -> Verdict:
    """A leader behind a cut took what it couldn't commit; another committed others there; the first one's tail went."""
    verdict = Verdict()
    cuts = history.of("fault", what="set", cut=True)
    cut = cuts[0].position if cuts else END
    before = history.reigns(before=cut)
    old = before[-1] if before else None
    behind = {m.event["peer"] for m in cuts if old and m.node == old.node}
    verdict.check(
        Words("The leader was cut off from a majority", "リーダーは過半数から切り離された"),
        old and len(behind) >= history.majority,
        [moment.position for moment in cuts],
        seen=Words("{node} from {others}", "{node}と{others}の間").fill(
            node=old.node if old else "?", others=", ".join(sorted(behind)) or "?"
        ),
    )
    new = next((reign for reign in history.reigns(after=cut) if old and reign.term > old.term), None)
    tail = tail_of(history, old, cut)
    _check_tail(verdict, history, tail)
    _check_other(verdict, history, new, behind, tail)
    _check_overwritten(verdict, history, old, new, tail)
    return verdict


def tail_of(history: History, old: Reign | None, cut: int) -> list[tuple[int, int, Moment]]:
    """(index, chain, event) of the entries that the old leader made behind the cut."""
    if old is None or cut == END:
        return []
    made = history.of("append", old.node, after=cut, role="leader")
    return [
        (int(moment.event["first"]) + offset, chain, moment)
        for moment in made
        if moment.term == old.term
        for offset, chain in enumerate(moment.event["chains"])
    ]


def _check_tail(verdict: Verdict, history: History, tail: list[tuple[int, int, Moment]]) -> None:
    committed = []
    for index, chain, _ in tail:
        logs = {node: log_of(history, node) for node in history.nodes}
        for commit in history.commits():
            entry = logs[commit.node].get(index)
            if int(commit.event["index"]) >= index and entry is not None and entry.chain == chain:
                committed.append(commit.position)
    answered = [
        reply.position
        for _, _, made in tail
        for reply in history.of("reply", made.node, after=made.position)
        if reply.term == made.term
    ]
    indexes = [index for index, _, _ in tail]
    verdict.check(
        Words(
            "It went on appending entries there; none of them was ever committed or answered",
            "そこでもエントリを足し続けたが、どれもコミットされず、応答もなかった",
        ),
        tail and not committed and not answered,
        committed + answered or [moment.position for _, _, moment in tail],
        seen=Words("entries {first} to {last}", "エントリ{first}〜{last}").fill(first=min(indexes), last=max(indexes))
        if indexes
        else None,
    )


def _check_other(
    verdict: Verdict, history: History, new: Reign | None, behind: set[str], tail: list[tuple[int, int, Moment]]
) -> None:
    votes = votes_for(history, new)
    voters = {vote.node for vote in votes} | ({new.node} if new else set())
    verdict.check(
        Words(
            "The majority elected another leader in a higher term, by its own votes alone",
            "多数派は自分たちの票だけで、より高い任期に別のリーダーを選んだ",
        ),
        new and new.node in behind and len(voters) >= history.majority and voters <= behind,
        [vote.position for vote in votes] + ([new.position] if new else []),
        seen=new.words if new else None,
    )
    log = log_of(history, new.node) if new else {}
    index = tail[0][0] if tail else 0
    commit = None
    if new is not None and index in log and log[index].chain != tail[0][1]:
        commit = next((m for m in history.commits(new.node, after=new.position) if m.event["index"] >= index), None)
    verdict.check(
        Words("It committed other entries at the same indexes", "同じ番号に、別のエントリがコミットされた"),
        commit,
        [commit.position] if commit else (),
        seen=None if not tail else Words("from entry {index} on", "エントリ{index}以降").fill(index=index),
    )


def _check_overwritten(
    verdict: Verdict, history: History, old: Reign | None, new: Reign | None, tail: list[tuple[int, int, Moment]]
) -> None:
    dropped = []
    if old is not None and new is not None and tail:
        dropped = [m for m in history.of("truncate", old.node, after=new.position) if m.event["first"] <= tail[0][0]]
    verdict.check(
        Words(
            "After healing the old leader dropped that tail, and took the new leader's entries instead",
            "復旧後、元のリーダーはその末尾を捨て、新しいリーダーのエントリを受け入れた",
        ),
        dropped
        and new
        and log_of(history, dropped[0].node).get(tail[0][0]) == log_of(history, new.node).get(tail[0][0]),
        [moment.position for moment in dropped],
        seen=both("{first}…{last}").fill(first=dropped[0].event["first"], last=dropped[0].event["last"])
        if dropped
        else None,
    )
    first = disagreement(history)
    verdict.check(
        Words("In the end all logs and all states are equal", "最後には全員のログと状態が等しい"),
        first is None and all_equal(history),
        seen=None if first is None else Words("not at entry {index}", "エントリ{index}が異なる").fill(index=first),
    )


LAB = Lab("minority-leader", act, judge, options=CALM)
