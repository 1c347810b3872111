"""The pipes to peers that go through a channel: what arrives at the peer's socket is what the channel decided."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import zmq

from raftzmq.benchmarks.local_cluster import free_cluster
from raftzmq.node.link_faults import LinkFaults
from raftzmq.runtime.channel import Channel, ChannelFaults
from raftzmq.runtime.faulty_dealers import FaultyDealers
from raftzmq.transport.frames import receive_frames, send_frames
from raftzmq.transport.sockets import peer_router
from tests.live.harness import PATIENCE, eventually


@pytest.fixture
def context() -> Iterator[zmq.Context[zmq.Socket[bytes]]]:
    """Terminated at the end, which waits for the threads of the channels: one that doesn't end hangs the test."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    yield context
    context.term()


def test_the_peer_gets_what_the_channel_lets_through(context: zmq.Context[zmq.Socket[bytes]]) -> None:
    n1, n2 = free_cluster(2).nodes
    faults = ChannelFaults(delay_mean_us=2000, loss=0.5, seed=11)
    twin: Channel[int] = Channel(faults, "n1 n2 1")
    let_through: list[bool] = []
    with peer_router(context, n2.peer) as router, FaultyDealers(faults, "n1", (n1, n2))(context, n2.peer) as pipe:

        def send() -> None:
            number = len(let_through)
            let_through.append(twin.put(number, 0))
            assert send_frames(pipe, [b"%d" % number, b"payload"])

        def first_arrived() -> bool:
            send()
            return bool(router.poll(10))

        # Until the connection stands, messages are lost in the usual way.
        eventually(first_arrived, "a first message arrives")
        begin = len(let_through)
        for _ in range(200):
            send()
        expected = {number for number in range(begin, len(let_through)) if let_through[number]}
        assert 60 < len(expected) < 140
        seen: list[int] = []
        while not expected <= set(seen):
            assert router.poll(int(1000 * PATIENCE)), f"never arrived: {expected - set(seen)}"
            frames = receive_frames(router)
            assert frames is not None
            assert frames[2] == b"payload"
            seen.append(int(frames[1]))
    assert set(seen) & set(range(begin, len(let_through))) == expected, "what the channel lost did not arrive"
    assert seen != sorted(seen), "delays that are drawn for each let messages overtake one another"


def test_what_the_peer_refuses_comes_back(context: zmq.Context[zmq.Socket[bytes]]) -> None:
    n1, n2 = free_cluster(2).nodes
    make = FaultyDealers(ChannelFaults(loss=0.01, seed=1), "n1", (n1, n2))
    with peer_router(context, n2.peer) as router, make(context, n2.peer) as pipe:

        def arrived() -> list[bytes] | None:
            send_frames(pipe, [b"hello"])
            return receive_frames(router) if router.poll(10) else None

        frames = eventually(arrived, "a message arrives")
        assert frames is not None
        assert send_frames(router, [frames[0], b"go away"])
        assert pipe.poll(int(1000 * PATIENCE)), "the refusal never came back"
        assert receive_frames(pipe) == [b"go away"]


def test_faults_of_a_link_hold_from_when_they_are_set_until_they_are_taken_away(
    context: zmq.Context[zmq.Socket[bytes]],
) -> None:
    n1, n2 = free_cluster(2).nodes
    links: dict[str, LinkFaults] = {}
    make = FaultyDealers(ChannelFaults(), "n1", (n1, n2), links)
    number = 0
    with peer_router(context, n2.peer) as router, make(context, n2.peer) as pipe, make(context, n2.peer) as bulk:

        def arrivals(through: zmq.Socket[bytes], count: int, expected: int) -> list[int]:
            """Send so many messages; what arrives until as many as ``expected`` are there, and shortly after."""
            nonlocal number
            for _ in range(count):
                number += 1
                send_frames(through, [b"%d" % number])
            seen: list[int] = []
            while router.poll(int(1000 * PATIENCE) if len(seen) < expected else 100):
                frames = receive_frames(router)
                assert frames is not None
                seen.append(int(frames[1]))
            return seen

        for each in (pipe, bulk):
            eventually(lambda each=each: arrivals(each, 1, 0), "the connection stands")  # type: ignore[misc]
        for each in (pipe, bulk):
            assert len(arrivals(each, 20, 20)) == 20
            links["n2"] = LinkFaults(cut=True)
            assert arrivals(each, 20, 0) == []
            links["n2"] = LinkFaults(duplicate=1.0)
            assert len(arrivals(each, 20, 40)) == 40
            links["n3"] = LinkFaults(cut=True)
            del links["n2"]
            assert len(arrivals(each, 20, 20)) == 20
