"""A tagged request of one's own: what is said where nodes answer clients and tell nobody of it."""

from __future__ import annotations

from typing import Any

import pytest

from raftzmq.client.sync import Client
from raftzmq.collector import tagged
from raftzmq.collector.tagged import NotTold, measure
from raftzmq.errors import Unreachable
from tests.client.both import nodes


def get(client: Client) -> Any:
    return client.get("k")


def test_nodes_that_tell_nothing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tagged, "PATIENCE_S", 0.1)
    with nodes(2) as (_, running), pytest.raises(NotTold, match="none of n1, n2 told of it"):
        measure([node.endpoint for node in running], 5.0, warm_up=get, call=get)


def test_nobody_there_is_said_at_once() -> None:
    with pytest.raises(Unreachable, match="no node answers; asked: tcp:"):
        measure(["tcp://127.0.0.1:1"], 1.0, warm_up=get, call=get)
