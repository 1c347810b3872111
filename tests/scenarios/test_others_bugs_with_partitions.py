"""Bugs that others had when only some reach some: leaders that nobody can depose, or everybody does."""

from __future__ import annotations

from collections.abc import Sequence

from raftzmq.core import Role
from raftzmq.core.elections import Elections
from raftzmq.core.messages import Message, RequestVote, RequestVoteResponse
from raftzmq.core.progress import Progress
from raftzmq.core.raft import Raft
from raftzmq.core.replication import Leadership
from tests.core.cluster import Cluster
from tests.core.support import Core, leader, matched
from tests.rules.planted import Bug, fails_with
from tests.scenarios.harness import ELECTION, SECOND, Lab

campaign = Elections._campaign


def both_ways(one: Sequence[str], other: Sequence[str]) -> list[tuple[str, str]]:
    """The links between the nodes of two groups."""
    return [pair for a in one for b in other for pair in ((a, b), (b, a))]


def campaign_without_asking(self: Raft, *, pre_vote: bool) -> None:
    campaign(self, pre_vote=False)


def heard_from_all(self: Leadership, now_us: int) -> int:
    return now_us


# --- Howard & Abraham, "Raft does not guarantee liveness in the face of network faults" (2020)


def nobody_is_near(self: Raft) -> bool:
    return False


@fails_with(
    Bug("no PreVote", Elections, "_campaign", campaign_without_asking),
    Bug("no stickiness", Elections, "_leader_is_near", nobody_is_near),
)
def test_partial_partition_that_lets_one_node_depose_every_leader() -> None:
    """One node and the leader don't reach each other; it reaches all others, hears of no leader, and asks for votes.

    While that lasts, and once it is over, the leader stays.
    """
    lab = Lab(5)
    lab.one(5)
    first = lab.one_leader()
    outside = lab.after(first, 4)
    term = lab.term()
    with lab.cut((first, outside), (outside, first)):
        for _ in range(10):
            lab.wait(ELECTION)
            lab.one(4)
        assert (lab.one_leader(), lab.node(first).raft.current_term) == (first, term)
    lab.wait(ELECTION)
    assert (lab.one_leader(), lab.term()) == (first, term)


@fails_with(Bug("no CheckQuorum", Leadership, "quorum_heard_us", heard_from_all))
def test_partial_partition_that_leaves_one_node_with_a_majority() -> None:
    """Everybody reaches the hub alone, the leader too: only the hub can lead, and it hears a leader.

    With PreVote and stickiness alone that stays so for ever: a leader without a majority must step down by itself.
    """
    lab = Lab(5)
    lab.one(5)
    first = lab.one_leader()
    hub = lab.after(first, 1)
    rim = [name for name in lab.names if name != hub]
    with lab.cut(*[(a, b) for a in rim for b in rim if a != b]):
        assert lab.until(lambda: lab.leads(hub), 10 * SECOND), "no leader with a majority"
        lab.one(5)


@fails_with(Bug("no CheckQuorum", Leadership, "quorum_heard_us", heard_from_all))
def test_partial_partition_that_lets_a_leader_speak_and_not_hear() -> None:
    """Its heartbeats keep everybody quiet, their answers get lost: nothing is committed until it steps down."""
    lab = Lab(3)
    lab.one(3)
    deaf = lab.one_leader()
    with lab.cut(*[(name, deaf) for name in lab.names if name != deaf]):
        assert lab.until(lambda: any(lab.leads(n) for n in lab.names if n != deaf), 10 * SECOND), "a deaf leader stays"
        lab.one(2)


# --- hashicorp/raft


def told_nothing(self: Raft, message: Message) -> None:
    pass


