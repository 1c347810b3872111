"""Labs on real clusters without the cause of what they show: each of the checks that rest on it turns red."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from raftzmq.benchmarks.launching import LAUNCHER
from raftzmq.benchmarks.scaling_tasks import Task
from raftzmq.labs import amdahl, blocking_call, lost_messages, pre_vote, runtimes, slow_follower, split_votes
from raftzmq.labs.performance import perform
from raftzmq.labs.registry import load
from raftzmq.labs.stage import Stage
from raftzmq.runtime.choice import THREADS

pytestmark = [pytest.mark.live, pytest.mark.labs, pytest.mark.timeout(180)]


def nothing(*_: Any, **__: Any) -> None:
    """A fault that isn't."""


def usual_nodes() -> tuple[str, ...]:
    """Nothing is replaced in their processes."""
    return LAUNCHER


def threads_only(stage: Stage, cast: Mapping[str, str]) -> None:
    """Everybody gets the same runtime."""
    for node in cast:
        stage.start(node, options=("--runtime", THREADS))


def shared_work() -> Sequence[Task]:
    """No part of any task is under a lock."""
    names = ("parallel", "partly_serial", "locked_counter")
    return [Task(name, name, amdahl.WAIT_S, 0.0) for name in names]


CAUSES: dict[str, tuple[Any, str, Any, int]] = {
    "split-votes": (split_votes, "WIDTHS_MS", (200, 200, 200), 1),
    "lost-messages": (lost_messages, "lose", nothing, 0),
    "pre-vote": (pre_vote, "launcher", usual_nodes, 3),
    "runtimes": (runtimes, "begin", threads_only, 0),
    "blocking-call": (blocking_call, "make_the_call", nothing, 0),
    "amdahl": (amdahl, "tasks", shared_work, 2),
    "slow-follower": (slow_follower, "fill", nothing, 0),
}
"""By lab: what is replaced by what, and the number of a check that cannot hold any more."""


@pytest.mark.parametrize("kind", ["threads", "coroutines"])
@pytest.mark.parametrize("name", CAUSES)
def test_without_its_cause_a_lab_is_red(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: str) -> None:
    module, attribute, instead, red = CAUSES[name]
    monkeypatch.setattr(module, attribute, instead)
    run = perform(load(name), tmp_path / "run", runtime=kind)
    assert run.note == ""
    assert not run.verdict.green
    assert not run.verdict.checks[red].held
    assert run.verdict.checks[-1].held, "Raft's rules hold in any case"
