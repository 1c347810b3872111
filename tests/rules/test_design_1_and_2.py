"""Rules 1 and 2 of the core: what waits for the disk, and what doesn't."""

from __future__ import annotations

from typing import Any

from raftzmq.core.messages import AppendEntries, AppendEntriesResponse, RequestVote, RequestVoteResponse
from raftzmq.core.raft import Raft
from raftzmq.core.ready import Append, ReadState
from raftzmq.core.replication import Leadership
from raftzmq.core.types import HardState
from raftzmq.errors import InvariantViolation
from tests.core.support import Core, committing, entries_of, heartbeat, leader, matched, of
from tests.rules.following import answers, following, took
from tests.rules.planted import Bug, rule

take_entries, take_append, answer_append = Raft._take_entries, Raft._take_append, Raft._answer_append
replicate, reject_append = Leadership.replicate, Raft._reject_append


def answer_before_disk(self: Raft, message: Any) -> bool:
    taken = take_entries(self, message)
    self.log.stable = self.log.last_index
    return taken


def wait_always(self: Raft, follower: Any) -> None:
    if self._in_flight is None and self.log.take_unstored():
        answer_append(self, follower)


def believe_any_report(self: Raft, append: Append) -> None:
    self.log.stable = append.entries[-1].index


def call_it_durable(self: Raft, follower: Any) -> None:
    stable, self.log.stable = self.log.stable, self.log.last_index
    answer_append(self, follower)
    self.log.stable = stable


def call_it_agreed(self: Raft, follower: Any) -> None:
    follower.matched = self.log.last_index
    answer_append(self, follower)


def refuse_later(self: Raft, follower: Any, message: Any) -> None:
    if self._in_flight is None:
        reject_append(self, follower, message)


def hold_nothing(self: Raft) -> Any:
    held, self._held = self._held, []
    for message in held:
        if message.to == self.node:
            self.step(message)
        else:
            self._messages.append(message)
    return take_append(self)


def write_first(self: Leadership, *arguments: Any) -> list[Any]:
    return replicate(self, *arguments) if self.log.stable == self.log.last_index else []


def nothing_while_it_writes(self: Raft) -> Any:
    if self._in_flight is not None:
        self._messages.clear()
    return take_append(self)


@rule("rule_1", Bug("memory counts as the disk", Raft, "_take_entries", answer_before_disk))
def test_rule_1_entries_are_answered_only_once_they_are_durable() -> None:
    """Design 2.1, figure 2 (§5): entries are acknowledged once they are on stable storage, not before."""
    core = following()
    assert took(core, entries_of([1, 1])) == []
    assert core.append is not None
    assert [e.index for e in core.append.entries] == [1, 2]
    assert core.take() == []
    assert answers(core.write()) == [(True, 2)]


@rule("rule_1", Bug("every message waits", Raft, "_answer_append", wait_always))
def test_rule_1_what_is_durable_already_is_answered_at_once() -> None:
    """Design 2.1: a message that brings nothing new has nothing to wait for."""
    core = following(1, 1)
    assert took(core, entries_of([1, 1])) == [(True, 2)]


@rule("rule_1", Bug("memory counts as the disk", Raft, "_take_entries", answer_before_disk))
def test_rule_1_an_answer_speaks_for_what_is_durable_at_that_moment() -> None:
    """Design 2.1: what came while the disk was busy isn't in what it wrote."""
    core = following()
    entries = entries_of([1, 1, 1, 1])
    assert took(core, entries[:2]) == []
    assert took(core, entries[2:]) == []
    assert answers(core.write()) == [(True, 2)], "3 and 4 go with the next append"
    assert answers(core.write()) == [(True, 4)]


@rule("rule_1", Bug("any report is believed", Raft, "appended", believe_any_report))
def test_rule_1_storage_reports_only_what_is_under_way() -> None:
    """Design 2.1: whatever the core takes for durable, it has asked for: anything else is a bug of the driver."""
    core = following()
    took(core, entries_of([1]))
    refused = False
    try:
        core.raft.appended(Append(HardState(1, None), entries_of([1])))
    except InvariantViolation as error:
        refused = "isn't under way" in str(error)
    assert refused
    assert core.raft.log.stable == 0


