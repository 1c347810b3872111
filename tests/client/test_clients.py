"""Both clients over real sockets: every call, and every trouble that a client is to hide or to report truthfully."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

import raftzmq
from raftzmq import (
    CasResult,
    ClientClosed,
    DeleteResult,
    InvalidRequest,
    KeyValue,
    OutcomeUnknown,
    PutResult,
    TooLarge,
    Unreachable,
)
from raftzmq.benchmarks.local_cluster import free_ports
from raftzmq.config import KEY_BYTES_MAX, TRACE_CHARACTERS_MAX, VALUE_BYTES_MAX
from tests.client.both import BOTH, NAMES, Client, nodes
from tests.client.server import Node
from tests.live.harness import eventually

both = pytest.mark.parametrize("make", BOTH, ids=NAMES)
Make = Callable[..., Client]


@both
def test_every_call(make: Make) -> None:
    with nodes(1) as (_, (node,)), make(node.endpoint) as client:
        assert client.put("colour", "blue") == PutResult(1)
        assert client.put(b"colour", b"gr\xfcn") == PutResult(2)
        assert client.get("colour") == KeyValue(b"colour", b"gr\xfcn", 1, 2, 2, 0)
        assert client.get("colour", revision=1) == KeyValue(b"colour", b"blue", 1, 1, 1, 0)
        assert client.get("shape") is None
        assert client.compare_and_swap("shape", None, "round") == CasResult(True, 3)
        assert client.compare_and_swap("shape", None, "square") == CasResult(False, 3)
        assert client.compare_and_swap("shape", "round", "square") == CasResult(True, 4)
        assert client.compare_and_swap("shape", None, "flat", mod_revision=4) == CasResult(True, 5)
        assert client.delete("shape") == DeleteResult(True, 6)
        assert client.delete("shape") == DeleteResult(False, 6)
        assert client.put("leased", "x", lease=7) == PutResult(7)
        assert client.get("leased").lease == 7
        assert client.state_hash() == client.state_hash(node.endpoint)


@both
def test_ranges(make: Make) -> None:
    with nodes(1) as (_, (node,)), make([node.endpoint]) as client:
        for key in ("a", "b/1", "b/2", "b/3", "c"):
            client.put(key, key)

        def keys(*arguments: object, **options: object) -> list[bytes]:
            return [item.key for item in client.range(*arguments, **options).items]

        assert keys("b/") == [b"b/1", b"b/2", b"b/3"]
        assert keys() == keys("") == [b"a", b"b/1", b"b/2", b"b/3", b"c"]
        assert keys(start="b/2", end="c") == [b"b/2", b"b/3"]
        assert keys(start="c") == [b"c"]
        assert keys(b"\xff") == []
        first = client.range("b/", limit=2)
        assert ([item.key for item in first.items], first.more) == ([b"b/1", b"b/2"], True)
        client.put("b/4", "later")
        rest = client.range("b/", resume_key=first.resume_key, revision=first.revision)
        assert ([item.key for item in rest.items], rest.more, rest.resume_key) == ([b"b/3"], False, None)


@both
def test_mistakes_are_told_at_the_call_before_anything_is_sent(make: Make) -> None:
    with make("tcp://127.0.0.1:1") as client:
        mistakes: list[tuple[Callable[[], object], type[Exception]]] = [
            (lambda: client.put_async("", "v"), InvalidRequest),
            (lambda: client.put_async("k" * (KEY_BYTES_MAX + 1), "v"), TooLarge),
            (lambda: client.put_async(b"k" * (KEY_BYTES_MAX + 1), b"v"), TooLarge),
            (lambda: client.put_async("k", b"v" * (VALUE_BYTES_MAX + 1)), TooLarge),
            (lambda: client.put_async(b"k", b"v" * (VALUE_BYTES_MAX + 1)), TooLarge),
            (lambda: client.put_async(1, "v"), InvalidRequest),
            (lambda: client.put_async("k", None), InvalidRequest),
            (lambda: client.put_async("k", bytearray(b"v")), InvalidRequest),
            (lambda: client.put_async("\ud800", "v"), InvalidRequest),
            (lambda: client.put_async("k", "v", lease=-1), InvalidRequest),
            (lambda: client.put_async("k", "v", lease=True), InvalidRequest),
            (lambda: client.put_async("k", "v", timeout=0), InvalidRequest),
            (lambda: client.put_async("k", "v", timeout=float("nan")), InvalidRequest),
            (lambda: client.get_async("k", consistency="eventual"), InvalidRequest),
            (lambda: client.get_async("k", revision=-1), InvalidRequest),
            (lambda: client.range_async("a", start="b"), InvalidRequest),
            (lambda: client.range_async("a", limit=0), InvalidRequest),
            (lambda: client.range_async(start="k" * (KEY_BYTES_MAX + 1)), TooLarge),
            (lambda: client.compare_and_swap_async("k", "a", "b", mod_revision=1), InvalidRequest),
            (lambda: client.compare_and_swap_async("k", "v" * VALUE_BYTES_MAX, "w" * VALUE_BYTES_MAX), TooLarge),
        ]
        for call, error in mistakes:
            with pytest.raises(error):
                call()
        with pytest.raises(InvalidRequest, match="supported: linearizable"):
            client.get_async("k", consistency="quantum")


@both
def test_the_largest_value_and_key(make: Make) -> None:
    with nodes(1) as (_, (node,)), make(node.endpoint) as client:
        key, value = b"k" * KEY_BYTES_MAX, b"v" * VALUE_BYTES_MAX
        client.put(key, value)
        assert client.get(key).value == value
        assert client.range(key).items[0].value == value


@both
def test_a_write_finds_the_leader_from_any_node(make: Make) -> None:
    with nodes(3, leader="n3") as (decree, running), make([running[0].endpoint]) as client:
        client.put("a", "1")
        assert running[2].executed == 2, "a session and a put"
        decree.leader = "n2"
        client.put("b", "2")
        assert running[1].executed == 1


@both
def test_a_write_whose_answer_was_lost_is_sent_again_and_applied_once(make: Make) -> None:
    with nodes(2) as (decree, (node, _)), make(node.endpoint) as client:
        client.put("k", "v")
        node.swallow = 2
        assert client.put("k", "w", timeout=20) == PutResult(2)
        assert node.swallow == 0
        assert client.get("k").version == 2
        assert decree.machine.suppressed >= 1


@both
def test_when_the_leader_dies_its_successor_gets_the_write(make: Make) -> None:
    with nodes(3) as (decree, running), make([node.endpoint for node in running]) as client:
        client.put("k", "v")
        running[0].silent = True
        future = client.put_async("k", "w", timeout=30)
        eventually(lambda: len(running[0].connections) == 1, "the client is connected")
        decree.leader = "n2"
        running[0].kill()
        assert future.result() == PutResult(2)
        assert running[1].executed == 1


@both
def test_a_node_that_comes_back_is_found_again(make: Make) -> None:
    with nodes(1) as (decree, (node,)), make(node.endpoint, timeout=30) as client:
        client.put("k", "v")
        node.kill()
        future = client.put_async("k", "w")
        with Node(decree, "n1", node.endpoint):
            assert future.result() == PutResult(2)


@both
def test_nobody_there_is_unreachable_within_the_timeout(make: Make) -> None:
    with make([f"tcp://127.0.0.1:{port}" for port in free_ports(2)], timeout=0.5) as client:
        write, read = client.put_async("k", "v"), client.get_async("k")
        for future in (write, read):
            error = future.exception(30)
            assert isinstance(error, Unreachable)
            assert error.definite
            assert error.exit_code == 7


@both
def test_a_silent_leader_leaves_the_outcome_unknown_and_reads_definite(make: Make) -> None:
    with nodes(1) as (_, (node,)), make(node.endpoint) as client:
        client.put("k", "v")
        node.silent = True
        begun = time.monotonic()
        write, read = client.put_async("k", "v", timeout=0.3), client.get_async("k", timeout=0.3)
        unknown, unread = write.exception(30), read.exception(30)
        assert time.monotonic() - begun >= 0.3
        assert isinstance(unknown, OutcomeUnknown)
        assert not unknown.definite
        assert unread is not None
        assert unread.definite


@both
def test_status_has_a_row_per_member_reachable_or_not(make: Make) -> None:
    with nodes(3) as (_, running), make(running[0].endpoint) as client:
        rows = client.status()
        assert [row["node"] for row in rows] == ["n1", "n2", "n3"]
        assert [row["role"] for row in rows] == ["leader", "follower", "follower"]
        assert [row["endpoint"] for row in rows] == [node.endpoint for node in running]
        assert all(row["reachable"] for row in rows)
        running[1].kill()
        running[2].silent = True
        rows = client.status()
        assert [(row["node"], row["reachable"]) for row in rows] == [("n1", True), ("n2", False), ("n3", False)]
        running[2].silent = False
        assert client.put("k", "v") == PutResult(1)


@both
def test_status_without_a_single_node(make: Make) -> None:
    (port,) = free_ports(1)
    with make(f"127.0.0.1:{port}") as client:
        assert client.status() == [{"node": "", "endpoint": f"tcp://127.0.0.1:{port}", "reachable": False}]


@both
def test_a_hash_is_of_the_node_that_was_asked(make: Make) -> None:
    with nodes(2) as (_, (leader, follower)), make(leader.endpoint) as client:
        client.put("k", "v")
        assert client.state_hash(follower.endpoint).revision == 1
        follower.kill()
        with pytest.raises(Unreachable):
            client.state_hash(follower.endpoint, timeout=0.3)


@both
def test_a_client_of_another_cluster_is_refused(make: Make) -> None:
    with (
        nodes(1) as (_, (node,)),
        make(node.endpoint, cluster="another") as client,
        pytest.raises(raftzmq.Refused, match="belongs to cluster"),
    ):
        client.put("k", "v")


@both
def test_an_endpoint_that_is_none(make: Make) -> None:
    for endpoint in ("nonsense://x", "127.0.0.1", "127.0.0.1:99999", "::1:7201", "tcp://*:7201"):
        with pytest.raises(InvalidRequest, match="is no endpoint"):
            make(endpoint)
    # which looks like one, but for its length
    with make("ipc:///" + 200 * "x") as client, pytest.raises(raftzmq.Refused, match="no address"):
        client.put("k", "v")
    with pytest.raises(InvalidRequest):
        make([])
    with pytest.raises(InvalidRequest):
        make(endpoints=[7201])


@both
def test_calls_that_wait_when_the_client_is_closed(make: Make) -> None:
    with nodes(1) as (_, (node,)):
        client = make(node.endpoint)
        client.put("k", "v")
        node.silent = True
        taken = node.taken
        sent = client.put_async("k", "w")
        eventually(lambda: node.taken > taken, "the put is under way")
        client.close()
        error = sent.exception(30)
        assert isinstance(error, ClientClosed)


@both
def test_a_thousand_calls_at_once(make: Make) -> None:
    with nodes(1) as (_, (node,)), make(node.endpoint) as client:
        futures = [client.put_async(f"k{n}", "v") for n in range(1000)]
        revisions = {future.result().revision for future in futures}
        assert revisions == set(range(1, 1001))
        reads = [client.get_async(f"k{n}") for n in range(1000)]
        assert all(read.result().value == b"v" for read in reads)


@both
def test_a_tag_travels_with_every_request_of_its_client(make: Make) -> None:
    with nodes(1) as (_, (node,)), make(node.endpoint, trace="mine") as tagged, make(node.endpoint) as plain:
        tagged.put("k", "v")
        tagged.get("k")
        tagged.get_from(node.endpoint, "k")
        assert node.tags == ["mine"] * 4, "the session, too"
        plain.put("k", "v")
        plain.get("k")
        assert node.tags[4:] == [""] * 3


@pytest.mark.parametrize("make", [raftzmq.Client, raftzmq.aio.Client], ids=NAMES)
def test_a_tag_may_change(make: Make) -> None:
    client = make("tcp://127.0.0.1:1", trace="mine")
    assert client.trace == "mine"
    client.trace = "yours"
    assert client.trace == "yours"
    with pytest.raises(InvalidRequest):
        client.trace = "x" * (TRACE_CHARACTERS_MAX + 1)
    assert client.trace == "yours"


def test_a_changed_tag_is_that_of_later_requests() -> None:
    with nodes(1) as (_, (node,)), raftzmq.Client(node.endpoint, trace="mine") as client:
        client.get("k")
        client.trace = "yours"
        client.get("k")
        assert node.tags == ["mine", "yours"]


@both
@pytest.mark.parametrize("tag", ["x" * (TRACE_CHARACTERS_MAX + 1), 5, "\ud800"])
def test_a_tag_is_short_text(make: Make, tag: object) -> None:
    with pytest.raises(InvalidRequest):
        make("tcp://127.0.0.1:1", trace=tag)
