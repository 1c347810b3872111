"""Answers to reads that are too long for one message or one job of the state: parts, and how they are numbered."""

from __future__ import annotations

from typing import Any

import pytest

from raftzmq.codec.clients import Answer, decode_node_header, decode_results, encode_results
from raftzmq.config import ANSWER_BYTES_MAX, KIB
from raftzmq.kv.commands import Get, Parcel, Put
from raftzmq.node.answers import answer_frames
from tests.node.support import CLIENT, Rig


def row(size: int) -> tuple[bytes, bytes, int, int, int, int]:
    return (b"k", bytes(size), 1, 1, 1, 0)


@pytest.mark.parametrize(
    ("results", "firsts"),
    [
        ([], [0]),
        ([None], [0]),
        ([row(10)] * 100, [0]),
        ([row(600 * KIB)] * 3, [0, 1, 2]),
        ([row(300 * KIB)] * 7, [0, 3, 6]),
        ([row(3 * ANSWER_BYTES_MAX)], [0]),
        ([None, row(3 * ANSWER_BYTES_MAX), None], [0, 1, 2]),
        ([[5, False, None, [row(300 * KIB)] * 3], None, row(300 * KIB)], [0, 2]),
        ([{"error": "invalid", "message": "no"}] * 3, [0]),
    ],
)
def test_long_answers_come_in_parts(results: list[Any], firsts: list[int]) -> None:
    """A part is bounded, or has one result alone; parts say where they begin, and the last one that it is."""
    frames = answer_frames(9, results, 5, done=True)
    parts = [(decode_node_header(header), decode_results(payload)) for header, payload in frames]
    headers = [header for header, _ in parts]
    assert headers == [Answer(9, 5 + first, first == firsts[-1]) for first in firsts]
    assert encode_results([result for _, part in parts for result in part]) == encode_results(results)
    for _, part in parts:
        assert len(encode_results(part)) <= ANSWER_BYTES_MAX + KIB or len(part) == 1


def test_an_answer_that_goes_on_later_says_so() -> None:
    [(header, _)] = list(answer_frames(9, [None], 3, done=False))
    assert decode_node_header(header) == Answer(9, 3, False)


def test_a_long_answer_of_a_node_comes_in_parts() -> None:
    rig = Rig(voters=1).lead()
    session = rig.open_session()
    for k in range(4):
        rig.execute(k, Parcel(session, k, k, [Put(b"%d" % k, bytes([k]) * (400 * KIB))]))
    rig.settle()
    rig.taken()
    rig.read(9, *(Get(b"%d" % k) for k in range(4)))
    rig.settle()
    taken = rig.taken(CLIENT)
    assert [header for header, _ in taken] == [Answer(9, 0, False), Answer(9, 2, True)]
    assert [result[0] for _, part in taken for result in part] == [b"0", b"1", b"2", b"3"]


def test_a_read_that_is_too_large_for_one_job_of_the_state_is_answered_over_several() -> None:
    """Other clients' reads and writes pass in between; each part says where it belongs."""
    rig = Rig(voters=1).lead()
    session = rig.open_session()
    rig.execute(1, Parcel(session, 0, 0, [Put(b"k", bytes(900 * KIB))]))
    rig.settle()
    rig.taken()
    before = len(rig.state_jobs)
    rig.read(9, *[Get(b"k")] * 20)
    rig.settle()
    jobs = rig.state_jobs[before:]
    assert len(jobs) >= 3
    assert max(len(job.reads[0].queries) for job in jobs[1:]) < 20, "what was answered isn't read again"
    taken = rig.taken()
    assert [header for header, _ in taken] == [Answer(9, k, k == 19) for k in range(20)]
    assert all(len(part) == 1 for _, part in taken)
    assert len(rig.node.reads) == 0
