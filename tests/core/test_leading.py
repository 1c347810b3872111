"""Figure 2, Leaders: what is committed (§5.3, §5.4.2), finding where logs agree (§5.3), flow control, lost messages."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from raftzmq.config import BATCH_BYTES_MAX, INFLIGHT_BYTES_MAX, INFLIGHT_MESSAGES_MAX, KIB
from raftzmq.core.messages import AppendEntries, AppendEntriesResponse, Message
from raftzmq.core.progress import Progress
from raftzmq.core.replication import ENTRIES_PER_MESSAGE
from tests.core.cluster import Cluster
from tests.core.support import Core, committing, leader, matched, of, terms_of


def progress(core: Core, peer: str) -> Progress:
    leadership = core.raft.leadership
    assert leadership is not None
    return leadership.peers[peer]


def to(peer: str, messages: Sequence[Message]) -> list[AppendEntries]:
    return [message for message in of(AppendEntries, messages) if message.to == peer]


def reject(core: Core, peer: str, message: AppendEntries, follower: Core) -> AppendEntriesResponse:
    """The answer of a follower with that log."""
    answers = of(AppendEntriesResponse, follower.step(message) + follower.flush())
    assert answers
    return answers[-1]


# --- what is committed ---


@pytest.mark.parametrize(
    ("voters", "matches", "commit"),
    [
        (1, [], 6),
        (2, [0], 0),
        (2, [5], 5),
        (3, [0, 0], 0),
        (3, [4, 0], 4),
        (3, [5, 6], 6),
        (4, [6, 0, 0], 0),
        (4, [6, 4, 0], 4),
        (5, [6, 0, 0, 0], 0),
        (5, [6, 5, 4, 0], 5),
        (5, [6, 5, 4, 4], 5),
        # Entries 1 to 3 are of older terms: they count only along with one of this term.
        (3, [3, 3], 0),
        (3, [2, 1], 0),
        (3, [3, 4], 4),
        (5, [3, 3, 3, 3], 0),
    ],
)
def test_the_commit_index_is_what_a_majority_has_durably(voters: int, matches: list[int], commit: int) -> None:
    """Figure 2, Leaders: an N above commit_index that a majority matches, *and log[N].term is the current one*."""
    core = leader(Core(voters=voters, terms=[1, 1, 2]))
    core.propose(b"5")
    core.propose(b"6")
    core.flush()
    core.step(*(matched(core, peer, index) for peer, index in zip(core.peers, matches, strict=True)))
    assert core.raft.commit_index == commit
    assert core.committed_indices == list(range(1, commit + 1))


def test_a_leader_counts_itself_with_what_its_own_disk_has() -> None:
    """Thesis 10.2.1: it may commit with its followers alone, but its memory is no replica."""
    core = leader(Core(voters=3), flush=False)
    core.step(matched(core, "n2", 1))
    assert core.raft.commit_index == 0, "n1's own copy isn't durable"
    core.write()
    assert core.raft.commit_index == 1
    core.propose(b"2")
    core.step(matched(core, "n2", 2), matched(core, "n3", 2))
    assert (core.raft.commit_index, core.raft.log.stable) == (2, 1), "two followers are a majority without it"


def test_one_followers_answers_are_one_replica() -> None:
    core = leader(Core(voters=5))
    for _ in range(5):
        core.step(matched(core, "n2", 1))
    assert core.raft.commit_index == 0


def test_an_answer_that_comes_late_takes_nothing_back() -> None:
    """Invariant: match_index only rises."""
    core = committing(Core(voters=3))
    core.propose(b"2")
    core.flush()
    core.step(matched(core, "n2", 2), matched(core, "n2", 1), matched(core, "n2", 0))
    assert progress(core, "n2").match_index == 2
    assert core.raft.commit_index == 2


def test_answers_beyond_the_log_and_of_strangers_are_ignored() -> None:
    core = leader(Core(voters=3))
    core.step(matched(core, "n2", 7), matched(core, "n9", 1))
    assert progress(core, "n2").match_index == 0
    assert core.raft.commit_index == 0


def test_answers_of_an_older_term_are_ignored() -> None:
    """They speak of a log that another leader may have cut since."""
    core = leader(Core(voters=3, terms=[1, 1]))
    core.step(AppendEntriesResponse("n2", "n1", 1, True, 2, 0, 2))
    assert progress(core, "n2").match_index == 0


def test_followers_learn_what_is_committed_with_the_next_message() -> None:
    core = committing(Core(voters=3))
    assert {m.leader_commit for m in of(AppendEntries, core.propose(b"2"))} == {1}
    assert {m.leader_commit for m in of(AppendEntries, core.tick_at_deadline())} == {1}


# --- where the logs agree ---


@pytest.mark.parametrize(
    ("leaders", "followers", "rejections"),
    [
        ([1, 1, 1, 1], [1, 1, 1, 1], 0),
        ([1, 1, 1, 1], [], 1),
        ([1, 1, 1, 1], [1, 1], 1),
        # One step back per term, not per entry, whoever has the longer conflict.
        ([1, 4, 4, 4, 4, 4], [1, 2, 2, 2, 2, 2, 2, 2], 1),
        ([1, 1, 1, 1, 4, 4], [1, 1, 1, 1, 2, 2, 2, 3, 3, 3], 1),
        ([1, 5, 5, 5, 5, 5, 5, 5, 5], [1, 3, 3], 1),
        ([1, 3, 3, 3, 3, 3, 5, 5], [1, 4, 4, 4, 4, 4, 4, 4], 2),
        # The leader's own terms are skipped too: the hint's term is 2, it has nothing of it above 1.
        ([1, 3, 3, 3, 3, 3, 3, 3], [1, 2, 2, 2], 1),
        ([1, 2, 3, 4, 5, 6], [1, 1, 1, 1, 1, 1], 1),
        ([1, 1, 3, 3, 5, 5, 7, 7], [1, 1, 2, 2, 4, 4, 6, 6], 3),
    ],
)
def test_backing_up_takes_a_step_per_conflicting_term(
    leaders: list[int], followers: list[int], rejections: int
) -> None:
    """§5.3: hints of the follower and the terms of the leader together skip whole terms; at the end logs agree."""
    core = leader(Core(voters=2, terms=leaders, term=8))
    follower = Core("n2", voters=2, terms=followers, term=8)
    seen = 0
    message = to("n2", core.sent)[-1]
    for _ in range(20):
        answer = reject(core, "n2", message, follower)
        seen += not answer.success
        sent = to("n2", core.step(answer))
        if answer.success and answer.match_index == core.raft.log.last_index:
            break
        message = sent[-1]
    assert terms_of(follower.raft) == [*leaders, 9]
    assert follower.disk == core.disk
    assert seen == rejections


def test_a_rejection_never_leads_below_what_is_matched() -> None:
    """Invariant: match_index < next_index, whatever an old or confused answer says."""
    core = committing(Core(voters=3))
    for data in (b"2", b"3"):
        core.propose(data)
    core.flush()
    core.step(matched(core, "n2", 3))
    for prev in (0, 1, 2, 3):
        core.step(AppendEntriesResponse("n2", "n1", 1, False, 0, 0, prev, 0, 0))
    assert (progress(core, "n2").match_index, progress(core, "n2").next_index) == (3, 4)


def test_an_old_rejection_does_not_lead_back_to_probing() -> None:
    """What it complains of has been matched since: sending ahead goes on, and nothing is sent again."""
    core = committing(Core(voters=3))
    for data in (b"2", b"3", b"4"):
        core.propose(data)
    core.flush()
    core.step(matched(core, "n2", 2))
    assert to("n2", core.step(AppendEntriesResponse("n2", "n1", 1, False, 0, 0, 2, 0, 0))) == []
    assert not progress(core, "n2").probing
    assert [last for last, _ in progress(core, "n2").in_flight] == [3, 4]


def test_an_old_rejection_does_not_lead_a_probe_astray() -> None:
    core = leader(Core(voters=2, terms=[1, 1, 1, 1, 1]))
    core.step(AppendEntriesResponse("n2", "n1", 2, False, 0, 0, 5, 3, 1))
    assert progress(core, "n2").next_index == 4
    core.step(AppendEntriesResponse("n2", "n1", 2, False, 0, 0, 5, 1, 1))
    assert progress(core, "n2").next_index == 4, "it answers a message that was answered before"


# --- flow control ---


def test_a_probe_is_one_message_until_it_is_answered() -> None:
    core = leader(Core(voters=3))
    for data in (b"2", b"3", b"4"):
        assert to("n2", core.propose(data)) == []
    [rest] = to("n2", core.step(matched(core, "n2", 1)))
    assert [e.index for e in rest.entries] == [2, 3, 4]


def test_a_replicating_follower_is_sent_to_without_waiting() -> None:
    core = committing(Core(voters=3))
    for count, data in enumerate((b"2", b"3", b"4"), 1):
        [message] = to("n2", core.propose(data))
        assert [e.index for e in message.entries] == [count + 1]
        assert message.prev_log_index == count


def test_at_most_so_many_messages_are_under_way_to_one_follower() -> None:
    core = committing(Core(voters=3))
    sent = sum(len(to("n2", core.propose(b"x"))) for _ in range(INFLIGHT_MESSAGES_MAX + 10))
    assert sent == INFLIGHT_MESSAGES_MAX
    core.flush()
    [more] = to("n2", core.step(matched(core, "n2", 1 + 1)))
    assert more.entries[0].index == INFLIGHT_MESSAGES_MAX + 2
    assert len(more.entries) == 10, "all that has gathered in one message"


def test_at_most_so_many_bytes_are_under_way_to_one_follower() -> None:
    core = committing(Core(voters=3))
    size = 512 * KIB
    sent = [m for _ in range(20) for m in to("n2", core.propose(bytes(size)))]
    under_way = sum(len(e.data) for m in sent for e in m.entries)
    assert under_way == progress(core, "n2").in_flight_bytes == INFLIGHT_BYTES_MAX
    assert to("n2", core.propose(b"tiny")) == []
    core.flush()
    more = to("n2", core.step(matched(core, "n2", 3)))
    assert sum(len(e.data) for m in more for e in m.entries) == 2 * size, "as much as two answers made room for"
    assert to("n3", core.sent), "others are not held up"


def test_one_message_has_bounded_bytes_and_entries() -> None:
    core = leader(Core(voters=2))
    for _ in range(3):
        core.propose(bytes(BATCH_BYTES_MAX // 2))
    for _ in range(2 * ENTRIES_PER_MESSAGE):
        core.propose(b"x")
    messages = to("n2", core.step(matched(core, "n2", 1)))
    for message in messages:
        assert sum(len(e.data) for e in message.entries) <= BATCH_BYTES_MAX
        assert len(message.entries) <= ENTRIES_PER_MESSAGE
    assert [e.index for m in messages for e in m.entries] == list(range(2, core.raft.log.last_index + 1))


def test_an_entry_that_is_too_large_for_one_message_travels_alone() -> None:
    core = leader(Core(voters=2))
    core.propose(b"small")
    core.propose(bytes(BATCH_BYTES_MAX + 1))
    core.propose(b"small")
    messages = to("n2", core.step(matched(core, "n2", 1)))
    assert [[e.index for e in m.entries] for m in messages] == [[2], [3], [4]]


def test_answers_free_what_was_under_way() -> None:
    core = committing(Core(voters=3))
    for _ in range(5):
        core.propose(bytes(1000))
    core.flush()
    assert len(progress(core, "n2").in_flight) == 5
    core.step(matched(core, "n2", 4))
    assert (len(progress(core, "n2").in_flight), progress(core, "n2").in_flight_bytes) == (2, 2000)
    core.step(matched(core, "n2", 6))
    assert (len(progress(core, "n2").in_flight), progress(core, "n2").in_flight_bytes) == (0, 0)


# --- what gets lost ---


def test_a_lost_message_is_found_by_the_next_heartbeat() -> None:
    """Its prev_log_index is where the leader believes the follower to be; the rejection tells where it is."""
    cluster = Cluster(3)
    core = cluster.elect("n1")
    cluster.heartbeats()
    cluster.lose = lambda message: message.to == "n2" and bool(getattr(message, "entries", ()))
    core.propose(b"lost")
    cluster.settle()
    cluster.lose = lambda message: False
    core.propose(b"behind a gap")
    cluster.settle()
    cluster.heartbeats()
    assert cluster["n2"].raft.log.last_index == core.raft.log.last_index
    cluster.heartbeats()
    assert [e.data for e in cluster["n2"].committed[-2:]] == [b"lost", b"behind a gap"]


def test_a_lost_probe_is_sent_again_after_the_next_heartbeat() -> None:
    cluster = Cluster(3)
    cluster.lose = lambda message: message.to == "n2" and bool(getattr(message, "entries", ()))
    core = cluster.elect("n1")
    cluster.settle()
    assert cluster["n2"].raft.log.last_index == 0
    cluster.lose = lambda message: False
    cluster.heartbeats()
    assert cluster["n2"].raft.log.last_index == core.raft.log.last_index == 1


def test_lost_answers_are_made_up_for_by_the_next_heartbeat() -> None:
    cluster = Cluster(3)
    core = cluster.elect("n1")
    cluster.heartbeats()
    cluster.lose = lambda message: isinstance(message, AppendEntriesResponse)
    core.propose(b"x")
    cluster.settle()
    assert core.raft.commit_index == 1
    cluster.lose = lambda message: False
    cluster.heartbeats()
    assert core.raft.commit_index == 2
    assert not progress(core, "n2").in_flight


def test_a_follower_that_forgot_what_was_not_durable_is_sent_it_again() -> None:
    """Its match_index never covered it, so nothing was counted that is lost."""
    cluster = Cluster(3)
    core = cluster.elect("n1")
    cluster.heartbeats()
    cluster.stuck.add("n2")
    core.propose(b"x")
    cluster.settle()
    assert cluster["n2"].raft.log.last_index == 2
    assert progress(core, "n2").match_index == 1
    cluster.stuck.clear()
    cluster.restart("n2")
    assert cluster["n2"].raft.log.last_index == 1
    cluster.heartbeats(2)
    assert cluster["n2"].disk == core.disk


def test_a_follower_with_a_stuck_disk_keeps_answering_heartbeats() -> None:
    cluster = Cluster(2)
    core = cluster.elect("n1")
    cluster.stuck.add("n2")
    core.propose(b"x")
    cluster.pass_time(20 * 400_000)
    assert cluster.leader is core, "it is alive, so its leader stays (and nothing is committed)"
    assert core.raft.commit_index == 1
    cluster.stuck.clear()
    cluster.settle()
    assert core.raft.commit_index == 2
