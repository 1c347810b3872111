"""What the tests of the HTTP side share: one that serves on a free port, events for it, and bare sockets."""

from __future__ import annotations

import http.client
import io
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import orjson

from raftzmq.collector.cluster_state import ClusterState
from raftzmq.collector.merged import Merged
from raftzmq.collector.web.connection import Connections
from raftzmq.collector.web.server import Web
from raftzmq.config import ClusterConfig
from raftzmq.events.logs import json_log
from tests.collector.support import PATIENCE_S, cluster, wait_until

BOOT = "b00t"


class Answer(NamedTuple):
    """What a server said."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)

    @property
    def message(self) -> str:
        """The sentence of an error."""
        text = self.json["error"]["message"]
        assert isinstance(text, str)
        return text


class Serving:
    """A `Web` that serves, and the collector's part: a merged stream and the state that it adds up to."""

    def __init__(self, config: ClusterConfig, web: Web, log: io.BytesIO) -> None:
        self.config = config
        self.web = web
        self.address = web.address
        self.folded = ClusterState()
        self.position = 0
        self._log = log

    def offer(self, *events: dict[str, Any], state: bool = True) -> None:
        """The next events, with their state; the envelope is added where it is missing."""
        merged = []
        for fields in events:
            self.position += 1
            event = {
                "v": 1,
                "node": "n1",
                "boot": "b",
                "seq": self.position,
                "order": self.position,
                "ts": time.time(),
                "mono_ns": 1,
                "lamport": self.position,
                "term": 1,
                "type": "commit",
                **fields,
            }
            self.folded.fold(event)
            topic = f"raftzmq.{event['node']}.{event['type']}".encode()
            merged.append(Merged(self.position, topic, orjson.dumps(event), event))
        self.web.offer(merged)
        if state:
            self.web.state = (self.position, self.folded.to_json())

    def get(self, path: str, method: str = "GET", body: str | bytes | None = None, **headers: str) -> Answer:
        """A request as any client would send it."""
        connection = http.client.HTTPConnection(*self.address, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def post(self, path: str, document: Any = None, **changes: str | bytes | None) -> Answer:
        """A control call as the page sends it: with the token, where it is from and what it is.

        ``changes`` give another header (``Content_Type=``; None: none at all) or ``body``.
        """
        origin = f"http://{self.address[0]}:{self.address[1]}"
        given = changes.pop("body", None)
        body = orjson.dumps(document) if given is None else given
        headers: dict[str, Any] = {
            "Authorization": f"Bearer {self.web.token.text}",
            "Content-Type": "application/json",
            "Origin": origin,
            **{name.replace("_", "-"): value for name, value in changes.items()},
        }
        sent = {name: value for name, value in headers.items() if value is not None}
        return self.get(path, "POST", body, **sent)

    def connect(self, *, receive_buffer: int = 0) -> socket.socket:
        """A bare connection."""
        bare = socket.socket()
        if receive_buffer:
            bare.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        bare.settimeout(PATIENCE_S)
        bare.connect(self.address)
        return bare

    def log(self) -> list[dict[str, Any]]:
        """The lines of its log."""
        return [json.loads(line) for line in self._log.getvalue().splitlines()]

    def metric(self, line: str) -> float:
        """The value of a sample of /metrics, named with its labels as it is printed."""
        for text in self.get("/metrics").body.decode().splitlines():
            name, _, value = text.rpartition(" ")
            if name == line:
                return float(value)
        raise AssertionError(f"/metrics has no {line}")


@contextmanager
def serving(nodes: int = 3, **options: Any) -> Iterator[Serving]:
    """A web side on a free port, ended at the end."""
    config, log = cluster(nodes), io.BytesIO()
    idle_s, maximum = options.pop("idle_s", 10.0), options.pop("maximum", 512)
    connections = Connections(idle_s=idle_s, maximum=maximum)
    host = options.pop("host", "127.0.0.1")
    web = Web(host, 0, json_log(log), config=config, boot=BOOT, connections=connections, **options)
    try:
        web.start()
        yield Serving(config, web, log)
    finally:
        web.close()


def leads(node: str, term: int = 1) -> dict[str, Any]:
    """The event by which a node says that it leads."""
    return {"node": node, "type": "role", "role": "leader", "previous": "candidate", "reason": "votes", "term": term}


def read_answer(bare: socket.socket) -> Answer:
    """Everything until the server ends the connection."""
    data = b""
    while chunk := bare.recv(65_536):
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}
    return Answer(int(first.split()[1]), headers, body)


def read_event(bare: socket.socket, buffer: bytearray) -> dict[str, str]:
    """The next server-sent event, comments passed over: its lines by name."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        while b"\n\n" in buffer:
            block, _, rest = bytes(buffer).partition(b"\n\n")
            buffer[:] = rest
            found = dict(line.split(": ", 1) for line in block.decode().split("\n") if not line.startswith(":"))
            if "data" in found:
                return found
        chunk = bare.recv(65_536)
        assert chunk, "the stream ended"
        buffer += chunk
    raise AssertionError("no event came")


def follow(bare: socket.socket, path: str, **headers: str) -> bytearray:
    """Ask for a stream; what came behind the headers of the answer."""
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    bare.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n{more}\r\n".encode())
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = bare.recv(65_536)
        assert chunk, f"no stream: {data!r}"
        data += chunk
    head, _, rest = data.partition(b"\r\n\r\n")
    assert b" 200 " in head.split(b"\r\n")[0], data
    return bytearray(rest)


def is_closed(bare: socket.socket) -> bool:
    """Has the server ended the connection? Reads what is there."""
    bare.settimeout(0.01)
    try:
        while bare.recv(65_536):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    finally:
        bare.settimeout(PATIENCE_S)
    return True


__all__ = [
    "BOOT",
    "Answer",
    "Serving",
    "follow",
    "is_closed",
    "leads",
    "read_answer",
    "read_event",
    "serving",
    "wait_until",
]
