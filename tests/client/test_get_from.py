"""Reading from a particular node."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from raftzmq import InvalidRequest, Unreachable
from tests.client.both import BOTH, NAMES, Client, nodes


@pytest.mark.parametrize("make", BOTH, ids=NAMES)
def test_the_node_that_is_named_is_asked_and_no_other(make: Callable[..., Client]) -> None:
    with nodes(3) as (_, (leader, follower, dead)), make(leader.endpoint) as client:
        client.put("a", "x")
        for node in (leader, follower):
            item = client.get_from(node.endpoint, "a")
            assert (item.value, item.mod_revision) == (b"x", 1)
            assert client.get_from(node.endpoint.removeprefix("tcp://"), "b") is None
        dead.kill()
        with pytest.raises(Unreachable):
            client.get_from(dead.endpoint, "a", timeout=0.3)
        with pytest.raises(InvalidRequest):
            client.get_from(leader.endpoint, "")
