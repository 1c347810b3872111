"""Time is a number handed in (rule 8), and a leader that hears no majority steps down (thesis 6.2, CheckQuorum)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from raftzmq.core import Role
from raftzmq.core.messages import AppendEntries, AppendEntriesResponse, RequestVote, RequestVoteResponse
from tests.core.support import (
    ELECTION_MAX,
    ELECTION_MIN,
    HEARTBEAT,
    Core,
    candidate,
    heartbeat,
    leader,
    matched,
    of,
    pre_candidate,
)


def beat(core: Core, until: int, *answering: str) -> None:
    """Tick a leader at its deadlines up to ``until``; the peers named answer every heartbeat."""
    while core.raft.role is Role.LEADER and core.raft.deadline <= until:
        sent = of(AppendEntries, core.tick_at_deadline())
        core.step(*(matched(core, m.to, 0) for m in sent if m.to in answering))


# --- heartbeats and CheckQuorum ---


def test_a_leader_sends_heartbeats_at_its_interval() -> None:
    """Figure 2, Leaders: repeat during idle periods, to prevent election timeouts."""
    core = leader(Core(voters=3))
    begin = core.now
    for beats in range(1, 8):
        assert core.raft.deadline == begin + beats * HEARTBEAT
        assert core.tick(core.raft.deadline - 1) == []
        sent = of(AppendEntries, core.tick_at_deadline())
        assert [(m.to, m.entries) for m in sent if not m.entries] == [("n2", ()), ("n3", ())]
        core.step(matched(core, "n2", 0))


@pytest.mark.parametrize(
    ("voters", "answering", "stays"),
    [
        (1, [], True),
        (2, [], False),
        (2, ["n2"], True),
        (3, [], False),
        (3, ["n3"], True),
        (4, ["n3"], False),
        (4, ["n3", "n4"], True),
        (5, ["n3"], False),
        (5, ["n3", "n5"], True),
    ],
)
def test_a_leader_without_a_majority_steps_down(voters: int, answering: list[str], stays: bool) -> None:
    """Thesis 6.2: a leader steps down if an election timeout passes without hearing a majority."""
    core = leader(Core(voters=voters))
    begin = core.now
    beat(core, begin + ELECTION_MAX - 1, *answering)
    assert core.raft.role is Role.LEADER
    beat(core, begin + 3 * ELECTION_MAX, *answering)
    assert core.raft.role is (Role.LEADER if stays else Role.FOLLOWER)
    if not stays:
        assert core.raft.leader is None
        assert core.fact("role").fields["reason"] == "no majority was heard in time"


def test_a_leader_steps_down_an_election_timeout_after_the_last_majority() -> None:
    core = leader(Core(voters=5))
    beat(core, core.now + 3 * HEARTBEAT, "n2", "n3")
    heard = core.now
    beat(core, heard + ELECTION_MAX - 1, "n2")
    assert core.leads()
    beat(core, heard + ELECTION_MAX, "n2")
    assert not core.leads()
    assert core.now == heard + ELECTION_MAX


def test_rejections_are_signs_of_life_too() -> None:
    """A follower that lacks entries follows all the same."""
    core = leader(Core(voters=3, terms=[1, 1]))
    for _ in range(20):
        [first, *_] = [m for m in of(AppendEntries, core.tick_at_deadline()) if m.to == "n2"]
        core.step(AppendEntriesResponse("n2", "n1", core.raft.current_term, False, 0, 0, first.prev_log_index))
    assert core.raft.role is Role.LEADER


def test_a_deposed_leader_takes_part_in_the_next_election() -> None:
    core = leader(Core(voters=3))
    beat(core, core.now + 2 * ELECTION_MAX)
    assert core.raft.role is Role.FOLLOWER
    answers = core.step(RequestVote("n2", "n1", 2, 9, 9, False)) + core.flush()
    assert RequestVoteResponse("n1", "n2", 2, True, False) in answers


# --- rule 8: a tick that comes late ---


@pytest.mark.parametrize(("late_us", "campaigns"), [(0, True), (HEARTBEAT, True), (HEARTBEAT + 1, False)])
def test_a_late_tick_fires_no_election(late_us: int, campaigns: bool) -> None:
    """A process that was paused must hear what has arrived before it judges that a leader was silent."""
    core = Core()
    deadline = core.raft.deadline
    sent = core.tick(deadline + late_us)
    assert (core.raft.role is Role.PRE_CANDIDATE) is campaigns
    assert bool(of(RequestVote, sent)) is campaigns
    if not campaigns:
        assert core.now < core.raft.deadline <= core.now + HEARTBEAT, "a short new deadline"


def test_after_a_late_tick_a_heartbeat_from_the_sockets_keeps_the_leader() -> None:
    core = Core()
    core.step(heartbeat(core, sender="n2", term=1))
    core.flush()
    core.tick(3_000_000)
    core.step(heartbeat(core, sender="n2", term=1))
    assert core.raft.deadline == 3_000_000 + ELECTION_MIN
    assert (core.raft.role, core.raft.leader) == (Role.FOLLOWER, "n2")


def test_after_a_late_tick_silence_leads_to_an_election() -> None:
    core = Core()
    core.tick(3_000_000)
    core.tick_at_deadline()
    assert core.raft.role is Role.PRE_CANDIDATE


@pytest.mark.parametrize("make", [pre_candidate, candidate])
def test_a_late_tick_restarts_no_campaign(make: Callable[[Core], Core]) -> None:
    core = make(Core())
    role, term = core.raft.role, core.raft.current_term
    assert core.tick(core.raft.deadline + HEARTBEAT + 1) == []
    assert (core.raft.role, core.raft.current_term) == (role, term)


def test_a_leader_that_was_paused_is_not_deposed_by_its_own_pause() -> None:
    """The answers may lie in its sockets: they are heard first; heartbeats go out at once."""
    core = leader(Core(voters=3))
    sent = of(AppendEntries, core.tick(core.now + 3_000_000))
    assert core.raft.role is Role.LEADER
    assert [m.to for m in sent if not m.entries] == ["n2", "n3"]
    core.step(matched(core, "n2", 0))
    beat(core, core.now + ELECTION_MAX - 1)
    assert core.raft.role is Role.LEADER


def test_a_leader_that_was_paused_steps_down_if_nothing_has_arrived() -> None:
    core = leader(Core(voters=3))
    core.tick(core.now + 3_000_000)
    resumed = core.now
    while core.raft.role is Role.LEADER:
        core.tick_at_deadline()
    assert core.now - resumed <= HEARTBEAT


def test_time_never_runs_back() -> None:
    core = Core()
    core.tick(ELECTION_MIN - 1)
    core.tick(5)
    core.step(heartbeat(core, term=1))
    assert core.raft.deadline == ELECTION_MIN - 1 + ELECTION_MIN
