"""A leader whose own disk hangs: heartbeats go on and followers acknowledge, but no client is ever answered."""

from __future__ import annotations

from raftzmq.core import Role
from raftzmq.core.elections import DISK_PATIENCE_ELECTIONS
from raftzmq.core.messages import AppendEntries, RequestVote
from tests.core.support import ELECTION_MAX, Core, committing, entries_of, entries_to, heartbeat, matched, of

PATIENCE = DISK_PATIENCE_ELECTIONS * ELECTION_MAX


def follow(core: Core, until: int) -> None:
    """Time passes for a leader whose followers acknowledge everything."""
    while core.leads() and core.raft.deadline <= until:
        core.tick_at_deadline()
        core.step(*(matched(core, peer, core.raft.log.last_index) for peer in core.peers))


def test_a_leader_whose_disk_hangs_steps_down() -> None:
    core = committing(Core(voters=3))
    begin = core.now
    core.propose()
    follow(core, begin + PATIENCE - 1)
    assert core.leads()
    assert (core.raft.commit_index, core.committed_indices) == (2, [1]), "committed by others, and answered by nobody"
    follow(core, begin + PATIENCE + ELECTION_MAX)
    assert core.raft.role is Role.FOLLOWER
    assert core.fact("role").fields["reason"] == "its disk finishes nothing"


def test_a_leader_whose_disk_is_slow_stays() -> None:
    """Each write takes nearly as long as is allowed: it is the one write that counts."""
    core = committing(Core(voters=3))
    for _ in range(4):
        core.propose()
        follow(core, core.now + PATIENCE - 1)
        core.write()
    assert core.leads()
    follow(core, core.now + 3 * PATIENCE)
    assert core.leads(), "nothing is under way"


def test_a_leader_that_was_paused_hears_its_disk_first() -> None:
    """Rule 8: what the disk has done meanwhile lies in the queue."""
    core = committing(Core(voters=3))
    core.propose()
    core.tick(core.now + 2 * PATIENCE)
    assert core.leads()
    core.write()
    core.step(*(matched(core, peer, 2) for peer in core.peers))
    follow(core, core.now + ELECTION_MAX)
    assert core.leads()


def test_whose_disk_hangs_does_not_campaign() -> None:
    """It would be asked to store its vote first; and with others' votes it would be where it was."""
    core = Core(terms=[1])
    core.step(entries_to(core, entries_of([1], after=core.disk[-1]), after=core.disk[-1], term=1))
    assert core.append is not None
    while core.now < PATIENCE - 2 * ELECTION_MAX:
        core.tick(core.now + 100_000)
        core.step(heartbeat(core, at=1))
    core.tick_at_deadline()
    core.tick(PATIENCE)
    core.sent.clear()
    for _ in range(10):
        core.tick_at_deadline()
    assert of(RequestVote, core.sent) == []
    core.write()
    core.tick_at_deadline()
    assert of(RequestVote, core.sent) != []


def test_a_deposed_leaders_disk_may_come_back() -> None:
    """It follows the next leader as any other node does."""
    core = committing(Core(voters=3))
    core.propose()
    follow(core, core.now + 2 * PATIENCE)
    assert not core.leads()
    core.step(AppendEntries("n2", "n1", 2, 2, 1, 2, 0))
    core.flush()
    assert (core.raft.leader, core.hard_state.current_term, core.committed_indices) == ("n2", 2, [1, 2])


def hold_the_state(core: Core) -> None:
    """From here on the state applies nothing of what it is handed."""
    core.raft.applied = lambda index: None  # type: ignore[method-assign]


def test_a_leader_whose_state_hangs_steps_down() -> None:
    """Its log goes on, and commits; what is committed is applied nowhere that a client could see."""
    core = committing(Core(voters=3))
    applied = core.raft.applied
    hold_the_state(core)
    begin = core.now
    core.propose()
    core.flush()
    follow(core, begin + PATIENCE - 1)
    assert core.leads()
    assert core.committed_indices == [1, 2]
    follow(core, begin + PATIENCE + ELECTION_MAX)
    assert not core.leads()
    applied(2)
    core.step(heartbeat(core, sender="n2", term=2, at=2))
    core.tick_at_deadline()
    assert core.raft.role is Role.PRE_CANDIDATE, "it has caught up: it may lead again"


def test_a_state_that_lags_but_moves_deposes_nobody() -> None:
    """A backlog takes its time; what counts is that some of it gets done."""
    core = committing(Core(voters=3))
    applied = core.raft.applied
    hold_the_state(core)
    for _ in range(5):
        core.propose()
    core.flush()
    core.step(*(matched(core, peer, 6) for peer in core.peers))
    for index in range(2, 6):
        follow(core, core.now + PATIENCE - ELECTION_MAX)
        applied(index)
    assert core.leads()
    follow(core, core.now + 2 * PATIENCE)
    assert not core.leads()
