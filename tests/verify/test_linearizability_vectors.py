"""Histories of other programs, recorded by others, with the verdicts of another checker."""

from __future__ import annotations

from pathlib import Path

import pytest

from raftzmq.verify.formats import read_history
from raftzmq.verify.linearizability import check
from raftzmq.verify.models import MODELS
from raftzmq.verify.search import Budget, Search
from tests.vectors import VECTORS

HISTORIES = VECTORS / "linearizability"


def verdicts() -> list[tuple[str, bool]]:
    """File and verdict, of all that verdicts.txt names."""
    try:
        lines = (HISTORIES / "verdicts.txt").read_text().splitlines()
    except FileNotFoundError:
        return []
    pairs = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    return [(file, {"true": True, "false": False}[verdict]) for file, verdict in pairs]


def test_there_are_vectors() -> None:
    if not HISTORIES.exists():
        pytest.skip(f"no vectors at {HISTORIES}: set RAFTZMQ_VECTORS")
    assert verdicts()
    missing = [file for file, _ in verdicts() if not (HISTORIES / file).is_file()]
    assert not missing, "each verdict has a history"


@pytest.mark.parametrize(("file", "verdict"), verdicts())
def test_the_verdict_on_a_history(file: str, verdict: bool) -> None:
    history = read_history(Path(HISTORIES / file))
    found = check(history)
    assert found.decided, found.reason
    assert found.linearizable is verdict
    if found.window is not None:
        model = MODELS[history.model]
        assert not Search(found.window.operations, model, Budget(60)).run().linearizable, "the window shows nothing"
        assert len(found.window.operations) < found.operations
