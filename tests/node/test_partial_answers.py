"""Answers that are too much for one message, or for one job of the state, come in parts that fit together."""

from __future__ import annotations

import pytest

from raftzmq.codec.clients import Answer
from raftzmq.config import ANSWER_BYTES_MAX, BATCH_COMMANDS_MAX, STATE_ANSWER_BYTES_MAX, VALUE_BYTES_MAX
from raftzmq.kv import walks
from raftzmq.kv.commands import Delete, Get, Parcel, Put, Range
from raftzmq.storage import state
from tests.node.support import Rig


def with_large_values(count: int) -> Rig:
    """A leader whose keys k0 … hold values of half a megabyte, each of another letter."""
    rig = Rig().lead()
    session = rig.open_session()
    for number in range(count):
        value = bytes([65 + number]) * (VALUE_BYTES_MAX // 2)
        rig.execute(10 + number, Parcel(session, number, number, [Put(b"k%d" % number, value)]))
        rig.settle()
    rig.taken()
    return rig


def test_a_read_larger_than_a_message_comes_in_parts() -> None:
    rig = with_large_values(4)
    rig.read(1, *(Get(b"k%d" % number) for number in range(4)), Get(b"none"))
    rig.settle()
    parts = rig.taken()
    assert [(h.first, h.done) for h, _ in parts if isinstance(h, Answer)] == [
        (0, False),
        (1, False),
        (2, False),
        (3, True),
    ]
    assert [row and row[1][:1] for _, rows in parts for row in rows] == [b"A", b"B", b"C", b"D", None]
    assert all(sum(len(row[1]) for row in rows if row) <= ANSWER_BYTES_MAX for _, rows in parts)


def test_reads_larger_than_a_job_go_on_in_the_next() -> None:
    rig = with_large_values(6)
    rig.state_jobs.clear()
    for request in (1, 2, 3):
        rig.read(request, *(Get(b"k%d" % number) for number in range(6)))
    rig.settle()
    parts = rig.taken()
    for request in (1, 2, 3):
        rows = [row for header, rows in parts if header.request == request for row in rows]
        firsts = [header.first for header, _ in parts if header.request == request]
        assert firsts == sorted(firsts)
        assert [row[1][:1] for row in rows] == [b"A", b"B", b"C", b"D", b"E", b"F"]
        assert [header.done for header, _ in parts if header.request == request][-1] is True
    assert len(rig.state_jobs) >= 18 * (VALUE_BYTES_MAX // 2) // (STATE_ANSWER_BYTES_MAX + VALUE_BYTES_MAX)
    assert len(rig.node.reads) == 0


def test_too_many_queries_are_refused() -> None:
    rig = Rig().lead()
    rig.greet()
    rig.read(1, *[Get(b"k")] * BATCH_COMMANDS_MAX)
    rig.settle()
    [(header, rows)] = rig.taken()
    assert isinstance(header, Answer)
    assert len(rows) == BATCH_COMMANDS_MAX
    rig.read(2, *[Get(b"k")] * (BATCH_COMMANDS_MAX + 1))
    rig.settle()
    assert rig.failures() == [(2, "too_large", True)]


def test_ranges_over_what_is_deleted_go_on_in_the_next_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """They bring no bytes, and look at every tombstone: entries don't wait for all of them."""
    monkeypatch.setattr(state, "SCAN_STEPS_MAX", 10)
    rig = Rig().lead()
    session = rig.open_session()
    for number in range(8):
        key = b"k%d" % number
        rig.execute(10 + number, Parcel(session, 2 * number, 2 * number, [Put(key, b"v"), Delete(key)]))
        rig.settle()
    rig.taken()
    rig.state_jobs.clear()
    rig.read(1, *[Range(b"k", b"l")] * 6)
    rig.settle()
    assert [(header.first, header.done) for header, _ in rig.taken()] == [(0, False), (2, False), (4, True)]
    assert len(rig.state_jobs) == 3, "16 rows in each: the last range began below the bound"
    assert len(rig.node.reads) == 0


def test_a_get_far_back_goes_on_in_later_jobs_and_holds_up_none_of_what_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walks, "WALK_STEPS_MAX", 5)
    monkeypatch.setattr(state, "SCAN_STEPS_MAX", 5)
    rig = Rig().lead()
    session = rig.open_session()
    rig.execute(10, Parcel(session, 1, 1, [Put(b"k", b"%d" % number) for number in range(1, 31)]))
    rig.settle()
    rig.taken()
    rig.state_jobs.clear()
    rig.read(1, Get(b"k"), Get(b"k", 3), Get(b"k", 30))
    rig.read(2, Get(b"k", 28), Get(b"k", 2))
    rig.read(3, Get(b"k"))
    rig.settle()
    answers: dict[int, list[int]] = {1: [], 2: [], 3: []}
    order = []
    for header, rows in rig.taken():
        assert isinstance(header, Answer)
        assert header.first == len(answers[header.request])
        answers[header.request] += [row[3] for row in rows]
        if header.done:
            order.append(header.request)
    assert answers == {1: [30, 3, 30], 2: [28, 2], 3: [30]}
    assert order == [3, 1, 2]
    # 27 steps back and 28, at most five in each.
    assert len(rig.state_jobs) >= 10
    assert len(rig.node.reads) == 0
