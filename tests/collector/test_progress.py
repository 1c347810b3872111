"""What a collector that restarts knows of the streams."""

from __future__ import annotations

import json
from typing import Any

import pytest

from raftzmq.collector.progress import NodeProgress, Progress


def event(kind: str, seq: int, order: int, *, boot: str = "b1", lamport: int = 0) -> dict[str, Any]:
    return {"node": "n1", "type": kind, "boot": boot, "seq": seq, "order": order, "lamport": lamport}


def gap(expected: int, received: int, *, boot: str = "b1", kind: str = "commit") -> dict[str, Any]:
    return {
        "node": "collector",
        "type": "gap",
        "boot": "c",
        "seq": 1,
        "order": 1,
        "lamport": 99,
        "source": "n1",
        "source_boot": boot,
        "topic": f"raftzmq.n1.{kind}",
        "reason": "gone",
        "expected": expected,
        "received": received,
        "missing": received - expected,
        "total": received - expected,
    }


def folded(*events: dict[str, Any]) -> Progress:
    progress = Progress()
    for one in events:
        progress.fold(one)
    return progress


def test_the_newest_of_each_type_and_of_all_is_known() -> None:
    progress = folded(
        event("commit", 1, 1, lamport=5), event("role", 1, 2, lamport=7), event("commit", 2, 3, lamport=7)
    )
    assert progress.nodes == {"n1": NodeProgress("b1", 3, 7, {"commit": 2, "role": 1}, {})}
    assert progress.key == 7


def test_what_is_said_to_be_lost_is_not_asked_for_again() -> None:
    progress = folded(event("commit", 1, 1), gap(2, 6))
    assert progress.nodes["n1"].seqs == {"commit": 5}
    assert progress.nodes["n1"].lost == {"commit": 4}
    assert folded(gap(1, 6)).nodes["n1"] == NodeProgress("b1", 0, 0, {"commit": 5}, {"commit": 5})
    unknown = folded(event("commit", 1, 1), gap(2, 2, kind=""))
    assert unknown.nodes["n1"].seqs == {"commit": 1}


def test_a_new_boot_begins_anew_but_not_its_key() -> None:
    progress = folded(event("commit", 9, 9, lamport=50), gap(10, 12), event("role", 1, 1, boot="b2", lamport=3))
    assert progress.nodes["n1"] == NodeProgress("b2", 1, 50, {"role": 1}, {})
    assert progress.key == 50


def test_it_survives_a_checkpoint() -> None:
    progress = folded(event("commit", 9, 9, lamport=50), gap(10, 12))
    read = Progress.from_json(json.loads(json.dumps(progress.to_json())))
    assert (read.nodes, read.key) == (progress.nodes, progress.key)
    for wrong in ({}, {"key": 1}, {"key": 1, "nodes": {"n1": {"what": 1}}}):
        with pytest.raises((KeyError, TypeError)):
            Progress.from_json(wrong)
