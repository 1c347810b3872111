"""From clients' parcels to entries and back: what travels together, and who gets which results (design §4)."""

from __future__ import annotations

import pytest

from raftzmq.codec.clients import Answer, Execute, Failure
from raftzmq.config import (
    BATCH_BYTES_MAX,
    BATCH_COMMANDS_MAX,
    KIB,
    UNCOMMITTED_BATCHES_MAX,
    UNCOMMITTED_BYTES_MAX,
    UNCOMMITTED_OPENINGS_MAX,
)
from raftzmq.core.messages import AppendEntries, AppendEntriesResponse
from raftzmq.core.types import Entry, EntryKind
from raftzmq.kv.commands import (
    CompareAndSwap,
    Delete,
    OpenSession,
    Parcel,
    Put,
    batch_log_time,
    decode_batch,
    encode_batch,
    encode_parcel,
)
from raftzmq.node.answers import result_frames
from tests.node.support import CLIENT, SECOND, Rig, puts


def leader() -> tuple[Rig, int]:
    """A leader whose followers don't answer for now, with two batches under way: the rest waits at the door."""
    rig = Rig().lead()
    session = rig.open_session()
    rig.followers.clear()
    for first in range(UNCOMMITTED_BATCHES_MAX):
        rig.execute(first, puts(session, first, "k", lowest=0))
        rig.settle()
    return rig, session


def answer_all(rig: Rig) -> None:
    """The followers answer everything up to now, and all that follows."""
    rig.followers = {"n2"}
    last = rig.raft.log.last_index
    rig.peer(AppendEntriesResponse("n2", "n1", rig.raft.current_term, True, last, 0, last))
    rig.settle()


def batches(rig: Rig) -> list[Entry]:
    return [entry for entry in rig.entries() if entry.kind is EntryKind.COMMANDS]


def test_what_waits_is_joined_into_one_entry_verbatim() -> None:
    """The bytes that clients encoded lie in the log; nobody encodes a command twice."""
    rig, session = leader()
    before = len(batches(rig))
    parcels = [rig.execute(10 + k, puts(session, 2 + k, f"k{k}", lowest=0)) for k in range(5)]
    rig.settle()
    assert len(batches(rig)) == before
    assert rig.node.status()["waiting_requests"] == 5
    answer_all(rig)
    [entry] = batches(rig)[before:]
    assert entry.data == encode_batch(batch_log_time(entry.data), parcels, 5)
    assert entry.data.endswith(b"".join(parcels))
    assert [command.key for parcel in decode_batch(entry.data)[1] for command in parcel.commands] == [  # type: ignore[union-attr]
        f"k{k}".encode() for k in range(5)
    ]


def test_at_most_so_many_batches_are_uncommitted() -> None:
    rig = Rig().lead()
    session = rig.open_session()
    rig.followers.clear()
    before = len(batches(rig))
    for first in range(6):
        rig.execute(first, puts(session, first, "k", lowest=0))
        rig.settle()
        assert len(batches(rig)) - before == min(first + 1, UNCOMMITTED_BATCHES_MAX)
    assert rig.node.status()["uncommitted_batches"] == UNCOMMITTED_BATCHES_MAX
    answer_all(rig)
    assert len(batches(rig)) - before == UNCOMMITTED_BATCHES_MAX + 1
    assert rig.node.status()["uncommitted_batches"] == 0
    assert UNCOMMITTED_BATCHES_MAX * (BATCH_BYTES_MAX * 2) <= UNCOMMITTED_BYTES_MAX, "bytes bind later than batches"


def test_openings_of_sessions_wait_for_no_sync_of_each_other_and_have_a_bound_of_their_own() -> None:
    rig, session = leader()
    before = len(batches(rig))
    for request in range(UNCOMMITTED_OPENINGS_MAX + 3):
        rig.execute(100 + request, Parcel(0, 0, 0, [OpenSession(b"newcomer %d" % request)]))
    rig.execute(1000, puts(session, UNCOMMITTED_BATCHES_MAX, "k", lowest=0))
    rig.settle()
    assert len(batches(rig)) - before == UNCOMMITTED_OPENINGS_MAX
    assert rig.node.status()["waiting_requests"] == 3 + 1
    answer_all(rig)
    assert len(batches(rig)) - before == UNCOMMITTED_OPENINGS_MAX + 3 + 1
    assert rig.node.status()["uncommitted_batches"] == 0
    sessions = [rows[0] for header, rows in rig.taken() if isinstance(header, Answer) and 100 <= header.request < 1000]
    assert len(set(sessions)) == UNCOMMITTED_OPENINGS_MAX + 3, "two newcomers have one session"
    # Those that have ended make room for as many again.
    rig.followers.clear()
    before = len(batches(rig))
    for request in range(UNCOMMITTED_OPENINGS_MAX + 1):
        rig.execute(2000 + request, Parcel(0, 0, 0, [OpenSession(b"later %d" % request)]))
    rig.settle()
    assert len(batches(rig)) - before == UNCOMMITTED_OPENINGS_MAX