@fails_with(Bug("who asks in an old term isn't told of the newer one", Raft, "_answer_stale", told_nothing))
def test_hashicorp_524_pre_votes_leave_the_majority_leaderless() -> None:
    """The only node with all entries is behind in its term: its pre-votes are refused, and it must learn why.

    n2 was a candidate for long (without PreVote, or in an older release): its term is 9, its log is short.
    """
    cluster = Cluster(3, logs={"n1": [1, 1, 1], "n2": [1]}, term=1)
    cluster.cores["n2"] = Core("n2", voters=3, terms=[1], term=9, rng=cluster["n2"].raft._rng)
    cluster.down.add("n3")
    cluster.pass_time(20 * ELECTION)
    assert cluster["n1"].raft.role is Role.LEADER
    assert cluster["n1"].raft.current_term > 9


@fails_with(
    Bug("no stickiness", Elections, "_leader_is_near", nobody_is_near),
)
def test_hashicorp_606_who_is_left_out_disturbs() -> None:
    """A node that hears nobody, as one does that was removed, asks on with a real vote in a higher term.

    A release without PreVote would do so; those who hear a leader don't look at its term.
    """
    core = leader(Core(voters=3))
    core.step(matched(core, "n2", 1))
    for term in (5, 6, 7):
        from_outside = RequestVote("n3", "n1", term, 9, term - 1, False)
        core.step(from_outside)
    assert (core.raft.role, core.raft.current_term) == (Role.LEADER, 1)
    assert RequestVoteResponse("n1", "n3", 1, False, False) in core.sent


def never_retry(self: Progress, prev_log_index: int, retry_index: int) -> bool:
    return False


def never_resume(self: Progress, match_index: int, agreed_index: int) -> None:
    self.match_index = max(self.match_index, match_index)
    self.next_index = max(self.next_index, match_index + 1)


@fails_with(
    Bug("a lost message is never noticed", Progress, "rejected", never_retry),
    Bug("a probe is never over", Progress, "matched", never_resume),
)
def test_hashicorp_611_612_replication_to_one_follower_stops() -> None:
    """Entries to a follower get lost for a while; then nobody writes: it must catch up all the same, heard or not."""
    lab = Lab(3)
    lab.one(3)
    first = lab.one_leader()
    behind = lab.after(first, 1)
    for broken in [(first, behind), (behind, first)] * 3:
        with lab.cut(broken):
            last = lab.one(2)
            lab.wait(20_000)
        lab.wait(SECOND)
        assert lab.node(behind).raft.last_applied >= last, f"{behind} is left behind"
    assert lab.one_leader() == first


# --- openraft


def what_anybody_has(self: Leadership, commit_index: int) -> int:
    return max(progress.match_index for progress in self.peers.values())


def settle_by_the_last(self: Leadership, commit_index: int) -> int:
    """Keeps the followers in the order in which they last moved, as if that were the order of what they have."""
    ranks = sorted(self.peers.values(), key=lambda progress: -progress.heard_us)
    index = [self.log.stable, *(progress.match_index for progress in ranks)][len(ranks) // 2]
    return index if index > commit_index and self.log.term_at(index) == self.term else commit_index


ACKNOWLEDGED = [
    # who has how much, and what is committed then, in a cluster of five whose leader has it all
    ("n2", 4, 0),
    ("n3", 2, 2),
    ("n2", 6, 2),
    ("n2", 7, 2),
    ("n4", 3, 3),
    ("n3", 5, 5),
    ("n4", 6, 6),
    ("n5", 7, 7),
]


@fails_with(
    Bug("in the order of the acknowledgements", Leadership, "commit_index", settle_by_the_last),
    Bug("commits what anybody has", Leadership, "commit_index", what_anybody_has),
)
def test_openraft_1802_commit_without_a_quorum() -> None:
    """A follower that is ahead gets further ahead: what a majority has must not rise with it."""
    core = leader(Core(voters=5))
    for _ in range(6):
        core.propose()
    core.flush()
    for peer, index, committed in ACKNOWLEDGED:
        core.now += 1
        core.raft.tick(core.now)
        core.step(matched(core, peer, index))
        assert core.raft.commit_index == committed, (peer, index)
