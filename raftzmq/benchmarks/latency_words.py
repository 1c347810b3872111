"""What the figures of a study of latency mean, in sentences that are made from them."""

from __future__ import annotations

from raftzmq.benchmarks.figures import number
from raftzmq.benchmarks.latency_study import Study

_BENT = 2.0
"""The hockey stick is bent where p99 is so many times that at the lowest rate."""
_TOLD_APART = 1.2
_ASKED = (50, 90, 99)


def findings(study: Study) -> list[str]:
    """At rest, at load, where the bend is, and what closed loops miss."""
    found = [_at_rest(study)]
    if study.opened:
        found += [_bend(study), _omitted(study)]
        found += _overload(study)
    return [*found, _steadiness(study)]


def _at_rest(study: Study) -> str:
    few, peak = min(study.closed, key=lambda loop: loop.in_flight), study.peak
    return (
        f"With {few.in_flight} in flight the median call takes {few.latency.percentile_ms(50):.2f} ms and one in a "
        f"hundred more than {few.latency.percentile_ms(99):.2f} ms; with {peak.in_flight}, at {peak.rate:,.0f} per "
        f"second, {peak.latency.percentile_ms(50):.1f} ms and {peak.latency.percentile_ms(99):.1f} ms."
    )


def _bend(study: Study) -> str:
    lowest = study.opened[0]
    calm = lowest.true.percentile_ms(99)
    bent = [loop for loop in study.opened[1:] if loop.true.percentile_ms(99) > _BENT * calm]
    if not bent:
        last = study.opened[-1]
        return (
            f"Up to {last.share:.0%} of the peak p99 stays below twice what it is at {lowest.share:.0%} "
            f"({calm:.1f} ms; at the end {last.true.percentile_ms(99):.1f} ms)."
        )
    where = " and ".join(f"{loop.share:.0%} ({loop.true.percentile_ms(99):.1f} ms)" for loop in bent)
    return (
        f"p99 is {calm:.1f} ms at {lowest.share:.0%} of the peak, and more than twice that at {where}: who wants short "
        "waits must leave some of the capacity idle."
    )


def _omitted(study: Study) -> str:
    hidden, percent, worst = max(
        (
            (loop.true.percentile_ms(percent) / max(loop.told.percentile_ms(percent), 0.001), percent, loop)
            for loop in study.opened
            for percent in _ASKED
        ),
        key=lambda found: found[0],
    )
    if hidden < _TOLD_APART:
        return (
            "Counted from the call instead of from when it was due, median, p90 and p99 differ by less than "
            f"{_TOLD_APART - 1:.0%} at every rate: calls were made on time, and counting so hides nothing here."
        )
    name = "the median" if percent == 50 else f"p{percent:g}"
    return (
        f"At {worst.share:.0%} of the peak {name} is {worst.true.percentile_ms(percent):.1f} ms from when a call was "
        f"due, and {worst.told.percentile_ms(percent):.1f} ms if it is counted from the call, as a closed loop does: "
        f"{hidden:.1f} times as much was waited as is told."
    )


def _overload(study: Study) -> list[str]:
    lost = [loop for loop in study.opened if not loop.kept_up]
    return [
        f"At {loop.share:.0%} of the peak {loop.offered:,.0f} calls came per second and {loop.answered:,.0f} were "
        "answered: the line grew as long as the run lasted, and its latencies tell how long that was."
        for loop in lost
    ]


def _steadiness(study: Study) -> str:
    elections = sum(int(number(figures, "elections")) for figures in study.figures)
    stalled = sum(number(figures, "machine_stalls") > 0 for figures in study.figures)
    return (
        f"In {len(study.figures)} runs there were {elections or 'no'} elections, and {stalled or 'none'} of the runs "
        "saw the whole machine stall for over 100 ms."
    )
