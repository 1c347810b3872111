"""The comparison of runtimes in words and figures, all made from its points."""

from __future__ import annotations

from collections.abc import Iterator

from raftzmq.benchmarks.concurrency_point import Point
from raftzmq.benchmarks.concurrency_points import Points
from raftzmq.benchmarks.contenders import BLOCKING, COROUTINES, THREADS, UVLOOP
from raftzmq.benchmarks.figures import Figures, median, milliseconds
from raftzmq.benchmarks.meter import ROLES, Role
from raftzmq.benchmarks.process_costs import KINDS, ThreadKind
from raftzmq.benchmarks.watchdog import STALL_MS

COROUTINES_BAR = 0.85
"""Of the threads' throughput: less needs an explanation."""
LITTLE = 0.1
"""A difference that isn't worth a dependency."""
SLOW_BAR = 3.0
"""How many times the p99 of coroutines that of blocking ones is on a slow disk, at least."""


def figures_of(points: Points) -> Figures:
    """The answers in numbers: against threads on a normal disk, against each other on a slow one."""
    return {**_against_threads(points), **_slow(points)}


def _against_threads(points: Points) -> Figures:
    figures: Figures = {}
    for in_flight in points.counts("normal"):
        for runtime in points.runtimes("normal"):
            samples = [round(p.puts_per_second) for p in points.at(runtime, "normal", in_flight)]
            figures[f"{_name(runtime)}_puts_per_second_at_{in_flight}"] = [float(sample) for sample in samples]
            ratio = ratio_to_threads(points, runtime, in_flight)
            if runtime != THREADS and ratio is not None:
                figures[f"{_name(runtime)}_to_threads_at_{in_flight}"] = round(ratio, 3)
    figures["elections_on_a_normal_disk"] = sum(p.elections for p in points.all if p.disk == "normal")
    return figures


def _slow(points: Points) -> Figures:
    figures: Figures = {}
    for runtime in points.runtimes("slow"):
        point = points.modest(runtime)
        if point is not None:
            name = f"slow_disk_{_name(runtime)}"
            figures[f"{name}_p50_ms"] = milliseconds(point.latency_s(50))
            figures[f"{name}_p99_ms"] = milliseconds(point.latency_s(99))
            figures[f"{name}_puts"] = len(point.latencies_s)
            figures[f"{name}_puts_without_answer"] = point.unanswered
            figures[f"{name}_elections"] = point.elections
    good, bad = points.modest(COROUTINES), points.modest(BLOCKING)
    if good and bad:
        ratio = bad.latency_s(99) / good.latency_s(99)
        figures["slow_disk_blocking_to_coroutines_p99_ratio"] = round(ratio, 2)
    return figures


def ratio_to_threads(points: Points, runtime: str, in_flight: int) -> float | None:
    """Of the medians of puts per second; None if one of the two was not measured."""
    ours = points.median(runtime, "normal", in_flight, _speed)
    theirs = points.median(THREADS, "normal", in_flight, _speed)
    return ours / theirs if ours is not None and theirs else None


def findings_of(points: Points, delay_ms: float) -> list[str]:
    """What it means, for a lecturer."""
    return [
        *_speed_findings(points),
        *_cost_findings(points),
        *_lag_findings(points),
        *_slow_findings(points, delay_ms),
        *_stalls(points),
    ]


def _speed_findings(points: Points) -> Iterator[str]:
    for in_flight in points.counts("normal"):
        for runtime in points.runtimes("normal"):
            ratio = ratio_to_threads(points, runtime, in_flight)
            if runtime != THREADS and ratio is not None:
                rounds = len(points.at(runtime, "normal", in_flight))
                speed = points.median(runtime, "normal", in_flight, _speed)
                yield (
                    f"With {in_flight} in flight, {runtime} does {speed:,.0f} puts a second, {ratio:.2f} times what "
                    f"threads do ({'one run' if rounds == 1 else f'medians of {rounds} rounds, alternating'})."
                )
    most = max(points.counts("normal"), default=0)
    ratio = ratio_to_threads(points, COROUTINES, most)
    if ratio is not None:
        yield (
            f"Coroutines reach {ratio:.0%} of the threads' throughput with {most} in flight, "
            + (
                f"at least the {COROUTINES_BAR:.0%} that were wanted."
                if ratio >= COROUTINES_BAR
                else _why(points, most)
            )
        )


def _why(points: Points, in_flight: int) -> str:
    """Where the time goes that the threads don't spend."""
    said = [f"less than the {COROUTINES_BAR:.0%} that were wanted."]
    ours, theirs = (points.whole_cost_us(name, in_flight) for name in (COROUTINES, THREADS))
    if ours and theirs:
        said.append(
            f"All processes together take {ours:.1f} µs of processor time for each put instead of {theirs:.1f}: where "
            f"processors are what there is too little of, that alone makes {theirs / ours:.0%}."
        )
    extra = [
        (ours - theirs, _whose(role, kind), ours, theirs)
        for role in ROLES
        for kind in KINDS
        if (ours := _cpu_of(points, COROUTINES, in_flight, role, kind)) is not None
        and (theirs := _cpu_of(points, THREADS, in_flight, role, kind)) is not None
    ]
    if extra:
        _, whose, ours, theirs = max(extra)
        said.append(f"The most of it is {whose}: {ours:.1f} µs instead of {theirs:.1f}.")
    return " ".join(said)


