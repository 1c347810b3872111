"""Linearizable reads through a node: contexts, retries, waiting for the state, patience, and long answers."""

from __future__ import annotations

from raftzmq.codec.clients import Answer, Failure
from raftzmq.config import BATCH_COMMANDS_MAX, WAITING_READ_BYTES_MAX, WAITING_READS_MAX
from raftzmq.core.messages import AppendEntries, AppendEntriesResponse, ReadIndex, ReadIndexResponse
from raftzmq.core.types import EntryKind, make_entry
from raftzmq.kv.commands import Get, Parcel, Put, Query, Range, encode_batch, encode_parcel, encode_queries
from raftzmq.node.applying import PATIENT_US
from raftzmq.node.reads import JOB_QUERIES_MAX, Reads, read_size
from tests.node.support import SECOND, TIMING, Rig, puts

HEARTBEAT = TIMING.heartbeat_us
RETRY = 2 * HEARTBEAT


def follower() -> Rig:
    """A follower of n2 in term 1 that has applied entry 1, with a client."""
    rig = Rig()
    rig.follow("n2", commit=1)
    rig.greet()
    rig.of(object)
    return rig


def beat(rig: Rig, leader: str = "n2", *, term: int = 1, commit: int = 1) -> None:
    """A heartbeat, so that the leader is not given up."""
    log = rig.raft.log
    rig.peer(AppendEntries(leader, "n1", term, log.last_index, log.last_term, commit, 0))
    rig.settle()


def asked(rig: Rig) -> list[int]:
    """The contexts that the leader has been asked for since the last look."""
    return [message.context for message in rig.of(ReadIndex)]


def answered(rig: Rig) -> list[int]:
    """The requests that have been answered since the last look."""
    taken = rig.taken()
    assert not [header for header, _ in taken if isinstance(header, Failure)]
    return [header.request for header, _ in taken if isinstance(header, Answer) and header.done]


# --- at the leader ---


def test_a_leader_answers_after_a_round_and_in_one_message() -> None:
    rig = Rig().lead()
    session = rig.open_session()
    rig.execute(2, puts(session, 0, "a", "b"))
    rig.settle()
    rig.taken()
    rig.followers.clear()
    rig.of(object)
    rig.read(3, Get(b"a"), Get(b"none"), Range(b"", None))
    rig.settle()
    assert rig.taken() == []
    [number] = {message.round for message in rig.of(AppendEntries)}
    rig.peer(AppendEntriesResponse("n3", "n1", 1, True, 4, number, 4))
    rig.settle()
    row_a, row_b = [b"a", b"a", 1, 1, 1, 0], [b"b", b"b", 2, 2, 1, 0]
    assert rig.taken() == [(Answer(3, 0, True), [row_a, None, [2, False, None, [row_a, row_b]]])]


def test_reads_that_come_together_share_a_context_and_a_job() -> None:
    rig = Rig().lead()
    rig.greet()
    before = len(rig.state_jobs)
    for request in range(5):
        rig.read(request, Get(b"k"))
    rig.settle()
    assert answered(rig) == [0, 1, 2, 3, 4]
    assert [len(job.reads) for job in rig.state_jobs[before:]] == [5]


def test_a_read_sees_the_write_that_was_answered_before_it() -> None:
    rig = Rig().lead()
    session = rig.open_session()
    for k in range(5):
        rig.execute(10 + k, Parcel(session, k, k, [Put(b"k", b"%d" % k)]))
        rig.settle()
        rig.read(20 + k, Get(b"k"))
        rig.settle()
        assert rig.taken()[-1] == (Answer(20 + k, 0, True), [[b"k", b"%d" % k, 1, k + 1, k + 1, 0]])


# --- at a follower ---


def test_a_follower_asks_its_leader_and_answers_itself() -> None:
    rig = follower()
    rig.read(5, Get(b"k"))
    rig.settle()
    [context] = asked(rig)
    assert rig.taken() == []
    rig.peer(ReadIndexResponse("n2", "n1", 1, context, 1))
    rig.settle()
    assert rig.taken() == [(Answer(5, 0, True), [None])]
    assert len(rig.node.reads) == 0


def test_a_read_waits_until_the_state_has_reached_its_index() -> None:
    """Thesis 6.4, step 4: apply at least as far as the read index, then read."""
    rig = follower()
    rig.read(5, Get(b"k"))
    rig.settle()
    [context] = asked(rig)
    rig.peer(ReadIndexResponse("n2", "n1", 1, context, 3))
    rig.settle()
    assert rig.taken() == []
    log = rig.raft.log
    opening = make_entry(log.last_chain, 2, 1, EntryKind.NOOP, b"")
    batch = encode_batch(0, [encode_parcel(Parcel(9, 0, 0, [Put(b"k", b"v")]))], 1)
    entry = make_entry(opening.chain, 3, 1, EntryKind.COMMANDS, batch)
    rig.peer(AppendEntries("n2", "n1", 1, 1, 0, 2, 0, (opening, entry)))
    rig.settle()
    assert rig.raft.last_applied == 2
    assert rig.taken() == []
    beat(rig, commit=3)
    assert rig.raft.last_applied == 3
    assert answered(rig) == [5]


