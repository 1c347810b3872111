"""A benchmark as a program: it ends in order, leaves nothing, and says in one sentence why it could not go on."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from raftzmq.benchmarks.local_cluster import ClusterFailed, LocalCluster
from raftzmq.benchmarks.program import MeasurementImpossible, ending_in_order, undisturbed
from tests.benchmarks.test_programs import ENVIRONMENT, ROOT, bench
from tests.signals import handled

RECORDING = ("--events", "600", "--seeks", "2")
"""The quickest of all measurements: no cluster."""


def signals(*numbers: signal.Signals) -> None:
    """Send them to this process."""
    for number in numbers:
        os.kill(os.getpid(), number)


@contextmanager
def cleaning(notes: list[str], *meanwhile: signal.Signals) -> Iterator[None]:
    """What a benchmark cleans up, with signals that come meanwhile."""
    try:
        yield
    finally:
        signals(*meanwhile)
        notes.append("cleaned")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_leaves_through_what_cleans_up_and_says_so(
    number: signal.Signals, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    notes: list[str] = []
    with handled(number, signal.SIG_DFL), pytest.raises(SystemExit) as left, ending_in_order(), cleaning(notes):
        signals(number)
    assert left.value.code == code
    assert notes == ["cleaned"]
    assert capsys.readouterr().err == f"interrupted by {number.name}\n"


def test_a_second_interruption_does_not_disturb_the_cleaning_up() -> None:
    notes: list[str] = []
    with pytest.raises(KeyboardInterrupt), ending_in_order(), cleaning(notes, signal.SIGINT, signal.SIGTERM):
        signals(signal.SIGINT)
    assert notes == ["cleaned"]


def test_an_interruption_waits_until_a_start_is_noted() -> None:
    notes: list[str] = []

    def start() -> None:
        with undisturbed():
            signals(signal.SIGINT)
            notes.append("noted")
        notes.append("went on")

    with pytest.raises(KeyboardInterrupt), ending_in_order():
        start()
    assert notes == ["noted"]


def test_an_interruption_waits_for_another_thread_too() -> None:
    begun, go_on = threading.Event(), threading.Event()
    notes: list[str] = []

    def start() -> None:
        with undisturbed():
            begun.set()
            go_on.wait(30)
            notes.append("noted")

    def interrupted() -> None:
        thread = threading.Thread(target=start)
        thread.start()
        begun.wait(30)
        signals(signal.SIGINT)
        notes.append("not yet")
        go_on.set()
        thread.join(30)

    with pytest.raises(KeyboardInterrupt), ending_in_order():
        interrupted()
    assert notes == ["not yet", "noted"]


def test_a_signal_that_was_ignored_from_the_beginning_stays_ignored() -> None:
    with handled(signal.SIGHUP, signal.SIG_IGN), ending_in_order():
        signals(signal.SIGHUP)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_event_loop_is_left_by_cancelling_its_tasks(number: signal.Signals) -> None:
    cancelled = []

    async def work(name: str) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(name)
            raise

    async def main() -> None:
        other = asyncio.create_task(work("other"))
        asyncio.get_running_loop().call_soon(signals, number)
        await work("main")
        await other

    with pytest.raises((KeyboardInterrupt, SystemExit)), ending_in_order():
        asyncio.run(main())
    assert sorted(cancelled) == ["main", "other"]


def test_what_the_system_refuses_is_told_in_a_sentence() -> None:
    told = r"No space left on device \(/there\); with --directory"
    with pytest.raises(MeasurementImpossible, match=told), ending_in_order():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/there")


def test_of_a_group_of_errors_the_first_of_ours_is_told() -> None:
    with pytest.raises(ClusterFailed, match="n1 ended"), ending_in_order():
        raise ExceptionGroup("tasks", [ValueError("?"), ExceptionGroup("more", [ClusterFailed("n1 ended")])])
    with pytest.raises(ExceptionGroup, match="tasks"), ending_in_order():
        raise ExceptionGroup("tasks", [ValueError("a bug of ours stays one")])


def test_a_cluster_without_a_place_says_where_it_wanted_one(tmp_path: Path) -> None:
    with pytest.raises(ClusterFailed, match=f"{tmp_path}/gone .*--directory"):
        LocalCluster(1, tmp_path / "gone")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("throughput --seconds nan", "--seconds"),
        ("throughput --seconds inf", "--seconds"),
        ("throughput --read-share nan", "--read-share"),
        ("throughput --operations 1000000000000", "--operations"),
        ("throughput --in-flight 1000000000", "--in-flight"),
        ("throughput --clients 1000 --in-flight 1000", "--clients"),
        ("throughput --pairs 2", "--against"),
        ("throughput --quick --operations 5", "--seconds"),
        ("throughput --charts /dev/null", "--charts"),
        ("latency --rates nan", "--rates"),
        ("latency --rates inf", "--rates"),
        ("latency --rates 20,nan,50", "--rates"),
        ("latency --seconds nan", "--seconds"),
        ("latency --histogram figures.txt", "FILE.hgrm"),
        ("amdahl --wait-ms nan", "--wait-ms"),
        ("blocking --seconds nan", "--seconds"),
        ("concurrency --sync-delay-ms nan", "--sync-delay-ms"),
        ("events --for-s nan", "--for-s"),
        ("linearizability --rate nan", "--rate"),
        ("page --seconds inf", "--seconds"),
        ("peers --seconds nan", "--seconds"),
        ("recovery --window nan", "--window"),
        ("report --out /dev/null/report", "--out"),
        ("strangers --every nan", "--every"),
        ("throughput --against README.md --seconds 1", "use --operations instead"),
        ("concurrency --disk slow --in-flight 8", "leave it out, or see --modest"),
        ("concurrency --disk slow --clients 2 --profile", "--clients, --profile: leave them out"),
        ("concurrency --disk normal --modest 8 --timeout 1", "has no use for --modest, --timeout"),
        ("amdahl --part tasks --clients 1,2 --seconds 1", "has no use for --clients, --seconds"),
        ("amdahl --part cores --workers 1,2", "has no use for --workers"),
        ("events --part cost --rate 1000", "--part cost has no use for --rate"),
        ("events --part collector --pairs 2", "--part collector has no use for --pairs"),
        ("events --subscriber everything --rest-s 1", "has no use for --rest-s"),
        ("bars --only no-election --pairs 2", "--only no-election has no use for --pairs"),
        ("bars --only sync --against README.md", "--only sync has no use for --against"),
        ("bars --only sync --long", "has no use for --long"),
        ("recordings --events 100000000000000000000", "--events"),
        ("failover --directory=", "a path is not empty; the current directory is '.'"),
        ("page --rate 1e3", "--rate"),
    ],
)
def test_what_cannot_be_measured_is_wrong_usage(line: str, says: str) -> None:
    name, *arguments = line.replace("README.md", str(ROOT / "README.md")).split()
    done = bench(name, *arguments)
    assert done.returncode == 2, done.stderr
    assert says in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not done.stdout


def test_json_can_be_asked_for_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENVIRONMENT, "RAFTZMQ_JSON", "1")
    assert json.loads(bench("recordings", *RECORDING).stdout)["events"] == 600


def test_what_a_variable_asks_for_is_not_ignored_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENVIRONMENT, "RAFTZMQ_BENCH_CONCURRENCY_IN_FLIGHT", "8")
    done = bench("concurrency", "--disk", "slow")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--disk slow has no use for --in-flight" in done.stderr


def test_a_variable_is_named_after_its_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENVIRONMENT, "RAFTZMQ_BENCH_STRANGERS_FLOOD", "garbage nothing")
    done = bench("strangers")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Invalid value for '--flood'" in done.stderr.splitlines()[-1]


def in_shell(script: str) -> subprocess.CompletedProcess[str]:
    """Run ``recordings`` in a line of bash, in which it is ``$bench``."""
    command = " ".join([sys.executable, str(ROOT / "bench" / "recordings.py"), *RECORDING])
    return subprocess.run(
        ["bash", "-c", script], env={**ENVIRONMENT, "bench": command}, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("options", ["", "--json", "--help"])
@pytest.mark.parametrize(
    ("ending", "code", "says"),
    [
        (">/dev/full", 1, "error: the output cannot be written (No space left on device): it is incomplete\n"),
        (">&-", 0, ""),
        ("| true; exit ${PIPESTATUS[0]}", 141, ""),
        ("2>&- >/dev/null", 0, ""),
    ],
)
def test_an_output_that_is_gone_is_no_traceback(options: str, ending: str, code: int, says: str) -> None:
    done = in_shell(f"$bench {options} {ending}")
    assert (done.returncode, done.stdout, done.stderr) == (code, "", says)


@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full"])
def test_an_error_of_usage_that_nobody_can_read_keeps_its_code(closed: str) -> None:
    done = in_shell(f"$bench --nosuch {closed}")
    assert (done.returncode, done.stdout) == (2, "")
