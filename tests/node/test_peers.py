"""Who may speak to a node: every peer message says who it is from, and what doesn't fit is refused, never fatal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftzmq.codec import PROTOCOL_MIN
from raftzmq.codec.peers import (
    REFUSAL,
    Envelope,
    Refusal,
    decode_envelope,
    decode_refusal,
    encode_envelope,
    encode_refusal,
)
from raftzmq.config import PEER_BYTES_MAX, PEER_FRAMES_MAX
from raftzmq.core.messages import AppendEntries, Message, RequestVote, RequestVoteResponse
from raftzmq.node import peers
from tests.codec.support import deep, hostile, mutated
from tests.core.support import entries_of
from tests.node.support import TIMING, Rig, incarnation

ASK = RequestVote("n2", "n1", 7, 99, 6, False)
BEAT = AppendEntries("n2", "n1", 7, 1, 0, 0, 0)


def refused(rig: Rig, frames: list[bytes]) -> str:
    """Why these frames are refused; they change nothing else."""
    before = (rig.raft.current_term, rig.raft.log.last_index, rig.node.status()["counts"].get("refused_peers", 0))
    rig.node.on_peer(b"stranger", frames, rig.now)
    rig.settle()
    [(routing, reason)] = rig.refusals
    rig.refusals.clear()
    assert routing == b"stranger"
    after = (rig.raft.current_term, rig.raft.log.last_index, rig.node.status()["counts"]["refused_peers"])
    assert after == (before[0], before[1], before[2] + 1)
    return reason


def heard(rig: Rig, message: Message = ASK, **envelope: Any) -> bool:
    """Whether a message gets through to the core."""
    rig.of(RequestVoteResponse)
    rig.peer(message, **envelope)
    rig.settle()
    return rig.raft.current_term == message.term


def test_a_member_with_its_known_incarnation_is_heard() -> None:
    rig = Rig()
    assert heard(rig)
    assert rig.of(RequestVoteResponse) == [RequestVoteResponse("n1", "n2", 7, True, False)]
    assert rig.refusals == []


STRANGERS = [
    ({"cluster": "other"}, "n1 belongs to cluster 'local', not to 'other'"),
    ({"cluster": ""}, "n1 belongs to cluster 'local', not to ''"),
    ({"minimum": 3, "maximum": 4}, "n2 speaks protocol 3 to 4, n1 speaks 2 to 2"),
    ({"minimum": 1, "maximum": 1}, "n2 speaks protocol 1 to 1, n1 speaks 2 to 2"),
    ({"to": "n3"}, "this is n1, not n3"),
    ({"node": "n9"}, "n9 is no other member of the cluster"),
    ({"node": "n1"}, "n1 is no other member of the cluster"),
    ({"incarnation": "another"}, "n2 has lost its data directory (incarnation another, not local-n2)"),
]


@pytest.mark.parametrize(("envelope", "sentence"), STRANGERS, ids=[str(envelope) for envelope, _ in STRANGERS])
def test_an_envelope_that_does_not_fit_is_refused_with_the_reason(envelope: dict[str, Any], sentence: str) -> None:
    rig = Rig()
    assert sentence in refused(rig, rig.frames(ASK, **envelope))
    assert heard(rig), "the real one is heard all the same"


@pytest.mark.parametrize(("minimum", "maximum"), [(0, 2), (2, 9), (0, 9)])
def test_versions_need_only_meet(minimum: int, maximum: int) -> None:
    assert heard(Rig(), minimum=minimum, maximum=maximum)


def test_a_refusal_is_a_message_that_every_version_can_read() -> None:
    rig = Rig()
    rig.node.on_peer(b"stranger", rig.frames(ASK, cluster="other"), rig.now)
    [(routing, frames)] = rig.node.work(rig.now).refusals
    assert routing == b"stranger"
    assert decode_envelope(frames[0]) == Envelope(2, 2, "local", "n1", incarnation("n1"), "unknown", REFUSAL)
    assert decode_refusal(frames[1]) == Refusal("n1 belongs to cluster 'local', not to 'other'")


def test_a_refusal_is_noted_and_not_answered() -> None:
    """Two nodes that refuse each other must not do so for ever."""
    rig = Rig()
    envelope = encode_envelope(Envelope(2, 2, "other", "m1", "i", "unknown", REFUSAL))
    rig.node.on_peer(b"stranger", [envelope, encode_refusal(Refusal("go away"))], rig.now)
    rig.settle()
    assert rig.refusals == []
    assert rig.node.status()["counts"] == {"refused_by_peer": 1}


def test_nobody_is_answered_without_a_route() -> None:
    rig = Rig()
    rig.node.on_peer(b"", rig.frames(ASK, cluster="other"), rig.now)
    rig.settle()
    assert rig.refusals == []
    assert rig.node.status()["counts"] == {"refused_peers": 1}


def test_a_long_reason_is_cut() -> None:
    rig = Rig()
    assert len(refused(rig, rig.frames(ASK, cluster="x" * 100_000))) <= 500


# --- shapes and sizes ---


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda f: [], "has 1 to"),
        (lambda f: [b""], "cannot be decoded"),
        (lambda f: f[:1], "RequestVote cannot be decoded"),
        (lambda f: [*f, b""], "has 2 frames where its header announces 1"),
        (lambda f: [*f, *[b""] * PEER_FRAMES_MAX], f"at most {PEER_FRAMES_MAX}"),
        (lambda f: [*f, bytes(PEER_BYTES_MAX)], f"1 to {PEER_BYTES_MAX} bytes"),
        (lambda f: [bytes(PEER_BYTES_MAX + 1)], f"1 to {PEER_BYTES_MAX} bytes"),
        (lambda f: [f[0], b"\xc1"], "cannot be decoded"),
        (lambda f: [b"\x97" + f[0], f[1]], "cannot be decoded"),
        (lambda f: [deep(f[0], 5000), f[1]], "cannot be decoded"),
        (lambda f: [f[0], deep(f[1], 5000)], "cannot be decoded"),
    ],
    ids=range(11),
)
def test_what_cannot_be_taken_is_refused(make: Callable[[list[bytes]], list[bytes]], sentence: str) -> None:
    """Also from a member whose envelope is known already: it may have a bug, and that is no reason to die."""
    rig = Rig()
    frames = rig.frames(ASK)
    assert sentence in refused(rig, make(frames))
    assert heard(rig)
    assert sentence in refused(rig, make(frames))


def test_an_unknown_kind_is_refused() -> None:
    rig = Rig()
    assert "no message has kind 99" in refused(rig, rig.frames(ASK, kind=99))


def test_as_many_frames_as_are_allowed_are_taken() -> None:
    rig = Rig()
    entries = entries_of([7] * (PEER_FRAMES_MAX - 2), after=rig.raft.log.entry(1))
    frames = rig.frames(AppendEntries("n2", "n1", 7, 1, 0, 0, 0, entries))
    assert len(frames) == PEER_FRAMES_MAX
    rig.node.on_peer(b"", frames, rig.now)
    rig.settle()
    assert rig.raft.log.stable == PEER_FRAMES_MAX - 1


RIG_FRAMES = Rig().frames(ASK)
BEAT_FRAMES = Rig().frames(BEAT)
HOSTILE = hostile()
MESSAGES = st.one_of(
    st.lists(HOSTILE, max_size=4),
    st.tuples(mutated(RIG_FRAMES[0]), st.just(RIG_FRAMES[1])).map(list),
    st.tuples(st.just(RIG_FRAMES[0]), HOSTILE).map(list),
    st.tuples(st.just(BEAT_FRAMES[0]), HOSTILE, HOSTILE).map(list),
)


@given(st.booleans(), st.lists(MESSAGES, max_size=5))
def test_nothing_that_a_stranger_sends_ends_the_node(strangers: bool, messages: list[list[bytes]]) -> None:
    """Random frames, damaged envelopes, and nonsense in a right envelope."""
    rig = Rig(strangers=strangers)
    for frames in messages:
        rig.node.on_peer(b"stranger", frames, rig.now)
        rig.settle()


# --- incarnations ---


def test_a_new_incarnation_is_stored_before_it_is_listened_to() -> None:
    """A wiped disk that returns under its old name must be recognized, even if this node crashes in between."""
    rig = Rig(strangers=True)
    rig.held = {"log"}
    assert not heard(rig)
    assert rig.log_job is not None
    assert rig.log_job.incarnations == (("n2", "local-n2"),)
    assert rig.log_job.append is None
    assert not heard(rig), "still on its way to the disk"
    assert not heard(rig, incarnation="another"), "and no other is taken in its place"
    rig.held.clear()
    rig.settle()
    assert heard(rig)
    assert "has lost its data directory" in refused(rig, rig.frames(ASK, incarnation="another"))


def test_an_incarnation_is_known_after_a_restart() -> None:
    rig = Rig(strangers=True)
    heard(rig)
    assert heard(rig)
    again = Rig(disk=rig.disk, strangers=True)
    assert "has lost its data directory" in refused(again, again.frames(ASK, incarnation="another"))
    again.peer(ASK)
    again.settle()
    assert RequestVoteResponse("n1", "n2", 7, True, False) in again.of(RequestVoteResponse)


def test_several_new_incarnations_travel_in_one_job() -> None:
    rig = Rig(voters=4, strangers=True)
    for peer in ("n4", "n2", "n3"):
        rig.peer(RequestVote(peer, "n1", 1, 99, 6, False))
    rig.settle()
    assert [job.incarnations for job in rig.log_jobs] == [(("n2", "local-n2"), ("n3", "local-n3"), ("n4", "local-n4"))]


def test_strangers_are_not_remembered() -> None:
    """Only members' incarnations are stored: nobody can fill the disk with names."""
    rig = Rig(strangers=True)
    for envelope in ({"node": "n9"}, {"cluster": "other"}, {"to": "n3"}, {"minimum": 3}):
        rig.node.on_peer(b"stranger", rig.frames(ASK, **envelope), rig.now)
    rig.settle()
    assert rig.log_jobs == []


