"""What one blocking call does, as figures, tables, charts and sentences, all made from timelines."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

from raftzmq.benchmarks.blocked_leader import BEFORE_S, HEARTBEAT_S, Case, Timeline
from raftzmq.benchmarks.blocking_lesson import HANDLERS, TICK_S, Lesson
from raftzmq.benchmarks.figures import Figures, milliseconds, percentile
from raftzmq.benchmarks.node_log import Line
from raftzmq.benchmarks.result import Cell, Chart, Mark, Series, Table
from raftzmq.benchmarks.watchdog import STALL_MS
from raftzmq.config import DEFAULT_ELECTION_MAX_US, DEFAULT_ELECTION_MIN_US

STEP_S = 0.01
"""Of the timeline of puts."""
_COLUMNS = (
    *("case", "run", "longest_silence_ms", "heartbeats_missed", "elections", "leader_before", "leader_after"),
    *("put_p50_ms", "put_p99_ms", "slowest_put_ms", "puts_without_answer", "heard_during_call"),
    "machine_stall_max_ms",
)


def figures_of(lessons: Sequence[Lesson], timelines: Sequence[Timeline]) -> Figures:
    """The answers in numbers: the worst of all runs of a case, and how many elections they had together."""
    figures: Figures = {}
    for lesson in lessons:
        figures[f"program_{lesson.where}_two_calls_ms"] = milliseconds(lesson.elapsed_s)
        figures[f"program_{lesson.where}_ticks_missed"] = lesson.ticks_missed
    for case, runs in _by_case(timelines):
        name = f"{case.runtime}_{case.where}".replace("-", "_")
        figures[f"{name}_longest_silence_ms"] = milliseconds(max(run.longest_silence_s for run in runs))
        figures[f"{name}_heartbeats_missed"] = max(run.heartbeats_missed for run in runs)
        figures[f"{name}_elections"] = sum(len(run.elections) for run in runs)
        figures[f"{name}_slowest_put_ms"] = milliseconds(max(_slowest(run) for run in runs))
    return figures


def _by_case(timelines: Sequence[Timeline]) -> Iterator[tuple[Case, list[Timeline]]]:
    for case in dict.fromkeys(timeline.case for timeline in timelines):
        yield case, [timeline for timeline in timelines if timeline.case == case]


def _slowest(timeline: Timeline) -> float:
    return max(put.seconds for put in timeline.puts_from_call)


def tables_of(lessons: Sequence[Lesson], timelines: Sequence[Timeline]) -> list[Table]:
    """The small program, every run, and what happened in the first run of each case."""
    return [
        Table(
            f"A program with {HANDLERS} handlers that block, and ticks every {1000 * TICK_S:g} ms",
            ("call", "both_calls_ms", "longest_gap_between_ticks_ms", "ticks_missed"),
            [
                [lesson.where, milliseconds(lesson.elapsed_s), milliseconds(lesson.longest_gap_s), lesson.ticks_missed]
                for lesson in lessons
            ],
        ),
        Table("A leader that makes one blocking call, every run", _COLUMNS, [_row(run) for run in timelines]),
        Table(
            "What happened, in the first run of each",
            ("case", "at_ms", "node", "what"),
            [row for _, runs in _by_case(timelines) for row in _story(runs[0])],
        ),
    ]


def _row(run: Timeline) -> list[Cell]:
    seconds = sorted(put.seconds for put in run.puts_from_call)
    after = [heard.leader for heard in run.heard]
    return [
        *(run.case.name, run.number, milliseconds(run.longest_silence_s), run.heartbeats_missed, len(run.elections)),
        *(run.blocked.node, after[-1] if after else None),
        *(milliseconds(percentile(seconds, percent)) for percent in (50, 99, 100)),
        *(sum(not put.acknowledged for put in run.puts_from_call), run.heard_during_call, run.stall_ms),
    ]


def _story(run: Timeline) -> list[list[Cell]]:
    """In order of time; 0 is the moment at which the call begins."""
    call = run.blocked
    told = [(call.begun_s, call.node, "the blocking call begins"), (call.ended_s, call.node, "the blocking call ends")]
    told += [(line.at_s, line.node, said) for line in run.lines if (said := _said(line)) is not None]
    return [[run.case.name, round(1000 * (at_s - call.begun_s), 1), node, what] for at_s, node, what in sorted(told)]


def _said(line: Line) -> str | None:
    fields = line.fields
    if line.event == "role":
        return f"becomes {fields['role']} in term {fields['term']}: {fields['reason']}"
    if line.event == "vote" and not fields["pre_vote"]:
        return f"{fields['reason']}: {fields['candidate']} asks for its vote in term {fields['term']}"
    return None


def charts_of(timelines: Sequence[Timeline], seconds: float) -> list[Chart]:
    """The first run of each case: puts, and how long followers heard nobody."""
    first = [runs[0] for _, runs in _by_case(timelines)]
    call = Mark("the blocking call", 0.0, 1000 * seconds)
    timeouts = Mark("election timeouts", DEFAULT_ELECTION_MIN_US / 1000, DEFAULT_ELECTION_MAX_US / 1000, axis="y")
    begins = "ms since the leader began its blocking call"
    return [
        Chart(
            "blocking-puts",
            "Puts around one blocking call of the leader",
            begins,
            f"slowest put due in each {1000 * STEP_S:g} ms (ms)",
            [Series(run.case.name, *_put_line(run)) for run in first],
            log_y=True,
            note="A put every 5 ms, whatever became of those before. Those that were due while the leader was silent "
            "wait for it to come back, or for the next leader.",
            marks=[call],
        ),
        Chart(
            "blocking-silence",
            "Silence of the leader around one blocking call",
            begins,
            "ms since any follower heard a leader",
            [Series(run.case.name, *_silence_line(run)) for run in first],
            note="A follower that hears nobody for its election timeout campaigns.",
            marks=[call, timeouts],
        ),
    ]


def _steps(run: Timeline) -> list[float]:
    """When the steps of the timeline begin, in seconds since the call."""
    count = round((run.end_s - run.blocked.begun_s + BEFORE_S) / STEP_S)
    return [step * STEP_S - BEFORE_S for step in range(count)]


def _put_line(run: Timeline) -> tuple[list[float], list[float | None]]:
    """Milliseconds since the call, and the slowest of the puts that were due in the step that begins there."""
    steps = _steps(run)
    slowest: list[float | None] = [None] * len(steps)
    for put in run.puts:
        step = int((put.due_s - run.blocked.begun_s + BEFORE_S) // STEP_S)
        if 0 <= step < len(steps):
            slowest[step] = max(slowest[step] or 0.0, 1000 * put.seconds)
    return [1000 * at_s for at_s in steps], slowest


def _silence_line(run: Timeline) -> tuple[list[float], list[float | None]]:
    """Milliseconds since the call, and how long it had been quiet for, at most, in the step that begins there."""
    steps = _steps(run)
    heard = [heard.at_s - run.blocked.begun_s for heard in run.heard]
    silences: list[float | None] = []
    for at_s in steps:
        end = at_s + STEP_S
        first, last = bisect_right(heard, at_s), bisect_right(heard, end)
        # Each silence that a message ended in this step, and the one that goes on at its end.
        ended = [late - early for early, late in pairwise(heard[max(0, first - 1) : last])]
        silences.append(1000 * max([*ended, end - heard[last - 1]]) if last else None)
    return [1000 * at_s for at_s in steps], silences


def findings_of(lessons: Sequence[Lesson], timelines: Sequence[Timeline], seconds: float) -> list[str]:
    """What it means, for a lecturer."""
    return [
        *_program_findings(lessons, seconds),
        *_case_findings(timelines),
        *_conclusion(timelines),
        *_stalls(timelines),
    ]


def _program_findings(lessons: Sequence[Lesson], seconds: float) -> Iterator[str]:
    for lesson in lessons:
        place = "on the event loop" if lesson.where == "loop" else "in threads (asyncio.to_thread)"
        yield (
            f"{HANDLERS} coroutines that each make a blocking call of {1000 * seconds:g} ms {place} take "
            f"{1000 * lesson.elapsed_s:,.0f} ms together, and a coroutine that ticks every {1000 * TICK_S:g} ms misses "
            f"{lesson.ticks_missed or 'none'}{' in a row' if lesson.ticks_missed > 1 else ''}."
        )


def _case_findings(timelines: Sequence[Timeline]) -> Iterator[str]:
    for case, runs in _by_case(timelines):
        silence = max(run.longest_silence_s for run in runs)
        count = sum(len(run.elections) for run in runs)
        yield (
            f"{case.name}: followers heard no leader for at most {1000 * silence:,.0f} ms "
            f"({_many(max(run.heartbeats_missed for run in runs), 'heartbeat')} missed, one is sent every "
            f"{1000 * HEARTBEAT_S:g} ms), {_many(count, 'election')} in {_many(len(runs), 'call')}, slowest put "
            f"{1000 * max(map(_slowest, runs)):,.0f} ms."
        )


def _stalls(timelines: Sequence[Timeline]) -> Iterator[str]:
    stalled = [run.stall_ms for run in timelines if run.stall_ms > STALL_MS]
    if stalled:
        yield (
            f"In {len(stalled)} of {len(timelines)} runs the whole machine stood still for over {STALL_MS:g} ms (at "
            f"most {max(stalled):,.0f} ms), which is a silence of its own."
        )


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count or 'no'} {what}s"


def _conclusion(timelines: Sequence[Timeline]) -> Iterator[str]:
    on_loop = [run for run in timelines if run.case.where == "loop"]
    elsewhere = [run for run in timelines if run.case.where == "executor"]
    if not (on_loop and elsewhere):
        return
    deposed, spared = sum(bool(run.elections) for run in on_loop), sum(bool(run.elections) for run in elsewhere)
    yield (
        f"On the loop, {deposed} of {len(on_loop)} calls led to an election although nobody had died; in an executor "
        f"{spared} of {len(elsewhere)}."
    )
    if deposed and not spared:
        yield (
            "What must not be blocked is the thread that everybody waits for, be it an event loop or a thread's own: "
            "the cure is the same in both, and asyncio only makes the mistake easier to make."
        )
