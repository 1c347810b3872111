"""Hostile input on bare sockets: bounded, refused with a sentence where one can be said, and others are served on."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pytest

from raftzmq.collector.web import server_sent
from tests.collector.web.support import (
    BOOT,
    Answer,
    Serving,
    follow,
    is_closed,
    leads,
    read_answer,
    read_event,
    serving,
    wait_until,
)

MIB = 1024 * 1024
SHORT_S = 1.5
"""For whom nobody should have to wait long, and still long enough for others on a loaded machine."""


def said(one: Serving, request: bytes) -> Answer:
    """The answer to bytes as they are; the server must end the connection, or is asked to."""
    with closing(one.connect()) as bare:
        bare.sendall(request)
        return read_answer(bare)


@contextmanager
def unharmed(one: Serving) -> Iterator[None]:
    """Somebody who follows the stream meanwhile, and a plain question, must not notice anything."""
    one.offer(leads("n1"))
    with closing(one.connect()) as bare:
        buffer = follow(bare, "/events")
        wait_until(lambda: one.web._hub.readers > 0, "the reader has its place")
        one.offer({"index": 1})
        assert read_event(bare, buffer)["id"] == f"{BOOT}-2"
        yield
        one.offer({"index": 2})
        ids = [read_event(bare, buffer)["id"]]
        while ids[-1] != f"{BOOT}-{one.position}":
            ids.append(read_event(bare, buffer)["id"])
        numbers = [int(text.rpartition("-")[2]) for text in ids]
        assert numbers == list(range(3, one.position + 1)), "nothing is missing"
    assert one.get("/readyz").status == 200


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET /events?type=" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: " + b"x" * 10_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),  # somebody speaks TLS
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost localhost\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused_in_json_and_ends_the_connection(request_line: bytes) -> None:
    with serving() as one, unharmed(one):
        answer = said(one, request_line)
        assert answer.status == 400
        assert "malformed" in answer.message
        wait_until(lambda: len(one.web._connections) == 1, "the connection is gone")


@pytest.mark.parametrize(
    ("headers", "status", "sentence"),
    [
        (b"", 400, None),
        (b"Host: localhost\r\nHost: localhost\r\n", 400, None),
        (b"Host: \r\n", 400, "one Host header"),
        (b"Host: evil.example\r\n", 403, "isn't evil.example"),
        (b"Host: evil.example:80\r\n", 403, "isn't evil.example"),
        (b"Host: 127.0.0.1.evil.example\r\n", 403, "isn't 127.0.0.1.evil.example"),
        (b"Host: 10.0.0.1\r\n", 403, "isn't 10.0.0.1"),
        (b"Host: localhost@evil.example\r\n", 400, "one Host header"),
        (b"Host: localhost\r\nOrigin: http://evil.example\r\n", 403, "evil.example may not ask"),
        (b"Host: localhost\r\nOrigin: http://localhost\r\nOrigin: http://evil.example\r\n", 403, "may not ask"),
        (b"Host: LOCALHOST:7480\r\n", 200, None),
        (b"Host: [::1]:7480\r\n", 200, None),
        (b"Host: 127.0.0.2\r\n", 200, None),
    ],
)
@pytest.mark.parametrize("path", [b"/v1/state", b"/metrics"])
def test_hosts_and_origins(path: bytes, headers: bytes, status: int, sentence: str | None) -> None:
    with serving() as one:
        answer = said(one, b"GET " + path + b" HTTP/1.1\r\nConnection: close\r\n" + headers + b"\r\n")
        assert answer.status == status
        assert sentence is None or sentence in answer.message


def test_an_old_request_without_a_host_is_refused_too() -> None:
    with serving() as one:
        answer = said(one, b"GET /v1/state HTTP/1.0\r\n\r\n")
        assert answer.status == 400
        assert "one Host header" in answer.message


def test_headers_without_end_are_cut_off() -> None:
    with serving() as one, unharmed(one), closing(one.connect()) as bare:
        bare.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        taken = pour(bare, b"X: " + b"y" * 1000 + b"\r\n", 10 * MIB)
        assert taken < 5 * MIB, "what the kernel holds, and no more"


def test_headers_that_are_too_long_together_are_cut_off_though_each_may_be() -> None:
    """A few of them: many are refused for their number already."""
    with serving() as one, unharmed(one), closing(one.connect()) as bare:
        few = b"".join(b"X-%d: %b\r\n" % (number, b"y" * 8000) for number in range(6))
        with suppress(OSError):
            bare.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + few + b"\r\n")
        wait_until(lambda: len(one.web._connections) == 1, "the connection is gone")
        assert b"200 OK" not in rest_of(bare)


def rest_of(bare: socket.socket) -> bytes:
    """What still comes until the connection ends, however it ends."""
    data = b""
    with suppress(OSError):
        while chunk := bare.recv(65_536):
            data += chunk
    return data


def pour(bare: socket.socket, drop: bytes, most: int) -> int:
    """Send the same again and again until the other end has enough; how many bytes it, or the kernel, took."""
    taken = 0
    with suppress(OSError):
        while taken < most:
            bare.sendall(drop)
            taken += len(drop)
    return taken


def test_a_body_is_not_read() -> None:
    with serving() as one, unharmed(one), closing(one.connect()) as bare:
        bare.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n")
        assert pour(bare, bytes(10_000), 20 * MIB) < 10 * MIB


HALVES = (b"", b"GET", b"GET / HTTP/1.1\r\nHost: loc", b"GET / HTTP/1.1\r\nHost: localhost\r\n")


def test_half_a_request_is_not_waited_for_nor_one_that_comes_byte_by_byte_nor_the_next() -> None:
    with serving(idle_s=SHORT_S) as one, unharmed(one), ExitStack() as stack:
        waiting = [stack.enter_context(closing(one.connect())) for _ in HALVES]
        for bare, half in zip(waiting, HALVES, strict=True):
            bare.sendall(half)
        served = stack.enter_context(closing(one.connect()))
        served.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200 OK" in served.recv(65_536)
        dripping = stack.enter_context(closing(one.connect()))
        dripping.sendall(b"GET /")

        def dripped() -> bool:
            try:
                dripping.sendall(b"x")
            except OSError:
                return True
            return False

        wait_until(dripped, "it is ended, though bytes keep coming")
        for bare in [*waiting, served]:
            wait_until(lambda bare=bare: is_closed(bare), "it is ended")  # type: ignore[misc]


def test_a_thousand_idle_connections_do_not_stop_the_service() -> None:
    with serving() as one, unharmed(one), ExitStack() as stack:
        # Both ends of each are in this process.
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        free = soft - len(list(Path("/proc/self/fd").iterdir())) - 64
        for _ in range(min(1000, free // 2)):
            stack.enter_context(closing(one.connect()))
        assert one.get("/v1/state").status == 200
        assert len(one.web._connections) <= one.web._connections.maximum


def test_more_than_there_is_room_for_end_the_idlest_not_those_who_follow() -> None:
    with serving(maximum=16) as one, unharmed(one), ExitStack() as stack:
        crowd = [stack.enter_context(closing(one.connect())) for _ in range(100)]
        wait_until(lambda: len(one.web._connections) <= 16, "the crowd is bounded")
        for bare in crowd[:80]:
            wait_until(lambda bare=bare: is_closed(bare), "the oldest are gone")  # type: ignore[misc]
        assert one.get("/livez").status == 200


def test_a_slow_reader_is_dropped_and_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_sent, "SEND_S", 0.3)
    with serving() as one, closing(one.connect(receive_buffer=4096)) as bare:
        bare.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_until(lambda: one.web._hub.readers == 1, "it follows")
        with closing(one.connect()) as other:
            # Wants little of what floods the first one, and gets it.
            buffer = follow(other, "/events?type=election")
            wait_until(lambda: one.web._hub.readers == 2, "the other follows")
            wait_until(lambda: _dropped(one), "the slow one is dropped")
            one.offer({"type": "election", "pre_vote": False, "last_log_index": 1})
            assert read_event(other, buffer)["id"] == f"{BOOT}-{one.position}"
        assert one.metric("raftzmq_collector_slow_readers_total") == 1


def _dropped(one: Serving) -> bool:
    one.offer(*({"node": "n2", "text": "x" * 1000} for _ in range(20)))
    return one.web._hub.slow > 0


def test_answers_that_nobody_takes_are_given_up() -> None:
    with serving(idle_s=SHORT_S) as one, unharmed(one), closing(one.connect(receive_buffer=4096)) as bare:
        # Questions at once whose answers, a few megabytes, fill every buffer on the way.
        bare.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 300)
        wait_until(lambda: len(one.web._connections) == 1, "it is ended")


@pytest.mark.parametrize("path", ["/../../etc/passwd", "/%2e%2e/x", "//", "/v1/state/", "/%00", "/" + "a" * 3000])
def test_paths_that_lead_nowhere(path: str) -> None:
    with serving() as one:
        answer = one.get(path)
        assert answer.status == 404
        assert len(answer.body) < 400


def test_a_flood_of_questions_at_once_is_cut_off() -> None:
    with serving() as one, unharmed(one), closing(one.connect(receive_buffer=4096)) as bare:
        assert pour(bare, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50, 100 * MIB) < 20 * MIB
        wait_until(lambda: len(one.web._connections) == 1, "it is ended")


def test_nothing_of_strangers_gets_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    with serving() as one:
        for _ in range(20):
            said(one, b"nonsense\r\n\r\n")
            one.get("/nothing")
        assert [line["event"] for line in one.log()] == ["serving HTTP"]
    assert not caplog.records, "nor to standard error, where the libraries' logs go"
