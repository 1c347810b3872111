"""What is taken for an event, and what isn't."""

from __future__ import annotations

import json
from typing import Any

import pytest

from raftzmq.collector.envelope import EVENT_BYTES_MAX, check_names, read_event
from raftzmq.config import LAMPORT_MAX
from raftzmq.errors import ConfigurationError

EVENT: dict[str, Any] = {
    "v": 1,
    "node": "n1",
    "boot": "b1",
    "seq": 1,
    "order": 4,
    "ts": 1.0,
    "mono_ns": 1,
    "lamport": 0,
    "term": 0,
    "type": "commit",
}


def encoded(**fields: Any) -> bytes:
    return json.dumps({**EVENT, **fields}).encode()


def test_an_event_is_read() -> None:
    assert read_event(encoded(index=7), "n1", "commit") == {**EVENT, "index": 7}
    assert read_event(encoded(lamport=LAMPORT_MAX), "n1", "commit")


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff",
        b"null",
        b"[1]",
        b"{}",
        encoded()[:-1],
        encoded().replace(b", ", b",\n", 1),
        encoded(node="n2"),
        encoded(type="role"),
        encoded(boot=[]),
        encoded(seq=0),
        encoded(seq=True),
        encoded(seq=1.0),
        encoded(order=0),
        encoded(order="4"),
        encoded(lamport=-1),
        encoded(lamport=LAMPORT_MAX + 1),
        encoded(term="3"),
        encoded(term=-1),
        encoded(what="x" * EVENT_BYTES_MAX),
        *(json.dumps({k: v for k, v in EVENT.items() if k != name}).encode() for name in ("seq", "order", "lamport")),
    ],
)
def test_what_is_no_event_is_not_read(payload: bytes) -> None:
    assert read_event(payload, "n1", "commit") is None


def test_no_node_may_be_called_like_the_collector() -> None:
    check_names(["n1", "collector2"])
    with pytest.raises(ConfigurationError, match="rename the node"):
        check_names(["n1", "collector"])