def test_opening_a_session_is_an_entry_of_its_own() -> None:
    """Its index is the session's id (thesis 6.3), so two in one entry could not be told apart."""
    rig, session = leader()
    before = len(batches(rig))
    opening = [encode_parcel(Parcel(0, 0, 0, [OpenSession(b"c%d" % k)])) for k in range(2)]
    waiting = [encode_parcel(puts(session, 2 + k, "k", lowest=0)) for k in range(4)]
    order = [waiting[0], waiting[1], opening[0], opening[1], waiting[2], waiting[3]]
    for request, parcel in enumerate(order):
        rig.execute(10 + request, parcel)
    rig.settle()
    rig.taken()
    answer_all(rig)
    found = [entry.data[encode_batch(0, [], 0).__len__() :] for entry in batches(rig)[before:]]
    # Newcomers don't stand before those who are at work.
    assert found == [opening[0], opening[1], waiting[0] + waiting[1] + waiting[2] + waiting[3]]
    results = {header.request: result for header, result in rig.taken() if isinstance(header, Answer)}
    indices = [entry.index for entry in batches(rig)[before:]]
    assert (results[12], results[13]) == ([indices[0]], [indices[1]])


def test_a_batch_has_bounded_bytes() -> None:
    rig, session = leader()
    before = len(batches(rig))
    for k in range(10):
        rig.execute(10 + k, Parcel(session, 0, 2 + k, [Put(b"k", bytes(300 * KIB))]))
    rig.settle()
    answer_all(rig)
    sizes = [len(entry.data) for entry in batches(rig)[before:]]
    assert [round(size / (300 * KIB)) for size in sizes] == [3, 3, 3, 1]
    assert max(sizes) <= BATCH_BYTES_MAX + 32


def test_a_parcel_that_is_larger_than_a_batch_travels_alone() -> None:
    rig, session = leader()
    before = len(batches(rig))
    for k, size in enumerate((10, BATCH_BYTES_MAX, 10)):
        rig.execute(10 + k, Parcel(session, 0, 2 + k, [Put(b"k", bytes(size))]))
    answer_all(rig)
    assert [len(decode_batch(entry.data)[1]) for entry in batches(rig)[before:]] == [1, 1, 1]


def test_a_batch_has_bounded_commands() -> None:
    rig, session = leader()
    before = len(batches(rig))
    count = BATCH_COMMANDS_MAX // 3
    for k in range(4):
        rig.execute(10 + k, Parcel(session, 10, 10 + k, [Delete(b"k")] * count))
    answer_all(rig)
    found = [sum(len(parcel.commands) for parcel in decode_batch(e.data)[1]) for e in batches(rig)[before:]]
    assert found == [3 * count, count]


def test_results_go_to_their_owners_in_order() -> None:
    """Each client is answered once per parcel, in the order in which its commands were applied."""
    rig = Rig().lead()
    sessions = {name: rig.open_session(name) for name in (b"a", b"b", b"c")}
    for request, (name, session) in enumerate(sessions.items(), 40):
        key = name.decode()
        rig.execute(request, puts(session, 0, key, key), routing=name)
        rig.execute(request + 10, Parcel(session, 0, 2, [Delete(name), Delete(name)]), routing=name)
    rig.settle()
    assert rig.taken(b"a") == [(Answer(40, 0, True), [1, 2]), (Answer(50, 0, True), [[True, 3], [False, 3]])]
    assert rig.taken(b"b") == [(Answer(41, 0, True), [4, 5]), (Answer(51, 0, True), [[True, 6], [False, 6]])]
    assert rig.taken(b"c") == [(Answer(42, 0, True), [7, 8]), (Answer(52, 0, True), [[True, 9], [False, 9]])]


