"""Every exchange with a client begins with a handshake, and a mismatch is answered, never met with silence."""

from __future__ import annotations

import json

import pytest

from raftzmq.codec import PROTOCOL_MAX, PROTOCOL_MIN
from raftzmq.codec.clients import ClientFrame, Execute, Failure, Hello, Read, StatusAnswer, StatusRequest, Welcome
from raftzmq.kv.commands import Get, encode_parcel, encode_queries
from raftzmq.node import door
from tests.node.support import CLIENT, Rig, puts

REQUESTS: list[tuple[ClientFrame, bytes | None]] = [
    (Execute(5, 100), encode_parcel(puts(1, 0, "k"))),
    (Read(5, 100), encode_queries([Get(b"k")])),
    (StatusRequest(5), None),
]


def test_a_greeting_is_answered_with_who_is_here() -> None:
    rig = Rig("n2")
    rig.client(Hello(PROTOCOL_MIN, PROTOCOL_MAX, "local", b"me"))
    rig.settle()
    members = [(f"n{k}", f"tcp://127.0.0.1:{7200 + k}") for k in (1, 2, 3)]
    assert rig.taken() == [(Welcome(PROTOCOL_MAX, "local", "n2", "boot-1", "", members), [])]
    rig.follow("n3")
    rig.client(Hello(PROTOCOL_MIN, PROTOCOL_MAX, "local", b"me"))
    rig.settle()
    [(welcome, _)] = rig.taken()
    assert isinstance(welcome, Welcome)
    assert welcome.leader == "n3"


@pytest.mark.parametrize("cluster", ["local", ""], ids=["names it", "takes any"])
@pytest.mark.parametrize(("minimum", "maximum"), [(2, 2), (0, 2), (0, 9), (2, 9)])
def test_a_client_that_shares_a_version_is_welcome(minimum: int, maximum: int, cluster: str) -> None:
    rig = Rig()
    rig.client(Hello(minimum, maximum, cluster, b"me"))
    rig.settle()
    [(welcome, _)] = rig.taken()
    assert isinstance(welcome, Welcome)
    assert welcome.version == 2


@pytest.mark.parametrize(
    ("hello", "sentence"),
    [
        (Hello(3, 9, "local", b"me"), "speaks protocol 2 to 2, the client 3 to 9"),
        (Hello(1, 1, "local", b"me"), "speaks protocol 2 to 2, the client 1 to 1"),
        (Hello(PROTOCOL_MIN, PROTOCOL_MAX, "other", b"me"), "belongs to cluster 'local', the client asks for 'other'"),
    ],
)
def test_a_mismatch_is_refused_with_the_reason(hello: Hello, sentence: str) -> None:
    rig = Rig()
    rig.client(hello)
    rig.client(StatusRequest(1))
    rig.settle()
    [(refusal, _), (unknown, _)] = rig.taken()
    assert isinstance(refusal, Failure)
    assert (refusal.request, refusal.code, refusal.definite) == (0, "refused", True)
    assert sentence in refusal.message
    assert isinstance(unknown, Failure)
    assert unknown.code == "handshake", "it was not taken in"


@pytest.mark.parametrize(("header", "payload"), REQUESTS, ids=lambda value: type(value).__name__)
def test_whoever_has_not_greeted_is_told_to(header: ClientFrame, payload: bytes | None) -> None:
    rig = Rig(voters=1).lead()
    rig.client(header, payload)
    rig.settle()
    assert rig.failures() == [(5, "handshake", True)]
    rig.greet(b"another")
    rig.client(header, payload)
    rig.settle()
    assert rig.failures() == [(5, "handshake", True)], "greetings are each client's own"


def test_clients_are_forgotten_least_recent_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bound on what strangers can make a node remember; who is forgotten greets again."""
    monkeypatch.setattr(door, "CLIENTS_MAX", 3)
    rig = Rig(voters=1)
    for name in (b"a", b"b", b"c"):
        rig.greet(name)
    rig.client(StatusRequest(1), routing=b"a")
    rig.greet(b"d")
    assert rig.node.status()["clients"] == 3
    for name, known in ((b"a", True), (b"b", False), (b"c", True), (b"d", True)):
        rig.answers.clear()
        rig.client(StatusRequest(2), routing=name)
        rig.settle()
        [(answer, _)] = rig.taken(name)
        assert isinstance(answer, StatusAnswer) is known


def test_status_is_answered_by_any_node_at_once() -> None:
    rig = Rig()
    rig.greet()
    rig.client(StatusRequest(8))
    [(routing, frames)] = rig.round().clients
    assert routing == CLIENT
    row = json.loads(frames[1])
    assert row == rig.node.status()
    shown = [row[name] for name in ("node", "cluster", "role", "term", "leader", "pid", "boot", "voters")]
    assert shown == ["n1", "local", "follower", 0, None, 4711, "boot-1", ["n1", "n2", "n3"]]
    assert [row[name] for name in ("commit_index", "last_applied", "last_log_index")] == [0, 0, 1]


def test_status_shows_a_leader_at_work() -> None:
    rig = Rig().lead()
    session = rig.open_session()
    rig.execute(2, puts(session, 0, "a", "b"))
    rig.settle()
    row = rig.node.status()
    assert (row["role"], row["leader"], row["term"]) == ("leader", "n1", 1)
    assert (row["commit_index"], row["last_applied"], row["stable_index"], row["last_log_index"]) == (4, 4, 4, 4)
    assert (row["revision"], row["waiting_requests"], row["uncommitted_batches"]) == (2, 0, 0)
    assert row["digest"] == rig.state.machine.digest != 0