@rule(
    "rule_2",
    Bug("heartbeats wait for entries", Raft, "_answer_append", wait_always),
    Bug("what agrees is called durable", Raft, "_answer_append", call_it_durable),
)
def test_rule_2_heartbeats_are_answered_at_once_with_what_is_durable() -> None:
    """Design 2.2: a heartbeat's answer asserts no new entries, so a slow disk doesn't look like a dead node."""
    core = following(1)
    took(core, entries_of([1, 1, 1], after=core.mark)[1:])
    assert core.append is not None
    assert answers(core.step(heartbeat(core, at=1))) == [(True, 1)]
    assert answers(core.step(heartbeat(core, at=3))) == [(True, 1)], "3 agrees, but only 1 is durable"
    core.write()
    assert answers(core.step(heartbeat(core, at=3))) == [(True, 3)]


@rule("rule_2", Bug("what is durable is said to agree", Raft, "_answer_append", call_it_agreed))
def test_rule_2_a_heartbeat_speaks_only_for_what_is_known_to_agree() -> None:
    """Design 2.2: min(matched, stable): a durable entry that doesn't match yet may be another leader's."""
    core = following(1, 1, 1)
    assert answers(core.step(heartbeat(core, at=2))) == [(True, 2)]
    assert answers(core.step(heartbeat(core, at=0))) == [(True, 2)]


@rule("rule_2", Bug("a refusal waits for the disk", Raft, "_reject_append", refuse_later))
def test_rule_2_a_rejection_waits_for_nothing() -> None:
    """Design 2.2: that an entry is missing needs no disk to be true; the hint may be of what isn't durable yet."""
    core = following(1)
    took(core, entries_of([1, 1])[1:])
    assert core.append is not None
    sent = of(AppendEntriesResponse, core.step(AppendEntries("n2", "n1", 1, 7, 1, 0, 0)))
    assert [(a.success, a.match_index, a.hint_index) for a in sent] == [(False, 1, 2)]


@rule("rule_2", Bug("requests overtake the disk", Raft, "_take_append", hold_nothing))
def test_rule_2_a_request_for_votes_waits_for_its_term_and_a_question_does_not() -> None:
    """Design 2.2: RequestVote says that this node has voted for itself; a PreVote (thesis 9.6) says nothing."""
    core = Core()
    assert len(of(RequestVote, core.tick_at_deadline())) == 2
    assert core.step(RequestVoteResponse("n2", "n1", 1, True, True)) == []
    assert len(of(RequestVote, core.write())) == 2


@rule("rule_2", Bug("the leader writes first", Leadership, "replicate", write_first))
def test_rule_2_a_leaders_entries_may_overtake_its_own_disk() -> None:
    """Design 2.2, thesis 10.2.1: sending entries asserts nothing, so the leader's disk works beside the others'."""
    core = leader(Core(voters=3), flush=False)
    core.step(matched(core, "n2", 0), matched(core, "n3", 0))
    sent = of(AppendEntries, core.propose(b"x"))
    assert core.raft.log.stable == 0
    assert {m.to for m in sent} == {"n2", "n3"}


@rule("rule_2", Bug("votes overtake the disk", Raft, "_take_append", hold_nothing))
def test_rule_2_votes_wait_for_their_term_and_vote() -> None:
    """Design 2.2, figure 2 (§5.2): a vote asserts itself, also one's own, even where one voter is a majority."""
    core = Core(term=4)
    assert core.step(RequestVote("n2", "n1", 5, 0, 0, False)) == []
    assert of(RequestVoteResponse, core.write()) == [RequestVoteResponse("n1", "n2", 5, True, False)]
    alone = Core(voters=1)
    alone.tick_at_deadline()
    assert not alone.leads()
    alone.write()
    assert alone.leads()


@rule("rule_2", Bug("reads wait for entries", Raft, "_take_append", nothing_while_it_writes))
def test_rule_2_reads_wait_for_no_entries() -> None:
    """Design 2.2, thesis 6.4: a ReadIndex round asks who leads, which no disk has to confirm."""
    core = committing(Core(voters=3))
    core.propose()
    assert core.append is not None
    assert {m.round for m in of(AppendEntries, core.read(7))} == {1}
    core.step(matched(core, "n2", 1, read_round=1))
    assert core.reads == [ReadState(7, 1)]
