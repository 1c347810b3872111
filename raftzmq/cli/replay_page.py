"""``replay --page``: a recording in the browser, by the page of a live cluster but without one."""

from __future__ import annotations

import contextlib
import io
import signal
import threading
from types import FrameType
from typing import TYPE_CHECKING

from raftzmq.cli.output import note, printable, say, say_json
from raftzmq.config import Address, ClusterConfig, check_node_name, web_address
from raftzmq.errors import ConfigurationError
from raftzmq.heap import settle

if TYPE_CHECKING:
    from raftzmq.collector.recording import Recording
    from raftzmq.collector.web.server import Web

PORT = 7481
"""Beside that of a collector, which may run on this machine. If somebody else has it, any free one does."""
TURN_S = 1.0


def show_page(recording: Recording, position: int, web: str | None, *, opens: bool, as_json: bool) -> None:
    """Serve the page of a recording until Ctrl-C or SIGTERM, and say where.

    Raises ConfigurationError for an address that can't be listened on, or if the libraries are missing.
    """
    from raftzmq.collector.web.extra import check_web_libraries

    check_web_libraries()
    from raftzmq.collector.web.gate import is_loopback

    server = _serve(recording, web)
    ident = server.shelf.add(recording.path, begin=position)
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    before = signal.signal(signal.SIGTERM, stop)
    settle()
    server.start()
    try:
        host, port = server.address
        host = f"[{host}]" if ":" in host else host
        address = f"http://{host}:{port}/#token={server.token.text}&recording={ident}&at={position}"
        _tell(address, recording, as_json)
        if not is_loopback(server.address[0]):
            note("Whoever reaches this address can look at the recording: nobody is asked who they are.")
        if opens:
            _open(address)
        with contextlib.suppress(KeyboardInterrupt):
            while not stopped.wait(TURN_S):
                server.offer([])  # a sign of life, for who asks whether it lives
    finally:
        server.close()
        signal.signal(signal.SIGTERM, before)


def _serve(recording: Recording, web: str | None) -> Web:
    from raftzmq.collector.web.server import Web
    from raftzmq.events.logs import json_log

    log = json_log(io.BytesIO())  # who looks at a recording is told on the terminal what matters
    config = _cluster_of(recording)
    if web is None:
        try:
            return Web("127.0.0.1", PORT, log, config=config, boot="replay", live=False)
        except ConfigurationError:
            return Web("127.0.0.1", 0, log, config=config, boot="replay", live=False)
    return Web(*web_address(web if "://" in web else f"http://{web}"), log, config=config, boot="replay", live=False)


def _cluster_of(recording: Recording) -> ClusterConfig:
    """What the page asks of a cluster: a name, and which nodes there were."""
    nodes = []
    for row in recording.state_at(recording.last_position).status_rows():
        with contextlib.suppress(ConfigurationError):  # a stranger's recording may call nodes anything
            check_node_name(row["node"])
            nodes.append(_nowhere(row["node"]))
    return ClusterConfig(recording.path.resolve().name, tuple(nodes) or (_nowhere("recording"),))


def _nowhere(node: str) -> Address:
    """A node that isn't there any more: nobody can listen below a file, so nobody who is asked there answers."""
    return Address(node, *(f"ipc:///dev/null/{node}/{door}" for door in ("peer", "client", "events")))


def _tell(address: str, recording: Recording, as_json: bool) -> None:
    if as_json:
        say_json({"schema": 1, "address": address, "events": recording.event_count})
        return
    say(f"{recording.event_count:,} events of {printable(str(recording.path))}: {address}")
    note("Ctrl-C ends it.")


def _open(address: str) -> None:
    import webbrowser

    if not webbrowser.open(address):
        note("No browser could be started: open the address above in one.")
