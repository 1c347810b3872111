"""What fail-overs were like: figures, tables, charts and sentences, made from the measured outages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from typing import Final

from raftzmq.benchmarks.figures import Figures, median, milliseconds
from raftzmq.benchmarks.outage import AFTER_S, SIGNALS, WARM_S, Outage, Phases
from raftzmq.benchmarks.result import Cell, Chart, Mark, Series, Table
from raftzmq.config import DEFAULT_ELECTION_MAX_US, DEFAULT_ELECTION_MIN_US

PREFIXES: Final = {"KILL": "failover", "STOP": "failover_stop"}
"""The beginning of the names of each signal's figures."""
VERBS: Final = {"KILL": "killed", "STOP": "stopped"}
PHASES: Final = {
    "detect": "silence until the first pre-vote",
    "elect": "election",
    "commit": "first commit of the term",
    "answer": "the client finds out",
}
OVERLAID: Final = 5
"""Runs in one picture of latencies: more hide one another."""


def of(outages: Sequence[Outage], name: str) -> list[Outage]:
    """Those of one signal."""
    return [outage for outage in outages if outage.signal == name]


def phase_ms(outages: Sequence[Outage], phase: str) -> list[float]:
    """How long a phase took, in each outage for which it is known."""
    known = (getattr(outage.phases, phase) for outage in outages)
    return [milliseconds(seconds) for seconds in known if seconds is not None]


def figures_of(outages: Sequence[Outage]) -> Figures:
    """Of each signal: every sample, median, worst and best; the phases' medians; and what continued leaders did."""
    figures: Figures = {}
    for name in SIGNALS:
        some = of(outages, name)
        if not some:
            continue
        prefix, seconds = PREFIXES[name], [outage.seconds for outage in some]
        figures |= {
            f"{prefix}_median_ms": milliseconds(median(seconds)),
            f"{prefix}_worst_ms": milliseconds(max(seconds)),
            f"{prefix}_best_ms": milliseconds(min(seconds)),
            f"{prefix}_ms": [milliseconds(s) for s in seconds],
        }
        for phase in PHASES:
            if samples := phase_ms(some, phase):
                figures[f"{prefix}_{phase}_median_ms"] = round(median(samples), 3)
        terms = "terms" if name == "KILL" else "stop_terms"
        figures[terms] = [outage.terms for outage in some]
    continued = [outage.continued for outage in outages if outage.continued is not None]
    if continued:
        figures["continued_leader_reads_answered"] = sum(each.answered for each in continued)
        figures["continued_leader_reads_refused"] = sum(each.refused for each in continued)
        # One would have ended the measurement.
        figures["continued_leader_stale_reads"] = 0
        steps = [milliseconds(each.step_down) for each in continued if each.step_down is not None]
        if steps:
            figures["continued_leader_step_down_worst_ms"] = max(steps)
    return figures


def tables_of(outages: Sequence[Outage]) -> list[Table]:
    """A row for each outage, with where its time went."""
    names = [each.name for each in fields(Phases)]
    columns = ["run", "signal", "failover_ms", *(f"{name}_ms" for name in names), "pre_vote_rounds", "terms"]
    columns += ["stopped_leader_step_down_ms"]
    counts = dict.fromkeys(SIGNALS, 0)
    rows: list[list[Cell]] = []
    for outage in outages:
        counts[outage.signal] += 1
        spans = [getattr(outage.phases, name) for name in names]
        down = None if outage.continued is None else outage.continued.step_down
        rows.append(
            [
                counts[outage.signal],
                f"SIG{outage.signal}",
                milliseconds(outage.seconds),
                *(None if span is None else milliseconds(span) for span in spans),
                outage.rounds,
                outage.terms,
                None if down is None else milliseconds(down),
            ]
        )
    return [Table("fail-overs, and where the time went", columns, rows)]


def distribution(samples: Sequence[float]) -> tuple[list[float], list[float]]:
    """The empirical distribution: each sample, ascending, and the share in percent that is no larger."""
    ordered = sorted(samples)
    return ordered, [100 * (rank + 1) / len(ordered) for rank in range(len(ordered))]


def charts_of(outages: Sequence[Outage]) -> list[Chart]:
    """The distribution, the latency curve of each signal, and the phases."""
    present = [name for name in SIGNALS if of(outages, name)]
    return [
        _distribution_chart(outages, present),
        *(_latency_chart(name, of(outages, name)) for name in present),
        _phases_chart(outages, present),
    ]


def _distribution_chart(outages: Sequence[Outage], present: Sequence[str]) -> Chart:
    series = []
    for name in present:
        xs, ys = distribution([milliseconds(outage.seconds) for outage in of(outages, name)])
        label = f"leader {VERBS[name]} (SIG{name})"
        # The outline begins where both axes do, and each run is a mark on it.
        series.append(Series(f"{label}, {len(xs)} runs", xs, ys, kind="points"))
        series.append(Series(f"{label}, {len(xs)} runs: share", [0, *xs], [0, *ys], kind="steps"))
    return Chart(
        name="failover-distribution",
        title="From the signal to the first acknowledged write",
        x_label="time without an acknowledged write (ms)",
        y_label="fail-overs that took no longer (%)",
        series=series,
        kind="points",
        note="Each mark is one fail-over. The share of fail-overs that were over after some time is the height of the "
        "outline there; the median is where it crosses 50 %.",
        marks=[Mark("half of all", 50, axis="y")],
    )