def test_a_read_goes_into_the_job_that_reaches_its_index() -> None:
    """Not a job later: the state answers it after the entries of that job."""
    rig = follower()
    rig.read(5, Get(b"k"))
    rig.settle()
    [context] = asked(rig)
    rig.peer(ReadIndexResponse("n2", "n1", 1, context, 2))
    opening = make_entry(rig.raft.log.last_chain, 2, 1, EntryKind.NOOP, b"")
    rig.peer(AppendEntries("n2", "n1", 1, 1, 0, 2, 0, (opening,)))
    rig.settle()
    job = rig.state_jobs[-1]
    assert [entry.index for entry in job.entries] == [2]
    assert len(job.reads) == 1
    assert answered(rig) == [5]


def test_a_read_that_comes_while_one_is_asked_gets_a_context_of_its_own() -> None:
    """It may not use the answer to a question that left before it came."""
    rig = follower()
    rig.read(5, Get(b"k"))
    rig.settle()
    rig.read(6, Get(b"k"))
    rig.settle()
    first, second = asked(rig)
    assert first != second
    rig.peer(ReadIndexResponse("n2", "n1", 1, first, 1))
    rig.settle()
    assert answered(rig) == [5]
    rig.peer(ReadIndexResponse("n2", "n1", 1, second, 1))
    rig.settle()
    assert answered(rig) == [6]


# --- contexts and retries ---


def test_a_question_without_an_answer_is_asked_again_with_a_fresh_context() -> None:
    """A context used twice would let the answer to the first question pass for one to the second."""
    rig = follower()
    rig.read(5, Get(b"k"), timeout_us=10 * SECOND)
    rig.settle()
    seen = asked(rig)
    assert len(seen) == 1
    for _ in range(20):
        rig.advance(HEARTBEAT)
        beat(rig)
        seen += asked(rig)
    assert len(seen) == len({*seen}), "none was used twice"
    assert 5 <= len(seen) <= 11, "about every second heartbeat interval"
    rig.peer(ReadIndexResponse("n2", "n1", 1, seen[-1], 1))
    rig.settle()
    assert answered(rig) == [5]
    rig.advance(5 * RETRY - 1)
    assert asked(rig) == []


def test_a_late_answer_is_good_for_the_reads_that_it_was_asked_for_and_no_others() -> None:
    """etcd issue 20418: an answer must never serve a read that came after its question."""
    rig = follower()
    rig.read(5, Get(b"k"), timeout_us=10 * SECOND)
    rig.settle()
    [first] = asked(rig)
    rig.read(6, Get(b"k"), timeout_us=10 * SECOND)
    for _ in range(4):
        rig.advance(HEARTBEAT)
        beat(rig)
    assert len(asked(rig)) >= 2
    rig.peer(ReadIndexResponse("n2", "n1", 1, first, 1))
    rig.settle()
    assert answered(rig) == [5]


def test_an_answer_that_comes_twice_is_taken_once() -> None:
    rig = follower()
    rig.read(5, Get(b"k"))
    rig.settle()
    [context] = asked(rig)
    for _ in range(3):
        rig.peer(ReadIndexResponse("n2", "n1", 1, context, 1))
        rig.settle()
    assert answered(rig) == [5]


def test_an_answer_to_nobodys_question_is_ignored() -> None:
    rig = follower()
    rig.read(5, Get(b"k"))
    rig.settle()
    [context] = asked(rig)
    for other in (0, 1, context + 1, context - 1, 2**63 - 1):
        rig.peer(ReadIndexResponse("n2", "n1", 1, other, 1))
    rig.settle()
    assert rig.taken() == []


def test_a_new_leader_is_asked_anew_and_answers_of_the_old_one_are_ignored() -> None:
    """The old one's answer may come from before the new one's first commits."""
    rig = follower()
    rig.read(5, Get(b"k"))
    rig.settle()
    [first] = asked(rig)
    beat(rig, "n3", term=2)
    [second] = asked(rig)
    assert first != second
    rig.peer(ReadIndexResponse("n2", "n1", 1, first, 1))
    rig.peer(ReadIndexResponse("n3", "n1", 2, first, 1))
    rig.settle()
    assert rig.taken() == []
    rig.peer(ReadIndexResponse("n3", "n1", 2, second, 1))
    rig.settle()
    assert answered(rig) == [5]


