"""The questions of the suite answered in a sentence or two, made from a result's figures."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from raftzmq.benchmarks.figures import Figures, number
from raftzmq.benchmarks.report_words import number_text
from raftzmq.benchmarks.result import Result


def answer_of(result: Result) -> str:
    """What the result says to its question, in short: from its figures, or if those are others, its first finding."""
    make = _ANSWERS.get(result.benchmark)
    if make is not None:
        try:
            return make(result.figures)
        except (KeyError, AssertionError):
            pass  # measured with other options, which left out a figure
    count = _peers_findings(result.figures) if result.benchmark == "peers" else 1
    return " ".join(result.findings[:count]) or result.question


def _throughput(figures: Figures) -> str:
    return (
        f"Up to {_text(figures, 'peak_operations_per_second')} calls a second, each with a result of its own, every "
        f"put synced and replicated; that was with {_text(figures, 'peak_in_flight')} in flight. "
        f"Where the sweep's factors meet there are {_text(figures, 'base_operations_per_second')}: half of them take "
        f"less than {_text(figures, 'base_latency_p50_ms')} ms, 99 of 100 less than "
        f"{_text(figures, 'base_latency_p99_ms')} ms."
    )


def _concurrency(figures: Figures) -> str:
    most = _largest(figures, "coroutines_to_threads_at_")
    ratios = [f"coroutines do {_text(figures, f'coroutines_to_threads_at_{most}')} times what threads do"]
    if f"coroutines_uvloop_to_threads_at_{most}" in figures:
        ratios.append(f"with uvloop {_text(figures, f'coroutines_uvloop_to_threads_at_{most}')} times")
    return (
        f"With {number_text(most)} in flight {', '.join(ratios)}. On a slow disk a commit on the event loop gives a "
        f"p99 of {_text(figures, 'slow_disk_coroutines_blocking_p99_ms')} ms and "
        f"{_count(figures, 'slow_disk_coroutines_blocking_elections', 'election')}; a commit beside the loop "
        f"{_text(figures, 'slow_disk_coroutines_p99_ms')} ms and "
        f"{_count(figures, 'slow_disk_coroutines_elections', 'election')}."
    )


def _amdahl(figures: Figures) -> str:
    workers, cores = _largest(figures, "parallel_asyncio_speed_up_"), _largest(figures, "compute_threads_speed_up_")
    clients = _largest(figures, "cluster_clients_speed_up_")
    return (
        f"{workers} coroutines wait {_text(figures, f'parallel_asyncio_speed_up_{workers}')} times as fast as one, but "
        f"{_text(figures, f'partly_serial_asyncio_speed_up_{workers}')} times with a part of the work under a lock and "
        f"{_text(figures, f'locked_counter_asyncio_speed_up_{workers}')} times with all of it. {cores} threads compute "
        f"{_text(figures, f'compute_threads_speed_up_{cores}')} times as fast as one (GIL), {cores} processes "
        f"{_text(figures, f'compute_processes_speed_up_{cores}')} times. {clients} client processes get "
        f"{_text(figures, f'cluster_clients_speed_up_{clients}')} times the puts of one."
    )


def _blocking(figures: Figures) -> str:
    def told(case: str) -> str:
        return (
            f"{_text(figures, f'coroutines_{case}_longest_silence_ms')} ms without a word of the leader, "
            f"{_count(figures, f'coroutines_{case}_elections', 'election')}, slowest put "
            f"{_text(figures, f'coroutines_{case}_slowest_put_ms')} ms"
        )

    return f"On the event loop: {told('loop')}. In an executor: {told('executor')}."


def _failover(figures: Figures) -> str:
    return (
        f"After SIGKILL of the leader writes succeed again within {_text(figures, 'failover_median_ms')} ms (median; "
        f"worst {_text(figures, 'failover_worst_ms')} ms), after SIGSTOP within "
        f"{_text(figures, 'failover_stop_median_ms')} ms (worst {_text(figures, 'failover_stop_worst_ms')} ms)."
    )


_ANSWERS: Mapping[str, Callable[[Figures], str]] = {
    "throughput": _throughput,
    "concurrency": _concurrency,
    "amdahl": _amdahl,
    "blocking": _blocking,
    "failover": _failover,
}
"""By benchmark; of the others the first finding is the answer, or the first ones."""


def _peers_findings(figures: Figures) -> int:
    """A sentence about every other store, tuned or not: none may be left out because it was faster. And what they
    promise."""
    return 1 + len({match[1] for name in figures if (match := re.fullmatch(r"ratio_to_(\w+)_at_\d+", name))})


def _text(figures: Figures, name: str) -> str:
    return number_text(number(figures, name), digits=3)


def _count(figures: Figures, name: str, noun: str) -> str:
    count = number(figures, name)
    return f"{'no' if count == 0 else number_text(count)} {noun}{'' if count == 1 else 's'}"


def _largest(figures: Figures, prefix: str) -> int:
    """The largest number that figures of this kind were measured at. Raises KeyError if there are none."""
    found = [int(match[1]) for name in figures if (match := re.fullmatch(re.escape(prefix) + r"(\d+)", name))]
    if not found:
        raise KeyError(prefix)
    return max(found)
