"""Answers get lost, the client sends again, the same command stands in the log twice, and is executed once."""

from __future__ import annotations

from raftzmq.labs.history import History
from raftzmq.labs.lab import CALM, Lab
from raftzmq.labs.logs import all_equal, states
from raftzmq.labs.narration import Step
from raftzmq.labs.stage import Stage
from raftzmq.labs.verdict import Verdict
from raftzmq.labs.words import Words

ROUNDS = 3
ROUGH_WRITES = 20
DROP, DUPLICATE = 0.15, 0.15
PATIENCE_S = 15.0
"""For a put: it must be answered however often it has to be sent."""
TAG = "write-"

_BEFORE = Step(
    Words(
        "Five nodes run, {leader} leads term {term}. A client opens a session and puts a key.",
        "5台が動き、{leader}が任期{term}のリーダー。クライアントがセッションを開き、キーを1つ書き込む。",
    ),
    Words(
        "Each of its commands carries the session and a number of its own.",
        "以後のコマンドにはセッションと通し番号が付く。",
    ),
    Words(
        "Raft §8, thesis 6.3: serial numbers let the state recognize what it has executed.",
        "Raft §8、博士論文 6.3: 通し番号により、状態機械は実行済みのものを見分ける。",
    ),
)
_LOSE = Step(
    Words(
        "Lose everything that the others send to {leader}, and put a key. Round {round} of {rounds}.",
        "他のノードから{leader}への通信をすべて失わせ、キーを書き込む。{rounds}回中{round}回目。",
    ),
    Words(
        "The entry arrives everywhere, but no answer comes back: {leader} cannot commit it, and steps down. The client "
        "doesn't know what became of it, and sends it to the next leader again.",
        "エントリは全員に届くが返事が戻らない。{leader}はコミットできずに退く。クライアントは結果を知らず、次のリーダーに再送する。",
    ),
    Words(
        "Raft §8: a leader may fail after an entry was stored, before the client was told.",
        "Raft §8: エントリの保存後、クライアントへの応答前にリーダーが失われることがある。",
    ),
)
_ROUGH = Step(
    Words(
        "Lose {drop:.0%} of all messages between nodes and double {duplicate:.0%}. Put {writes} keys.",
        "ノード間の通信の{drop:.0%}を失い、{duplicate:.0%}を二重にする。キーを{writes}個書き込む。",
    ),
    Words(
        "Raft sends again what nobody confirmed, and takes no entry twice.",
        "Raftは確認のないものを再送し、同じエントリを二度は受け取らない。",
    ),
    Words(
        "Raft §5.3, §5.1: its messages may be lost and repeated.",
        "Raft §5.3、§5.1: メッセージは失われても重複してもよい。",
    ),
)
_COUNT = Step(
    Words("Heal the links, and count.", "回線を元に戻し、数える。"),
    Words(
        "The log has more commands than the client gave. The store's revision counts what was executed.",
        "ログにはクライアントが出した数より多くのコマンドがある。ストアのリビジョンは実行された数を表す。",
    ),
    Words(
        "Thesis 6.3: a command that was executed before gets the result that was kept, and does nothing.",
        "博士論文 6.3: 実行済みのコマンドには保存した結果を返し、何もしない。",
    ),
)


def act(stage: Stage) -> None:
    """Lose answers until the client has had to send again, then some of everything."""
    stage.start()
    leader, term = stage.leader()
    stage.tell(_BEFORE, leader=leader, term=term)
    client = stage.client(timeout=PATIENCE_S)
    number = 0

    def put() -> None:
        nonlocal number
        client.trace = f"{TAG}{number}"
        client.put(f"once/{number:03}", "executed once")
        number += 1

    put()
    for round_ in range(1, ROUNDS + 1):
        leader, term = stage.leader()
        stage.tell(_LOSE, leader=leader, round=round_, rounds=ROUNDS)
        stage.link(stage.others(leader), leader, drop=1.0)
        put()
        stage.heal()
    stage.leader()
    stage.tell(_ROUGH, drop=DROP, duplicate=DUPLICATE, writes=ROUGH_WRITES)
    stage.link(stage.nodes, stage.nodes, drop=DROP, duplicate=DUPLICATE)
    for _ in range(ROUGH_WRITES):
        put()
    stage.tell(_COUNT)
    stage.heal()
    stage.leader()
    stage.settle()
    stage.rest(1.0)


def judge(history: History) -> Verdict:
    """Messages were lost, commands came again and stand in the log again; the revision rose once for each."""
    verdict = Verdict()
    drops = [m for m in history.of("fault") if m.event["what"] in ("set", "changed") and m.event["drop"]]
    verdict.check(
        Words("Links between nodes were made to lose messages", "ノード間の回線は通信を失うようにされた"),
        drops,
        [moment.position for moment in drops],
    )
    answered: dict[str, int] = {}
    for trace in history.of("trace", kind="execute"):
        if str(trace.event["tag"]).startswith(TAG):
            answered.setdefault(str(trace.event["tag"]), trace.position)
    _check_again(verdict, history, answered)
    _check_log(verdict, history)
    _check_once(verdict, history, answered)
    return verdict


def _check_again(verdict: Verdict, history: History, answered: dict[str, int]) -> None:
    doors = history.of("request", kind="execute")
    sent = sum(int(m.event["commands"]) for m in doors)
    verdict.check(
        Words(
            "The client got all its answers, and had to send some commands again for it",
            "クライアントはすべての応答を得たが、そのために再送が要った",
        ),
        len(answered) > ROUNDS and sent > len(answered),
        answered.values(),
        seen=Words(
            "{answered} writes answered, {sent} came in at the doors", "{answered}件に応答、入口に来たのは{sent}件"
        ).fill(answered=len(answered), sent=sent),
    )


def _check_log(verdict: Verdict, history: History) -> None:
    """Opening a session is a command in the log, too, and changes no revision: every one that came in is left out."""
    sessions = sum(int(m.event["commands"]) for m in history.of("request", kind="session"))
    found = {}
    places: list[int] = []
    for node in history.nodes:
        applied = history.of("apply", node)
        revisions = [0, *(int(m.event["revision"]) for m in applied)]
        idle = [
            m
            for m, before in zip(applied, revisions, strict=False)
            if m.event["revision"] - before < m.event["commands"]
        ]
        if applied:
            found[node] = sum(int(m.event["commands"]) for m in applied) - sessions - revisions[-1]
            places += [m.position for m in idle[sessions:]]
    twice = min(found.values(), default=0)
    verdict.check(
        Words("The log has some commands twice", "ログには同じコマンドが2度ある"),
        twice > 0 and len(found) == len(history.nodes),
        places,
        seen=Words("{count} more than were executed", "実行された数より{count}個多い").fill(count=max(twice, 0)),
    )


def _check_once(verdict: Verdict, history: History, answered: dict[str, int]) -> None:
    revisions = {node: state.revision for node, state in states(history).items() if state}
    verdict.check(
        Words(
            "Each write was executed exactly once, on every node: the revision rose by one for each",
            "各書き込みは全ノードでちょうど1回実行された。リビジョンは1件につき1だけ進んだ",
        ),
        answered and all_equal(history) and set(revisions.values()) == {len(answered)},
        [m.position for node in history.nodes if (m := history.last("apply", node)) is not None],
        seen=Words("{answered} writes, revision {revision}", "書き込み{answered}件、リビジョン{revision}").fill(
            answered=len(answered), revision=", ".join(sorted({str(value) for value in revisions.values()}))
        ),
    )


LAB = Lab("exactly-once", act, judge, options=CALM, details=("request",))
