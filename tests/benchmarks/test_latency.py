"""Schedules, histograms and what is made of them; and that waiting in line is counted, with real nodes."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from array import array
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hdrh.histogram import HdrHistogram

from raftzmq.benchmarks.arrivals import arrivals
from raftzmq.benchmarks.driver import Driver
from raftzmq.benchmarks.latency import latency
from raftzmq.benchmarks.latency_histogram import LatencyHistogram, write_histograms
from raftzmq.benchmarks.latency_result import latency_result
from raftzmq.benchmarks.latency_study import FULL, QUICK, ClosedLoop, OpenLoop, Study
from raftzmq.benchmarks.open_calls import LoopClock, OpenCalls, ThreadClock, precise_loop
from raftzmq.benchmarks.plan import Plan
from raftzmq.benchmarks.record import UNKNOWN
from raftzmq.client.results import PutResult
from raftzmq.errors import OutcomeUnknown
from tests.benchmarks.test_programs import bench

STALL_S = 0.3
"""Long against the ten milliseconds in which all calls are due."""


def test_arrivals_have_their_rate_and_the_gaps_of_a_poisson_process() -> None:
    times = arrivals(1000.0, 20_000, "seed")
    gaps = sorted(b - a for a, b in zip([0.0, *times], times, strict=False))
    assert times[-1] == pytest.approx(20.0, rel=0.05)
    assert gaps[0] >= 0
    # Of the exponential distribution: the median is ln 2 of the mean, and 1 in e is longer than the mean.
    assert gaps[10_000] == pytest.approx(0.000_693, rel=0.05)
    assert sum(gap > 0.001 for gap in gaps) == pytest.approx(20_000 / 2.71828, rel=0.05)


def test_the_same_seed_gives_the_same_arrivals_and_clients_differ() -> None:
    assert arrivals(10.0, 50, "1 0") == arrivals(10.0, 50, "1 0") != arrivals(10.0, 50, "1 1")


def test_histograms_keep_three_digits() -> None:
    histogram = LatencyHistogram(number / 10_000 for number in range(1, 10_001))
    assert histogram.count == 10_000
    assert histogram.percentile_ms(50) == pytest.approx(500, rel=0.002)
    assert histogram.percentile_ms(99.99) == pytest.approx(999.9, rel=0.002)
    assert histogram.max_ms == pytest.approx(1000, rel=0.002)


def test_processes_are_added_up_before_percentiles_are_asked_for() -> None:
    fast, slow = [0.001] * 990, [0.100] * 10
    assert LatencyHistogram.merged([fast, slow]).percentile_ms(50) == pytest.approx(1, rel=0.002)
    assert LatencyHistogram.merged([fast, slow]).percentile_ms(99.5) == pytest.approx(100, rel=0.002)


def test_what_is_out_of_range_counts_at_its_end() -> None:
    histogram = LatencyHistogram([0.0, 1e9])
    assert histogram.count == 2
    assert histogram.percentile_ms(10) == 0.001
    assert histogram.max_ms == pytest.approx(60_000, rel=0.002)


def test_nothing_has_no_latency_and_no_curve() -> None:
    assert (LatencyHistogram().percentile_ms(99), LatencyHistogram().max_ms) == (0.0, 0.0)
    assert LatencyHistogram().curve() == ([], [])


def test_a_curve_rises_from_the_shortest_to_the_longest() -> None:
    xs, ys = LatencyHistogram(number / 1000 for number in range(1, 1001)).curve()
    assert xs[0] == 1
    assert xs == sorted(xs)
    assert ys == sorted(ys)
    assert xs[-1] == 1000
    assert ys[-1] == pytest.approx(1000, rel=0.002)
    at_90 = min(range(len(xs)), key=lambda place: abs(xs[place] - 10))
    assert ys[at_90] == pytest.approx(900, rel=0.02)


def test_histograms_are_written_as_other_programs_read_them(tmp_path: Path) -> None:
    histogram = LatencyHistogram([0.001, 0.002, 0.004])
    (log,) = write_histograms({"one": histogram, "two": histogram}, tmp_path / "all.hlog")
    rows = [line.split(",") for line in log.read_text().splitlines() if line.startswith("Tag=")]
    assert [row[0] for row in rows] == ["Tag=one", "Tag=two"]
    read = HdrHistogram.decode(rows[0][-1])
    assert (read.get_total_count(), read.get_max_value()) == (3, 4001)
    (text,) = write_histograms({"one": histogram}, tmp_path / "all.hgrm")
    assert text.name == "all-one.hgrm"
    assert text.read_text().splitlines()[0].split() == ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"]


class Store:
    """Answers a put at once, but fails the fourth, and answers the third when number ``release_at`` is asked for.

    With 0 it is answered by ``later(release)``.
    """

    def __init__(self, make: Callable[[], Any], later: Callable[[Callable[[], None]], Any], release_at: int) -> None:
        self._make = make
        self._later = later
        self._release_at = release_at
        self._kept: Any = None
        self.asked = 0
        self.released = 0.0

    def put(self, key: bytes, value: bytes) -> Any:
        """As a client's."""
        self.asked += 1
        future = self._make()
        if self.asked == 3:
            self._kept = future
            if not self._release_at:
                self._later(self.release)
        elif self.asked == 4:
            future.set_exception(OutcomeUnknown("who knows?"))
        else:
            future.set_result(PutResult(self.asked))
        if self.asked == self._release_at:
            self.release()
        return future

    def release(self) -> None:
        """Answer the third put."""
        self.released = time.monotonic()
        self._kept.set_result(PutResult(3))


