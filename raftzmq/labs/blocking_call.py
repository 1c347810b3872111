"""The leader makes one blocking call: on the thread of its loop, then in an executor."""

from __future__ import annotations

import time
from concurrent.futures import Future
from pathlib import Path
from tempfile import TemporaryDirectory

from raftzmq.benchmarks.blocking_call import Blocked, Where, launcher, read_notes, trigger
from raftzmq.client.results import PutResult
from raftzmq.config import DEFAULT_HEARTBEAT_US
from raftzmq.labs.blocked_loop import BlockedLoop, blocked_loops, picture, tag_of
from raftzmq.labs.history import History
from raftzmq.labs.lab import Lab
from raftzmq.labs.narration import Step
from raftzmq.labs.stage import LAST_WORDS_S, Stage
from raftzmq.labs.verdict import Verdict
from raftzmq.labs.words import Words, both

LOW_MS, HIGH_MS = 400, 600
"""Of the election timeout: longer than usual, since a busy machine makes pauses of its own."""
CALL_S = 1.2
"""Longer than the longest election timeout."""
BEFORE_S, LOAD_S = 1.0, 2.6
EVERY_S = 0.02
HEARTBEAT_MS = DEFAULT_HEARTBEAT_US / 1000

_START = Step(
    Words(
        "Start three nodes that run on {runtime}, and write a little all the time.",
        "{runtime}で動く3台を起動し、少しずつ書き込み続ける。",
    ),
    Words(
        "The leader's loop sends a heartbeat every {heartbeat:g} ms, between everything else that it does.",
        "リーダーのループが、他の仕事の合間に{heartbeat:g} msごとにハートビートを送る。",
    ),
    Words(
        "Raft §5.2: who hears no leader for its election timeout ({low} to {high} ms here) campaigns.",
        "Raft §5.2: 選挙タイムアウト (ここでは{low}〜{high} ms) のあいだリーダーの声がなければ立候補する。",
    ),
)
_LOOP = Step(
    Words(
        "{leader} makes one blocking call of {ms:.0f} ms, on its loop: a slow name server, a large file, time.sleep.",
        "{leader}がループの中で{ms:.0f} msブロックする呼び出しを1つ行う。"
        "遅い名前解決、大きなファイル、time.sleepなど。",
    ),
    Words(
        "Nobody died, and yet: no heartbeat, no answer, an election.",
        "誰も死んでいないのに、ハートビートも返事もなく、選挙になる。",
    ),
    Words(
        "Raft §5.6: the time for a message must be far below the election timeout. To others, slow is dead.",
        "Raft §5.6: メッセージの時間は選挙タイムアウトより十分短くなければならない。"
        "他から見れば、遅いのは死んだのと同じ。",
    ),
)
_EXECUTOR = Step(
    Words(
        "{leader} makes the same call, in an executor (asyncio.to_thread, or a pool of threads).",
        "{leader}が同じ呼び出しをエグゼキュータ (asyncio.to_threadやスレッドプール) で行う。",
    ),
    Words(
        "The loop goes on while a thread waits: heartbeats as ever, and nobody notices.",
        "スレッドが待つあいだもループは進む。ハートビートはいつもどおりで、誰も気づかない。",
    ),
    Words(
        "asyncio: what blocks belongs into an executor, and so it does in a loop of threads.",
        "asyncio: ブロックするものはエグゼキュータへ。スレッドのループでも同じである。",
    ),
)
STEPS: dict[Where, Step] = {"loop": _LOOP, "executor": _EXECUTOR}
"""What is told before the call, by where it is made."""


def act(stage: Stage) -> None:
    """The same call in two places, each on nodes of its own."""
    with TemporaryDirectory(prefix="raftzmq-lab-") as beside:
        for where, step in STEPS.items():
            notes = Path(beside) / where
            notes.mkdir()
            stage.tell(_START, runtime=stage.runtime, heartbeat=HEARTBEAT_MS, low=LOW_MS, high=HIGH_MS)
            begin(stage, where, notes)
            leader, _ = stage.leader()
            _write(stage, BEFORE_S)
            stage.tell(step, leader=leader, ms=1000 * CALL_S)
            make_the_call(trigger(notes, leader))
            _write(stage, LOAD_S)
            for call in read_notes(notes, stage.nodes)[1]:
                _record(stage, call, where)
            stage.settle()
            stage.rest(LAST_WORDS_S)
            stage.stop(*stage.running)


def begin(stage: Stage, where: Where, notes: Path) -> None:
    """Start nodes that can be told to make a blocking call."""
    stage.start(launcher=launcher(CALL_S, where, notes))


def make_the_call(when: Path) -> None:
    """Tell the node."""
    when.touch()


