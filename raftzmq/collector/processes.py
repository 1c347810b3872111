"""What supervisord says about the processes of a cluster: asked once a second, on a thread of its own.

supervisord speaks XML-RPC over a unix socket. It may hang or be gone: the collector neither waits for it nor minds.
"""

from __future__ import annotations

import http.client
import socket
import threading
import xmlrpc.client
from collections.abc import Callable
from typing import Any

from raftzmq.collector.changes import Changes, State
from raftzmq.errors import ConfigurationError

POLL_S = 1.0
TIMEOUT_S = 2.0
"""supervisord answers in milliseconds; one that doesn't is asked again later."""
PROCESSES_MAX = 1000
CHANGES_MAX = 10_000
"""Changes that nobody has taken yet; the oldest go first."""


class Processes:
    """Watches the processes of one supervisord; `take` gives what changed since the last call.

    ``server`` is the path of its socket, or a URL as supervisord gives it to the processes that it starts
    (``unix:///path`` or ``http://127.0.0.1:9001``). Raises ConfigurationError for another kind of URL.
    """

    def __init__(self, server: str, *, poll_s: float = POLL_S) -> None:
        self._ask = _asker(server)
        self._poll_s = poll_s
        self._known: dict[str, State] = {}
        self._changes = Changes(CHANGES_MAX)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="processes", daemon=True)
        self._thread.start()

    def take(self) -> list[State]:
        """The changes since the last call, oldest first."""
        return self._changes.take()

    @property
    def changes_lost(self) -> int:
        """Changes that nobody took in time."""
        return self._changes.lost

    def close(self) -> None:
        """Stop watching, without waiting for a supervisord that hangs."""
        self._ending.set()

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                rows = self._ask()
            except (OSError, http.client.HTTPException, xmlrpc.client.Error, ValueError):
                rows = []  # not there, or busy with its own end: the states known stay known
            self._compare(rows[:PROCESSES_MAX] if isinstance(rows, list) else [])
            self._ending.wait(self._poll_s)

    def _compare(self, rows: list[Any]) -> None:
        for row in rows:
            state = _state_of(row)
            if state is None:
                continue
            before = self._known.get(state["name"])
            if before is not None and (before["state"], before["pid"]) == (state["state"], state["pid"]):
                continue
            if before is None and len(self._known) >= PROCESSES_MAX:
                continue
            self._known[state["name"]] = state
            self._changes.add({**state, "previous": None if before is None else before["state"]})


def _state_of(row: Any) -> State | None:
    """One row of supervisord's table, or None if it is none."""
    try:
        group, name = str(row["group"]), str(row["name"])
        return {
            "name": name if group == name else f"{group}:{name}",
            "state": str(row["statename"]),
            "previous": None,
            "pid": int(row["pid"]),
            "exit_status": int(row["exitstatus"]),
        }
    except (KeyError, TypeError, ValueError):
        return None


def _asker(server: str) -> Callable[[], Any]:
    """A function that asks for the table of processes."""
    call = supervisor_caller(server)
    return lambda: call("getAllProcessInfo")


def supervisor_caller(server: str) -> Callable[..., Any]:
    """A function that calls a method of supervisord, given its name and arguments; it has an end to its patience.

    It raises what `xmlrpc.client` does: OSError, HTTPException, Error. Raises ConfigurationError for no address.
    """
    scheme, separator, rest = server.partition("://")
    if not separator or scheme == "unix":
        url, path = "http://localhost/RPC2", rest if separator else server
    elif scheme == "http":
        url, path = f"{server.rstrip('/')}/RPC2", None
    else:
        raise ConfigurationError(
            f"{server!r} is no address of supervisord: give the path of its socket, unix:///PATH or http://HOST:PORT"
        )
    transport = _Transport(path)
    proxy = xmlrpc.client.ServerProxy(url, transport=transport)

    def call(method: str, *arguments: Any) -> Any:
        try:
            return getattr(proxy.supervisor, method)(*arguments)
        finally:
            transport.close()  # one that is kept may be closed by supervisord within a second

    return call


class _Transport(xmlrpc.client.Transport):
    """XML-RPC with an end to its patience, over a unix socket if there is a path."""

    def __init__(self, path: str | None) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        """The connection for one request."""
        made = http.client.HTTPConnection(str(host), timeout=TIMEOUT_S) if self._path is None else _Unix(self._path)
        self._connection = host, made
        return made


class _Unix(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        # Kept at once: whoever closes the connection closes it too, also if nobody listens.
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT_S)
        self.sock.connect(self._path)
