"""Labs on real clusters: green by their events, and red where the cause of what they show is taken away.

Three of them always run, and all of them with ``--labs``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from raftzmq.labs.performance import perform
from raftzmq.labs.registry import load, names
from raftzmq.labs.stage import Stage

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE_S = 200
RUNTIMES = ("threads", "coroutines")
QUICK = (("clean-election", "threads"), ("leader-dies", "coroutines"), ("minority-leader", "threads"))
ALL = [
    pytest.param(name, runtime, marks=[] if (name, runtime) in QUICK else pytest.mark.labs)
    for name in names()
    for runtime in RUNTIMES
]


def raftzmq(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "raftzmq", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


@pytest.mark.parametrize(("name", "kind"), ALL)
def test_a_lab_is_green_and_leaves_a_whole_recording(tmp_path: Path, name: str, kind: str) -> None:
    done = raftzmq("lab", "run", name, "--runtime", kind, "--record", str(tmp_path), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    (run,) = json.loads(done.stdout)["runs"]
    broken = [check["sentence"]["en"] for check in run["verdict"]["checks"] if not check["held"]]
    assert run["verdict"]["green"], broken
    assert run["note"] == ""

    (directory,) = tmp_path.iterdir()
    assert run["recording"] == str(directory)
    assert json.loads((directory / "lab.json").read_text()) == run
    assert not list(directory.glob("raftzmq-*")), "data of nodes is left"
    positions = [step["position"] for step in run["steps"]]
    assert positions == sorted(positions)
    assert 0 < positions[0] < positions[-1] <= run["events"]

    checked = raftzmq("replay", "--check", str(directory))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    again = raftzmq("lab", "judge", str(directory), "--json")
    assert again.returncode == 0, again.stdout + again.stderr
    assert json.loads(again.stdout)["verdict"] == run["verdict"]


def nothing(*_: Any, **__: Any) -> None:
    """A fault that isn't."""


def only(count: int) -> Callable[..., None]:
    """Start so many nodes instead of all."""
    start = Stage.start

    def some(self: Stage, *nodes: str, **options: Any) -> None:
        start(self, *(nodes or self.nodes)[:count], **options)

    return some


CAUSES: dict[str, tuple[str, Callable[..., None]]] = {
    "clean-election": ("start", only(2)),
    "agreement": ("start", only(4)),
    "leader-dies": ("kill", nothing),
    "three-of-five": ("kill", nothing),
    "minority-leader": ("partition", nothing),
    "power-loss": ("kill", nothing),
    "exactly-once": ("link", nothing),
}
"""What of the stage is replaced by what, so that the cause of what a lab shows is missing."""


@pytest.mark.labs
@pytest.mark.parametrize("kind", RUNTIMES)
@pytest.mark.parametrize("name", CAUSES)
def test_a_lab_without_its_cause_is_red(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: str) -> None:
    monkeypatch.setattr(Stage, *CAUSES[name])
    run = perform(load(name), tmp_path / "run", runtime=kind, patience_s=5.0)
    assert run.events > 20
    assert not run.verdict.green
    assert run.verdict.checks[-1].held, "Raft's rules hold in any case"
