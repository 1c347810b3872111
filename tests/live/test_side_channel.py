"""The events that a real node keeps, asked for over its clients' socket: all of them, and by who asks for too much."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from raftzmq.benchmarks.floods import greet
from raftzmq.codec.clients import (
    EventsAnswer,
    EventsRequest,
    Failure,
    decode_events,
    decode_node_header,
    encode_header,
)
from raftzmq.config import ANSWER_BYTES_MAX, EVENTS_RANGES_MAX
from raftzmq.events import EVENT_TYPES
from raftzmq.transport.bare import BareDealer
from raftzmq.transport.bare_subscriber import BareSubscriber
from tests.codec.support import pack
from tests.live.harness import LiveCluster
from tests.live.load import Load, check
from tests.live.memory import Growth

pytestmark = pytest.mark.live

GROWTH_MIB = 50
"""The ring has 9 MiB of its own, and what waits for a client that doesn't read has 4."""
GREEDY = 500


def asked(dealer: BareDealer, first: dict[str, int]) -> tuple[EventsAnswer, list[tuple[str, int, bytes]]]:
    """What the node gives for all types from these numbers on."""
    assert dealer.send([encode_header(EventsRequest(5, "", [(kind, seq, 0) for kind, seq in first.items()]))])
    frames = dealer.receive(patience_s=30.0)
    assert frames is not None
    header = decode_node_header(frames[0])
    assert isinstance(header, EventsAnswer), header
    return header, decode_events(frames[1])


def everything(dealer: BareDealer) -> tuple[list[dict[str, Any]], int]:
    """All events that the node has, and in how many answers they came."""
    first = dict.fromkeys(EVENT_TYPES, 1)
    events: list[dict[str, Any]] = []
    for number in range(1, 100):
        answer, rows = asked(dealer, first)
        for kind, seq, payload in rows:
            event = json.loads(payload)
            assert (event["type"], event["seq"], event["boot"]) == (kind, seq, answer.boot)
            assert seq == max(first[kind], answer.oldest[kind]), "none of a type is left out"
            first[kind] = seq + 1
            events.append(event)
        if not answer.more:
            return events, number
    raise AssertionError("it never ends")


def test_all_that_a_node_keeps_can_be_had_in_order(tmp_path: Path, runtime: str) -> None:
    with LiveCluster(tmp_path, 3, runtime=runtime) as cluster:
        cluster.start()
        leader = cluster.leader()
        address = cluster.nodes[leader].address
        with (
            Load(cluster.endpoints, "ring", threads=4) as load,
            BareSubscriber([address.events]) as subscriber,
            BareDealer(address.client) as dealer,
        ):
            heard: list[bytes] = []
            while sum(map(len, heard)) < 2 * ANSWER_BYTES_MAX:
                heard += [payload for _, payload in subscriber.receive(30_000)]
            told = load.stop()
            greet(dealer)
            assert dealer.receive() is not None
            events, answers = everything(dealer)
        check(cluster.endpoints, told)
    assert answers > 1, "more than fits into one"
    orders = [event["order"] for event in events]
    assert orders == sorted(set(orders))
    assert {"boot", "role", "leader", "sent", "received", "commit"} <= {event["type"] for event in events}
    kept = {event["order"] for event in events}
    published = [json.loads(payload) for payload in heard]
    first = min(event["order"] for event in events if event["type"] == "commit")
    assert {event["order"] for event in published if event["order"] >= first} <= kept


def test_who_asks_for_too_much_gets_no_more_than_others(tmp_path: Path, runtime: str) -> None:
    with LiveCluster(tmp_path, 3, runtime=runtime) as cluster:
        cluster.start()
        leader = cluster.leader()
        address = cluster.nodes[leader].address
        with Load(cluster.endpoints, "greedy", threads=2) as load, BareSubscriber([address.events]) as subscriber:
            load.wait_for(50)
            assert subscriber.receive(30_000)
            with Growth(cluster) as growth, BareDealer(address.client, unread_max=2) as silent:
                greet(silent)
                ranges = [(kind, 0, 0) for kind in EVENT_TYPES] * (EVENTS_RANGES_MAX // len(EVENT_TYPES))
                for number in range(GREEDY):  # and reads nothing of what that brings
                    assert silent.send([encode_header(EventsRequest(number, "", ranges))])
                with BareDealer(address.client) as dealer:
                    greet(dealer)
                    assert dealer.receive() is not None
                    for frames, sentence in (
                        ([encode_header(EventsRequest(5, "", [("nonsense", 1, 0)]))], "no type of event 'nonsense'"),
                        ([pack([5, 9, "", [("role", 1, 0)] * 10_000])], "cannot be decoded"),
                        ([pack([5, 9, "", [("role", -1, 2**63)]])], "cannot be decoded"),
                    ):
                        dealer.send(frames)
                        refused = dealer.receive(patience_s=30.0)
                        assert refused is not None
                        failure = decode_node_header(refused[0])
                        assert isinstance(failure, Failure)
                        assert (failure.code, failure.definite) == ("invalid", True)
                        assert sentence in failure.message
                    _, rows = asked(dealer, dict.fromkeys(EVENT_TYPES, 0))
                    assert sum(len(payload) for _, _, payload in rows) < ANSWER_BYTES_MAX
                load.wait_for(50, "among the greedy")
            told = load.stop()
        growth.check(GROWTH_MIB)
        check(cluster.endpoints, told)
