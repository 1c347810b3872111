"""Connections whose other end is gone: found dead by the kernel, and never a reason for libzmq to end the process."""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import zmq
from zmq.utils.monitor import parse_monitor_message

from raftzmq.transport.sockets import CONNECT_MS, SILENT_MS, peer_dealer, peer_router
from tests.live import firewall
from tests.live.harness import ENVIRONMENT, eventually

ROOT = Path(__file__).parents[2]
GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x01NULL" + bytes(16 + 1 + 31)
"""Signature, version 3.1, mechanism, not as a server, filler (RFC 37/ZMTP)."""
MESSAGE = b"\x00\x05hello"
MESSAGES = 1000
"""More than either ROUTER takes unread, and few enough to be read from the connection at once."""
LONGER_S = 2.5
"""Than a heartbeat interval of ZMTP that anybody would choose, twice."""


def shake_hands(line: socket.socket) -> None:
    """Be a DEALER, by the letter."""
    line.sendall(GREETING)
    heard = b""
    while len(heard) < len(GREETING):
        heard += line.recv(len(GREETING) - len(heard))
    ready = b"\x05READY" + b"\x0bSocket-Type" + struct.pack(">I", 6) + b"DEALER"
    line.sendall(b"\x04" + bytes([len(ready)]) + ready)
    flags, size = line.recv(1), line.recv(1)
    assert flags == b"\x04"
    assert line.recv(size[0], socket.MSG_WAITALL).startswith(b"\x05READY")


@pytest.mark.live
@pytest.mark.parametrize("resets", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("kind", ["client", "peer"])
def test_who_dies_while_a_busy_node_lets_it_wait_takes_nobody_with_it(kind: str, resets: bool) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.runtime.busy_router", kind],
        cwd=ROOT,
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as router:
        assert router.stdout is not None
        host, _, port = router.stdout.readline().strip().removeprefix("tcp://").rpartition(":")
        with socket.create_connection((host, int(port))) as line:
            shake_hands(line)
            line.sendall(MESSAGE * MESSAGES)
            assert router.stdout.readline() == "messages wait\n"
            if resets:
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with pytest.raises(subprocess.TimeoutExpired):
            router.wait(LONGER_S)
        told, complaint = router.communicate("\n", timeout=30.0)
    assert (router.returncode, complaint) == (0, "")
    assert int(told) > 0 if resets else int(told) == MESSAGES


@pytest.mark.live
@pytest.mark.parametrize("speaks", [False, True], ids=["silent", "speaks"])
def test_a_connection_on_which_nothing_arrives_is_given_up_and_made_anew(speaks: bool) -> None:
    firewall.require()
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    try:
        router = peer_router(context, "tcp://127.0.0.1:*")
        endpoint = router.getsockopt_string(zmq.LAST_ENDPOINT)
        dealer = peer_dealer(context, endpoint)
        eventually(lambda: dealer.poll(20, zmq.POLLOUT), "a connection")
        monitor = dealer.get_monitor_socket(zmq.EVENT_DISCONNECTED | zmq.EVENT_CONNECT_RETRIED)

        def comes(event: int) -> bool:
            return bool(monitor.poll(20)) and parse_monitor_message(monitor.recv_multipart())["event"] == event

        assert not monitor.poll(300)  # by then all is acknowledged that the handshake sent
        with firewall.Firewall() as wall:
            wall.drop_to(endpoint)
            wall.drop_from(endpoint)
            if speaks:
                dealer.send(b"nobody hears me")
            eventually(lambda: comes(zmq.EVENT_DISCONNECTED), "it is given up", seconds=4 * SILENT_MS / 1000)
            for _ in range(3):  # tries of its own, not the kernel's, which come ever more seldom
                eventually(lambda: comes(zmq.EVENT_CONNECT_RETRIED), "another try", seconds=3 * CONNECT_MS / 1000)
        eventually(lambda: dealer.poll(20, zmq.POLLOUT), "another connection", seconds=3 * CONNECT_MS / 1000)
        dealer.send(b"here I am")
        assert router.poll(5000)
        assert router.recv_multipart()[1:] == [b"here I am"]
    finally:
        context.destroy(linger=0)
