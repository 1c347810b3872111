"""``bench/linearizability.py`` as users start it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from raftzmq.benchmarks import linearizability
from raftzmq.benchmarks.linearizability import Run
from raftzmq.benchmarks.workload import Plan

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("RAFTZMQ_")}
SMALL = ("--nodes", "3", "--seconds", "2", "--every", "0.8", "--seed", "5", "--clients", "3", "--keys", "2")
FIGURES = {
    "seed": 5,
    "operations": 400,
    "unknown": 2,
    "failed": 1,
    "kill_faults": 1,
    "pause_faults": 0,
    "restart_faults": 2,
    "terms": 1,
    "check_seconds": 0.25,
}


@pytest.mark.live
def test_a_run_as_users_start_it(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "bench" / "linearizability.py"), *SMALL, "--json"]
    done = subprocess.run(
        [*command, "--directory", str(tmp_path)],
        env=ENVIRONMENT,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["schema"], document["ok"]) == (1, True)
    (run,) = document["runs"]
    assert (run["seed"], run["ok"], run["linearizable"], run["reason"]) == (5, True, True, None)
    assert run["operations"] == run["get_calls"] + run["put_calls"] + run["cas_calls"] > 0
    assert run["nodes_with_equal_state"] == 3
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("as_json", [True, False])
def test_one_run_of_two_that_fails_is_a_failure(monkeypatch: pytest.MonkeyPatch, as_json: bool) -> None:
    """A store that lies can't be had here, so what a run found is put in its place."""
    seeds = []

    def run(plan: Plan, **_: object) -> Run:
        seeds.append(plan.seed)
        return Run(FIGURES, *(("not linearizable: …", ["A  put", "B  get"]) if plan.seed == 6 else ()))

    monkeypatch.setattr(linearizability, "campaign_run", run)
    arguments = ["--runs", "2", "--seed", "5", *(["--json"] if as_json else [])]
    result = CliRunner().invoke(linearizability.linearizability, arguments)
    assert result.exit_code == 1
    assert seeds == [5, 6]
    assert result.stderr == "1 of 2 runs failed\n"
    if as_json:
        document = json.loads(result.stdout)
        assert document["ok"] is False
        assert [row["ok"] for row in document["runs"]] == [True, False]
        assert document["runs"][1]["window"] == ["A  put", "B  get"]
    else:
        good, bad, *window = result.stdout.splitlines()
        assert good == (
            "seed 5: linearizable, nothing lost, nothing doubled; 400 operations (2 unknown, 1 failed), "
            "1 kills, 0 pauses, 2 restarts, 1 elections, checked in 0.25 s"
        )
        assert bad.startswith("seed 5: not linearizable: …; 400 operations")
        assert window == ["  A  put", "  B  get"]
