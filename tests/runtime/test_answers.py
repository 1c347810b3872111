"""Answers to clients that read slowly, or never: real sockets, and what waits between them has a bound."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import zmq

from raftzmq.benchmarks.local_cluster import free_cluster
from raftzmq.config import MIB
from raftzmq.runtime.answers import ANSWER_OVERHEAD_BYTES, CLIENT_UNSENT_BYTES_MAX, UNSENT_BYTES_MAX, Answers
from raftzmq.transport.bare import BareDealer
from raftzmq.transport.frames import receive_frames
from raftzmq.transport.sockets import CLIENT_QUEUE, client_router
from tests.live.harness import eventually

SMALL = 3000


@pytest.fixture
def router() -> Iterator[tuple[zmq.Socket[bytes], str]]:
    """A node's socket for clients, and its endpoint."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    endpoint = free_cluster(1).nodes[0].client
    socket = client_router(context, endpoint)
    yield socket, endpoint
    socket.close(0)
    context.term()


def routing_of(socket: zmq.Socket[bytes], dealer: BareDealer) -> bytes:
    """The routing id of a client that says something."""
    dealer.send([b"hello"])
    frames = eventually(lambda: receive_frames(socket), "the client is heard")
    return frames[0]


def test_what_finds_no_room_waits_and_arrives_in_order(router: tuple[zmq.Socket[bytes], str]) -> None:
    socket, endpoint = router
    answers = Answers(socket)
    with BareDealer(endpoint, unread_max=1) as dealer:
        routing = routing_of(socket, dealer)
        # More than the pipe and TCP's buffers take, so that some must wait here.
        sent = 0
        while answers.unsent_bytes < MIB:
            assert answers.send([(routing, [b"%d" % sent, bytes(MIB // 8)])]) == 0
            sent += 1
        assert sent > CLIENT_QUEUE
        assert answers.send((routing, [b"%d" % number]) for number in range(sent, sent + SMALL)) == 0
        seen = 0

        def all_seen() -> bool:
            nonlocal seen
            answers.send(())
            while (frames := dealer.receive(patience_s=0.01)) is not None:
                assert frames[0] == b"%d" % seen
                seen += 1
            return seen == sent + SMALL

        eventually(all_seen, "all answers arrive")
        assert not answers
        assert answers.unsent_bytes == 0


def test_clients_that_never_read_hold_no_more_than_the_bounds(router: tuple[zmq.Socket[bytes], str]) -> None:
    socket, endpoint = router
    answers = Answers(socket)
    value = bytes(MIB)
    clients = [BareDealer(endpoint, unread_max=1) for _ in range(UNSENT_BYTES_MAX // CLIENT_UNSENT_BYTES_MAX + 3)]
    routings = [routing_of(socket, client) for client in clients]
    first, *others = routings
    dropped = sum(answers.send([(first, [b"answer", value])]) for _ in range(4 * CLIENT_QUEUE))
    assert dropped
    assert CLIENT_UNSENT_BYTES_MAX - 2 * MIB < answers.unsent_bytes <= CLIENT_UNSENT_BYTES_MAX
    for routing in others:
        for _ in range(2 * CLIENT_QUEUE):
            answers.send([(routing, [b"answer", value])])
    assert answers.unsent_bytes <= UNSENT_BYTES_MAX
    assert UNSENT_BYTES_MAX - answers.unsent_bytes <= CLIENT_UNSENT_BYTES_MAX + ANSWER_OVERHEAD_BYTES

    for client in clients:
        client.close()

    def forgotten() -> bool:
        # ZeroMQ learns of the end of a connection where it looks for messages.
        receive_frames(socket)
        answers.send(())
        return not answers

    eventually(forgotten, "what was for clients that are gone is forgotten")
    assert answers.unsent_bytes == 0


def test_an_answer_to_nobody_is_dropped(router: tuple[zmq.Socket[bytes], str]) -> None:
    answers = Answers(router[0])
    assert answers.send([(b"nobody", [b"answer"])]) == 1
    assert not answers