def _write(stage: Stage, seconds: float) -> None:
    """A put every now and then, whatever became of those before."""
    client = stage.client(timeout=10.0)
    until = time.monotonic() + seconds
    futures: list[Future[PutResult]] = []
    while time.monotonic() < until:
        futures.append(client.put_async("a little", str(len(futures))))
        stage.rest(EVERY_S)
    for future in futures:
        future.result()


def _record(stage: Stage, call: Blocked, where: str) -> None:
    """Only the process itself knows when it made its call: a tagged request carries that into the recording."""
    with_tag = stage.client(trace=tag_of(call.node, where, call.begun_s, call.ended_s))
    with_tag.put("call", where)


_CALLS = Words(
    "A leader made a call that blocked for longer than an election timeout, once on its loop, once in an executor",
    "リーダーが選挙タイムアウトより長くブロックする呼び出しを、ループで1度、エグゼキュータで1度行った",
)
_SILENT = Words(
    "On the loop: while it lasted, the leader sent nothing at all",
    "ループでは: そのあいだリーダーは何も送らなかった",
)
_ELECTED = Words(
    "On the loop: others elected somebody else, although the leader's process had not ended",
    "ループでは: リーダーのプロセスは生きていたのに、他のノードが別のリーダーを選んだ",
)
_HEARD = Words(
    "In an executor: heartbeats went on, with no gap as long as an election timeout",
    "エグゼキュータでは: ハートビートは続き、選挙タイムアウトほどの間は空かなかった",
)
_UNDISTURBED = Words("In an executor: nobody began an election", "エグゼキュータでは: 誰も選挙を始めなかった")
_PICTURE = Words(
    "What leaders sent, in slots of 50 ms (# the call, | an AppendEntries left, . none did, L somebody was elected)",
    "リーダーの送信、50 msごと (# 呼び出し、| AppendEntriesを送信、. 送信なし、L 新しいリーダー)",
)


def judge(history: History) -> Verdict:
    """On the loop a call silenced the leader and cost it its office; in an executor it did nothing of that."""
    verdict = Verdict()
    calls = {call.where: call for call in blocked_loops(history)}
    loop, executor = calls.get("loop"), calls.get("executor")
    long = all(call.ms >= HIGH_MS for call in calls.values())
    places = [call.told.position for call in calls.values()]
    text = ", ".join(f"{call.node} {call.where} {call.ms:.0f} ms" for call in calls.values())
    seen = both(text)
    if not verdict.check(_CALLS, loop is not None and executor is not None and long, places, seen=seen):
        return verdict
    assert loop is not None
    assert executor is not None
    verdict.exhibit(_PICTURE, [*picture(history, loop), *picture(history, executor)])
    _check_loop(verdict, loop)
    _check_executor(verdict, executor)
    return verdict


def _check_loop(verdict: Verdict, call: BlockedLoop) -> None:
    seen = Words("{node} was silent for {ms:.0f} ms", "{node}は{ms:.0f} ms沈黙").fill(
        node=call.node, ms=call.silence_ms
    )
    verdict.check(_SILENT, not call.sent and call.silence_ms >= LOW_MS, [m.position for m in call.sent], seen=seen)
    elected = call.next_leader
    seen = Words("nobody was elected", "誰も選ばれなかった")
    if elected is not None:
        seen = Words("{node}, {ms:.0f} ms after the call began", "{node}、呼び出しの開始から{ms:.0f} ms後").fill(
            node=elected.node, ms=(elected.event["mono_ns"] - call.begun_ns) / 1e6
        )
    places = [m.position for m in [*call.elections, elected, call.alive] if m is not None]
    verdict.check(_ELECTED, call.elections and elected is not None and call.alive is not None, places, seen=seen)


def _check_executor(verdict: Verdict, call: BlockedLoop) -> None:
    heard = len({m.event["mono_ns"] // (1_000_000 * HEARTBEAT_MS) for m in call.sent})
    seen = Words(
        "{node} sent {count} messages meanwhile, at most {ms:.0f} ms apart",
        "{node}はその間に{count}通、間隔は最大{ms:.0f} ms",
    ).fill(node=call.node, count=len(call.sent), ms=call.silence_ms)
    held = heard >= call.ms / HEARTBEAT_MS / 2 and call.silence_ms < LOW_MS
    verdict.check(_HEARD, held, [m.position for m in call.sent], seen=seen)
    verdict.check(_UNDISTURBED, not call.elections, [m.position for m in call.elections])


LAB = Lab(
    "blocking-call",
    act,
    judge,
    nodes=3,
    details=("sent", "heartbeat_sent"),
    options=("--election-timeout-ms", f"{LOW_MS}-{HIGH_MS}"),
)
