"""Rules 8 and 9 of the core: judging only after hearing, disturbing nobody, and reads that are new enough."""

from __future__ import annotations

from typing import Any

from raftzmq.core import Role
from raftzmq.core.elections import Elections
from raftzmq.core.messages import AppendEntries, Message, RequestVote, RequestVoteResponse
from raftzmq.core.raft import Raft
from raftzmq.core.ready import ReadState
from raftzmq.core.replication import Leadership
from tests.core.support import (
    ELECTION_MAX,
    ELECTION_MIN,
    HEARTBEAT,
    Core,
    Highest,
    committing,
    heartbeat,
    leader,
    matched,
    of,
)
from tests.rules.planted import Bug, rule

tick, tick_leader = Elections.tick, Elections._tick_leader
start_round, request_read = Leadership.start_round, Leadership.request_read

PAUSE = 3_000_000


# --- rule 8


def judge_at_once(self: Raft, now_us: int) -> None:
    """Nothing that wakes late knows of it."""
    self._now = max(self._now, min(now_us, self.deadline))
    tick(self, self._now)
    self._now = max(self._now, now_us)


def campaigned(core: Core) -> bool:
    return bool(of(RequestVote, core.sent))


@rule("rule_8", Bug("a late timer is a timer", Elections, "tick", judge_at_once))
def test_rule_8_who_overslept_hears_first() -> None:
    """Design 2.8: a tick later than its deadline by over a heartbeat fires no election, but sets a short new deadline.

    What the leader sent meanwhile lies in the sockets: once it is heard there is nothing to campaign for.
    """
    for late, at_once in ((0, True), (HEARTBEAT, True), (HEARTBEAT + 1, False), (PAUSE, False)):
        core = Core()
        core.tick(core.raft.deadline + late)
        assert campaigned(core) is at_once, late
        if not at_once:
            assert core.now < core.raft.deadline < core.now + HEARTBEAT
            core.tick_at_deadline()
            assert campaigned(core), "nothing was heard: then it was no pause of its own alone"
    core = Core()
    core.tick(PAUSE)
    core.step(heartbeat(core, term=1))
    core.tick(PAUSE + HEARTBEAT)
    assert not campaigned(core)


def step_down_at_once(self: Raft, leading: Leadership, *, late: bool) -> None:
    tick_leader(self, leading, late=False)


@rule("rule_8", Bug("a late judgement is a judgement", Elections, "_tick_leader", step_down_at_once))
def test_rule_8_a_leader_that_overslept_hears_first() -> None:
    """Design 2.8, thesis 6.2: a leader that was paused gives its followers' answers time to be read."""
    core = leader(Core(voters=3))
    core.tick(core.now + PAUSE)
    assert core.leads()
    core.step(matched(core, "n2", 0))
    core.tick(core.now + ELECTION_MAX - 1)
    assert core.leads()


def believe_the_clock(self: Raft, now_us: int) -> None:
    self._now = now_us
    tick(self, now_us)


@rule("rule_8", Bug("the clock is believed", Elections, "tick", believe_the_clock))
def test_rule_8_time_never_runs_back() -> None:
    """Design 2.8: time is whatever number came last, and no smaller one: nothing expires twice, or too late."""
    core = Core()
    core.tick(ELECTION_MIN - 1)
    core.tick(5)
    core.step(heartbeat(core, term=1))
    assert core.raft.deadline == ELECTION_MIN - 1 + ELECTION_MIN


# --- rule 9: disturbing nobody


def nobody_is_near(self: Raft) -> bool:
    return False


def always_near(self: Raft) -> bool:
    return True


@rule(
    "rule_9",
    Bug("no stickiness", Elections, "_leader_is_near", nobody_is_near),
    Bug("nobody ever gets a vote", Elections, "_leader_is_near", always_near),
)
def test_rule_9_who_hears_a_leader_disturbs_nobody() -> None:
    """Design 2.9, thesis 4.2.3: neither vote nor promise, nor a look at the term, while a leader was just heard."""
    for pre_vote in (True, False):
        for since, granted in ((0, False), (ELECTION_MIN - 1, False), (ELECTION_MIN, True)):
            core = Core(rng=Highest())
            core.step(heartbeat(core, sender="n3", term=1))
            core.flush()
            core.tick(core.now + since)
            sent = core.step(RequestVote("n2", "n1", 7, 9, 6, pre_vote)) + core.flush()
            assert [a.granted for a in of(RequestVoteResponse, sent)] == [granted], (pre_vote, since)
            assert core.raft.current_term == (7 if granted and not pre_vote else 1)