def test_envelopes_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A member may send as many different ones as it likes: they are decoded again, and heard."""
    monkeypatch.setattr(peers, "ENVELOPES_MAX", 3)
    rig = Rig()
    for maximum in range(PROTOCOL_MIN, 9):
        assert heard(rig, RequestVote("n2", "n1", maximum, 99, 6, False), maximum=maximum)
    assert len(rig.node.peers._accepted) == 3
    rig.advance(TIMING.election_max_us)
    assert len(rig.node.peers._made) == 3
    assert {decode_envelope(frames[0]).kind for _, frames in rig.peer_frames} == {1, 2}


# --- one job of the log at a time ---


def test_an_incarnation_travels_with_the_append_that_is_next() -> None:
    rig = Rig(strangers=True)
    heard(rig)
    rig.held = {"log"}
    rig.peer(BEAT)
    rig.settle()
    assert rig.log_job is not None
    assert rig.log_job.append is not None, "term 7"
    rig.peer(RequestVote("n3", "n1", 8, 99, 6, True))
    rig.settle()
    rig.finish("log")
    rig.settle()
    assert rig.log_job is not None
    assert rig.log_job.incarnations == (("n3", "local-n3"),)


def test_an_append_that_had_to_wait_goes_with_the_next_job() -> None:
    """The core believes it to be under way from the moment it handed it out; it must not be lost."""
    rig = Rig()
    rig.held = {"log"}
    rig.node.peers.unknown["n3"] = "local-n3"
    rig.settle()
    first = rig.log_job
    assert first is not None
    assert first.append is None
    rig.peer(ASK)
    rig.settle()
    assert rig.log_job is first
    rig.finish("log")
    rig.settle()
    second = rig.log_job
    assert second is not None
    assert second.append is not None
    assert second.append.hard_state is not None
    assert (second.append.hard_state.current_term, second.append.hard_state.voted_for) == (7, "n2")
    assert rig.of(RequestVoteResponse) == []
    rig.finish("log")
    rig.settle()
    assert rig.of(RequestVoteResponse) == [RequestVoteResponse("n1", "n2", 7, True, False)]


def test_messages_go_out_in_the_nodes_own_envelope() -> None:
    rig = Rig("n2")
    rig.advance(TIMING.election_max_us)
    assert rig.peer_frames
    for target, frames in rig.peer_frames:
        assert decode_envelope(frames[0]) == Envelope(2, 2, "local", "n2", "local-n2", target, 1)
