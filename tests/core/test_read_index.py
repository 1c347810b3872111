"""Linearizable reads by ReadIndex (thesis 6.4; rule 9, second half)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from raftzmq.core import Role
from raftzmq.core.messages import AppendEntries, Message, ReadIndex, ReadIndexResponse
from raftzmq.core.ready import ReadState
from raftzmq.core.replication import WAITING_CONTEXTS_MAX
from tests.core.cluster import Cluster
from tests.core.support import ELECTION_MAX, Core, candidate, committing, heartbeat, leader, matched, of, pre_candidate


def rounds(messages: list[Message]) -> set[int]:
    """The numbers of the rounds that AppendEntries carry."""
    return {message.round for message in of(AppendEntries, messages)}


def echo(core: Core, peer: str, number: int) -> list[Message]:
    """``peer`` answers a heartbeat of round ``number``."""
    return core.step(matched(core, peer, 0, read_round=number))


def test_a_read_is_confirmed_by_a_majority_that_answers_after_it_was_asked() -> None:
    """Thesis 6.4, steps 2 to 4: save the commit index, exchange heartbeats with a majority, then read there."""
    core = committing(Core(voters=5))
    sent = core.read(77)
    assert rounds(sent) == {1}
    echo(core, "n2", 1)
    assert core.reads == []
    echo(core, "n2", 1)
    assert core.reads == [], "twice the same follower is one"
    echo(core, "n3", 1)
    assert core.reads == [ReadState(77, 1)]
    echo(core, "n4", 1)
    assert core.reads == [ReadState(77, 1)], "answered once"


def test_the_index_is_the_commit_index_when_the_round_began() -> None:
    """Later commits needn't be seen; earlier ones must."""
    core = committing(Core(voters=3))
    core.propose(b"2")
    core.flush()
    core.step(matched(core, "n2", 2))
    core.read(7)
    core.propose(b"3")
    core.flush()
    core.step(matched(core, "n2", 3))
    assert core.raft.commit_index == 3
    echo(core, "n2", 1)
    assert core.reads == [ReadState(7, 2)]


def test_rule_9_no_read_before_the_terms_first_commit() -> None:
    """Thesis 6.4, step 1: a new leader doesn't know what is committed until an entry of its own term is (§8)."""
    core = leader(Core(voters=3, terms=[1, 1]))
    core.read(7)
    for _ in range(3):
        assert rounds(core.tick_at_deadline()) == {0}
        core.step(matched(core, "n2", 2), matched(core, "n3", 2))
    assert core.reads == []
    sent = core.step(matched(core, "n2", 3))
    assert rounds(sent) == {1}, "the commit lets the read go"
    echo(core, "n2", 1)
    assert core.reads == [ReadState(7, 3)]


def test_rule_9_a_read_never_joins_a_round_that_has_left() -> None:
    """A heartbeat that left before the read arrived proves leadership for an earlier moment only."""
    core = committing(Core(voters=3))
    core.read(1)
    assert core.read(2) == [], "it waits for the next round, so that reads gather"
    sent = echo(core, "n2", 1)
    assert core.reads == [ReadState(1, 1)]
    assert rounds(sent) == {2}
    echo(core, "n3", 1)
    assert core.reads == [ReadState(1, 1)], "an echo of the round before says nothing about this one"
    echo(core, "n3", 2)
    assert core.reads == [ReadState(1, 1), ReadState(2, 1)]


def test_reads_that_gather_share_the_next_round() -> None:
    core = committing(Core(voters=3))
    core.read(1)
    for context in (2, 3, 4):
        core.read(context)
    assert rounds(echo(core, "n2", 1)) == {2}
    echo(core, "n2", 2)
    assert [state.context for state in core.reads] == [1, 2, 3, 4]


def test_what_waits_for_the_terms_first_commit_has_a_bound() -> None:
    """It may take for ever, and whoever waits asks again and again: of each, the latest are answered."""
    core = leader(Core(voters=3))
    for context in range(1, 1_000):
        core.read(context)
        core.step(ReadIndex("n2", "n1", 1, 5_000 + context))
    core.step(ReadIndex("n3", "n1", 1, 3))
    assert core.reads == []
    core.step(matched(core, "n2", 1))
    answers = of(ReadIndexResponse, echo(core, "n2", 1))
    latest = range(1_000 - WAITING_CONTEXTS_MAX, 1_000)
    assert [state.context for state in core.reads] == [*latest]
    assert [m.context for m in answers if m.to == "n2"] == [5_000 + context for context in latest]
    assert [m.context for m in answers if m.to == "n3"] == [3], "a node that asks much drives out none but itself"


