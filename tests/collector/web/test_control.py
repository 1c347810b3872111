"""Who may change something over HTTP: who knows the token, from the page itself, in a request that is well made."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from raftzmq.collector.web.routes import BODY_BYTES_MAX
from raftzmq.collector.web.token import Token
from raftzmq.collector.web.token_file import TOKEN_FILE, read_token
from raftzmq.errors import ConfigurationError
from tests.collector.support import cluster, collecting, free_endpoints
from tests.collector.web.support import Serving, read_answer, serving

DONE: list[dict[str, Any]] = []


async def act(document: dict[str, Any]) -> dict[str, Any]:
    """What a control call does here: it is noted."""
    DONE.append(document)
    return {"did": document}


@contextmanager
def acting() -> Iterator[Serving]:
    """A server with a control call at /v1/act."""
    DONE.clear()
    with serving() as one:
        one.web._routes.act("/v1/act", act)
        yield one


def test_who_knows_the_token_is_served() -> None:
    with acting() as one:
        answer = one.post("/v1/act", {"a": 1})
        assert (answer.status, answer.json) == (200, {"did": {"a": 1}})
        assert DONE == [{"a": 1}]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"Authorization": None}, 401),
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer "}, 401),
        ({"Authorization": "Basic eDp5"}, 401),
        ({"Authorization": "Bearer 00000000000000000000000000000000"}, 403),
        ({"Authorization": "Bearer \xff"}, 403),
        ({"Origin": None}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://localhost:1"}, 403),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, 403),
        ({"Content_Type": None}, 415),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content_Type": "multipart/form-data; boundary=x"}, 415),
        ({"Content_Encoding": "gzip"}, 415),
        ({"body": b"x" * (BODY_BYTES_MAX + 1)}, 413),
        ({"body": b""}, 400),
        ({"body": b"{"}, 400),
        ({"body": b"[]"}, 400),
        ({"body": b'"\xff"'}, 400),
        ({"body": b"[" * 40_000}, 400),
        ({"body": b'{"a":' * 10_000}, 400),
    ],
)
def test_everything_else_is_refused_with_a_sentence(changes: dict[str, Any], status: int) -> None:
    with acting() as one:
        answer = one.post("/v1/act", {"a": 1}, **changes)
        assert answer.status == status, answer.body
        assert answer.json["error"]["code"]
        assert len(answer.message) > 20
        assert one.web.token.text not in answer.body.decode()
        assert DONE == [], "nothing was done"


def test_a_body_may_come_with_its_headers_or_in_pieces() -> None:
    with acting() as one, one.connect() as bare:
        host = f"{one.address[0]}:{one.address[1]}"
        body = b'{"a":"' + b"x" * 60_000 + b'"}'
        head = (
            f"POST /v1/act HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {one.web.token.text}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        ).encode()
        bare.sendall(head + body)
        assert read_answer(bare).status == 200
        with one.connect() as again:
            for start in range(0, len(head + body), 7_000):
                again.sendall((head + body)[start : start + 7_000])
            assert read_answer(again).status == 200
        assert [len(done["a"]) for done in DONE] == [60_000, 60_000]


def test_two_tokens_are_none() -> None:
    with acting() as one, one.connect() as bare:
        line = f"Authorization: Bearer {one.web.token.text}\r\n"
        host = f"{one.address[0]}:{one.address[1]}"
        bare.sendall(
            f"POST /v1/act HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nContent-Type: application/json\r\n"
            f"Content-Length: 2\r\nConnection: close\r\n{line}{line}\r\n{{}}".encode()
        )
        assert read_answer(bare).status in (400, 401)
        assert DONE == []


def test_a_body_of_unknown_length_is_not_read() -> None:
    with acting() as one, one.connect() as bare:
        host = f"{one.address[0]}:{one.address[1]}"
        bare.sendall(
            f"POST /v1/act HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {one.web.token.text}\r\nTransfer-Encoding: chunked\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        assert read_answer(bare).status == 411


def test_reading_changes_nothing_and_other_methods_do_nothing() -> None:
    with acting() as one:
        for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS"):
            answer = one.get("/v1/act", method)
            assert (answer.status, answer.headers["allow"]) == (405, "POST")
        assert not [name for name in answer.headers if name.startswith("access-control-")], "nor does a preflight"
        assert one.post("/v1/act?a=1", {}).status == 400, "what is to be done stands in the body"
        assert one.post("/v1/state", {}).status == 405
        assert one.post("/nothing", {}).status == 404
        assert DONE == []


def test_a_path_may_be_for_those_alone_who_know_the_token() -> None:
    with acting() as one:
        pages = one.web._routes._reads["/livez"].answer
        one.web._routes.read("/v1/secret", pages, token=True)
        assert one.get("/v1/secret").status == 401
        assert one.get("/v1/secret", Authorization="Bearer x").status == 403
        assert one.get("/v1/secret", Authorization=f"Bearer {one.web.token.text}").status == 200


def test_a_file_may_be_as_long_as_its_path_takes_and_no_longer() -> None:
    with acting() as one:
        anything = one.web._routes._reads["/livez"].answer
        one.web._routes.take("/v1/file", anything, content_type="application/zstd", bytes_max=10)
        assert one.post("/v1/file", body=b"x" * 10, Content_Type="application/zstd").status == 200
        assert one.post("/v1/file", body=b"x" * 11, Content_Type="application/zstd").status == 413
        assert one.post("/v1/file", body=b"{}").status == 415


def test_the_token_lies_in_a_file_for_this_user_alone(tmp_path: Path) -> None:
    token = Token()
    path = token.write(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == f"{token.text}\n"
    assert len(token.text) == 32
    assert read_token(tmp_path) == token.text
    other = Token()
    assert other.text != token.text
    path.chmod(0o666)
    assert other.write(tmp_path) == path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == [TOKEN_FILE]
    with pytest.raises(ConfigurationError, match="cannot be written"):
        other.write(tmp_path / "nowhere")
    assert read_token(tmp_path / "nowhere") is None


def test_each_start_of_a_collector_makes_another_and_says_where_but_not_what(tmp_path: Path) -> None:
    found = []
    for _ in range(2):
        config = replace(cluster(1), web=free_endpoints(1)[0].replace("tcp", "http"))
        with collecting(config, tmp_path) as running:
            assert running.collector.web is not None
            found.append(read_token(tmp_path))
            assert found[-1] == running.collector.web.token.text
        said = running._log.getvalue().decode()
        assert str(tmp_path / "token") in said
        assert str(found[-1]) not in said
    assert found[0] != found[1]
