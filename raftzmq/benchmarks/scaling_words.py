"""What the sweeps mean, in sentences made from their figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from raftzmq.benchmarks.scaling_pictures import WORDS
from raftzmq.benchmarks.scaling_study import PREDICTED, Study
from raftzmq.benchmarks.scaling_tasks import KINDS, Kind

MISFIT_BAD = 2.0
"""Times the repeats' spread: from here on a curve misses its points visibly."""
_ERRORS = 2.0
"""Standard errors: what is further off is not chance."""
_ONE_AT_A_TIME = 1.1
"""The speed-up of threads up to which they took turns."""
_NEARLY_ALL = 0.95
"""A parallel fraction from which on the rest is hardly worth mentioning."""
_FALLS_BY = 0.97
"""Less than this share of what fewer workers did is a loss, not noise."""


def findings_of(studies: Sequence[Study], lost: Mapping[Kind, Mapping[int, float]], cores: int) -> list[str]:
    """In the order in which a lecture would tell it."""
    by_name = {each.name: each for each in studies}
    found = []
    for kind in KINDS:
        if f"parallel_{kind}" in by_name:
            found.append(_parallel(by_name[f"parallel_{kind}"], kind))
    for kind in KINDS:
        if f"partly_serial_{kind}" in by_name:
            found.append(_partly_serial(by_name[f"partly_serial_{kind}"], kind))
    for kind in KINDS:
        if f"locked_counter_{kind}" in by_name:
            found.append(_locked(by_name[f"locked_counter_{kind}"], kind))
    found += [_lost(kind, shares) for kind, shares in lost.items() if shares]
    found += _predictions(studies)
    if "compute_threads" in by_name and "compute_processes" in by_name:
        found.append(_computing(by_name["compute_threads"], by_name["compute_processes"]))
    found += [_clients(each, cores) for each in studies if each.part == "clients"]
    found += [_nodes(each) for each in studies if each.part == "nodes"]
    return found + _misfits(studies)


def _parallel(study: Study, kind: Kind) -> str:
    fraction, most = study.parallel_fraction, study.workers_max
    if fraction.holds(1.0) or fraction.value >= 1:
        limit = "no serial part can be seen"
    else:
        limit = (
            f"what is left, {100 * (1 - fraction.value):.2f} % of the work that only one can do at a time (of the "
            f"interpreter, or of whoever is waited for), would end it at {study.amdahl.limit:.0f} times"
        )
    how = "almost for free" if fraction.value >= _NEARLY_ALL else "but not for free"
    return (
        f"Waiting is shared {how}: {most} {WORDS[kind]} wait {study.speed_up(most):.1f} times as fast as one, on any "
        f"number of cores. p = {fraction.value:.4f} ± {fraction.half:.4f}: {limit}."
    )


def _partly_serial(study: Study, kind: Kind) -> str:
    fraction, most = study.parallel_fraction, study.workers_max
    seen = (
        "" if study.seen is None else f" (a lone worker was outside the lock for {100 * study.seen:.1f} % of its time)"
    )
    if fraction.value < 1:
        limit = f"infinitely many {WORDS[kind]} could do 1 / (1 - p) = {study.amdahl.limit:.1f} times the work of one"
    else:
        limit = "no ceiling can be seen"
    return (
        f"A part under a lock is a ceiling: with p = {fraction.value:.3f} ± {fraction.half:.3f}{seen} {limit}; "
        f"{most} do {study.speed_up(most):.1f} times, for {most} times the workers."
    )


def _locked(study: Study, kind: Kind) -> str:
    fraction, most = study.parallel_fraction, study.workers_max
    low, high = fraction.interval
    where = f"p = {fraction.value:.4f}, 95 % interval {low:.4f} to {high:.4f}"
    if fraction.holds(0.0):
        verdict = f"its parallel fraction is zero within its uncertainty ({where})"
    else:
        verdict = f"yet its parallel fraction is not zero within its uncertainty ({where}): something else was measured"
    return (
        f"The locked counter is right after every run, and {most} {WORDS[kind]} count {study.speed_up(most):.2f} times "
        f"as fast as one: {verdict}. The interval allows for the {100 * study.blind:.2f} % of the time in which the "
        "lock was on its way from one worker to the next, for which the law has no term."
    )


