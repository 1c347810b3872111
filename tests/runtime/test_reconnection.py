"""Who comes back on a new connection is heard, though the old one looks alive to who stood still meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import zmq

from raftzmq.transport.sockets import client_dealer, client_router, peer_dealer, peer_router
from tests.live.harness import eventually
from tests.runtime.half_dead_line import HalfDeadLine

Socket = zmq.Socket[bytes]
Context = zmq.Context[Socket]
Maker = Callable[[Context, str], Socket]


@pytest.fixture
def context() -> Iterator[Context]:
    made: Context = zmq.Context()
    yield made
    made.destroy(linger=0)


@pytest.mark.parametrize(
    ("make_router", "make_dealer"), [(peer_router, peer_dealer), (client_router, client_dealer)], ids=["peer", "client"]
)
def test_a_new_connection_is_heard_beside_an_old_one_that_looks_alive(
    context: Context, make_router: Maker, make_dealer: Maker
) -> None:
    with ExitStack() as ends:
        router = ends.enter_context(make_router(context, "tcp://127.0.0.1:*"))
        host, _, port = router.getsockopt_string(zmq.LAST_ENDPOINT).removeprefix("tcp://").rpartition(":")
        line = ends.enter_context(HalfDeadLine((host, int(port))))
        dealer = ends.enter_context(make_dealer(context, line.endpoint))

        def heard() -> bool:
            try:
                dealer.send(b"here I am", zmq.NOBLOCK)
            except zmq.Again:
                return False  # not connected: IMMEDIATE refuses
            return bool(router.poll(20)) and router.recv_multipart()[1:] == [b"here I am"]

        eventually(heard, "the first connection")
        while router.poll(50):
            router.recv_multipart()
        line.half_die()
        eventually(lambda: line.connections == 2, "a new connection")
        eventually(heard, "who came back", seconds=5.0)