def test_nothing_is_answered_before_it_is_committed_and_applied() -> None:
    """Raft §5.3: a leader answers its client after applying; an answer must survive any crash of a minority."""
    rig = Rig().lead()
    session = rig.open_session()
    rig.followers.clear()
    rig.held = {"log", "state"}
    rig.execute(5, puts(session, 0, "k"))
    rig.settle()
    assert rig.taken() == []
    rig.finish("log")
    rig.settle()
    assert rig.taken() == [], "on one disk of three"
    sent = [m for m in rig.of(AppendEntries) if m.to == "n2"][-1]
    last = sent.entries[-1].index
    rig.peer(AppendEntriesResponse("n2", "n1", 1, True, last, 0, last))
    rig.settle()
    assert rig.taken() == [], "committed, not applied"
    rig.finish("state")
    rig.settle()
    assert rig.taken() == [(Answer(5, 0, True), [1])]


def test_a_command_that_fails_is_answered_among_the_others() -> None:
    rig = Rig(voters=1).lead()
    session = rig.open_session()
    rig.execute(5, Parcel(session, 1, 1, [Put(b"k", b"v"), CompareAndSwap(b"k", b"x", b"no"), Delete(b"k")]))
    rig.settle()
    rig.execute(6, Parcel(session, 1, 1, [Put(b"k", b"v")]))
    rig.settle()
    assert rig.taken() == [
        (Answer(5, 0, True), [1, [False, 1], [True, 2]]),
        (Answer(6, 0, True), [1]),
    ], "a retry gets the kept result"
    assert rig.node.status()["counts"]["suppressed_retries"] == 1


def test_a_parcel_that_fails_as_a_whole_is_a_definite_failure() -> None:
    rig = Rig(voters=1).lead()
    session = rig.open_session()
    rig.execute(5, puts(session + 1000, 0, "k"))
    rig.execute(6, puts(session, 0, "k"))
    rig.settle()
    (failure, _), (answer, results) = rig.taken()
    assert isinstance(failure, Failure)
    assert (failure.request, failure.code, failure.definite) == (5, "session_expired", True)
    assert (answer, results) == (Answer(6, 0, True), [1])


def test_the_frames_of_results() -> None:
    assert len(result_frames(1, [1, 2])) == 2
    assert len(result_frames(1, {"error": "invalid", "message": "no"})) == 1


# --- deadlines at the door ---


def test_what_waited_too_long_is_never_proposed() -> None:
    """A definite end: the client may do it again elsewhere."""
    rig, session = leader()
    before = len(batches(rig))
    rig.execute(10, puts(session, 2, "late", lowest=0), timeout_us=5_000)
    rig.execute(11, puts(session, 3, "in-time", lowest=0), timeout_us=SECOND)
    rig.execute(12, puts(session, 4, "late-too", lowest=0), timeout_us=5_000)
    rig.settle()
    rig.now += 5_000
    answer_all(rig)
    [entry] = batches(rig)[before:]
    assert b"in-time" in entry.data
    assert b"late" not in entry.data
    taken = rig.taken()
    failures = [(h.request, h.code, h.definite) for h, _ in taken if isinstance(h, Failure)]
    assert failures == [(10, "deadline_exceeded", True), (12, "deadline_exceeded", True)]
    assert (Answer(11, 0, True), [3]) in taken
    assert rig.node.status()["waiting_bytes"] == 0


def test_if_all_waited_too_long_nothing_is_proposed() -> None:
    rig, session = leader()
    last = rig.raft.log.last_index
    for k in range(3):
        rig.execute(10 + k, puts(session, 2 + k, "late", lowest=0), timeout_us=1000)
    rig.now += 1000
    answer_all(rig)
    assert rig.raft.log.last_index == last
    assert sorted(h.request for h, _ in rig.taken() if isinstance(h, Failure)) == [10, 11, 12]


@pytest.mark.parametrize("timeout_us", [0, 1])
def test_a_timeout_that_is_over_on_arrival(timeout_us: int) -> None:
    rig = Rig(voters=1).lead()
    session = rig.open_session()
    rig.client(Execute(9, timeout_us), encode_parcel(puts(session, 0, "k")))
    rig.now += timeout_us
    rig.settle()
    assert rig.failures() == [(9, "deadline_exceeded", True)]


def test_what_is_proposed_has_no_deadline_any_more() -> None:
    """It may be committed at any time: only its outcome can be told."""
    rig, _ = leader()
    rig.advance(100_000)
    rig.now += 5 * SECOND
    answer_all(rig)
    assert [header for header, _ in rig.taken(CLIENT)] == [Answer(0, 0, True), Answer(1, 0, True)]