def driven(client: str, in_flight: int, release_at: int = 0) -> tuple[Driver, Store, OpenCalls]:
    """Ten calls that are due within 10 ms; without ``release_at`` the third takes `STALL_S`."""
    driver = Driver(Plan(0, (), 10, in_flight, 16, 100, 1, rate=1000.0), array("Q", [0]))

    def no_get(key: bytes) -> Any:
        raise AssertionError("there are no gets in this plan")

    if client == "sync":
        store = Store(Future, lambda work: threading.Timer(STALL_S, work).start(), release_at)
        calls = OpenCalls(driver, store.put, no_get)
        ThreadClock(calls, in_flight).run()
        return driver, store, calls

    async def run() -> tuple[Store, OpenCalls]:
        loop = asyncio.get_running_loop()
        store = Store(loop.create_future, lambda work: loop.call_later(STALL_S, work), release_at)
        calls = OpenCalls(driver, store.put, no_get)
        await LoopClock(calls).run()
        return store, calls

    with asyncio.Runner(loop_factory=precise_loop) as runner:
        return driver, *runner.run(run())


@pytest.mark.parametrize("client", ["asyncio", "sync"])
def test_who_stands_in_line_is_counted_from_when_he_was_due(client: str) -> None:
    driver, store, calls = driven(client, in_flight=1)
    record = driver.record
    assert record.failures == {"outcome_unknown": 1}
    assert record.revisions[4] == UNKNOWN
    told, true, due = list(record.latencies), list(record.response_times), arrivals(1000.0, 10, "1 0")
    del true[3]  # of the call that failed, whose user waited too
    assert len(told) == len(true) == 9
    for place in range(4, 10):  # behind the slow one
        in_line = store.released - (calls.begun + due[place])
        assert in_line > 0
        assert true[place - 1] - told[place - 1] >= in_line


@pytest.mark.parametrize("client", ["asyncio", "sync"])
def test_nobody_stands_in_line_while_there_is_room(client: str) -> None:
    driver, store, _ = driven(client, in_flight=10, release_at=10)
    assert store.asked == 10  # all of them while the third was not answered
    assert len(driver.record.response_times) == 10


