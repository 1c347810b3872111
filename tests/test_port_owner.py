"""Who listens on a port is found while other processes come and go."""

from __future__ import annotations

import os
import socket
import subprocess

from raftzmq.port_owner import holder, port_owner


def test_a_port_has_an_owner_or_none() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert port_owner(port) == os.getpid()
    assert port_owner(port) is None


def test_processes_that_end_while_they_are_looked_at_hide_nobody() -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    with socket.create_server(("127.0.0.1", 0)) as server:
        name = os.readlink(f"/proc/self/fd/{server.fileno()}")
        assert holder({name}, ["self", str(gone.pid), str(os.getpid())]) == os.getpid()
        assert holder({name}, [str(gone.pid)]) is None
