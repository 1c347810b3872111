"""Exactly once: the sessions against a model that looks at every sequence by itself."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raftzmq.config import KIB, SESSION_WINDOW
from raftzmq.errors import CorruptionError
from raftzmq.kv import sessions as sessions_module
from raftzmq.kv.commands import Command, CompareAndSwap, Delete, OpenSession, Parcel, Put
from raftzmq.kv.rows import Activity, SessionRow, decode_results, encode_results, encode_session_row, results_key
from raftzmq.kv.sessions import Sessions
from raftzmq.storage.memory_table import MemoryTable
from tests.kv.replica import Replica, opening

BOUNDS = {"sessions_max": 3, "idle_us": 20_000, "window": 8}


class Model:
    """Sessions as the rules say, one sequence at a time, with a counter in place of a store."""

    def __init__(self) -> None:
        self.revision = 0
        self.suppressed = 0
        self.sessions: dict[int, dict[str, Any]] = {}

    def open(self, entry: int, time_us: int) -> int:
        idle = BOUNDS["idle_us"]
        self.sessions = {s: v for s, v in self.sessions.items() if time_us - v["time"] <= idle}
        while len(self.sessions) >= BOUNDS["sessions_max"]:
            del self.sessions[min(self.sessions, key=lambda s: self.sessions[s]["active"])]
        self.sessions[entry] = {"active": (entry, 0), "time": time_us, "lowest": 0, "seen": {}}
        return entry

    def run(self, active: tuple[int, int], time_us: int, session: int, lowest: int, first: int, count: int) -> Any:
        state = self.sessions.get(session)
        if state is None:
            return "session_expired"
        state["active"], state["time"] = active, time_us
        state["lowest"] = max(state["lowest"], lowest)
        results: list[Any] = []
        for sequence in range(first, first + count):
            if sequence < state["lowest"]:
                results.append("invalid")
            elif sequence in state["seen"]:
                results.append(state["seen"][sequence])
                self.suppressed += 1
            elif sequence >= state["lowest"] + BOUNDS["window"]:
                results.append("invalid")
            else:
                self.revision += 1
                state["seen"][sequence] = self.revision
                results.append(self.revision)
        return results


def plain(result: Any) -> Any:
    """A result with error results reduced to their codes."""
    if isinstance(result, list):
        return [plain(item) for item in result]
    return result["error"] if isinstance(result, dict) else result


parcels = st.tuples(st.integers(0, 4), st.integers(0, 12), st.integers(0, 20), st.integers(1, 6))
entries = st.one_of(
    st.tuples(st.just("open"), st.integers(0, 8000)),
    st.tuples(st.lists(parcels, min_size=1, max_size=4), st.integers(0, 8000)),
    st.tuples(st.lists(parcels, min_size=1, max_size=4), st.integers(0, 8000)),
    st.tuples(st.lists(parcels, min_size=1, max_size=4), st.integers(0, 8000)),
)


@settings(max_examples=400)
@given(st.lists(entries, max_size=25), st.integers(1, 4))
def test_the_sessions_are_the_model(steps: list[tuple[Any, int]], transaction: int) -> None:
    """``transaction``: entries from one saving to the next."""
    model, replica = Model(), Replica(bounds=BOUNDS)
    opened = [1]
    time_us = 0
    for number, (what, pause_us) in enumerate([("open", 0), *steps], 1):
        time_us += pause_us
        if what == "open":
            session = replica.open_session(time_us=time_us)
            assert model.open(session, time_us) == session
            opened.append(session)
        else:
            batch = [
                Parcel(opened[-which % len(opened)], lowest, first, [Put(b"k", b"v")] * count)
                for which, lowest, first, count in what
            ]
            entry = replica.log.batch(*batch, time_us=time_us)
            expected = [
                model.run((entry.index, at), time_us, p.session, p.lowest, p.first, len(p.commands))
                for at, p in enumerate(batch)
            ]
            assert plain(replica.machine.apply(entry)) == expected
        assert replica.machine.revision == model.revision
        assert replica.machine.suppressed == model.suppressed
        assert [state[0] for state in replica.machine.sessions.snapshot()] == sorted(
            model.sessions, key=lambda s: model.sessions[s]["active"]
        )
        if number % transaction == 0:
            # Whatever the moment, another replica that reads the rows back knows exactly the same.
            replica.machine.save()
            assert Sessions(replica.tables.sessions, **BOUNDS).snapshot() == replica.machine.sessions.snapshot()


def run(replica: Replica, session: int, lowest: int, first: int, *commands: Command) -> Any:
    [results] = replica.machine.apply(replica.log.batch(Parcel(session, lowest, first, list(commands))))
    return results


def test_a_retry_gets_the_kept_results_and_changes_nothing() -> None:
    replica = Replica()
    session = replica.open_session()
    commands = (Put(b"k", b"1"), CompareAndSwap(b"k", b"2", b"x"), Delete(b"none"), CompareAndSwap(b"k", b"2", b"1"))
    first = run(replica, session, 1, 1, *commands)
    assert first == [1, [False, 1], [False, 1], [True, 2]]
    assert run(replica, session, 1, 1, *commands) == first
    assert replica.machine.suppressed == 4
    replica.machine.save()
    replica.machine = replica.load()
    assert run(replica, session, 1, 1, *commands) == first
    assert replica.machine.suppressed == 4
    assert replica.machine.revision == 2
    assert replica.get(b"k") == (b"k", b"2", 1, 2, 2, 0)


def test_parcels_may_come_in_any_order() -> None:
    replica = Replica()
    session = replica.open_session()
    assert run(replica, session, 1, 5, Put(b"k", b"5")) == [1]
    assert run(replica, session, 1, 3, Put(b"k", b"3"), Put(b"k", b"4")) == [2, 3]
    assert run(replica, session, 1, 2, *[Put(b"k", b"x")] * 5) == [4, 2, 3, 1, 5]
    assert run(replica, session, 6, 5, Put(b"k", b"x"), Put(b"k", b"x"))[1] == 5


@pytest.mark.parametrize("transaction", [1, 5])
def test_results_below_the_lowest_are_forgotten_and_their_rows_deleted(transaction: int) -> None:
    replica = Replica()
    session = replica.open_session()
    for sequence in range(1, 6):
        run(replica, session, sequence, sequence, Put(b"k", b"v"))
        if sequence % transaction == 0:
            replica.machine.save()
    # The session's own row and the last results.
    assert len(list(replica.tables.sessions.scan(b""))) == 2
    refused = run(replica, session, 5, 4, Put(b"k", b"v"))
    assert refused[0]["error"] == "invalid"
    assert "below 5" in refused[0]["message"]
    assert replica.machine.revision == 5


def test_a_parcel_half_below_the_lowest_keeps_its_upper_half() -> None:
    replica = Replica()
    session = replica.open_session()
    assert run(replica, session, 1, 1, *[Put(b"k", b"v")] * 4) == [1, 2, 3, 4]
    assert plain(run(replica, session, 3, 1, *[Put(b"k", b"v")] * 4)) == ["invalid", "invalid", 3, 4]


def test_an_unknown_session_executes_nothing() -> None:
    replica = Replica()
    [result] = replica.machine.apply(replica.log.batch(Parcel(99, 1, 1, [Put(b"k", b"v")])))
    assert result["error"] == "session_expired"
    assert replica.machine.revision == 0


def test_a_session_is_opened_alone_and_once_per_entry() -> None:
    replica = Replica()
    malformed = [
        Parcel(0, 0, 0, [Put(b"k", b"v")]),
        Parcel(0, 0, 0, [OpenSession(b"a"), OpenSession(b"b")]),
        Parcel(0, 0, 1, [OpenSession(b"a")]),
        Parcel(7, 1, 1, [Put(b"k", b"v"), OpenSession(b"a")]),
    ]
    entry = replica.log.batch(*malformed, opening(b"a"), opening(b"b"))
    assert plain(replica.machine.apply(entry)) == ["invalid"] * 4 + [[entry.index], "overloaded"]
    assert len(replica.machine.sessions) == 1
    assert replica.machine.revision == 0


def test_a_session_can_be_used_in_the_entry_that_opens_it() -> None:
    replica = Replica()
    entry = replica.log.batch(opening(), Parcel(1, 1, 1, [Put(b"k", b"v")]))
    assert replica.machine.apply(entry) == [[1], [1]]


@pytest.mark.parametrize("saved", [True, False])
def test_all_rows_of_a_forgotten_session_are_deleted(saved: bool) -> None:
    replica = Replica(bounds={"sessions_max": 1, "idle_us": 10**12, "window": 8})
    session = replica.open_session()
    run(replica, session, 1, 1, Put(b"k", b"v"))
    if saved:
        replica.machine.save()
    run(replica, session, 1, 2, Put(b"k", b"v"))
    other = replica.open_session()
    replica.machine.save()
    assert [key for key, _ in replica.tables.sessions.scan(b"")] == [other.to_bytes(8, "big")]
    assert run(replica, session, 1, 3, Put(b"k", b"v"))["error"] == "session_expired"


@pytest.mark.parametrize(("commands", "bytes_max"), [(1, 64 * KIB), (SESSION_WINDOW, 2 * KIB)])
def test_the_results_of_a_client_that_is_gone_take_little_memory(commands: int, bytes_max: int) -> None:
    """A state keeps thousands of sessions, and each may have left a window of results that nobody asks for."""
    replica = Replica()
    session = replica.open_session()
    sessions = replica.machine.sessions
    found = sessions.find(session)
    assert found is not None
    results = list(range(10**6, 10**6 + commands))
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for first in range(0, SESSION_WINDOW, commands):
            sessions.keep(found, first, list(results))
        sessions.flush(0)
        # Rows that still wait are those of one transaction, whoever they are of.
        sessions._put.clear()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(found.counts) == SESSION_WINDOW
    assert after - before < bytes_max


@pytest.mark.parametrize("saved", [True, False])
def test_a_large_parcel_sent_again_is_read_once(saved: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    replica = Replica()
    session = replica.open_session()
    # The last one is outside the window, so each is looked at; the runs are of 1000 sequences, and of the rest.
    assert run(replica, session, 1, 1, *[Put(b"k", b"v")] * 1000) == list(range(1, 1001))
    rest = SESSION_WINDOW - 1000
    assert run(replica, session, 1, 1001, *[Put(b"k", b"v")] * rest) == list(range(1001, SESSION_WINDOW + 1))
    if saved:
        replica.machine.save()
    decoded: list[int] = []

    def decode(tail: bytes) -> list[Any]:
        decoded.append(len(tail))
        return decode_results(tail)

    monkeypatch.setattr(sessions_module, "decode_results", decode)
    again = run(replica, session, 1, 1, *[Put(b"k", b"v")] * SESSION_WINDOW)
    assert again == list(range(1, SESSION_WINDOW + 1))
    assert len(decoded) == 2
    # What is forgotten isn't given, though it was read last.
    assert plain(run(replica, session, SESSION_WINDOW + 1, SESSION_WINDOW, Put(b"k", b"v"))) == ["invalid"]


@pytest.mark.parametrize("harm", ["damaged", "gone"])
def test_results_that_a_retry_needs_and_that_are_harmed_stop_the_replica(harm: str) -> None:
    replica = Replica()
    session = replica.open_session()
    run(replica, session, 1, 1, Put(b"k", b"v"))
    replica.machine.save()
    table = replica.tables.sessions
    key = results_key(session, 1)
    row = table.get(key)
    assert row is not None
    table.delete(key)
    if harm == "damaged":
        table.put(key, row[:-1] + bytes([row[-1] ^ 1]))
    with pytest.raises(CorruptionError, match="checksum" if harm == "damaged" else "lacks its results from 1 on"):
        run(replica, session, 1, 1, Put(b"k", b"v"))


def test_results_without_their_session_are_found() -> None:
    table = MemoryTable()
    key = results_key(5, 1)
    table.put(key, encode_session_row(key, SessionRow(Activity(6, 0, 0), 1, encode_results([1]))))
    with pytest.raises(CorruptionError, match="no row of its own"):
        Sessions(table)


def test_results_that_cannot_be_read_are_found() -> None:
    table = MemoryTable()
    for key, tail in ((b"\0" * 7 + b"\5", b"client"), (results_key(5, 1), b"\xc1")):
        table.put(key, encode_session_row(key, SessionRow(Activity(6, 0, 0), 1, tail)))
    with pytest.raises(CorruptionError, match="kept results"):
        Sessions(table)
