"""What a node keeps of reads stays in proportion to those that wait, whatever does not come."""

from __future__ import annotations

from raftzmq.kv.commands import Get
from raftzmq.node.reads import SPARES_MAX, Reads
from tests.node.support import SECOND, TIMING

HEARTBEAT = TIMING.heartbeat_us
RETRY = 2 * HEARTBEAT
FOREVER = 10**6 * SECOND


def add(reads: Reads, deadline_us: int = FOREVER) -> int:
    """A read more; its token."""
    return reads.add(b"client", 1, (Get(b"k"),), deadline_us, 20)


def asked(reads: Reads, now_us: int) -> int:
    """The context that is asked now."""
    context = reads.ask(now_us)
    assert context is not None
    return context


def repeat(reads: Reads, begin_us: int, count: int) -> list[int]:
    """The contexts of so many repetitions."""
    contexts = []
    for step in range(1, count + 1):
        reads.ask_again(begin_us + step * RETRY)
        contexts.append(asked(reads, begin_us + step * RETRY))
    return contexts


def references(reads: Reads) -> int:
    """How often a read is listed under some context."""
    return sum(len(context.tokens) for context in reads._asked.values())


# --- while no answer comes ---


def test_reads_that_are_asked_for_again_and_again_are_listed_once() -> None:
    reads = Reads(1, RETRY)
    tokens = [add(reads) for _ in range(100)]
    asked(reads, 0)
    contexts = repeat(reads, 0, 50)
    assert len({*contexts}) == 50
    assert references(reads) == 100
    assert reads.indexed(contexts[-1], 1) == tokens
    assert references(reads) == 0


def test_contexts_do_not_pile_up_behind_a_read_that_waits_for_long() -> None:
    """Neither repetitions nor the contexts of reads that have ended since."""
    reads = Reads(1, RETRY)
    old = add(reads)
    context, now_us = asked(reads, 0), 0
    for _ in range(1000):
        now_us += HEARTBEAT
        add(reads, now_us + 1)
        asked(reads, now_us)
        reads.ask_again(now_us)
        reads.expired(now_us)
        assert len(reads._asked) <= SPARES_MAX + 4
    assert reads.indexed(context, 1) == [old]


def test_contexts_of_reads_that_have_ended_are_forgotten() -> None:
    reads = Reads(1, RETRY)
    for now_us in range(10):
        add(reads, 100)
        asked(reads, now_us)
    reads.expired(100)
    reads.ask_again(200)
    assert reads._asked == {}
    assert reads.ask(200 + RETRY) is None


def test_no_read_is_repeated_for_those_that_have_ended() -> None:
    reads = Reads(1, RETRY)
    add(reads, RETRY)
    asked(reads, 0)
    reads.ask_again(RETRY)
    reads.expired(RETRY)
    assert reads.ask(RETRY) is None


# --- which answer is good for which read ---


def test_an_answer_is_good_for_all_reads_that_came_before_its_question() -> None:
    reads = Reads(1, RETRY)
    first = add(reads)
    asked(reads, 0)
    second = add(reads)
    middle = asked(reads, 1)
    third = add(reads)
    last = asked(reads, 2)
    assert reads.indexed(middle, 1) == [first, second]
    assert reads.indexed(last, 1) == [third]


def test_no_answer_is_good_for_a_read_that_came_after_its_question() -> None:
    """Also not one to a repetition of older reads, nor one after another leader was asked."""
    reads = Reads(1, RETRY)
    first = add(reads)
    asked(reads, 0)
    (again,) = repeat(reads, 0, 1)
    second = add(reads)
    later = asked(reads, RETRY + 1)
    assert reads.indexed(again, 1) == [first]
    reads.ask_again(None)
    assert reads.indexed(later, 1) == []
    assert reads.indexed(asked(reads, RETRY + 2), 1) == [second]


def test_an_answer_that_takes_many_repetitions_finds_its_reads() -> None:
    """The first question was lost; each later one is answered after a minute."""
    reads = Reads(1, RETRY)
    token = add(reads)
    asked(reads, 0)
    late = 60 * SECOND // RETRY
    contexts = repeat(reads, 0, 3 * late)
    for k in range(late, len(contexts)):
        if reads.indexed(contexts[k - late], 1) == [token]:
            return
    raise AssertionError("every question was forgotten before its answer came")


def test_a_new_wave_of_reads_is_a_repetition_for_the_older_ones() -> None:
    reads = Reads(1, RETRY)
    add(reads)
    asked(reads, 0)
    add(reads)
    asked(reads, RETRY - 1)
    reads.ask_again(RETRY)
    assert reads.ask(RETRY) is None
    reads.ask_again(2 * RETRY - 1)
    asked(reads, 2 * RETRY - 1)


# --- reads that have ended ---


def test_reads_that_ended_without_a_leader_leave_nothing_behind() -> None:
    """Nobody asks meanwhile. Some that wait for longer stay."""
    reads = Reads(1, RETRY)
    kept = [add(reads) for _ in range(3)]
    for now_us in range(1000, 2000):
        add(reads, now_us)
        reads.ask_again(now_us)
        reads.expired(now_us)
        assert len(reads._new) <= 2 * len(kept)
    assert reads.indexed(asked(reads, 2000), 1) == kept


def test_reads_that_ended_while_their_index_was_not_reached_leave_nothing_behind() -> None:
    reads = Reads(1, RETRY)
    kept = [add(reads) for _ in range(3)]
    reads.indexed(asked(reads, 0), 9)
    for now_us in range(1000, 2000):
        add(reads, now_us)
        reads.indexed(asked(reads, now_us), 9)
        assert reads.take(5) == ()
        reads.ask_again(now_us)
        reads.expired(now_us)
        assert len(reads._indexed) <= 2 * len(kept)
    assert [batch.token for batch in reads.take(9)] == kept
