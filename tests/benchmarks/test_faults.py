"""What a seed decides about faults, and how often writes were applied."""

from __future__ import annotations

from typing import Any

import pytest

from raftzmq.benchmarks.faults import KINDS, schedule
from raftzmq.benchmarks.linearizability import doubled
from raftzmq.verify.history import History, Operation

NODES = ["n1", "n2", "n3", "n4", "n5"]


def test_a_seed_decides_what_is_done_to_whom_and_when() -> None:
    assert schedule(NODES, 3, 60, 3) == schedule(NODES, 3, 60, 3)
    assert schedule(NODES, 3, 60, 3) != schedule(NODES, 4, 60, 3)


def test_over_time_every_node_gets_every_kind() -> None:
    faults = schedule(NODES, 1, 3000, 3)
    assert {(fault.node, fault.kind) for fault in faults} == {(node, kind) for node in NODES for kind in KINDS}
    assert 800 < len(faults) < 1200
    assert sum(fault.after_s for fault in faults) < 3000


def op(name: str, result: Any, *arguments: Any, key: bytes = b"k") -> Operation:
    return Operation("c", key, name, arguments, result, 0, None if result is None else 1)


PUT = op("put", 5, b"x", 0)
LOST = op("put", None, b"y", 0)


def get(value: bytes, mod: int, version: int) -> Operation:
    return op("get", (value, 5, mod, version, 0))


@pytest.mark.parametrize(
    ("operations", "says"),
    [
        ([PUT, get(b"x", 5, 1)], ""),
        ([PUT, LOST, get(b"x", 5, 1)], ""),
        ([PUT, LOST, get(b"y", 6, 2)], ""),
        ([PUT, op("cas", (True, 6), b"x", b"z", None), get(b"z", 6, 2)], ""),
        ([PUT, op("cas", (False, 5), b"y", b"z", None), get(b"x", 5, 1)], ""),
        ([PUT, get(b"x", 5, 2)], "has version 2 after 1 to 1 writes"),
        ([PUT, PUT, get(b"x", 5, 1)], "has version 1 after 2 to 2 writes"),
        ([PUT, LOST, LOST, get(b"x", 5, 1), get(b"x", 7, 3)], "got the value b'x' at revisions [5, 7]"),
        ([PUT, op("range", (9, {b"k": (b"x", 5, 5, 4, 0)}, None))], "has version 4 after 1 to 1 writes"),
    ],
)
def test_how_often_writes_were_applied(operations: list[Operation], says: str) -> None:
    found = doubled(History("f", "raftzmq", "store", tuple(operations)))
    assert (says in found[0]) if says else not found
