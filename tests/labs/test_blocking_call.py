"""What a judge makes of a leader that is silent during its call, and of one that isn't."""

from __future__ import annotations

from pathlib import Path

from raftzmq.benchmarks.blocking_call import trigger
from raftzmq.labs.blocked_loop import blocked_loops, tag_of
from raftzmq.labs.blocking_call import judge, make_the_call
from tests.labs.chronicle import Chronicle

HEARTBEAT_MS, CALL_MS = 50, 1000
END_MS = 3000


def heartbeat(chronicle: Chronicle, node: str, ms: float) -> None:
    chronicle.at(ms)
    chronicle.message(node, "n2" if node == "n1" else "n1", "AppendEntries", {}, arrives=False, beat=True)


def call(
    chronicle: Chronicle, where: str, *, silent: bool, elected: bool, ms: float = CALL_MS, lives: bool = True
) -> None:
    """n1 leads for two seconds and makes a call after half of one; n2 is elected meanwhile, or nobody is."""
    begun = chronicle.ms + 500
    for node in chronicle.nodes:
        chronicle.boot(node)
    chronicle.lead("n1", 1)
    start = chronicle.ms
    for number in range(int(END_MS / HEARTBEAT_MS)):
        at = start + number * HEARTBEAT_MS
        in_call = begun < at < begun + ms
        if elected and at == begun + 500:
            chronicle.at(at)
            chronicle.election("n2", 2)
            chronicle.lead("n2", 2)
        if elected and at > begun + 500:
            heartbeat(chronicle, "n2", at)
        elif not (silent and in_call):
            heartbeat(chronicle, "n1", at)
    if elected and lives:
        chronicle.role("n1", "follower", 2, "leader")
    tag = tag_of("n1", where, begun / 1000, (begun + ms) / 1000)
    chronicle.say("n1" if lives else "n2", "trace", tag=tag)
    chronicle.at(start + END_MS + 500)


def story(
    *, loop_silent: bool = True, loop_elected: bool = True, silent: bool = False, elected: bool = False
) -> Chronicle:
    chronicle = Chronicle()
    call(chronicle, "loop", silent=loop_silent, elected=loop_elected)
    call(chronicle, "executor", silent=silent, elected=elected)
    return chronicle


def held(chronicle: Chronicle) -> list[bool]:
    return [check.held for check in judge(chronicle.history()).checks]


def test_silence_on_the_loop_and_none_in_an_executor_is_green() -> None:
    verdict = judge(story().history())
    assert [check.held for check in verdict.checks] == [True] * 5
    loop, executor = verdict.exhibits[0].lines[1], verdict.exhibits[0].lines[3]
    assert loop.endswith("||||||.........L" + "|" * 29)
    assert executor.endswith("|" * 45)


def test_the_call_is_measured() -> None:
    loop, executor = blocked_loops(story().history())
    assert (loop.where, loop.ms, loop.sent) == ("loop", CALL_MS, [])
    assert loop.silence_ms >= CALL_MS
    assert loop.next_leader is not None
    assert loop.next_leader.node == "n2"
    assert (executor.silence_ms, executor.elections) == (HEARTBEAT_MS, [])


def test_a_leader_that_goes_on_sending_and_stays_is_red() -> None:
    assert held(story(loop_silent=False, loop_elected=False)) == [True, False, False, True, True]


def test_a_leader_that_was_only_believed_to_be_silent_is_red() -> None:
    assert held(story(loop_silent=False)) == [True, False, True, True, True]


def test_silence_in_an_executor_is_red() -> None:
    assert held(story(silent=True, elected=True)) == [True, True, True, False, False]


def test_a_leader_that_died_shows_nothing() -> None:
    chronicle = Chronicle()
    call(chronicle, "loop", silent=True, elected=True, lives=False)
    chronicle.boot("n1")
    call(chronicle, "executor", silent=False, elected=False)
    assert held(chronicle) == [True, True, False, True, True]


def test_without_a_call_there_is_nothing_to_judge() -> None:
    assert held(Chronicle()) == [False]


def test_a_call_that_is_shorter_than_an_election_timeout_shows_nothing() -> None:
    chronicle = Chronicle()
    for where in ("loop", "executor"):
        call(chronicle, where, silent=False, elected=False, ms=100)
    assert held(chronicle) == [False]


def test_a_node_is_told_by_a_file(tmp_path: Path) -> None:
    make_the_call(trigger(tmp_path, "n1"))
    assert trigger(tmp_path, "n1").exists()