def _latency_chart(name: str, outages: Sequence[Outage]) -> Chart:
    shown = outages[:OVERLAID]
    series = [
        Series(
            f"run {number + 1}",
            [milliseconds(sample.called_s) for sample in outage.samples],
            [milliseconds(sample.latency_s) for sample in outage.samples],
        )
        for number, outage in enumerate(shown)
    ]
    return Chart(
        name=f"failover-latency-{name.lower()}",
        title=f"Every write's latency while the leader is {VERBS[name]}",
        x_label=f"call of the write, after SIG{name} of the leader (ms)",
        y_label="latency of the write (ms)",
        series=series,
        kind="points",
        log_y=True,
        note=f"One put each 5 ms, from {WARM_S * 1000:g} ms before the signal to {AFTER_S * 1000:g} ms after the first "
        "acknowledgement, whether or not the puts before it were answered. What was called during the outage waits "
        "for its end: the later the call, the shorter the wait.",
        marks=[Mark(f"SIG{name}", 0)],
    )


def _phases_chart(outages: Sequence[Outage], present: Sequence[str]) -> Chart:
    series = []
    for name in present:
        samples = {text: phase_ms(of(outages, name), phase) for phase, text in PHASES.items()}
        known = {text: values for text, values in samples.items() if values}
        series.append(
            Series(
                f"SIG{name}",
                list(known),
                [median(values) for values in known.values()],
                low=[min(values) for values in known.values()],
                high=[max(values) for values in known.values()],
            )
        )
    return Chart(
        name="failover-phases",
        title="Where the time of a fail-over goes",
        x_label="phase",
        y_label="median; from the shortest to the longest (ms)",
        series=series,
        kind="bars",
        note="From the nodes' own logs and events and the client's clock, all on one machine.",
    )


def findings_of(outages: Sequence[Outage]) -> list[str]:
    """Sentences for whoever doesn't want to read tables."""
    found = []
    for name in SIGNALS:
        some = of(outages, name)
        if not some:
            continue
        seconds = [outage.seconds for outage in some]
        found.append(
            f"When the leader is {VERBS[name]}, writes succeed again after {milliseconds(median(seconds)):.0f} ms in "
            f"the median of {len(some)}, after {milliseconds(max(seconds)):.0f} ms at worst."
        )
        found += _on_phases(name, some)
    if len({outage.signal for outage in outages}) == 2:
        killed, stopped = (median([outage.seconds for outage in of(outages, name)]) for name in ("KILL", "STOP"))
        if stopped > 1.1 * killed:
            found.append(
                f"Silence is harder to notice than death: {milliseconds(stopped - killed):.0f} ms harder here. A "
                "killed process's connections close, which tells its clients at once; a stopped one keeps them open."
            )
    continued = [outage.continued for outage in outages if outage.continued is not None]
    if continued:
        found.append(_on_continued([(each.answered, each.refused, each.step_down) for each in continued]))
    return found


def _on_phases(name: str, outages: Sequence[Outage]) -> list[str]:
    medians = {phase: median(samples) for phase in PHASES if (samples := phase_ms(outages, phase))}
    if len(medians) < len(PHASES):
        return []
    low, high = DEFAULT_ELECTION_MIN_US / 1000, DEFAULT_ELECTION_MAX_US / 1000
    found = [
        f"SIG{name}: {medians['detect']:.0f} ms pass in silence before a follower doubts its leader (the first of all "
        f"election timeouts, each drawn from {low:g} to {high:g} ms after the last heartbeat: Raft §5.2), "
        f"{medians['elect']:.0f} ms in the election with its pre-vote and synced votes, {medians['commit']:.0f} ms "
        f"until the new leader commits, {medians['answer']:.0f} ms until the client has found it and is answered."
    ]
    longest = max(medians, key=lambda phase: medians[phase])
    if longest == "detect":
        found.append(
            f"So {100 * medians['detect'] / sum(medians.values()):.0f} % of it is waiting, by design: shorter "
            "election timeouts would shorten it, and take a slow disk or a busy machine for a dead leader more often."
        )
    elif longest == "answer":
        found.append("Most of it passes after there is a new leader: the client is the last to know.")
    repeated = [outage for outage in outages if outage.rounds > 1]
    if repeated:
        reasons = Counter(reason for outage in repeated for reason in outage.refusals)
        told = ", ".join(f"{count} × “{reason}”" for reason, count in reasons.most_common()) or "none was refused"
        found.append(
            f"{len(repeated)} of {len(outages)} took more than one round of pre-votes, "
            f"{milliseconds(slowest(repeated)):.0f} ms at worst; why they were refused, in the nodes' words: {told}."
        )
    return found


def slowest(outages: Sequence[Outage]) -> float:
    """The longest, in seconds."""
    return max(outage.seconds for outage in outages)


def _on_continued(each: Sequence[tuple[int, int, float | None]]) -> str:
    answered, refused = sum(a for a, _, _ in each), sum(r for _, r, _ in each)
    text = (
        f"Of {answered + refused} linearizable reads put to leaders that were stopped, replaced and continued, "
        f"{answered} were answered, every one with the newest value, and {refused} were not answered. Such a leader "
        "hears of its successor as soon as it runs, and one that didn't would have to ask a majority before it "
        "answers (ReadIndex, thesis 6.4)."
    )
    steps = [step for _, _, step in each if step is not None]
    if steps:
        text += f" Each stepped down within {milliseconds(max(steps)):.0f} ms of SIGCONT."
    return text
