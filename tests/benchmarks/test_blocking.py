"""One blocking call, in a small program and in a leader: what its timeline says, and what the command makes of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from raftzmq.benchmarks.blocked_leader import BEFORE_S, Case, Timeline
from raftzmq.benchmarks.blocking_call import Blocked, Heard
from raftzmq.benchmarks.blocking_lesson import missed
from raftzmq.benchmarks.blocking_words import charts_of, figures_of, findings_of, tables_of
from raftzmq.benchmarks.node_log import Line, elections, read_log
from raftzmq.benchmarks.timed_load import Put
from tests.benchmarks.test_programs import bench

ON_LOOP, ELSEWHERE = Case("coroutines", "loop"), Case("coroutines", "executor")


def timeline(case: Case, heard: list[Heard], lines: list[Line], puts: list[Put]) -> Timeline:
    """A call of n1 from 100.0 to 100.6, watched until 101."""
    return Timeline(case, 1, Blocked("n1", 100.0, 100.6), heard, lines, puts, 101.0)


def hears(node: str, leader: str, term: int, *times: float) -> list[Heard]:
    return [Heard(at_s, node, leader, term) for at_s in times]


def election(at_s: float, *, pre_vote: bool) -> Line:
    return Line(at_s, "n2", "election", {"pre_vote": pre_vote, "term": 2})


PUTS = [Put(99.9, 0.002, True), Put(100.0, 0.45, True), Put(100.004, 5.0, False), Put(100.5, 0.003, True)]
LOST = timeline(
    ON_LOOP,
    [
        *hears("n2", "n1", 1, 99.6, 99.65, 99.99),
        *hears("n3", "n1", 1, 99.6, 99.66, 99.99),
        *hears("n3", "n2", 2, 100.305, 100.355),
    ],
    [election(100.29, pre_vote=True), election(100.291, pre_vote=False)],
    PUTS,
)
KEPT = timeline(
    ELSEWHERE, [*hears("n2", "n1", 1, *(99.6 + 0.05 * n for n in range(28)))], [], [Put(100.0, 0.002, True)]
)


@pytest.mark.parametrize(("gap", "count"), [(0.005, 0), (0.05, 0), (0.06, 0), (0.1, 1), (0.3, 5), (1.2, 23)])
def test_a_gap_between_heartbeats_has_those_that_are_missing(gap: float, count: int) -> None:
    assert missed(gap, 0.05) == count


def test_a_timeline_knows_its_longest_silence_and_the_elections_that_were_begun() -> None:
    # From 99.65 to 99.99 it was quiet as well, but that silence had ended when the call began.
    assert LOST.longest_silence_s == pytest.approx(0.315)
    assert LOST.heartbeats_missed == 5
    assert [line.at_s for line in LOST.elections] == [100.291]
    assert [put.due_s for put in LOST.puts_from_call] == [100.0, 100.004, 100.5]
    assert (LOST.heard_during_call, KEPT.heard_during_call) == (0, 11)
    assert (KEPT.heartbeats_missed, KEPT.elections) == (0, [])


def test_figures_tables_and_sentences_follow_from_the_timelines() -> None:
    figures = figures_of([], [LOST, KEPT])
    assert figures["coroutines_loop_elections"] == 1
    assert figures["coroutines_loop_slowest_put_ms"] == 5000.0
    assert figures["coroutines_executor_elections"] == 0
    _, runs, story = tables_of([], [LOST, KEPT])
    assert [record["leader_after"] for record in runs.records()] == ["n2", "n1"]
    assert [record["puts_without_answer"] for record in runs.records()] == [1, 0]
    assert [record["at_ms"] for record in story.records() if record["case"] == LOST.case.name] == [0.0, 600.0]
    sentences = findings_of([], [LOST, KEPT], 0.6)
    assert any(
        "1 of 1 calls led to an election although nobody had died; in an executor 0 of 1" in s for s in sentences
    )
    assert any("the cure is the same" in sentence for sentence in sentences)
    # Where the call elsewhere is followed by an election too, nothing is said about a cure.
    assert not any(
        "the cure" in sentence for sentence in findings_of([], [LOST, timeline(ELSEWHERE, *LOST_PARTS)], 0.6)
    )


LOST_PARTS = (list(LOST.heard), list(LOST.lines), PUTS)


def test_charts_have_the_slowest_put_and_the_silence_of_every_step() -> None:
    puts, silence = charts_of([LOST, KEPT], 0.6)
    line = dict(zip(puts.series[0].x, puts.series[0].y, strict=True))
    at_call = round(BEFORE_S / 0.01)
    assert puts.series[0].y[at_call] == 5000.0
    assert puts.series[0].y[at_call + 1] is None
    assert len(line) == round((1.0 + BEFORE_S) / 0.01)
    quiet = [y for y in silence.series[0].y if y is not None]
    assert max(quiet) == pytest.approx(650.0, abs=20)  # after 100.355 nobody hears anything more
    assert silence.series[0].y[at_call + 30] == pytest.approx(315.0, abs=11)
    assert [series.label for series in silence.series] == [ON_LOOP.name, ELSEWHERE.name]


def test_a_node_log_is_read_by_the_monotonic_clock_and_garbage_is_passed_over(tmp_path: Path) -> None:
    log = tmp_path / "n1.log"
    log.write_text(
        "Traceback (most recent call last):\n"
        '{"event":"election","node":"n1","pre_vote":true,"ts":"2026-01-01T00:00:00.000000Z"}\n'
        '{"event":"election","node":"n1","pre_vote":false,"ts":"2026-01-01T00:00:00.250000Z"}\n'
        '{"event":"role","node":"n1","role":"leader","ts":"2026-01-01T00:00:00.500000Z"}\n'
        '["no object"]\n{"event":"half a li'
    )
    asked, begun, role = read_log(log)
    assert [line.event for line in (asked, begun, role)] == ["election", "election", "role"]
    assert begun.at_s - asked.at_s == pytest.approx(0.25, abs=0.001)
    assert elections(iter([asked, begun, role]), asked.at_s, role.at_s) == [begun]
    assert elections(iter([asked, begun, role]), role.at_s, role.at_s + 1) == []


@pytest.mark.live
def test_a_leader_is_silent_while_its_loop_is_blocked_and_speaks_while_an_executor_is(tmp_path: Path) -> None:
    # Longer than any election timeout can be: followers must notice.
    done = bench("blocking", "--quick", "--seconds", "1.5", "--json", "--directory", str(tmp_path))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["coroutines_loop_elections"] >= 1
    assert told["threads_loop_elections"] >= 1
    assert told["program_loop_ticks_missed"] > told["program_executor_ticks_missed"]
    assert told["coroutines_loop_longest_silence_ms"] > 200
    on_loop, elsewhere, _, _ = told["tables"]["A leader that makes one blocking call, every run"]
    assert on_loop["heard_during_call"] < elsewhere["heard_during_call"]
    assert not list(tmp_path.iterdir())
