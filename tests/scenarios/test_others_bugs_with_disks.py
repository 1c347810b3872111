"""Bugs that others had with disks: forgotten promises, indices ahead of their data, slow and hanging syncs."""

from __future__ import annotations

from typing import Any

from raftzmq.core.elections import DISK_PATIENCE_ELECTIONS, Elections
from raftzmq.core.messages import AppendEntries, RequestVote, RequestVoteResponse
from raftzmq.core.raft import Raft
from raftzmq.core.replication import Leadership
from raftzmq.core.types import HardState, Mark
from raftzmq.kv.machine import StateMachine
from raftzmq.node.peers import Peers
from raftzmq.storage.memory import MemoryState
from tests.core.support import ELECTION_MAX, Core, candidate, of, vote
from tests.rules.planted import Bug, fails_with
from tests.scenarios.harness import SECOND, Lab

take_append, take_committed = Raft._take_append, Raft._take_committed
answer_append, heartbeats, commit_state = Raft._answer_append, Leadership.heartbeats, MemoryState.commit


# --- what a crash makes a node forget


def forget_term(self: Raft) -> Any:
    self._stored = HardState(self.current_term, self.voted_for)
    return take_append(self)


def forget_vote(self: Raft) -> Any:
    self._stored = HardState(self._stored.current_term, self.voted_for)
    return take_append(self)


@fails_with(
    Bug("the term is not stored", Raft, "_take_append", forget_term),
    Bug("the vote is not stored", Raft, "_take_append", forget_vote),
)
def test_pysyncobj_84_202_vote_and_term_are_not_stored() -> None:
    """n3 votes for n1, crashes, and is asked by n2 in the same term: two leaders, unless it remembers."""
    for term_before in (0, 1):
        voter = Core("n3", term=term_before)
        answers = []
        for name in ("n1", "n2"):
            asking = candidate(Core(name))
            request = RequestVote(name, "n3", asking.raft.current_term, 0, 0, False)
            sent = voter.step(request) + voter.flush()
            answers += [answer.granted for answer in of(RequestVoteResponse, sent) if answer.to == name]
            asking.step(vote(asking, "n3", granted=answers[-1]))
            assert asking.leads() is answers[-1]
            voter = voter.restarted()
        assert answers == [True, False]
        assert (voter.raft.current_term, voter.raft.voted_for) == (1, "n1")


def never_mind_the_disk(self: Raft) -> Any:
    stable, self.log.stable = self.log.stable, self.log.last_index
    committed = take_committed(self)
    self.log.stable = stable
    return committed


@fails_with(Bug("applied before the log is durable", Raft, "_take_committed", never_mind_the_disk))
def test_pysyncobj_197_the_commit_index_is_ahead_of_the_journal() -> None:
    """A follower hears that entries are committed which its own log hasn't got, and crashes: its state must lack them.

    Long enough passes for the state, whose disk works, to be committed.
    """
    lab = Lab(3)
    lab.one(3)
    follower = lab.after(lab.one_leader(), 1)
    lab.hang(follower)
    last = lab.one(2)
    lab.wait(SECOND)
    assert lab.node(follower).raft.commit_index >= last, "it knows"
    lab.restart(follower)
    raft = lab.node(follower).raft
    assert raft.last_applied <= raft.log.last_index < last


def index_without_data(self: MemoryState) -> Mark:
    for name in ("keys", "history"):
        self._overlays[name]._changes.clear()
    return commit_state(self)


@fails_with(Bug("the index is saved without the data", MemoryState, "commit", index_without_data))
def test_etcd_13766_the_applied_index_is_ahead_of_the_data() -> None:
    """Crashes under load: a node that believes it has applied what its state lost answers otherwise than the others."""
    lab = Lab(3)
    for _ in range(10):
        for _ in range(10):
            lab.one(3)
        lab.wait(lab.rng.randrange(SECOND // 2))
        lab.restart(lab.rng.choice(lab.names))
    lab.one(3)


@fails_with(Bug("the data is saved without the index", StateMachine, "save", lambda self: None))
def test_etcd_3_5_postmortem_the_data_is_ahead_of_the_applied_index() -> None:
    """The same with another order: what is applied a second time must not have been there."""
    lab = Lab(3)
    for _ in range(10):
        for _ in range(10):
            lab.one(3)
        lab.wait(SECOND // 2)
        lab.restart(lab.rng.choice(lab.names))
    lab.one(3)


@fails_with(Bug("anybody is listened to", Peers, "_check", lambda self, envelope, members: None))
def test_dragonboat_256_354_a_wiped_node_comes_back() -> None:
    """An entry lies on n1 and n2; n2's disk is wiped, n1 ends. n2 and n3 are a majority that has never heard of it."""
    lab = Lab(3)
    lab.one(3)
    leader = lab.one_leader()
    wiped, away = lab.after(leader, 1), lab.after(leader, 2)
    lab.disconnect(away)
    lab.one(2)
    lab.wipe(wiped)
    lab.crash(leader)
    lab.connect(away)
    # The observer takes a disk that is wiped for a node that lies; it is told that this is another one.
    lab.observer.invariants._nodes[wiped].boot = 0
    lab.restart(wiped)
    lab.wait(5 * SECOND)
    assert [name for name in lab.names if lab.leads(name)] == []
    assert lab.node(away).counts["refused_peers"] > 0


# --- slow disks, hanging disks


def silent_while_writing(self: Leadership, commit_index: int, *arguments: Any) -> list[AppendEntries]:
    return heartbeats(self, commit_index, *arguments) if self.log.stable == self.log.last_index else []


def answer_after_writing(self: Raft, follower: Any) -> None:
    if self._in_flight is None:
        answer_append(self, follower)


@fails_with(
    Bug("the leader is silent while it writes", Leadership, "heartbeats", silent_while_writing),
    Bug("a follower is silent while it writes", Raft, "_answer_append", answer_after_writing),
)
def test_etcd_13527_15247_slow_syncs_look_like_dead_nodes() -> None:
    """Every write takes about a second on every disk, and there is always one under way: that deposes nobody."""
    lab = Lab(3)
    lab.one(3)
    leader, term = lab.one_leader(), lab.term()
    for name in lab.names:
        lab.hang(name, for_us=900_000)
    for _ in range(50):
        assert lab.start(leader) is not None, "it leads no more"
        lab.wait(200_000)
    assert (lab.one_leader(), lab.term()) == (leader, term)


@fails_with(Bug("nobody looks at the disk", Elections, "_disk_hangs", lambda self: False))
def test_hashicorp_503_614_666_the_leaders_disk_hangs() -> None:
    """Its heartbeats go on, so the others follow; its state waits for its log, so no client is ever answered.

    Nor is one if the state hangs itself.
    """
    for hang in (Lab.hang, Lab.hang_state):
        lab = Lab(3)
        lab.one(3)
        leader = lab.one_leader()
        hang(lab, leader)
        assert lab.start(leader) is not None
        patience = DISK_PATIENCE_ELECTIONS * ELECTION_MAX + SECOND
        lab.wait(patience)
        assert [name for name in lab.names if lab.leads(name)] not in ([], [leader]), "stuck for ever"
        lab.one(2)
        lab.wait(10 * SECOND)
        assert not lab.leads(leader), "and it doesn't come back as long as it hangs"