def test_contexts_of_another_life_are_not_used_again() -> None:
    """They start at a random number: an answer to a question from before a crash fits nothing."""
    contexts = []
    for seed in range(20):
        rig = Rig(seed=seed)
        rig.follow("n2", commit=1)
        rig.greet()
        rig.read(5, Get(b"k"))
        rig.settle()
        contexts += asked(rig)
    assert len({context >> 22 for context in contexts}) == 20


# --- patience ---


def test_without_a_leader_a_read_waits_for_one() -> None:
    rig = Rig()
    rig.greet()
    rig.read(5, Get(b"k"))
    rig.settle()
    assert asked(rig) == []
    rig.follow("n2", commit=1)
    [context] = asked(rig)
    rig.peer(ReadIndexResponse("n2", "n1", 1, context, 1))
    rig.settle()
    assert answered(rig) == [5]


def test_without_a_leader_a_read_ends_definitely() -> None:
    rig = Rig()
    rig.greet()
    rig.read(5, Get(b"k"), timeout_us=SECOND)
    rig.advance(SECOND - 1)
    assert rig.taken() == []
    rig.advance(HEARTBEAT + 1)
    assert rig.failures() == [(5, "no_leader", True)]
    assert len(rig.node.reads) == 0


def test_a_leader_that_does_not_answer_is_a_deadline_exceeded() -> None:
    rig = follower()
    rig.read(5, Get(b"k"), timeout_us=3 * HEARTBEAT)
    for _ in range(4):
        rig.advance(HEARTBEAT)
        beat(rig)
    assert rig.failures() == [(5, "deadline_exceeded", True)]


def test_an_answer_after_the_deadline_is_nobodys() -> None:
    rig = follower()
    rig.read(5, Get(b"k"), timeout_us=HEARTBEAT)
    rig.settle()
    [context, *_] = asked(rig)
    rig.held = {"state"}
    rig.peer(ReadIndexResponse("n2", "n1", 1, context, 1))
    rig.settle()
    assert rig.state_job is not None
    rig.advance(3 * HEARTBEAT)
    assert rig.failures() == [(5, "deadline_exceeded", True)]
    rig.finish("state")
    rig.held.clear()
    rig.settle()
    assert rig.taken() == []


def test_a_read_that_expires_while_it_waits_for_the_state_is_dropped() -> None:
    rig = follower()
    rig.read(5, Get(b"k"), timeout_us=HEARTBEAT)
    rig.settle()
    [context, *_] = asked(rig)
    rig.peer(ReadIndexResponse("n2", "n1", 1, context, 2))
    rig.advance(3 * HEARTBEAT)
    assert rig.failures() == [(5, "deadline_exceeded", True)]
    rig.follow("n2", entries=(make_entry(rig.raft.log.last_chain, 2, 1, EntryKind.NOOP, b""),), commit=2)
    rig.advance(PATIENT_US)
    assert rig.raft.last_applied == 2
    assert rig.taken() == []


def test_too_many_waiting_reads_are_overloaded() -> None:
    rig = Rig()
    rig.greet()
    for request in range(WAITING_READS_MAX):
        rig.read(request, Get(b"k"))
    rig.settle()
    assert rig.taken() == []
    rig.read(99, Get(b"k"))
    rig.settle()
    assert rig.failures() == [(99, "overloaded", True)]


def test_reads_of_many_queries_are_overloaded_before_they_fill_the_memory() -> None:
    rig = Rig()
    rig.greet()
    queries: list[Query] = [Get(b"k")] * BATCH_COMMANDS_MAX
    fit = WAITING_READ_BYTES_MAX // read_size(len(queries), len(encode_queries(queries)))
    assert 1 < fit < WAITING_READS_MAX
    for request in range(fit):
        rig.read(request, *queries)
    rig.settle()
    assert rig.taken() == []
    rig.read(99_999, *queries)
    rig.settle()
    assert rig.failures() == [(99_999, "overloaded", True)]
    # What has ended makes room again.
    rig.advance(3600 * SECOND)
    rig.taken()
    assert rig.node.reads.waiting_bytes == 0
    rig.read(1, *queries)
    rig.settle()
    assert rig.taken() == []


def test_a_job_gets_no_more_reads_than_it_may_answer() -> None:
    reads = Reads(1, RETRY)
    count = 3 * JOB_QUERIES_MAX // 1000
    for request in range(count):
        reads.add(b"client", request, (Get(b"k"),) * 1000, SECOND, 8000)
    context = reads.ask(0)
    assert context is not None
    reads.indexed(context, 5)
    assert reads.take(4) == ()
    given = []
    while batches := reads.take(5):
        assert sum(len(batch.queries) for batch in batches) < JOB_QUERIES_MAX + 1000
        for batch in batches:
            read = reads.answered(batch.token, 1000)
            assert read is not None
            given.append(read.request)
    assert given == list(range(count)), "some were passed over, or the order was lost"
    assert reads.waiting_bytes == len(reads) == 0
