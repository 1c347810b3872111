"""Three of five nodes are killed: two are no majority, so nothing commits and nobody leads until a third is back."""

from __future__ import annotations

from contextlib import suppress

from raftzmq.errors import RequestError
from raftzmq.labs.history import END, History, Life, Moment
from raftzmq.labs.lab import CALM, Lab
from raftzmq.labs.logs import log_of
from raftzmq.labs.narration import Step
from raftzmq.labs.stage import Stage
from raftzmq.labs.verdict import Verdict
from raftzmq.labs.words import Words

WRITES = 5
WITHOUT_S = 3.0
"""How long two nodes are left alone: three of the longest election timeouts."""
TOGETHER_S = 1.0
"""Those that are killed together fall silent within this time."""

_BEFORE = Step(
    Words(
        "Five nodes run, {leader} leads term {term}. Put {writes} keys.",
        "5台が動き、{leader}が任期{term}のリーダー。キーを{writes}個書き込む。",
    ),
    Words("Three of five disks are enough for each of them.", "どの書き込みにも、5台中3台のディスクで足りる。"),
    Words("Raft §5.3: a majority decides.", "Raft §5.3: 過半数が決める。"),
)
_KILL = Step(
    Words(
        "Kill {dead} at once; the leader lives. A client puts one more key.",
        "{dead}を同時に殺す。リーダーは生きている。クライアントがもう1つキーを書き込む。",
    ),
    Words(
        "The leader writes it into its log, and {other} does, too. Two of five: it must not be committed.",
        "リーダーはログに書き、{other}も書く。しかし5台中2台。コミットしてはならない。",
    ),
    Words(
        "Raft §5.3: committed is what a majority of all five has, alive or not.",
        "Raft §5.3: コミットには、生死を問わず5台全体の過半数が要る。",
    ),
)
_ALONE = Step(
    Words("Leave the two alone for {seconds:g} seconds.", "2台だけで{seconds:g}秒待つ。"),
    Words(
        "The leader hears no majority and steps down. Both ask again and again whether they would win; the term stays.",
        "リーダーは過半数の声を聞けず退く。2台は勝てるかと何度も尋ねるが、任期は進まない。",
    ),
    Words(
        "Thesis 6.2: a leader that no majority answers steps down. Thesis 9.6: pre-votes cost no term.",
        "博士論文 6.2: 過半数の返事がないリーダーは退く。9.6: 事前投票では任期が進まない。",
    ),
)
_THIRD = Step(
    Words("Start {third} again: three of five.", "{third}を再び起動する。これで5台中3台。"),
    Words(
        "Somebody wins, but not {third}: its log lacks the waiting entry, which now commits after all. The client was "
        "told that its fate is unknown, not that it failed.",
        "誰かが勝つが、{third}ではない。待っていたエントリがログにないからだ。そのエントリは結局コミットされる。"
        "クライアントが聞いたのは「失敗」ではなく「結果不明」だった。",
    ),
    Words(
        "Raft §5.4.1: voters refuse a log that is behind theirs. §5.4.2: old entries commit with one of the new term.",
        "Raft §5.4.1: 投票者は自分より遅れたログを断る。§5.4.2: 古いエントリは新任期のものとともにコミットされる。",
    ),
)


def act(stage: Stage) -> None:
    """Write, kill three followers, try to write, wait, start one of them."""
    stage.start()
    leader, term = stage.leader()
    stage.tell(_BEFORE, leader=leader, term=term, writes=WRITES)
    client = stage.client()
    for number in range(WRITES):
        client.put(f"before/{number}", "five nodes")
    stage.settle()
    stage.rest(0.5)
    leader, _ = stage.leader()
    other, *dead = stage.others(leader)
    stage.tell(_KILL, dead=", ".join(dead), other=other)
    stage.kill(*dead)
    with suppress(RequestError):  # nobody knows what becomes of it: the events will tell
        client.put("waiting", "two nodes of five have it", timeout=1.0)
    stage.tell(_ALONE, seconds=WITHOUT_S)
    stage.rest(WITHOUT_S)
    stage.tell(_THIRD, third=dead[0])
    stage.start(dead[0])
    stage.leader()
    stage.settle()
    client.put("after", "three nodes of five")
    stage.rest(1.0)