def _lost(kind: Kind, shares: Mapping[int, float]) -> str:
    most = max(shares)
    text = f"Without the lock {most} {WORDS[kind]} lose {shares[most]:.1f} % of their updates"
    if not shares[most]:
        return f"{text}: chance, not safety, for nothing keeps others from reading between a reading and its writing."
    if kind == "asyncio":
        return f"{text}: every await between reading and writing lets all others read the same value."
    return f"{text}: letting go of the GIL between reading and writing lets others read the same value."


def _predictions(studies: Sequence[Study]) -> list[str]:
    told = [(each, each.prediction) for each in studies if each.prediction is not None]
    if not told:
        return []
    each, worst = max(told, key=lambda pair: abs(pair[1].error_percent))
    on = ", ".join(map(str, worst.fitted_on))
    return [
        f"A law is worth what it predicts: fitted on {on} workers, Amdahl's law told the speed of {PREDICTED} to "
        f"within {abs(worst.error_percent):.1f} % in the worst case ({each.label})."
    ]


def _computing(threads: Study, processes: Study) -> str:
    most, gain = threads.workers_max, threads.speed_ups[-1]
    text = f"On {most} cores {most} threads compute {gain.value:.2f} times as fast as one"
    if gain.value - _ERRORS * gain.error <= _ONE_AT_A_TIME:
        text += ", for one interpreter runs one of them at a time (GIL)"
    else:
        text += ", more than a GIL allows (this Python has none, or other programs had the cores meanwhile)"
    return f"{text}, and {most} processes {processes.speed_up(most):.2f} times."


def _clients(study: Study, cores: int) -> str:
    law, most = study.universal, study.workers_max
    text = f"{most} client processes get {study.speed_up(most):.1f} times the puts of one"
    if law is None:
        return f"{text}."
    sigma, kappa = law.contention, law.coherency
    text += f"; the universal law says σ = {sigma.value:.3f} ± {sigma.half:.3f} (waiting for one another)"
    text += f" and κ = {kappa.value:.4f} ± {kappa.half:.4f} (agreeing with one another)."
    if kappa.value > 0 and not kappa.holds(0.0):
        text += f" That κ is above zero: past about {law.best:.0f} clients more of them would get less."
    else:
        text += " That κ can't be told from zero: more clients need not get less, only ever less each."
    return f"{text} Nodes and clients share {cores} cores here, which is a part of σ."


def _nodes(study: Study) -> str:
    most, least = study.workers_max, min(study.samples)
    points = {point.workers: point.value for point in study.points}
    share = points[most] / points[least]
    text = (
        f"Nodes are no workers: each has to do every write, so {most} of them do {100 * share:.0f} % of the puts of "
        f"{least}, and buy safety with it"
    )
    if share > _FALLS_BY:
        return f"{text}; here that cost nothing that can be seen."
    law = study.universal
    if law is None:
        return f"{text}."
    sigma = law.contention
    return f"{text}. σ = {sigma.value:.2f} ± {sigma.half:.2f}: at 1 another node adds nothing, above 1 it takes away."


def _misfits(studies: Sequence[Study]) -> list[str]:
    bad = [each for each in studies if each.amdahl.quality.misfit > MISFIT_BAD]
    if not bad:
        return []
    names = ", ".join(f"{each.label} ({each.amdahl.quality.misfit:.1f} times)" for each in bad)
    return [
        f"Amdahl's law misses the points by clearly more than the repeats differ for: {names}. The intervals of these "
        "are made wider by that factor, and the residuals show where."
    ]
