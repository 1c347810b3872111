"""Figure 2 of the Raft paper, state: what each node remembers, and for how long."""

from __future__ import annotations

from typing import Any

from raftzmq.core.log import Log
from raftzmq.core.messages import AppendEntries, RequestVote, RequestVoteResponse
from raftzmq.core.raft import Raft
from raftzmq.core.replication import Leadership
from raftzmq.core.types import Entry, HardState
from tests.core.support import Core, candidate, entries_of, entries_to, heartbeat, leader, matched, of, terms_of
from tests.rules.planted import Bug, rule

take_append, take_unstored = Raft._take_append, Log.take_unstored
new_leadership, set_term = Leadership.__init__, Raft._set_term


def vote_of(core: Core, candidate: str, term: int) -> list[bool]:
    """The answers to a candidate with a very good log, once the disk has worked."""
    sent = core.step(RequestVote(candidate, core.name, term, 99, 99, False)) + core.flush()
    return [answer.granted for answer in of(RequestVoteResponse, sent) if answer.to == candidate]


def forget_term(self: Raft) -> Any:
    self._stored = HardState(self.current_term, self.voted_for)
    return take_append(self)


def forget_vote(self: Raft) -> Any:
    self._stored = HardState(self._stored.current_term, self.voted_for)
    return take_append(self)


def forget_entries(self: Log) -> tuple[Entry, ...]:
    take_unstored(self)
    return ()


def go_back(self: Raft, message: Any) -> None:
    self.current_term = message.term


@rule(
    "current_term",
    Bug("the term is not stored", Raft, "_take_append", forget_term),
    Bug("an older term is taken on", Raft, "_answer_stale", go_back),
)
def test_the_current_term_survives_and_never_falls() -> None:
    """Figure 2, persistent state, §5.1: the latest term seen, 0 at first, rises and is on disk before an answer."""
    core = Core()
    assert core.raft.current_term == 0
    for term, seen in ((3, 3), (2, 3), (7, 7), (1, 7)):
        core.step(heartbeat(core, term=term))
        core.flush()
        assert core.raft.current_term == seen
        assert core.restarted().raft.current_term == seen


@rule("voted_for", Bug("the vote is not stored", Raft, "_take_append", forget_vote))
def test_the_vote_survives() -> None:
    """Figure 2, persistent state, §5.2: whom this node voted for in its term, or nobody; on disk before it is told."""
    core = Core(term=5)
    assert core.raft.voted_for is None
    assert vote_of(core, "n2", 5) == [True]
    core = core.restarted()
    assert core.raft.voted_for == "n2"
    assert vote_of(core, "n3", 5) == [False]


@rule("log", Bug("entries are not stored", Log, "take_unstored", forget_entries))
def test_the_log_survives() -> None:
    """Figure 2, persistent state, §5.3: entries with the term in which a leader got them; the first has index 1."""
    core = Core(term=2)
    core.step(entries_to(core, entries_of([1, 2, 2]), after=core.mark, term=2))
    core.flush()
    core = core.restarted()
    assert core.raft.log.first_index == 1
    assert terms_of(core.raft) == [1, 2, 2]


def commit_what_it_says(self: Raft, index: int) -> None:
    self.commit_index = index


@rule("commit_index", Bug("the latest message counts", Raft, "_commit_to", commit_what_it_says))
def test_the_commit_index_only_grows() -> None:
    """Figure 2, volatile state, §5.3: the highest index known to be committed, which rises and never falls."""
    core = Core(terms=[1, 1, 1])
    assert core.raft.commit_index == 0
    for commit, known in ((1, 1), (3, 3), (2, 3), (0, 3)):
        core.step(heartbeat(core, at=3, commit=commit))
        assert core.raft.commit_index == known


def applied_is_what_it_says(self: Raft, index: int) -> None:
    self.last_applied = index


@rule("last_applied", Bug("the latest report counts", Raft, "applied", applied_is_what_it_says))
def test_last_applied_only_grows() -> None:
    """Figure 2, volatile state, §5.3: the highest index given to the state machine rises and never falls."""
    core = Core(terms=[1, 1, 1], applied=1)
    assert core.raft.last_applied == 1, "the state is on disk as well, so it needn't begin at 0"
    for index, known in ((3, 3), (2, 3)):
        core.raft.applied(index)
        assert core.raft.last_applied == known


def from_the_beginning(self: Leadership, *arguments: Any, **named: Any) -> None:
    new_leadership(self, *arguments, **named)
    for progress in self.peers.values():
        progress.next_index = 1


@rule("next_index", Bug("a new leader starts from entry 1", Leadership, "__init__", from_the_beginning))
def test_next_index_begins_behind_the_leaders_log() -> None:
    """Figure 2, volatile state on leaders, §5.3: next_index starts at the leader's last index + 1."""
    core = leader(Core(voters=3, terms=[1, 1, 1]), flush=False)
    first = {message.to: message for message in reversed(of(AppendEntries, core.sent))}
    assert {to: (m.prev_log_index, [e.index for e in m.entries]) for to, m in first.items()} == {
        "n2": (3, [4]),
        "n3": (3, [4]),
    }


def trust_at_once(self: Leadership, *arguments: Any, **named: Any) -> None:
    new_leadership(self, *arguments, **named)
    for progress in self.peers.values():
        progress.match_index = self.log.last_index


def believe_anything(self: Leadership, message: Any, now_us: int) -> None:
    self.peers[message.sender].match_index = message.match_index


@rule(
    "match_index",
    Bug("a new leader trusts its followers", Leadership, "__init__", trust_at_once),
    Bug("an older answer counts as well", Leadership, "on_response", believe_anything),
)
def test_match_index_begins_at_nothing_and_only_grows() -> None:
    """Figure 2, volatile state on leaders, §5.3: what a follower has is 0 until it says so, and never less again."""
    core = leader(Core(voters=3, terms=[1, 1, 1]))
    leadership = core.raft.leadership
    assert leadership is not None
    assert [progress.match_index for progress in leadership.peers.values()] == [0, 0]
    for index, known in ((2, 2), (4, 4), (3, 4)):
        core.step(matched(core, "n2", index))
        assert leadership.peers["n2"].match_index == known
    core.step(heartbeat(core, sender="n3", term=9))
    leader(core)
    assert core.raft.leadership is not leadership, "what an earlier term taught is forgotten with it"


def keep_the_vote(self: Raft, term: int, voted_for: str | None, reason: str) -> None:
    set_term(self, term, voted_for or self.voted_for, reason)


@rule("voted_for", Bug("the vote outlives its term", Raft, "_set_term", keep_the_vote))
def test_a_vote_is_for_one_term_only() -> None:
    """Figure 2, persistent state, §5.2: the candidate voted for *in the current term*: a newer one has none yet."""
    core = Core(term=5, voted_for="n2")
    assert vote_of(core, "n3", 6) == [True]
    own = candidate(Core())
    assert own.raft.voted_for == "n1"
    own.step(heartbeat(own, sender="n2", term=9))
    assert own.raft.voted_for is None