def judge(history: History) -> Verdict:
    """While a majority was silent nothing committed and nobody led; what waited committed later."""
    verdict = Verdict()
    dead = fallen_together(history)
    names = sorted(life.node for life in dead)
    begin = max((life.last.position for life in dead), default=END)
    back = next((m for m in history.of("boot", after=begin) if m.node in names), None)
    end = back.position if back is not None else END
    seconds = (back or history.end).ts - max((life.last.ts for life in dead), default=history.end.ts)
    left = len(history.nodes) - len(dead)
    verdict.check(
        Words("A majority fell silent at once", "過半数が同時に沈黙した"),
        dead and left < history.majority,
        [life.last.position for life in dead],
        seen=Words("{names}; {left} of {all} were left", "{names}が沈黙、残りは{left}台 (全{all}台)").fill(
            names=", ".join(names), left=left, all=len(history.nodes)
        ),
    )
    _check_standstill(verdict, history, begin, end, seconds)
    _check_no_leader(verdict, history, begin, end)
    _check_goes_on(verdict, history, begin, end if back else END, dead)
    return verdict


def fallen_together(history: History) -> list[Life]:
    """The largest group of boots that ended within `TOGETHER_S` of each other while others went on."""
    ended = [life for life in history.ended() if history.others_went_on(life)]
    groups = [[o for o in ended if 0 <= o.last.ts - life.last.ts <= TOGETHER_S] for life in ended]
    return max(groups, key=len, default=[])


def _check_standstill(verdict: Verdict, history: History, begin: int, end: int, seconds: float) -> None:
    """Nothing commits from the last word of the dead to the first of one who came back."""
    known = history.commit_index(before=begin)
    beyond = [m.position for m in history.commits(after=begin, before=end) if int(m.event["index"]) > known]
    answered = [moment.position for moment in history.of("reply", after=begin, before=end)]
    verdict.check(
        Words(
            "While they were silent nothing was committed and no write was answered",
            "その間、何もコミットされず、どの書き込みにも応答がなかった",
        ),
        begin < END and seconds >= WITHOUT_S - TOGETHER_S and not beyond and not answered,
        beyond + answered,
        seen=Words("for {seconds} s; commit index {index}", "{seconds}秒間、コミット番号は{index}のまま").fill(
            seconds=f"{max(seconds, 0.0):.1f}", index=known
        ),
    )


def _check_no_leader(verdict: Verdict, history: History, begin: int, end: int) -> None:
    stepped = history.of("role", after=begin, before=end, previous="leader")
    elected = history.reigns(after=begin, before=end)
    verdict.check(
        Words(
            "The leader stepped down by itself, and nobody else came to lead",
            "リーダーは自ら退き、他の誰もリーダーになれなかった",
        ),
        stepped and not elected,
        [m.position for m in stepped] + [reign.position for reign in elected],
        seen=Words("{node}: {reason}", "{node}が退いた").fill(node=stepped[0].node, reason=stepped[0].event["reason"])
        if stepped
        else None,
    )
    asked = history.of("election", after=begin, before=end, pre_vote=True)
    risen = history.of("term", after=begin, before=end)
    verdict.check(
        Words(
            "Elections never ended: the survivors asked again and again, without raising the term",
            "選挙は終わらなかった。生き残りは何度も尋ねたが、任期は進まなかった",
        ),
        len(asked) >= 3 and not risen,
        [moment.position for moment in asked + risen],
        seen=Words("asked {count} times", "{count}回尋ねた").fill(count=len(asked)),
    )


def _waiting(history: History, begin: int, end: int) -> Moment | None:
    """The entries that a leader took while nothing could be committed."""
    known = history.commit_index(before=begin)
    took = history.of("append", after=begin, before=end, role="leader")
    return next((moment for moment in took if int(moment.event["last"]) > known), None)


def _check_goes_on(verdict: Verdict, history: History, begin: int, end: int, dead: list[Life]) -> None:
    new = next(iter(history.reigns(after=end)), None) if end < END else None
    verdict.check(
        Words(
            "With a third node there was a leader again: one of those that had been there all the time",
            "3台目が戻ると再びリーダーが決まった。戻った1台ではなく、ずっといた側から",
        ),
        new is not None and new.node not in {life.node for life in dead},
        [new.position] if new else (),
        seen=new.words if new else None,
    )
    waiting = _waiting(history, begin, end) if begin < END else None
    committed = None
    if waiting is not None and new is not None:
        index = int(waiting.event["first"])
        same = log_of(history, new.node).get(index)
        if same is not None and same.chain == waiting.event["chains"][0]:
            later = history.commits(after=new.position)
            committed = next((m for m in later if int(m.event["index"]) >= index), None)
    verdict.check(
        Words(
            "The entry that had waited without a majority was committed then, unchanged",
            "過半数なしで待っていたエントリが、そのままコミットされた",
        ),
        committed is not None,
        [moment.position for moment in (waiting, committed) if moment is not None],
        seen=None if waiting is None else Words("entry {index}", "エントリ{index}").fill(index=waiting.event["first"]),
    )


LAB = Lab("three-of-five", act, judge, options=CALM)