def test_a_round_whose_messages_were_lost_is_confirmed_by_later_heartbeats() -> None:
    """Every AppendEntries carries the latest round, so an answer to it proves all earlier ones."""
    core = committing(Core(voters=3))
    core.read(1)
    sent = core.tick_at_deadline()
    assert rounds(sent) == {1}
    core.read(2)
    sent = core.tick_at_deadline()
    assert rounds(sent) == {2}, "the heartbeat begins another round beside the lost one"
    echo(core, "n3", 2)
    assert [state.context for state in core.reads] == [1, 2]


def test_a_round_asks_those_who_were_heard_last_and_no_more_than_a_majority_takes() -> None:
    core = committing(Core(voters=5))
    core.tick(core.now + 1000)
    for peer in ("n5", "n3"):
        core.step(matched(core, peer, 1))
    assert {message.to for message in core.read(1)} == {"n3", "n5"}


def test_a_round_whose_followers_fell_silent_is_confirmed_by_the_others() -> None:
    """The next heartbeat goes to everybody, and carries the round."""
    core = committing(Core(voters=3))
    asked = {message.to for message in core.read(1)}
    assert len(asked) == 1
    (other,) = set(core.peers) - asked
    sent = core.tick_at_deadline()
    assert {message.to for message in sent} == set(core.peers)
    echo(core, other, 1)
    assert core.reads == [ReadState(1, 1)]


def test_a_round_asks_everybody_where_too_few_were_heard() -> None:
    core = committing(Core(voters=5))
    for _ in range(3):
        core.tick_at_deadline()
        core.step(matched(core, "n2", 1))
    assert {message.to for message in core.read(1)} == set(core.peers)


def test_numbers_of_rounds_are_never_used_again() -> None:
    core = committing(Core(voters=3))
    seen = []
    for context in range(10):
        [number] = rounds(core.read(context))
        seen.append(number)
        echo(core, "n2", number)
    assert seen == list(range(1, 11))


def test_an_echo_from_a_round_that_never_was_confirms_nothing() -> None:
    """A follower can only have seen what was sent; whatever else arrives must not confirm later rounds."""
    core = committing(Core(voters=3))
    echo(core, "n2", 99)
    echo(core, "n3", 99)
    core.read(1)
    assert core.reads == []


def test_an_echo_of_an_older_term_confirms_nothing() -> None:
    """Rounds are counted anew by each leader; the term tells them apart."""
    core = committing(Core(voters=3, term=4))
    core.read(1)
    core.step(type(matched(core, "n2", 0))("n2", "n1", 4, True, 0, 1, 0))
    assert core.reads == []


def test_a_single_voter_confirms_itself() -> None:
    core = Core(voters=1)
    core.tick_at_deadline()
    core.write()
    core.read(1)
    assert core.reads == [], "its no-op isn't durable yet"
    core.write()
    assert core.reads == [ReadState(1, 1)]
    core.read(2)
    assert core.reads == [ReadState(1, 1), ReadState(2, 1)]


def test_answers_to_entries_echo_the_round_as_well() -> None:
    core = committing(Core(voters=3))
    core.read(1)
    core.propose(b"x")
    assert {m.round for m in of(AppendEntries, core.sent[-2:])} == {1}


# --- followers ---


def test_a_follower_echoes_the_highest_round_that_it_has_seen() -> None:
    core = Core(terms=[1])
    answers = [core.step(heartbeat(core, at=1, read_round=number))[0] for number in (3, 5, 4)]
    assert [getattr(answer, "round", None) for answer in answers] == [3, 5, 5]


def test_a_follower_forgets_the_rounds_of_another_leader() -> None:
    core = Core(terms=[1])
    core.step(heartbeat(core, at=1, read_round=9))
    [answer] = core.step(heartbeat(core, sender="n3", term=2, at=1, read_round=1))
    assert getattr(answer, "round", None) == 1