@pytest.mark.parametrize("client", ["asyncio", "sync"])
def test_no_call_is_made_before_it_is_due(client: str) -> None:
    driver, _, calls = driven(client, in_flight=10, release_at=10)
    assert time.monotonic() >= calls.begun + arrivals(1000.0, 10, "1 0")[-1]
    assert min(driver.record.response_times) >= 0
    assert sum(driver.record.response_times) >= sum(driver.record.latencies)


def study(true_ms: float, told_ms: float, answered: float) -> Study:
    """At 20 % of the peak a call takes 2 ms; at 95 % as given."""
    figures: Any = {"failed": 0, "elections": 0, "machine_stalls": 0, "machine_stall_max_ms": 1.0, "elapsed_s": 10.0}

    def constant(milliseconds: float) -> LatencyHistogram:
        return LatencyHistogram([milliseconds / 1000] * 100)

    closed = [ClosedLoop(1, 400.0, constant(2.5), figures), ClosedLoop(1000, 40_000.0, constant(25), figures)]
    opened = [
        OpenLoop(0.2, 8000.0, 8000.0, constant(2), constant(2), figures),
        OpenLoop(0.95, 38_000.0, answered, constant(told_ms), constant(true_ms), figures),
    ]
    return Study(QUICK, closed, opened)


def test_words_tell_of_the_bend_the_line_and_what_was_omitted() -> None:
    said = " ".join(latency_result(study(true_ms=900, told_ms=30, answered=30_000)).findings)
    assert "more than twice that at 95% (900" in said
    assert "30.0 times as much was waited as is told" in said
    assert "38,000 calls came per second and 30,000 were answered" in said
    assert "with 1000, at 40,000 per second, 25.0 ms" in said


def test_words_claim_nothing_that_was_not_seen() -> None:
    said = " ".join(latency_result(study(true_ms=3, told_ms=3, answered=38_000)).findings)
    assert "stays below twice" in said
    assert "hides nothing here" in said
    assert "the line grew" not in said
    assert "no elections" in said


def test_charts_have_a_mark_at_the_peak_and_both_ways_to_count() -> None:
    charts = {chart.name: chart for chart in latency_result(study(900, 30, 38_000)).charts}
    assert charts["latency_over_rate"].marks[0].at == 40_000
    assert [series.y[-1] for series in charts["latency_over_rate"].series] == pytest.approx(
        [900, 900, 900, 30], rel=0.01
    )
    assert len(charts["latency_coordinated_omission"].series) == 2
    assert len(charts["latency_percentiles_open"].series) == 2


def test_the_rates_of_the_full_study_fill_its_charts() -> None:
    assert QUICK.runs == 7
    assert FULL.runs == 10
    assert FULL.open_point(100.0).operations == 1500


@pytest.mark.parametrize("rates", ["80,50", "0", "fast", "50,50"])
def test_rates_ascend(rates: str) -> None:
    done = CliRunner().invoke(latency, ["--rates", rates])
    assert done.exit_code == 2
    assert "--rates" in done.output


@pytest.mark.live
@pytest.mark.parametrize("client", ["asyncio", "sync"])
def test_latency_is_measured_both_ways(tmp_path: Path, client: str) -> None:
    file = tmp_path / "all.hlog"
    options = ("--closed", "2,16", "--rates", "50", "--seconds", "0.5", "--clients", "2", "--client", client)
    done = bench("latency", *options, "--json", "--histogram", str(file), "--read-share", "0.5", "--keys", "100")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["peak_operations_per_second"] > 0
    assert found["open_50_percent_p99_ms"] >= found["open_50_percent_p50_ms"] > 0
    assert found["failed"] == 0
    closed, opened = found["tables"].values()
    assert [row["in_flight"] for row in closed] == [2, 16]
    assert [row["counted_from"] for row in opened] == ["when due", "the call"]
    assert opened[0]["max_ms"] >= opened[1]["max_ms"]
    assert file.read_text().count("Tag=") == 4
