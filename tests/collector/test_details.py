"""Which subscriptions ask for single messages."""

from __future__ import annotations

import pytest

from raftzmq.collector.details import DETAIL_TYPES, Details

NODES = ("n1", "n11", "n2")


def details(*prefixes: bytes, kinds: frozenset[str] = frozenset()) -> Details:
    made = Details(NODES, kinds)
    for prefix in prefixes:
        made.subscribe(prefix)
    return made


@pytest.mark.parametrize("prefix", [b"", b"raftzmq.", b"raftzmq.n1", b"raftzmq.n1.", b"raftzmq.n1.commit", b"x", b"n1"])
def test_prefixes_that_name_none_ask_for_none(prefix: bytes) -> None:
    assert details(prefix).wanted() == frozenset()


@pytest.mark.parametrize(
    ("prefix", "wanted"),
    [
        (b"raftzmq.n1.sent", {("n1", "sent")}),
        (b"raftzmq.n11.received", {("n11", "received")}),
        (b"raftzmq.n2.heartbeat", {("n2", "heartbeat_sent"), ("n2", "heartbeat_received")}),
    ],
)
def test_prefixes_that_name_some_ask_for_them(prefix: bytes, wanted: set[tuple[str, str]]) -> None:
    made = details(prefix)
    assert made.wanted() == wanted
    made.unsubscribe(prefix)
    assert made.wanted() == frozenset()


def test_what_is_taken_anyway_is_not_asked_for() -> None:
    assert details(b"raftzmq.n1.sent", kinds=frozenset({"sent"})).wanted() == frozenset()


def test_types_wanted_by_other_ways_are_wanted_of_every_node() -> None:
    assert details().wanted(frozenset({"sent", "commit"})) == {(node, "sent") for node in NODES}


def test_prefixes_of_strangers_take_no_memory() -> None:
    made = details(*(b"raftzmq.n1.x%d" % number for number in range(1000)))
    assert not made._prefixes
    assert set(DETAIL_TYPES) == {"request", "sent", "received", "heartbeat_sent", "heartbeat_received"}