@rule("rule_9", Bug("no stickiness", Elections, "_leader_is_near", nobody_is_near))
def test_rule_9_a_leader_that_is_heard_disturbs_nobody_either() -> None:
    """Design 2.9, thesis 4.2.3: who is answered by a majority isn't deposed by one that hears nothing."""
    core = leader(Core(voters=3))
    core.step(matched(core, "n2", 1))
    core.step(RequestVote("n3", "n1", 9, 9, 8, False))
    assert (core.raft.role, core.raft.current_term) == (Role.LEADER, 1)


def campaign_without_asking(self: Raft, *, pre_vote: bool) -> None:
    campaign(self, pre_vote=False)


campaign = Elections._campaign


@rule("rule_9", Bug("no PreVote", Elections, "_campaign", campaign_without_asking))
def test_rule_9_who_is_cut_off_raises_no_term() -> None:
    """Design 2.9, thesis 9.6: a node that nobody would elect stays in its term, however long it asks."""
    core = Core(terms=[3], term=3)
    for _ in range(10):
        core.tick_at_deadline()
        core.flush()
    assert (core.raft.current_term, core.raft.role) == (3, Role.PRE_CANDIDATE)
    assert {(m.term, m.pre_vote) for m in of(RequestVote, core.sent)} == {(4, True)}


# --- rule 9: reads


def rounds(messages: list[Message]) -> set[int]:
    return {message.round for message in of(AppendEntries, messages)}


def confirm_at_once(self: Leadership) -> list[Any]:
    done = list(self._rounds)
    self._rounds.clear()
    return done


def join_the_round_that_left(self: Leadership, reader: str, context: int) -> None:
    if self._rounds:
        last = self._rounds.pop()
        self._rounds.append(type(last)(last.number, last.index, (*last.reads, (reader, context))))
    else:
        request_read(self, reader, context)


def the_same_number(self: Leadership, commit_index: int, **named: Any) -> bool:
    begun = start_round(self, commit_index, **named)
    if begun:
        last = self._rounds.pop()
        self._rounds.append(type(last)(1, last.index, last.reads))
        self.round = 1
    return begun


@rule(
    "rule_9",
    Bug("no round", Leadership, "confirmed_rounds", confirm_at_once),
    Bug("a read joins a round that has left", Leadership, "request_read", join_the_round_that_left),
    Bug("a round's number is used again", Leadership, "start_round", the_same_number),
)
def test_rule_9_a_read_has_a_round_of_its_own() -> None:
    """Design 2.9, thesis 6.4: a majority must answer heartbeats that left after the read had come.

    An older heartbeat shows who led before: meanwhile another may have been elected, and have committed more.
    """
    core = committing(Core(voters=5))
    first = rounds(core.read(1))
    core.step(matched(core, "n2", 1, read_round=max(first)))
    assert core.reads == [], "two of five"
    assert core.read(2) == [], "it came too late for those heartbeats"
    second = rounds(core.step(matched(core, "n3", 1, read_round=max(first))))
    assert core.reads == [ReadState(1, 1)]
    assert second, "the next round begins"
    assert not first & second
    core.step(*(matched(core, peer, 1, read_round=max(first)) for peer in core.peers))
    assert core.reads == [ReadState(1, 1)]
    core.step(*(matched(core, peer, 1, read_round=max(second)) for peer in ("n2", "n4")))
    assert core.reads == [ReadState(1, 1), ReadState(2, 1)]


def read_from_the_start(self: Leadership, commit_index: int, **named: Any) -> bool:
    begins, self.term_start = self.term_start, 0
    begun = start_round(self, commit_index, **named)
    self.term_start = begins
    return begun


@rule("rule_9", Bug("reads from the first moment", Leadership, "start_round", read_from_the_start))
def test_rule_9_no_read_before_the_terms_first_commit() -> None:
    """Design 2.9, §8, thesis 6.4: a new leader has all that is committed, but doesn't know yet how far that goes."""
    core = leader(Core(voters=3, terms=[1, 1]))
    core.read(7)
    core.step(matched(core, "n2", 2, read_round=1), matched(core, "n3", 2, read_round=1))
    core.tick_at_deadline()
    core.step(matched(core, "n2", 2, read_round=1), matched(core, "n3", 2, read_round=1))
    assert core.reads == []
    core.step(matched(core, "n2", 3))
    core.step(matched(core, "n2", 3, read_round=1))
    assert core.reads == [ReadState(7, 3)]
