"""Figure 2 of the Raft paper, rules for servers: leaders."""

from __future__ import annotations

from typing import Any

from raftzmq.codec.clients import Answer
from raftzmq.core import Role
from raftzmq.core.messages import AppendEntries, AppendEntriesResponse
from raftzmq.core.progress import Progress
from raftzmq.core.quorum import agreed
from raftzmq.core.raft import Raft
from raftzmq.core.replication import Leadership
from raftzmq.kv.commands import OpenSession, Parcel
from raftzmq.node import Node
from raftzmq.node.answers import result_frames
from raftzmq.node.proposals import Proposals
from tests.core.support import ELECTION_MIN, HEARTBEAT, Core, entries_of, heartbeat, leader, matched, of, terms_of
from tests.node.support import Rig
from tests.rules.planted import Bug, rule

node_propose = Node._propose


def refused(core: Core, peer: str, index: int, hint: int, hint_term: int) -> AppendEntriesResponse:
    """``peer`` has nothing that fits at ``index``; what may fit is its entry ``hint``."""
    return AppendEntriesResponse(peer, core.name, core.raft.current_term, False, 0, 0, index, hint, hint_term)


def to(peer: str, messages: list[Any]) -> list[tuple[int, list[int]]]:
    """(prev_log_index, indices) of the AppendEntries for one follower."""
    return [(m.prev_log_index, [e.index for e in m.entries]) for m in of(AppendEntries, messages) if m.to == peer]


# --- heartbeats


@rule(
    "leaders_heartbeat",
    Bug("silence after the election", Leadership, "replicate", lambda self, *_: []),
    Bug("silence while idle", Leadership, "heartbeats", lambda self, *_: []),
)
def test_leaders_are_heard_at_once_and_while_idle() -> None:
    """§5.2: a message to everybody upon election, then again and again, before anybody's election timeout is over."""
    core = leader(Core(voters=3), flush=False)
    assert {m.to for m in of(AppendEntries, core.sent)} == {"n2", "n3"}, "the term's first entry tells who leads"
    for _ in range(5):
        before = core.now
        sent = core.tick_at_deadline()
        core.step(matched(core, "n2", 0), matched(core, "n3", 0))
        assert {m.to for m in of(AppendEntries, sent)} == {"n2", "n3"}
        assert core.now - before <= HEARTBEAT < ELECTION_MIN // 2


# --- proposals


def answer_when_proposed(self: Node, now_us: int) -> None:
    known = set(self.proposals._batches)
    node_propose(self, now_us)
    for index in sorted(set(self.proposals._batches) - known):
        for routing, request in self.proposals._batches[index].owners:
            self.replies.send(routing, result_frames(request, [1]))


def never_propose(self: Node, now_us: int) -> None:
    while self.proposals.has_batch():
        self.proposals.take_batch(now_us)


@rule(
    "leaders_propose",
    Bug("answered when it is proposed", Node, "_propose", answer_when_proposed),
    Bug("never appended", Node, "_propose", never_propose),
    Bug("never answered", Proposals, "settle", lambda self, index, term: ()),
)
def test_leaders_append_commands_and_answer_when_they_are_applied() -> None:
    """§5.3: a client's command becomes an entry of the leader's log; the answer comes after it has been applied."""
    rig = Rig().lead()
    rig.greet()
    last = rig.raft.log.last_index
    rig.followers = set()
    rig.held = {"state"}
    rig.execute(7, Parcel(0, 0, 0, [OpenSession(b"somebody")]))
    rig.settle()
    assert rig.raft.log.last_index == last + 1
    assert rig.taken() == [], "nobody else has it"
    for peer in rig.peers:
        rig.peer(AppendEntriesResponse(peer, "n1", rig.raft.current_term, True, last + 1, 0, last + 1))
    rig.settle()
    assert rig.raft.commit_index == last + 1
    assert rig.taken() == [], "it is committed, but not applied"
    rig.finish("state")
    rig.settle()
    assert rig.taken() == [(Answer(7, 0, True), [last + 1])], "a session's id is its index"


# --- replication


def never_retry(self: Progress, prev_log_index: int, retry_index: int) -> bool:
    return False


def never_move(self: Progress, match_index: int, agreed_index: int) -> None:
    pass


def skip_one(self: Progress, last_index: int, size: int) -> None:
    self.probing = False
    self.next_index = last_index + 2


