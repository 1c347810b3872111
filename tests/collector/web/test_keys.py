"""The cluster's data over HTTP, without a cluster: who may ask, what is refused, and that nothing piles up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest

from raftzmq.collector.web import kv_clients
from raftzmq.collector.web.kv import BODY_BYTES_MAX
from raftzmq.collector.web.kv_clients import COMMANDS_MAX, READS_MAX
from tests.collector.web.support import Serving, serving

DATA = ("/v1/keys", "/v1/history?key=k")


@pytest.fixture(scope="module")
def one() -> Iterator[Serving]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(kv_clients, "TIMEOUT_S", 0.2)
        with serving(3) as found:
            yield found


def asked(one: Serving, path: str) -> Any:
    """A reading request with the token."""
    return one.get(path, Authorization=f"Bearer {one.web.token.text}")


@pytest.mark.parametrize("path", DATA)
def test_data_needs_the_token(one: Serving, path: str) -> None:
    assert one.get(path).status == 401
    assert one.get(path, Authorization="Bearer " + "0" * 32).status == 403
    assert one.get("/v1/kv", "POST", "{}").status in (401, 403, 415)
    assert one.post("/v1/kv", {"op": "get", "key": "k"}, Authorization=None).status == 401


def test_explanations_need_none(one: Serving) -> None:
    assert one.get("/v1/explain?request=999").status in (404, 410)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"op": "drop", "key": "k"}, "op must be one of put, get, append, delete"),
        ({"op": ["put"], "key": "k", "value": "v"}, "op must be one of"),
        ({"op": "put", "key": "k"}, "the value is missing"),
        ({"op": "put", "key": 3, "value": "v"}, "the key is missing, or is neither text"),
        ({"op": "put", "key": {"b64": "!"}, "value": "v"}, "the key is no base64"),
        ({"op": "put", "key": {"b64": "aa==", "more": 1}, "value": "v"}, "neither text"),
        ({"op": "get", "key": "k", "value": "v"}, "get takes key and nothing else"),
        ({"op": "put", "key": "", "value": "v"}, "a key has at least one byte"),
        ({"op": "put", "key": "k", "value": "v", "ttl": 3}, "put takes key, value and nothing else"),
    ],
)
def test_what_is_no_command_is_refused(one: Serving, document: dict[str, Any], words: str) -> None:
    answer = one.post("/v1/kv", document)
    assert (answer.status, words in answer.message) == (400, True), answer.message


def test_bounds_are_said(one: Serving) -> None:
    key = one.post("/v1/kv", {"op": "put", "key": "k" * 481, "value": "v"})
    assert (key.status, key.json["error"]["code"]) == (413, "too_large")
    assert key.json["error"]["definite"] is True
    value = one.post("/v1/kv", {"op": "put", "key": "k", "value": "v" * (1024 * 1024 + 1)})
    assert (value.status, "1024 KiB" in value.message) == (413, True)
    for _ in range(20):  # cut off while it sends, a client would see a broken connection instead, though not always
        assert one.post("/v1/kv", body=b" " * (BODY_BYTES_MAX + 1)).status == 413


@pytest.mark.parametrize(
    "path",
    [
        "/v1/keys?limit=0",
        "/v1/keys?limit=201",
        "/v1/keys?revision=-1",
        "/v1/keys?revision=1e3",
        "/v1/keys?from=!",
        "/v1/keys?prefix=a&prefix_b64=YQ==",
        "/v1/keys?order=down",
        "/v1/history",
        "/v1/history?key=k&limit=101",
        "/v1/explain",
        "/v1/explain?request=1&tag=a",
        "/v1/explain?request=x",
        f"/v1/explain?tag={'x' * 65}",
        f"/v1/keys?revision={quote('٣')}",
    ],
)
def test_odd_questions_are_refused(one: Serving, path: str) -> None:
    answer = asked(one, path)
    assert answer.status == 400, answer.body
    assert answer.message


@pytest.mark.parametrize("path", DATA)
def test_a_cluster_that_is_not_there_is_said(one: Serving, path: str) -> None:
    answer = asked(one, path)
    assert (answer.status, answer.json["error"]["code"]) == (503, "unreachable")
    assert "no node answered within" in answer.message
    assert "Retry-After" in answer.headers or "retry-after" in answer.headers


@pytest.mark.parametrize("op", ["put", "get", "append", "delete"])
def test_commands_say_so_too(one: Serving, op: str) -> None:
    answer = one.post("/v1/kv", {"op": op, "key": "k", **({"value": "v"} if op in ("put", "append") else {})})
    assert (answer.status, answer.json["error"]["code"], answer.json["error"]["definite"]) == (503, "unreachable", True)


def test_requests_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kv_clients, "TIMEOUT_S", 1.5)
    with serving(3) as one, ThreadPoolExecutor(4 * READS_MAX) as pool:
        reads = list(pool.map(lambda _: asked(one, "/v1/keys"), range(2 * READS_MAX)))
        codes = [answer.json["error"]["code"] for answer in reads]
        assert {answer.status for answer in reads} == {503}
        assert codes.count("unreachable") == READS_MAX
        assert codes.count("overloaded") == READS_MAX
        commands = list(pool.map(lambda _: one.post("/v1/kv", {"op": "get", "key": "k"}), range(2 * COMMANDS_MAX)))
        codes = [answer.json["error"]["code"] for answer in commands]
        assert codes.count("unreachable") == COMMANDS_MAX
        assert codes.count("overloaded") == COMMANDS_MAX
        assert "a majority of the nodes" in next(a.message for a in commands if "under way already" in a.message)
        # And there is room again once they have ended.
        assert asked(one, "/v1/keys").json["error"]["code"] == "unreachable"


def test_what_is_under_way_ends_with_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kv_clients, "TIMEOUT_S", 60.0)
    with serving(3) as one, one.connect() as waiting:
        head = f"GET /v1/keys HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {one.web.token.text}\r\n\r\n"
        waiting.sendall(head.encode())
        assert one.get("/livez").status == 200  # it came later, so the other one is under way
        begun = time.monotonic()
        one.web.close()
        with suppress(ConnectionResetError):
            assert waiting.recv(1) == b""
        assert time.monotonic() - begun < 30
        assert [line for line in one.log() if line["level"] == "error"] == []
