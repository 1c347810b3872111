"""The benchmarks as users start them: figures with units, in pipes and as JSON, and nothing left after Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.harness import eventually

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("RAFTZMQ_")}
SMALL = ("--operations", "300", "--in-flight", "16", "--keys", "50")

pytestmark = pytest.mark.live


def bench(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of ``bench/``, from a directory that is not its own."""
    command = [sys.executable, str(ROOT / "bench" / f"{name}.py"), *arguments]
    return subprocess.run(command, env=ENVIRONMENT, cwd="/", capture_output=True, text=True, check=False, timeout=110)


def test_throughput_gives_figures_with_their_unit(tmp_path: Path) -> None:
    done = bench("throughput", *SMALL, "--clients", "2", "--json", "--directory", str(tmp_path))
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["acknowledged"] + figures["failed"] == 300
    assert figures["puts_per_second"] > 0
    assert 0 < figures["latency_p50_ms"] <= figures["latency_p99_ms"] <= figures["latency_p999_ms"]
    assert 0 < figures["keys_read_back"] <= 50
    assert figures["nodes_with_equal_state"] == figures["nodes"] == 3
    assert figures["elections"] >= 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("client", ["asyncio", "sync"])
def test_gets_and_puts_are_measured_together(tmp_path: Path, client: str) -> None:
    options = ("--read-share", "0.5", "--client", client, "--payload", "16", "--json", "--directory", str(tmp_path))
    done = bench("throughput", *SMALL, *options)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["acknowledged"] + figures["gets_checked"] + figures["failed"] == 300
    assert min(figures["acknowledged"], figures["gets_checked"]) > 50
    assert figures["operations_per_second"] > max(figures["puts_per_second"], figures["gets_per_second"]) > 0
    assert figures["client"] == client
    assert figures["value_size_bytes"] == 16
    assert figures["keys_read_back"] == 50


def test_gets_alternate_with_echoes(tmp_path: Path) -> None:
    other = tmp_path / "other.py"
    other.write_text(
        "import json, sys\n"
        "assert sys.argv[1:] == ['echo', '--in-flight', '16', '--operations', '300', '--size', '256'], sys.argv\n"
        "print(json.dumps({'requests_per_second': 1000}))\n"
    )
    options = ("--read-share", "1", "--against", str(other), "--pairs", "1", "--json", "--directory", str(tmp_path))
    done = bench("throughput", *SMALL, *options)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["yardstick_operations_per_second"] == [1000.0]
    assert figures["ratio_of_medians"] == pytest.approx(figures["gets_per_second"][0] / 1000, abs=0.001)


def test_more_keys_than_fit_are_refused() -> None:
    done = bench("throughput", "--read-share", "1", "--value-size", "65536")
    assert done.returncode == 2
    assert "--keys" in done.stderr


def test_throughput_alternates_with_another_program(tmp_path: Path) -> None:
    other = tmp_path / "other.py"
    other.write_text(
        "import json, os, sys\n"
        "assert sys.argv[1:] == ['relay', '--in-flight', '16', '--operations', '300', '--clients', '1', "
        "'--size', '256'], sys.argv\n"
        "assert os.environ['FLOOR_DIR'], 'no directory'\n"
        "print(json.dumps({'operations_per_second': 1000}))\n"
    )
    options = ("--against", str(other), "--pairs", "2", "--json", "--directory", str(tmp_path))
    done = bench("throughput", *SMALL, *options)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["yardstick_operations_per_second"] == [1000.0, 1000.0]
    assert len(figures["puts_per_second"]) == 2
    assert figures["puts_per_second_median"] == pytest.approx(sum(figures["puts_per_second"]) / 2)
    assert figures["ratio_of_medians"] == pytest.approx(figures["puts_per_second_median"] / 1000, abs=0.001)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("raise SystemExit(3)", "exit code 3"), ("print('fast')", "printed no operations_per_second: 'fast")],
)
def test_another_program_that_fails_ends_the_comparison(tmp_path: Path, text: str, reason: str) -> None:
    other = tmp_path / "other.py"
    other.write_text(text)
    done = bench("throughput", *SMALL, "--against", str(other))
    assert done.returncode == 1
    assert reason in done.stderr
    assert not done.stdout


def test_more_clients_than_puts_are_refused() -> None:
    done = bench("throughput", "--clients", "3", "--in-flight", "2")
    assert done.returncode == 2
    assert "--in-flight" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_benchmark_leaves_no_process_and_no_file(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, str(ROOT / "bench" / "throughput.py"), "--operations", "1000000"]
    process = subprocess.Popen(
        [*command, "--directory", str(tmp_path)], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        # three nodes, a client and what multiprocessing needs for it
        family = eventually(lambda: enough(descendants(process.pid), 5), "nodes and a client run")
        process.send_signal(number)
        output, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 128 + number
    assert (output, errors) == (b"", f"interrupted by {number.name}\n".encode())
    eventually(lambda: not [pid for pid in family if Path(f"/proc/{pid}").exists()], "all of them are gone")
    assert not list(tmp_path.iterdir())


def enough(found: list[int], count: int) -> list[int] | None:
    """What was found, if it is at least ``count``."""
    return found if len(found) >= count else None


def descendants(pid: int) -> list[int]:
    """Processes that a process started, and theirs."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    children = [int(child) for child in path.read_text().split()]
    return [*children, *(each for child in children for each in descendants(child))]


def test_the_command_line_lists_the_benchmarks_without_loading_them() -> None:
    program = (
        "import sys\n"
        "from raftzmq.cli.bench import bench\n"
        "try:\n"
        "    bench(['--help'])\n"
        "finally:\n"
        "    assert not {'zmq', 'raftzmq.benchmarks.throughput'} & set(sys.modules), 'loaded for a page of help'\n"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env={**ENVIRONMENT, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {"throughput", "failover", "linearizability"} <= set(done.stdout.split())


@pytest.mark.parametrize("name", ["throughput", "failover", "linearizability"])
def test_the_command_line_knows_each_benchmark(name: str) -> None:
    command = [sys.executable, "-c", "from raftzmq.cli.bench import bench; bench()", name, "--help"]
    done = subprocess.run(command, env={**ENVIRONMENT, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--directory" in done.stdout
    assert "--json" in done.stdout
