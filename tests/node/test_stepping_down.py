"""A leader that loses its office: what its clients are told is definite only where it is (design §4, §10)."""

from __future__ import annotations

import pytest

from raftzmq.codec.clients import Answer, Failure
from raftzmq.config import UNCOMMITTED_BATCHES_MAX
from raftzmq.core import Role
from raftzmq.core.messages import AppendEntries, AppendEntriesResponse
from raftzmq.core.types import EntryKind, make_entry
from raftzmq.node.applying import PATIENT_US
from tests.node.support import SECOND, Rig, puts


def busy_leader() -> tuple[Rig, int]:
    """A leader with two batches proposed (requests 0 and 1), two parcels waiting (2 and 3), and silent followers."""
    rig = Rig().lead()
    session = rig.open_session()
    rig.followers.clear()
    for request in range(UNCOMMITTED_BATCHES_MAX + 2):
        rig.execute(request, puts(session, request, "k", lowest=0))
        rig.settle()
    assert rig.taken() == []
    return rig, session


def test_what_waits_was_not_applied_and_what_was_proposed_may_be() -> None:
    rig, _ = busy_leader()
    rig.depose("n3")
    rig.settle()
    failures = [header for header, _ in rig.taken()]
    assert [h for h in failures if isinstance(h, Failure) and h.code == "not_leader"] == [
        Failure(request, "not_leader", "n1 doesn't lead; n3 does", True, "n3", "tcp://127.0.0.1:7203")
        for request in (2, 3)
    ]
    unknown = [h for h in failures if isinstance(h, Failure) and h.code == "outcome_unknown"]
    assert [(h.request, h.definite) for h in unknown] == [(0, False), (1, False)]
    assert len(failures) == 4
    status = rig.node.status()
    assert (status["waiting_requests"], status["waiting_bytes"], status["uncommitted_batches"]) == (0, 0, 0)


def test_a_leader_that_hears_nobody_tells_its_clients() -> None:
    """Without a majority it steps down by itself (thesis 6.2): its clients don't wait for ever."""
    rig, _ = busy_leader()
    rig.advance(SECOND)
    assert rig.raft.role is not Role.LEADER
    codes = {header.request: header.code for header, _ in rig.taken() if isinstance(header, Failure)}
    assert codes == {0: "outcome_unknown", 1: "outcome_unknown", 2: "not_leader", 3: "not_leader"}


def test_what_is_applied_before_the_fall_is_noticed_is_answered() -> None:
    rig, _ = busy_leader()
    rig.held = {"state"}
    last = rig.raft.log.last_index
    rig.peer(AppendEntriesResponse("n2", "n1", 1, True, last - 1, 0, last - 1))
    rig.settle()
    assert rig.state_job is not None
    rig.depose()
    rig.finish("state")
    rig.held.clear()
    rig.settle()
    taken = rig.taken()
    assert taken[0] == (Answer(0, 0, True), [1])
    codes = [(h.request, h.code) for h, _ in taken if isinstance(h, Failure)]
    assert codes == [(request, "outcome_unknown") for request in (1, 2, 3)], "2 and 3 took the place that 0 left"


def test_what_the_next_leader_commits_is_not_answered_a_second_time() -> None:
    """The owner was told that the outcome is unknown; the entry is committed all the same, later."""
    rig, _ = busy_leader()
    log = rig.raft.log
    last, term = log.last_index, log.last_term
    rig.peer(AppendEntries("n2", "n1", 2, last, term, 0, 0))
    rig.settle()
    assert len(rig.taken()) == 4
    rig.peer(AppendEntries("n2", "n1", 2, last, term, last, 0))
    rig.settle()
    rig.advance(PATIENT_US)
    assert rig.raft.last_applied == last
    assert rig.state.machine.revision == 2
    assert rig.taken() == []


def test_what_the_next_leader_replaces_is_never_answered() -> None:
    rig, _ = busy_leader()
    log, index = rig.raft.log, rig.raft.commit_index
    noop = make_entry(log.chain_at(index), index + 1, 2, EntryKind.NOOP, b"")
    rig.peer(rig.beyond_committed("n2", 2, (noop,)))
    rig.settle()
    rig.advance(PATIENT_US)
    assert rig.raft.last_applied == log.last_index == index + 1
    assert rig.state.machine.revision == 0
    assert not [header for header, _ in rig.taken() if isinstance(header, Answer)]


@pytest.mark.parametrize("noticed", [True, False], ids=["with a round between", "in one round"])
def test_an_office_lost_and_regained_starts_from_nothing(noticed: bool) -> None:
    """Even if the node sees both in one round: the batches are those of another term."""
    rig, session = busy_leader()
    term = rig.raft.current_term
    rig.depose()
    if noticed:
        rig.settle()
    rig.lead()
    assert rig.raft.current_term > term
    codes = {header.request: header.code for header, _ in rig.taken() if isinstance(header, Failure)}
    assert codes == {0: "outcome_unknown", 1: "outcome_unknown", 2: "not_leader", 3: "not_leader"}
    assert rig.node.status()["uncommitted_batches"] == 0
    rig.execute(60, puts(session, 60, "k", lowest=0))
    rig.settle()
    [(answer, _)] = rig.taken()
    assert answer == Answer(60, 0, True)


def test_a_deposed_leader_redirects_at_once() -> None:
    rig, session = busy_leader()
    rig.depose("n2")
    rig.execute(70, puts(session, 70, "k", lowest=0))
    rig.settle()
    failures = {h.request: h for h, _ in rig.taken() if isinstance(h, Failure)}
    assert (failures[70].code, failures[70].leader, failures[70].definite) == ("not_leader", "n2", True)