def _cpu_of(points: Points, runtime: str, in_flight: int, role: Role, kind: ThreadKind) -> float | None:
    seen = [p.spent[role, kind] for p in points.at(runtime, "normal", in_flight) if (role, kind) in p.spent]
    return median([spent.cpu_us_per_put for spent in seen]) if seen else None


def _cost_findings(points: Points) -> Iterator[str]:
    most = max(points.counts("normal"), default=0)
    for runtime in points.runtimes("normal"):
        busiest = points.busiest(runtime, most)
        seen = points.at(runtime, "normal", most)
        if busiest is None:
            continue
        cpu = median([_cpu(p, "leader") for p in seen])
        switches = median([p.cost("leader", lambda s: s.voluntary_per_put + s.involuntary_per_put) for p in seen])
        yield (
            f"{runtime} with {most} in flight: the leader takes {cpu:.1f} µs of processor time and {switches:.2f} "
            f"context switches for each put; busiest is {_whose(busiest.role, busiest.threads)}, at {busiest.busy:.0%} "
            f"of a processor."
        )
    if UVLOOP in points.runtimes("normal") and COROUTINES in points.runtimes("normal"):
        plain, fast = (points.median(name, "normal", most, _speed) for name in (COROUTINES, UVLOOP))
        if plain and fast:
            change = fast / plain - 1
            little = "; sockets are drained in bulk, so the event loop itself is a small part of the work"
            yield (
                f"uvloop in the place of asyncio's own loop changes the throughput by {change:+.0%}"
                f"{little if abs(change) <= LITTLE else ''}."
            )


def _lag_findings(points: Points) -> Iterator[str]:
    most = max(points.counts("normal"), default=0)
    good, bad = (points.median(name, "normal", most, lambda p: p.lag_s(99)) for name in (COROUTINES, BLOCKING))
    if good and bad:
        yield (
            f"On a normal disk with {most} in flight, one question in a hundred waits {milliseconds(bad):.1f} ms for a "
            f"loop that commits by itself, {milliseconds(good):.1f} ms for one that has it done elsewhere."
        )


def _slow_findings(points: Points, delay_ms: float) -> Iterator[str]:
    for runtime in points.runtimes("slow"):
        point = points.modest(runtime)
        if point is not None:
            puts = f"{_many(point.unanswered, 'put')} of {len(point.latencies_s):,} without an answer"
            yield (
                f"Slow disk ({delay_ms:g} ms more for each sync), {runtime}, {point.in_flight} in flight: "
                f"p99 {_ms(point.latency_s(99))}, {_many(point.elections, 'election')}, {puts}; a node's loop was "
                f"{_ms(point.lag_s(99))} late at p99."
            )
    good, bad = points.modest(COROUTINES), points.modest(BLOCKING)
    if good is None or bad is None:
        return
    ratio = bad.latency_s(99) / good.latency_s(99)
    if ratio >= SLOW_BAR and bad.elections > 0 == good.elections:
        yield (
            f"A commit on the event loop costs {ratio:.1f} times the p99, and leaders that did nothing wrong are "
            f"challenged by {_many(bad.elections, 'election')}: while a loop waits for its disk it sends no heartbeat, "
            "and a follower cannot tell a leader that waits from one that died. With the same disk and the commits "
            "elsewhere there is no election."
        )
    else:
        yield (
            f"Expected were a p99 {SLOW_BAR:g} times as long and elections only with commits on the event loop; it was "
            f"{ratio:.1f} times, with {_many(bad.elections, 'election')} there and {_many(good.elections, 'election')} "
            "with commits elsewhere. Whether an election is won depends on who waits when: more rounds tell."
        )


def _stalls(points: Points) -> Iterator[str]:
    stalled = [point for point in points.all if point.stall_ms > STALL_MS]
    if stalled:
        yield (
            f"In {len(stalled)} of {len(points.all)} runs the whole machine stood still for over {STALL_MS:g} ms (at "
            f"most {max(point.stall_ms for point in stalled):,.0f} ms): elections there may be its doing, and not the "
            "runtime's."
        )


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:,.0f} ms"


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count or 'no'} {what}s"


def _whose(role: str, kind: str) -> str:
    threads = {"loop": "loop thread", "zmq": "ZeroMQ threads", "workers": "other threads"}[kind]
    return f"the {role}'s {threads}" if role != "follower" else f"a follower's {threads}"


def _name(runtime: str) -> str:
    """As in names of figures."""
    return runtime.replace("-", "_").replace("+", "_")


def _speed(point: Point) -> float:
    return point.puts_per_second


def _cpu(point: Point, role: Role) -> float:
    return point.cost(role, lambda spent: spent.cpu_us_per_put)
