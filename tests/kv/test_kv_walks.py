"""Reads of the past come to an end in parts, none of them long, whatever is written meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from raftzmq.kv import walks
from raftzmq.kv.commands import UNFINISHED, Delete, Get, Put, Query, Range
from raftzmq.kv.hashing import STEP_BYTES
from tests.kv.replica import Replica

STEPS = 10


@pytest.fixture(autouse=True)
def _short_walks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walks, "WALK_STEPS_MAX", STEPS)


def asked(replica: Replica, query: Query) -> tuple[Any, int]:
    """The result, and how often it took to ask."""
    for times in range(1, 1000):
        before = replica.machine.scanned
        result = replica.machine.query(query)
        assert replica.machine.scanned - before <= 2 * STEPS + 10, "no more at once than walks of so many steps allow"
        if result is not UNFINISHED:
            return result, times
    raise AssertionError(f"{query} is never answered")


def with_a_long_past() -> Replica:
    """Key hot was written at each revision from 2 to 100 but 50, when it was deleted; cold at 1 alone."""
    replica = Replica()
    replica.fill([(b"cold", b"1")])
    for first, last in ((2, 49), (51, 100)):
        replica.fill([(b"hot", b"%d" % revision) for revision in range(first, last + 1)])
        if first == 2:
            replica.run(Delete(b"hot"))
    return replica


def test_a_get_far_back_is_answered_in_parts_as_it_would_be_at_once() -> None:
    replica = with_a_long_past()
    for revision in range(1, 101):
        row, times = asked(replica, Get(b"hot", revision))
        if revision in (1, 50):
            assert row is None
        else:
            assert (row[1], row[3]) == (b"%d" % revision, revision)
        # A hundred of the steps lead nowhere: at revision 51 the key was new, and what was before is behind its row.
        assert times == 1 + max(0, 100 - revision - 1) // STEPS
    assert asked(replica, Get(b"hot", 2))[1] == 1, "where it led is known"


def test_a_walk_goes_on_where_it_come_to_whatever_is_written_meanwhile() -> None:
    replica = with_a_long_past()
    parts = 0
    while (row := replica.machine.query(Get(b"hot", 3))) is UNFINISHED:
        replica.fill([(b"hot", b"new")] * (3 * STEPS))
        parts += 1
    assert row == (b"hot", b"3", 2, 3, 2, 0)
    assert parts == 97 // STEPS


def test_walks_of_several_reads_pause_and_go_on_side_by_side() -> None:
    replica = with_a_long_past()
    queries = [Get(b"hot", 2), Get(b"hot", 9), Get(b"hot", 1), Get(b"hot", 9)]
    results: dict[int, Any] = {}
    rounds = 0
    while len(results) < len(queries):
        rounds += 1
        for number, query in enumerate(queries):
            if number not in results and (result := replica.machine.query(query)) is not UNFINISHED:
                results[number] = result and result[3]
    assert results == {0: 2, 1: 9, 2: None, 3: 9}
    assert rounds <= 1 + 98 // STEPS


def test_a_walk_that_was_forgotten_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walks, "WALKS_MAX", 2)
    replica = with_a_long_past()
    for revision in range(2, 40):
        assert replica.machine.query(Get(b"hot", revision)) is UNFINISHED
        assert len(replica.machine._store._walks._come_to) <= 2
    row, times = asked(replica, Get(b"hot", 2))
    assert row[3] == 2
    assert times == 1 + 98 // STEPS


def test_a_range_pauses_at_a_key_far_back_and_loses_nothing() -> None:
    replica = with_a_long_past()
    replica.fill([(b"late", b"x")])
    for revision, keys in ((1, [b"cold"]), (2, [b"cold", b"hot"]), (50, [b"cold"]), (101, [b"cold", b"hot", b"late"])):
        start: bytes | None = b""
        rows: list[Any] = []
        pages = 0
        while start is not None:
            (_, more, resume, found), _ = asked(replica, Range(start, None, 100, revision))
            assert more == (resume is not None)
            assert resume is None or resume > start
            rows += found
            start = resume
            pages += 1
        assert [row[0] for row in rows] == keys
        assert pages == (1 if revision == 101 else 2)


def test_a_walk_into_what_was_compacted_meanwhile_ends() -> None:
    replica = with_a_long_past()
    assert replica.machine.query(Get(b"hot", 3)) is UNFINISHED
    replica.machine._store.past.compacted_revision = 4
    assert replica.get(b"hot", 3)["error"] == "compacted"


def test_large_values_shorten_the_parts() -> None:
    replica = Replica()
    replica.fill([(b"k", b"x" * (4 * STEP_BYTES))] * 40)
    _, times = asked(replica, Get(b"k", 1))
    assert times == 1 + 39 // (STEPS // 5)


def test_damage_on_the_way_fails_the_query_at_the_part_that_finds_it() -> None:
    replica = with_a_long_past()
    replica.machine.save()
    stored = replica.tables.history
    [(key, row)] = [(key, row) for key, row in stored.scan(b"") if key.startswith((70).to_bytes(8, "big"))]
    stored.put(key, row[:-1] + bytes([row[-1] ^ 1]))
    result, times = asked(replica, Get(b"hot", 3))
    assert result["error"] == "corrupted"
    assert "revision 70" in result["message"]
    assert times == 1 + 30 // STEPS
    assert asked(replica, Get(b"hot", 80))[0][1] == b"80"


def test_a_read_of_what_is_now_never_pauses() -> None:
    replica = with_a_long_past()
    replica.run(*[Put(b"hot", b"now")] * 50)
    assert replica.get(b"hot")[1] == b"now"
    assert len(replica.pages(b"", None, 100)) == 1
    assert replica.machine.scanned == 2
