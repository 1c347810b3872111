"""Figures as the report says them: answers to its questions, names with units, numbers and durations."""

from __future__ import annotations

import re

import pytest

from raftzmq.benchmarks.figures import Figures
from raftzmq.benchmarks.report_answers import answer_of
from raftzmq.benchmarks.report_words import duration_text, figure_text, heading, number_text
from raftzmq.benchmarks.result import Result


@pytest.mark.parametrize(
    ("benchmark", "figures", "answer"),
    [
        (
            "throughput",
            {
                "peak_operations_per_second": 61_234,
                "peak_in_flight": 1000,
                "base_operations_per_second": 20_000,
                "base_latency_p50_ms": 3.0,
                "base_latency_p99_ms": 9.5,
            },
            r"^Up to 61,234 calls a second, .* with 1,000 in flight\. .* 20,000: .* 3 ms, .* 9\.5 ms\.$",
        ),
        (
            "concurrency",
            {
                "coroutines_to_threads_at_64": 0.5,
                "coroutines_to_threads_at_1000": 0.9,
                "coroutines_uvloop_to_threads_at_1000": 0.95,
                "slow_disk_coroutines_blocking_p99_ms": 5000.0,
                "slow_disk_coroutines_blocking_elections": 1,
                "slow_disk_coroutines_p99_ms": 700.0,
                "slow_disk_coroutines_elections": 0,
            },
            r"^With 1,000 in flight .* do 0\.9 times .* uvloop 0\.95 .* 5,000 ms and 1 election; .* 700 ms and n",
        ),
        (
            "amdahl",
            {
                "parallel_asyncio_speed_up_16": 15.0,
                "partly_serial_asyncio_speed_up_16": 4.0,
                "locked_counter_asyncio_speed_up_16": 1.0,
                "compute_threads_speed_up_2": 0.9,
                "compute_processes_speed_up_2": 1.8,
                "cluster_clients_speed_up_8": 2.5,
            },
            r"^16 coroutines wait 15 times .* 4 times .* 1 times .* 2 threads .* 0\.9 .* 1\.8 times\. 8 .* 2\.5",
        ),
        (
            "blocking",
            {
                f"coroutines_{case}_{name}": value
                for case in ("loop", "executor")
                for name, value in (("longest_silence_ms", 210.0), ("elections", 2), ("slowest_put_ms", 509.0))
            },
            r"^On the event loop: 210 ms .* 2 elections, slowest put 509 ms\. In an executor: 210 ms",
        ),
        (
            "failover",
            {
                "failover_median_ms": 290.0,
                "failover_worst_ms": 406.0,
                "failover_stop_median_ms": 560.0,
                "failover_stop_worst_ms": 963.0,
            },
            r"^After SIGKILL .* 290 ms \(median; worst 406 ms\), after SIGSTOP within 560 ms \(worst 963 ms\)\.$",
        ),
        ("latency", {}, r"^It takes a while\.$"),
        ("peers", {"ratio_to_one_at_1": 2.0, "ratio_to_one_at_64": 0.9}, r"^It takes a while\. More\.$"),
        ("throughput", {}, "^It takes a while"),
        ("concurrency", {"coroutines_to_threads_at_64": 0.5}, "^It takes a while"),
    ],
)
def test_an_answer_is_made_from_figures_or_is_the_first_finding(benchmark: str, figures: Figures, answer: str) -> None:
    result = Result(benchmark, "?", {}, figures, [], [], ["It takes a while.", "More."])
    assert re.search(answer, answer_of(result))


def test_names_end_in_their_unit() -> None:
    assert heading("latency_p99_ms") == ("latency p99", "ms")
    assert heading("puts_per_second") == ("puts", "per second")
    assert heading("value_size_bytes") == ("value size", "bytes")
    assert heading("runs") == ("runs", "")
    assert heading("p9999_ms") == ("p99.99", "ms")
    assert heading("lmdb_commit_p50_ms") == ("LMDB commit median", "ms")


@pytest.mark.parametrize(
    ("number", "text"),
    [(61_234, "61,234"), (61_234.5, "61,234"), (23.4412, "23.44"), (0.00012345, "0.00012"), (0.0, "0"), (3, "3")],
)
def test_numbers_have_as_many_digits_as_were_measured(number: float, text: str) -> None:
    assert number_text(number) == text
    assert figure_text([number, 1]) == f"{text}  1"


def test_durations_are_rounded() -> None:
    assert [duration_text(seconds) for seconds in (4.2, 89, 300)] == ["4 s", "89 s", "5 min"]
