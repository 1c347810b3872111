"""Log time (design §4): on from the last batch in the leader's log, by the leader's own clock, and never back."""

from __future__ import annotations

from raftzmq.core.messages import AppendEntries
from raftzmq.core.types import Entry, EntryKind, Mark, make_entry
from raftzmq.kv.commands import OpenSession, Parcel, batch_log_time, encode_batch, encode_parcel
from tests.node.support import SECOND, Rig, puts


def log_times(rig: Rig) -> list[int]:
    return [batch_log_time(entry.data) for entry in rig.entries() if entry.kind is EntryKind.COMMANDS]


def batch_entry(after: Entry | Mark, log_time_us: int, *, term: int = 1) -> Entry:
    data = encode_batch(log_time_us, [encode_parcel(Parcel(0, 0, 0, [OpenSession(b"them")]))], 1)
    return make_entry(after.chain, after.index + 1, term, EntryKind.COMMANDS, data)


def test_log_time_passes_as_the_leaders_time_does() -> None:
    rig = Rig(voters=1).lead()
    elected = rig.now
    rig.advance(30_000)
    session = rig.open_session()
    assert log_times(rig) == [rig.now - elected]
    for sequence in range(3):
        rig.advance(10_000)
        rig.execute(sequence, puts(session, sequence, "k"))
        rig.settle()
    assert log_times(rig) == [30_000, 40_000, 50_000, 60_000]


def test_the_wall_clock_has_no_part_in_it() -> None:
    rig = Rig(voters=1)
    rig.now += 1_000_000 * SECOND
    rig.node.on_tick(rig.now)
    rig.settle()
    rig.lead()
    rig.open_session()
    assert log_times(rig) == [0], "no time has passed since the election"


def test_a_new_leader_goes_on_from_the_last_batch_in_its_log() -> None:
    """Committed or not: what it has, it will commit."""
    rig = Rig()
    entries = [batch_entry(rig.raft.log.entry(1), 5 * SECOND)]
    entries.append(batch_entry(entries[0], 7 * SECOND))
    entries.append(make_entry(entries[1].chain, 4, 1, EntryKind.NOOP, b""))
    rig.follow("n2", entries=tuple(entries), commit=2)
    rig.lead()
    rig.advance(10_000)
    rig.open_session()
    assert log_times(rig) == [5 * SECOND, 7 * SECOND, 7 * SECOND + 10_000]


def test_a_leader_that_returns_goes_on_from_what_others_wrote_meanwhile() -> None:
    rig = Rig().lead()
    rig.open_session()
    rig.advance(10_000)
    last = rig.raft.log.entry(rig.raft.log.last_index)
    theirs = batch_entry(last, 100 * SECOND, term=2)
    rig.peer(AppendEntries("n2", "n1", 2, last.index, last.term, theirs.index, 0, (theirs,)))
    rig.settle()
    rig.advance(SECOND)
    rig.lead()
    rig.open_session()
    times = log_times(rig)
    assert times == sorted(times)
    assert times[-1] == 100 * SECOND, "its own time as a follower doesn't count"


def test_log_time_of_a_batch_that_was_replaced_does_not_stay() -> None:
    rig = Rig()
    entry = batch_entry(rig.raft.log.entry(1), 50 * SECOND)
    rig.follow("n2", entries=(entry,))
    first = rig.raft.log.entry(1)
    noop = make_entry(first.chain, 2, 2, EntryKind.NOOP, b"")
    rig.peer(AppendEntries("n3", "n1", 2, 1, 0, 0, 0, (noop,)))
    rig.settle()
    rig.lead()
    rig.open_session()
    assert log_times(rig) == [0]


def test_log_time_survives_a_restart() -> None:
    rig = Rig(voters=1).lead()
    rig.advance(3 * SECOND)
    rig.open_session()
    [before] = log_times(rig)
    again = Rig(voters=1, disk=rig.disk).lead()
    again.open_session()
    assert log_times(again) == [before, before]


def test_an_idle_leader_loses_no_time() -> None:
    rig = Rig(voters=1).lead()
    session = rig.open_session()
    rig.advance(60 * SECOND)
    rig.execute(1, puts(session, 1, "k"))
    rig.settle()
    first, second = log_times(rig)
    assert second - first == 60 * SECOND
