"""What a sweep's figures mean, said in sentences that are made from them."""

from __future__ import annotations

import os
from itertools import pairwise

from raftzmq.benchmarks.factor import Factor, Level
from raftzmq.benchmarks.figures import Figures, number
from raftzmq.benchmarks.sweep import Samples, Sweep, median_rate, middle

_FLAT = 1.1
"""A step of a factor that brings less than this brings nothing worth waiting for."""

Runs = dict[Level, list[Figures]]


def findings(sweep: Sweep, samples: Samples) -> list[str]:
    """A sentence or two for each factor, and whether the cluster kept its leader."""
    base = sweep.base_point()
    words = {
        "in_flight": _in_flight,
        "value_size": _value_size,
        "nodes": _nodes,
        "read_share": _read_share,
        "client": _client,
    }
    found = []
    for factor in sweep.factors:
        runs = _by_level(factor, sweep, samples)
        if len(runs) > 1:
            found += words[factor.field](runs, getattr(base, factor.field))
    return [*found, _steadiness(samples)]


def _by_level(factor: Factor, sweep: Sweep, samples: Samples) -> Runs:
    points = factor.points(sweep.base_point())
    return {level: samples[point] for level, point in zip(factor.levels, points, strict=True)}


def _in_flight(runs: Runs, base: Level) -> list[str]:
    few, many = min(runs, key=float), max(runs, key=float)
    peak = max(runs, key=lambda level: median_rate(runs[level]))
    gain = median_rate(runs[peak]) / median_rate(runs[few])
    shared = " Calls that wait together share one message, one log entry and one sync of the disk." if gain > 2 else ""
    found = [
        f"With {peak} calls in flight instead of {few} the cluster does {gain:.1f} times as much "
        f"({_rate(runs[peak])} instead of {_rate(runs[few])} per second), and the median call takes "
        f"{_p50(runs[peak])} instead of {_p50(runs[few])}.{shared}"
    ]
    flat = _first_flat(runs)
    if flat is not None:
        little = 1000 * float(many) / median_rate(runs[many])
        found.append(
            f"From {flat} calls in flight on, more of them bring less than a tenth at each step; they wait for one "
            f"another: the median call takes {_p50(runs[flat])} at {flat} and {_p50(runs[many])} at {many}. By "
            f"Little's law the mean must be calls in flight over throughput, which at {many} is {little:.1f} ms."
        )
    return found


def _first_flat(runs: Runs) -> Level | None:
    """From where on no step brings anything any more."""
    levels = sorted(runs, key=float)
    flat = None
    for lower, upper in reversed(list(pairwise(levels))):
        if median_rate(runs[upper]) > _FLAT * median_rate(runs[lower]):
            break
        flat = lower
    return flat


def _value_size(runs: Runs, base: Level) -> list[str]:
    small, large = min(runs, key=float), max(runs, key=float)
    least, most = (middle(runs[level], "megabytes_per_second") for level in (small, large))
    found = [
        f"Values of {large} bytes instead of {small} leave {_part(runs[large], runs[small])} of the calls, and carry "
        f"{most:.3g} MB/s instead of {least:.2g}."
    ]
    cheap = max((size for size in runs if median_rate(runs[size]) >= 0.8 * median_rate(runs[small])), key=float)
    if cheap != small:
        found.append(
            f"Up to {cheap} bytes the size costs less than a fifth of the calls: what is dear in Python is a command, "
            "not its bytes."
        )
    return found


def _nodes(runs: Runs, base: Level) -> list[str]:
    reference = base if base in runs else min(runs, key=float)
    others = [level for level in sorted(runs, key=float) if level != reference]
    parts = [
        f"{level} {'does' if level == 1 else 'do'} {_part(runs[level], runs[reference])} (p99 "
        f"{middle(runs[level], 'latency_p99_ms'):.1f} ms)"
        for level in others
    ]
    return [
        f"Of what {reference} nodes do (p99 {middle(runs[reference], 'latency_p99_ms'):.1f} ms), {_listed(parts)}. "
        f"All nodes share {os.cpu_count()} processors and a disk here; on machines of their own they would not."
    ]


def _read_share(runs: Runs, base: Level) -> list[str]:
    few, many = min(runs, key=float), max(runs, key=float)
    ratio = median_rate(runs[many]) / median_rate(runs[few])
    why = " A get waits for a round of heartbeats that proves who leads, but for no disk." if ratio > 1 else ""
    return [
        f"With {float(many):.0%} linearizable gets there are {ratio:.2f} times as many calls as with {float(few):.0%} "
        f"({_rate(runs[many])} instead of {_rate(runs[few])} per second), and the median call takes {_p50(runs[many])} "
        f"instead of {_p50(runs[few])}.{why}"
    ]


def _client(runs: Runs, base: Level) -> list[str]:
    if "sync" not in runs or "asyncio" not in runs:
        return []
    slower = median_rate(runs["sync"]) < median_rate(runs["asyncio"])
    why = ": its caller and its sockets live in two threads that take turns with the GIL" if slower else ""
    return [f"The client for threads does {_part(runs['sync'], runs['asyncio'])} of what the asyncio client does{why}."]


def _steadiness(samples: Samples) -> str:
    every = [figures for runs in samples.values() for figures in runs]
    elections = sum(int(number(figures, "elections")) for figures in every)
    stalled = sum(number(figures, "machine_stalls") > 0 for figures in every)
    watched = f"the watchdog saw the machine stall in {stalled} of them" if stalled else "the machine never stalled"
    if not elections:
        return f"No leader was lost in {len(every)} runs; {watched}."
    innocent = sum(number(f, "elections") > 0 and number(f, "machine_stalls") == 0 for f in every)
    return (
        f"There were {elections} elections in {len(every)} runs, {innocent} of these runs without a stall of the whole "
        f"machine ({watched})."
    )


def _rate(runs: list[Figures]) -> str:
    return f"{median_rate(runs):,.0f}"


def _p50(runs: list[Figures]) -> str:
    return f"{middle(runs, 'latency_p50_ms'):.1f} ms"


def _part(runs: list[Figures], of: list[Figures]) -> str:
    return f"{median_rate(runs) / median_rate(of):.0%}"


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