@rule(
    "leaders_replicate",
    Bug("a refusal changes nothing", Progress, "rejected", never_retry),
    Bug("an acknowledgement changes nothing", Progress, "matched", never_move),
    Bug("an entry is left out", Progress, "sent", skip_one),
)
def test_leaders_replicate_from_next_index() -> None:
    """§5.3: send what a follower lacks; success moves next_index and match_index up, a refusal next_index down."""
    core = leader(Core(voters=3, terms=[1, 1, 2, 2]))
    sent = core.step(refused(core, "n2", 4, 2, 1))
    assert to("n2", sent) == [(2, [3, 4, 5])], "as far back as the follower's hint says, all at once"
    core.step(matched(core, "n2", 5))
    leadership = core.raft.leadership
    assert leadership is not None
    assert (leadership.peers["n2"].match_index, leadership.peers["n2"].next_index) == (5, 6)
    assert to("n2", core.propose(b"6")) == [(5, [6])]
    assert to("n2", core.propose(b"7")) == [(6, [7])], "next_index runs ahead of the answers"
    sent = core.step(refused(core, "n2", 6, 5, core.raft.current_term))
    assert to("n2", sent) == [(5, [6, 7])], "6 was lost: from there again"


# --- commitment


def any_term(self: Leadership, commit_index: int) -> int:
    match = {peer: progress.match_index for peer, progress in self.peers.items()}
    return max(commit_index, agreed(self._per_voter(self.log.stable, match)))


def any_follower(self: Leadership, commit_index: int) -> int:
    index = max(progress.match_index for progress in self.peers.values())
    return index if index > commit_index and self.log.term_at(index) == self.term else commit_index


COMMITS = [
    # terms in the log, the leader's term, what each of its followers has, the commit index
    ([1, 2], 2, [0, 0], 0),
    ([1, 2], 2, [2, 0], 2),
    ([1, 2], 2, [1, 1], 0),
    ([1, 2], 2, [1, 2], 2),
    ([1, 1, 1], 1, [2, 3], 3),
    ([1, 1, 1], 1, [2, 0], 2),
    ([2, 2], 2, [2, 0, 0, 0], 0),
    ([2, 2], 2, [2, 1, 0, 0], 1),
    ([2, 2], 2, [2, 1, 2, 0], 2),
    ([1, 1, 2], 2, [2, 2, 2, 2], 0),
    ([1, 1, 2], 2, [3, 2, 3, 2], 3),
]


def leading(terms: list[int], term: int, voters: int) -> Core:
    """The leader of ``term`` whose log has these terms, with everything durable."""
    before = [t for t in terms if t < term]
    core = leader(Core(voters=voters, terms=before, term=term - 1))
    for _ in range(len(terms) - len(before) - 1):
        core.propose()
    core.flush()
    assert (core.raft.current_term, core.raft.log.last_index) == (term, len(terms))
    return core


@rule(
    "leaders_commit",
    Bug("nothing is committed", Leadership, "commit_index", lambda self, commit_index: commit_index),
    Bug("an old term's entry is committed by counting", Leadership, "commit_index", any_term),
    Bug("one follower is enough", Leadership, "commit_index", any_follower),
)
def test_leaders_commit_what_a_majority_has() -> None:
    """§5.3, §5.4.2: the highest index that a majority has, if its entry is of the leader's term; all before it too."""
    for terms, term, matches, commit in COMMITS:
        core = leading(terms, term, len(matches) + 1)
        core.step(*(matched(core, peer, index) for peer, index in zip(core.peers, matches, strict=True)))
        assert core.raft.commit_index == commit, (terms, term, matches)
        assert core.committed_indices == list(range(1, commit + 1))


def replace_ones_own(self: Raft, message: AppendEntries) -> None:
    self.log.truncate_from(message.prev_log_index + 1)


@rule("leaders_propose", Bug("an old leader's entries are taken", Raft, "_answer_stale", replace_ones_own))
def test_leaders_never_change_what_is_in_their_log() -> None:
    """§5.3, figure 3, leader append-only: a leader adds to its log and removes nothing, whoever asks."""
    core = leader(Core(voters=3, terms=[1, 1], term=4))
    old = entries_of([3], after=core.disk[0])
    core.step(AppendEntries("n2", "n1", 3, 1, 1, 0, 0, old), heartbeat(core, term=4, sender="n3"))
    assert core.raft.role is Role.LEADER
    assert terms_of(core.raft) == [1, 1, 5]
