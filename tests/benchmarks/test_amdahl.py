"""The command as users start it: real waits, a real cluster, figures as JSON, charts as files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from raftzmq.benchmarks.amdahl import FULL, QUICK
from raftzmq.benchmarks.scaling_measurement import steps_of

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("RAFTZMQ_")}


def amdahl(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it, from a directory that is not its own."""
    command = [sys.executable, str(ROOT / "bench" / "amdahl.py"), *arguments]
    return subprocess.run(command, env=ENVIRONMENT, cwd="/", capture_output=True, text=True, check=False, timeout=110)


def test_tasks_are_measured_fitted_and_drawn(tmp_path: Path) -> None:
    small = ("--part", "tasks", "--part", "cores", "--wait-ms", "1", "--repeats", "2", "--quick")
    done = amdahl(*small, "--json", "--charts", str(tmp_path))
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    for kind in ("asyncio", "threads"):
        for task in ("parallel", "partly_serial", "locked_counter"):
            low, high = figures[f"{task}_{kind}_parallel_fraction_ci95"]
            assert low <= figures[f"{task}_{kind}_parallel_fraction"] <= high
            assert f"{task}_{kind}_prediction_error_8_percent" in figures
    assert figures["lost_updates_asyncio_percent"] == 93.75
    assert figures["lost_updates_threads_percent"] > 0
    assert {"amdahl-coroutines.png", "amdahl-threads.svg"} <= {path.name for path in tmp_path.iterdir()}
    assert "elections" not in figures


@pytest.mark.live
def test_clusters_are_loaded_by_processes_and_read_back(tmp_path: Path) -> None:
    small = (
        "--part",
        "clients",
        "--clients",
        "1,2",
        "--part",
        "nodes",
        "--nodes",
        "1,3",
        "--seconds",
        "0.2",
        "--quick",
    )
    done = amdahl(*small, "--json", "--directory", str(tmp_path))
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["keys_read_back"] > 0
    samples = {(row["sweep"], row["workers"]) for row in figures["tables"]["samples"]}
    assert samples == {("client processes", 1), ("client processes", 2), ("nodes", 1), ("nodes", 3)}
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--cluster-repeats", "1", "--cluster-rounds", "1"), "--cluster-rounds"),
        (("--workers", "1,3"), "choose from 1,2,4,8,16"),
        (("--clients", "2,4"), "ascending from 1"),
        (("--nodes", "1,three"), "write it as 1,2,4"),
    ],
)
def test_what_cannot_be_fitted_is_refused(options: tuple[str, ...], words: str) -> None:
    done = amdahl(*options)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_the_full_run_has_more_of_everything() -> None:
    assert steps_of(FULL) > 2 * steps_of(QUICK)
    assert set(QUICK.nodes) <= set(FULL.nodes)
