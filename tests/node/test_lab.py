"""Lab mode: faults that are asked for while the node runs, told as events, ended in time; and refused without it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from raftzmq.codec.clients import ChaosAnswer, ChaosRequest, Failure, decode_node_header, encode_header
from raftzmq.core import Role
from raftzmq.core.messages import RequestVote
from raftzmq.node.link_faults import LinkFaults
from tests.codec.support import pack
from tests.node.support import CLIENT, SECOND, Rig


@pytest.fixture
def rig() -> Rig:
    """A follower in lab mode that a client has greeted."""
    rig = Rig()
    rig.greet()
    rig.node.lab.enabled = True
    return rig


def exchanged(rig: Rig, frames: list[bytes]) -> list[bytes]:
    rig.node.on_client(CLIENT, frames, rig.now)
    [answer] = [sent for routing, sent in rig.node.work(rig.now).clients if routing == CLIENT]
    return answer


def asked(rig: Rig, request: ChaosRequest) -> dict[str, Any]:
    """The faults in force after a request that is granted."""
    header, payload = exchanged(rig, [encode_header(request)])
    assert decode_node_header(header) == ChaosAnswer(request.request)
    row: dict[str, Any] = json.loads(payload)
    assert row["node"] == "n1"
    return dict(row["links"])


def refused(rig: Rig, *frames: bytes) -> Failure:
    [header] = exchanged(rig, list(frames))
    failure = decode_node_header(header)
    assert isinstance(failure, Failure)
    assert failure.definite
    return failure


def told(rig: Rig) -> list[dict[str, Any]]:
    """The faults that the node told of, nobody having subscribed."""
    kept = rig.node.report.ring.find([("fault", 1, 2**62)])
    return [json.loads(payload) for _, _, _, payload in kept]


def test_without_lab_mode_everything_is_refused() -> None:
    rig = Rig()
    rig.greet()
    for action in ("show", "link", "heal", "elect"):
        failure = refused(rig, encode_header(ChaosRequest(5, action, ["n2"], cut=True)))
        assert (failure.request, failure.code) == (5, "refused")
        assert "--lab" in failure.message
    assert (rig.node.lab.links, told(rig)) == ({}, [])
    assert rig.raft.role is Role.FOLLOWER


def test_a_fault_is_set_changed_and_healed_and_each_is_told(rig: Rig) -> None:
    links = asked(rig, ChaosRequest(1, "link", ["n2"], 0.3, 50_000, 10_000, 0.1))
    shown = {"cut": False, "drop": 0.3, "duplicate": 0.1, "delay_ms": 50.0, "jitter_ms": 10.0, "left_ms": None}
    assert links == {"n2": shown}
    assert rig.node.lab.links == {"n2": LinkFaults(0.3, 50_000, 10_000, 0.1)}
    assert asked(rig, ChaosRequest(2, "show")) == links
    assert asked(rig, ChaosRequest(3, "link", ["n2", "n3"], cut=True))["n2"]["drop"] == 0, "the new one replaces it"
    assert set(asked(rig, ChaosRequest(4, "heal", ["n2"]))) == {"n3"}
    assert asked(rig, ChaosRequest(5, "heal")) == {}
    assert asked(rig, ChaosRequest(6, "heal")) == {}, "what is whole may be healed, and nothing is told"
    steps = [(event["what"], event["peer"], event["cut"], event["drop"]) for event in told(rig)]
    assert steps == [
        ("set", "n2", False, 0.3),
        ("changed", "n2", True, 0),
        ("set", "n3", True, 0),
        ("healed", "n2", True, 0),
        ("healed", "n3", True, 0),
    ]


def test_a_fault_ends_by_itself_when_its_time_is_over(rig: Rig) -> None:
    asked(rig, ChaosRequest(1, "link", ["n2"], cut=True, for_us=2 * SECOND))
    asked(rig, ChaosRequest(2, "link", ["n3"], cut=True))
    end = rig.now + 2 * SECOND
    rig.node.on_tick(end - 1)
    assert set(rig.node.lab.links) == {"n2", "n3"}
    rig.node.on_tick(end)
    assert set(rig.node.lab.links) == {"n3"}
    last = told(rig)[-1]
    assert (last["what"], last["peer"], last["cut"], last["for_us"]) == ("ended", "n2", True, None)


def test_the_node_wants_to_be_called_when_a_fault_ends(rig: Rig) -> None:
    assert rig.node.deadline_us > rig.now + 1000, "nothing else is due as soon"
    asked(rig, ChaosRequest(1, "link", ["n2"], cut=True, for_us=1000))
    assert rig.node.deadline_us == rig.now + 1000


def test_a_fault_that_is_changed_has_its_new_time_only(rig: Rig) -> None:
    asked(rig, ChaosRequest(1, "link", ["n2"], cut=True, for_us=SECOND))
    assert asked(rig, ChaosRequest(2, "link", ["n2"], drop=0.5))["n2"]["left_ms"] is None
    rig.node.on_tick(rig.now + 10 * SECOND)
    assert set(rig.node.lab.links) == {"n2"}


def test_a_node_that_is_told_to_campaign_asks_for_votes_at_once(rig: Rig) -> None:
    term = rig.raft.current_term
    rig.node.on_client(CLIENT, [encode_header(ChaosRequest(1, "elect"))], rig.now)
    rig.settle()
    assert (rig.raft.role, rig.raft.current_term) == (Role.CANDIDATE, term + 1)
    requests = [message for message in rig.sent if isinstance(message, RequestVote)]
    assert {(vote.to, vote.told, vote.pre_vote) for vote in requests} == {("n2", True, False), ("n3", True, False)}
    assert [event["what"] for event in told(rig)] == ["elect"]


def test_a_leader_does_not_campaign() -> None:
    rig = Rig(voters=1).lead()
    rig.greet()
    rig.node.lab.enabled = True
    failure = refused(rig, encode_header(ChaosRequest(1, "elect")))
    assert failure.code == "invalid"
    assert "leads already" in failure.message
    assert rig.raft.role is Role.LEADER


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (ChaosRequest(1, "link", ["n9"], cut=True), "'n9'"),
        (ChaosRequest(1, "link", ["n1"], cut=True), "'n1'"),
        (ChaosRequest(1, "link", ["n2", "n9"], cut=True), "'n9'"),
        (ChaosRequest(1, "link", ["n2"]), "a fault needs"),
        (ChaosRequest(1, "link", [], cut=True), "a peer"),
        (ChaosRequest(1, "heal", ["n9"]), "'n9'"),
    ],
)
def test_what_cannot_be_is_refused_as_a_whole(rig: Rig, request_: ChaosRequest, says: str) -> None:
    failure = refused(rig, encode_header(request_))
    assert (failure.code, says in failure.message) == ("invalid", True), failure.message
    assert (rig.node.lab.links, told(rig)) == ({}, [])


@pytest.mark.parametrize(
    "row",
    [
        [6, 1, "burn", []],
        [6, 1, "link", ["n2"], 1.1],
        [6, 1, "link", ["n2"], -0.1],
        [6, 1, "link", ["n2"], float("nan")],
        [6, 1, "link", ["n2"], 0.1, -1],
        [6, 1, "link", ["n2"], 0.1, 60_000_001],
        [6, 1, "link", ["n2"], 0.1, 0, 10**9],
        [6, 1, "link", ["n2"], 0.1, 0, 0, 2.0],
        [6, 1, "link", ["n2"], 0.1, 0, 0, 0.0, 1],
        [6, 1, "link", ["n2"], 0.1, 0, 0, 0.0, True, 10**12],
        [6, 1, "link", ["n2"] * 1001, 0.1],
        [6, 1, "link", ["n" * 65], 0.1],
        [6, -1, "show"],
        [6, 1, "link", ["n2"], 0.1, 0, 0, 0.0, False, 0, "more"],
    ],
)
def test_what_is_out_of_bounds_does_not_come_through_the_door(rig: Rig, row: list[Any]) -> None:
    assert refused(rig, pack(row)).code == "invalid"
    assert (rig.node.lab.links, told(rig)) == ({}, [])
