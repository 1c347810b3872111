"""The state machine: order, what it remembers of the log, and that it comes to the same bytes everywhere."""

from __future__ import annotations

import msgspec
import pytest

from raftzmq.config import local_cluster
from raftzmq.core.types import Configuration, EntryKind, make_entry
from raftzmq.errors import CorruptionError, InvariantViolation
from raftzmq.kv.commands import CompareAndSwap, Delete, Get, Parcel, Put, Range, StateHash, encode_batch
from raftzmq.kv.machine import StateMachine
from tests.kv.replica import LogMaker, Replica, memory_tables

MEMBERS = Configuration(local_cluster(3).nodes)


def test_entries_are_applied_in_order() -> None:
    log, machine = LogMaker(), StateMachine(memory_tables())
    first, second, third = (log.entry(EntryKind.NOOP, b"", term) for term in (1, 1, 2))
    with pytest.raises(InvariantViolation, match="entry 2 was to be applied after entry 0"):
        machine.apply(second)
    for entry in (first, second, third):
        assert machine.apply(entry) == []
    with pytest.raises(InvariantViolation):
        machine.apply(third)
    assert (machine.applied_index, machine.applied_term, machine.chain) == (3, 2, third.chain)


def test_a_configuration_is_remembered() -> None:
    log, tables = LogMaker(), memory_tables()
    machine = StateMachine(tables)
    assert machine.apply(log.entry(EntryKind.CONFIGURATION, MEMBERS.encode())) == []
    machine.save()
    assert StateMachine(tables).configuration == machine.configuration == MEMBERS


def test_save_covers_all_there_is() -> None:
    replica = Replica()
    replica.fill([(b"a", b"1"), (b"b", b"2")])
    replica.run(Delete(b"a"))
    replica.machine.save()
    again = replica.load()
    for name in ("applied_index", "applied_term", "chain", "configuration", "log_time_us", "revision", "digest"):
        assert getattr(again, name) == getattr(replica.machine, name), name
    assert again.digest != 0
    assert again.log_time_us == 3000


def test_log_time_never_runs_back() -> None:
    replica = Replica()
    replica.open_session(time_us=500)
    replica.open_session(time_us=400)
    assert replica.machine.log_time_us == 500


def test_the_digest_depends_on_what_is_written_alone() -> None:
    one, other, third = Replica(), Replica(), Replica()
    for replica, value in ((one, b"v"), (other, b"v"), (third, b"w")):
        replica.fill([(b"k", value)])
        # A retry and a failed swap execute nothing; both are results that all replicas keep.
        replica.run(CompareAndSwap(b"k", b"x", b"y"))
    assert one.machine.digest == other.machine.digest != third.machine.digest
    assert one.hash() == other.hash() != third.hash()


def test_the_hash_is_the_same_before_and_after_saving() -> None:
    replica = Replica()
    replica.fill([(b"k", b"v")])
    before = replica.hash()
    assert len(list(replica.tables.sessions.scan(b""))) == 2
    replica.machine.save()
    assert replica.hash() == before == replica.hash_after_reload()


def test_the_hash_covers_keys_history_sessions_and_revision() -> None:
    def base() -> Replica:
        replica = Replica()
        replica.fill([(b"k", b"v")])
        replica.machine.save()
        return replica

    seen = [base().hash()]
    for table in ("keys", "history", "sessions"):
        replica = base()
        stored = getattr(replica.tables, table)
        key, _ = next(stored.scan(b""))
        stored.delete(key)
        seen.append(replica.hash())
    replica = base()
    replica.machine._store.revision += 1
    seen.append(replica.hash())
    assert len({answer[2] for answer in seen}) == 5
    assert [answer[:2] for answer in seen] == [[2, 1]] * 4 + [[2, 2]]


@pytest.mark.parametrize("table", ["keys", "history", "sessions"])
def test_a_damaged_row_fails_the_query_alone(table: str) -> None:
    replica = Replica()
    replica.fill([(b"k", b"v"), (b"other", b"v")])
    replica.machine.save()
    stored = getattr(replica.tables, table)
    key, row = next(stored.scan(b""))
    stored.put(key, row[:-1] + bytes([row[-1] ^ 1]))
    answer = replica.machine.query(StateHash())
    assert answer["error"] == "corrupted"
    if table != "sessions":
        assert replica.machine.query(Get(b"k"))["error"] == "corrupted"
        assert replica.machine.query(Range(b""))["error"] == "corrupted"
    assert replica.machine.query(Get(b"other"))[1] == b"v"
    assert replica.machine.query(Get(b"none")) is None


def test_a_damaged_row_stops_the_replica_that_would_build_on_it() -> None:
    replica = Replica()
    replica.fill([(b"k", b"v")])
    keys = replica.tables.keys
    _, row = next(keys.scan(b""))
    keys.put(b"k", row[:-1] + bytes([row[-1] ^ 1]))
    with pytest.raises(CorruptionError, match="key b'k'"):
        replica.run(Put(b"k", b"v"))


def test_a_damaged_value_stops_the_replica_that_compares_it() -> None:
    replica = Replica()
    replica.fill([(b"k", b"v")])
    history = replica.tables.history
    key, row = next(history.scan(b""))
    history.put(key, row[:-1] + bytes([row[-1] ^ 1]))
    with pytest.raises(CorruptionError, match="revision 1"):
        replica.run(CompareAndSwap(b"k", b"w", b"v"))


def test_a_committed_batch_that_cannot_be_decoded_stops_the_replica() -> None:
    machine = StateMachine(memory_tables())
    unknown = msgspec.msgpack.encode((1, 1, 1, [[9, b"k"]]))
    with pytest.raises(InvariantViolation, match="cannot be decoded"):
        machine.apply(make_entry(0, 1, 1, EntryKind.COMMANDS, encode_batch(0, [unknown], 1)))
    assert machine.applied_index == 0


def test_a_batch_of_many_parcels_is_one_order() -> None:
    replica = Replica()
    one, other = replica.open_session(), replica.open_session()
    entry = replica.log.batch(
        Parcel(one, 1, 1, [Put(b"k", b"1"), Delete(b"k")]),
        Parcel(other, 1, 1, [Put(b"k", b"2"), Put(b"l", b"2")]),
        Parcel(one, 1, 3, [CompareAndSwap(b"k", b"3", b"2"), CompareAndSwap(b"l", b"3", mod_revision=9)]),
    )
    assert replica.machine.apply(entry) == [[1, [True, 2]], [3, 4], [[True, 5], [False, 4]]]
    assert replica.get(b"k") == (b"k", b"3", 3, 5, 2, 0)


def test_a_range_names_its_revision_and_where_to_go_on() -> None:
    replica = Replica()
    replica.fill([(b"a", b"1"), (b"b", b"2"), (b"c", b"3")])
    assert replica.machine.query(Range(b"a", b"c", 1)) == [3, True, b"b", [(b"a", b"1", 1, 1, 1, 0)]]
    assert replica.machine.query(Range(b"b", b"c", 1)) == [3, False, None, [(b"b", b"2", 2, 2, 1, 0)]]
    assert replica.machine.query(Range(b"b", None, 10, 2)) == [2, False, None, [(b"b", b"2", 2, 2, 1, 0)]]
    assert replica.machine.query(Range(b"x")) == [3, False, None, []]
    assert replica.machine.query(Range(b"", None, 1, 4))["error"] == "invalid"


def test_an_empty_store_answers() -> None:
    machine = StateMachine(memory_tables())
    assert machine.query(Get(b"k")) is None
    assert machine.query(Range(b"")) == [0, False, None, []]