def test_a_follower_asks_its_leader() -> None:
    """Thesis 6.4, last paragraphs: a follower asks the leader for a read index, and reads its own state there."""
    core = Core(terms=[1])
    core.step(heartbeat(core, sender="n3", at=1))
    assert core.read(77) == [ReadIndex("n1", "n3", 1, 77)]
    core.step(ReadIndexResponse("n3", "n1", 1, 77, 1))
    assert core.reads == [ReadState(77, 1)]
    assert core.raft.commit_index == 1, "what the leader reads at is committed"


def test_a_read_index_commits_no_further_than_the_logs_agree() -> None:
    core = Core(terms=[1, 1, 1])
    core.step(heartbeat(core, sender="n3", at=1))
    core.step(ReadIndexResponse("n3", "n1", 1, 77, 3))
    assert core.raft.commit_index == 1
    assert core.reads == [ReadState(77, 3)], "the read waits until the state is there"


@pytest.mark.parametrize("become", [pre_candidate, candidate, leader], ids=["asks", "candidate", "leader"])
def test_a_read_index_is_good_for_a_node_that_follows_nobody_any_more(become: Callable[[Core], Core]) -> None:
    """The leader of this term has said it; it moves no commit index of a node that doesn't know whom it agrees with."""
    core = become(Core(voters=3, terms=[1]))
    commit = core.raft.commit_index
    core.step(ReadIndexResponse("n3", "n1", core.raft.current_term, 77, 1))
    assert core.reads == [ReadState(77, 1)]
    assert core.raft.commit_index == commit


def test_a_node_that_knows_no_leader_asks_nobody() -> None:
    core = Core(terms=[1])
    assert core.read(1) == []
    assert core.take() == []


def test_a_leader_answers_others_when_the_round_is_confirmed() -> None:
    core = committing(Core(voters=3))
    core.step(ReadIndex("n3", "n1", 1, 5))
    core.read(6)
    answers = of(ReadIndexResponse, echo(core, "n2", 1))
    assert answers == [ReadIndexResponse("n1", "n3", 1, 5, 1)]
    assert core.reads == [], "its own came later and waits for the next round"
    echo(core, "n2", 2)
    assert core.reads == [ReadState(6, 1)]


@pytest.mark.parametrize("role", ["follower", "candidate"])
def test_who_does_not_lead_answers_no_read(role: str) -> None:
    core = Core(terms=[1])
    if role == "candidate":
        core.tick_at_deadline()
    assert core.step(ReadIndex("n3", "n1", 1, 5)) == []


def test_questions_and_answers_of_an_older_term_are_dropped() -> None:
    core = committing(Core(voters=3, term=4))
    assert core.step(ReadIndex("n3", "n1", 4, 5)) == []
    assert rounds(core.tick_at_deadline()) == {0}
    follower = Core(term=4)
    follower.step(ReadIndexResponse("n3", "n1", 3, 5, 9))
    assert follower.reads == []


def test_a_deposed_leader_drops_its_reads() -> None:
    """They are never answered: whoever waits asks again, elsewhere, with another context."""
    core = committing(Core(voters=3))
    core.read(1)
    core.step(heartbeat(core, sender="n2", term=2))
    core.step(matched(core, "n3", 0, read_round=1))
    assert core.raft.role is Role.FOLLOWER
    assert core.reads == []


def test_an_isolated_leader_confirms_no_read() -> None:
    """It doesn't know that others have elected another, and committed more: it must not answer."""
    cluster = Cluster(3)
    old = cluster.elect("n1")
    cluster.heartbeats()
    cluster.isolate("n1")
    old.read(1)
    cluster.pass_time(ELECTION_MAX - 10_000)
    cluster.pass_time(3 * ELECTION_MAX)
    new = cluster.leader
    assert new is not None
    assert new.name != "n1"
    new.propose(b"newer")
    cluster.settle()
    cluster.heal()
    cluster.pass_time(2 * ELECTION_MAX)
    assert old.reads == []


@pytest.mark.parametrize("reader", ["n1", "n2", "n3"])
def test_a_read_from_any_node_sees_what_was_committed_before_it(reader: str) -> None:
    cluster = Cluster(3)
    core = cluster.elect("n1")
    for k in range(3):
        core.propose(b"%d" % k)
        cluster.settle()
        committed = core.raft.commit_index
        cluster[reader].read(100 + k)
        cluster.settle()
        assert cluster[reader].reads[-1] == ReadState(100 + k, committed)
