"""Entries on their way into the state: one job at a time, and when its transaction is committed (design §5)."""

from __future__ import annotations

from raftzmq.codec.clients import Answer
from raftzmq.config import BATCH_BYTES_MAX, STATE_COMMIT_BATCHES, STATE_COMMIT_US, Retention
from raftzmq.core.types import Entry, EntryKind, make_entry
from raftzmq.kv.commands import Get, Parcel, Put, encode_batch, encode_parcel
from raftzmq.node.applying import JOB_BYTES_MAX, NEVER, PATIENT_BYTES, PATIENT_US
from tests.node.support import Rig, puts


def leader() -> tuple[Rig, int]:
    """A single voter that leads, whose state has nothing uncommitted."""
    rig = Rig(voters=1).lead()
    session = rig.open_session()
    rig.advance(2 * STATE_COMMIT_US)
    rig.state_jobs.clear()
    return rig, session


def write(rig: Rig, session: int, sequence: int) -> None:
    rig.execute(sequence, puts(session, sequence, "k"))
    rig.settle()


def commits(rig: Rig) -> list[bool]:
    return [job.commit for job in rig.state_jobs]


def test_the_state_is_committed_after_so_many_batches() -> None:
    rig, session = leader()
    for sequence in range(2 * STATE_COMMIT_BATCHES):
        write(rig, session, sequence)
    assert sum(len(job.entries) for job in rig.state_jobs) == 2 * STATE_COMMIT_BATCHES
    assert [k for k, commit in enumerate(commits(rig), 1) if commit] == [STATE_COMMIT_BATCHES, 2 * STATE_COMMIT_BATCHES]


def test_the_state_is_committed_after_so_many_bytes() -> None:
    """What isn't durable in the state stays in the log: large values must not fill that before the second is over."""
    rig, session = leader()
    size = Retention().commit_bytes // 16
    for sequence in range(40):
        rig.execute(sequence, encode_parcel(Parcel(session, sequence, sequence, [Put(b"k", bytes(size))])))
        rig.settle()
    assert [k for k, commit in enumerate(commits(rig), 1) if commit] == [16, 32]


def test_the_state_is_committed_after_a_while_even_if_nothing_comes() -> None:
    """Idle included: what is applied is not left open to a crash for longer than that."""
    rig, session = leader()
    write(rig, session, 0)
    begin = rig.now
    assert commits(rig) == [False]
    assert rig.node.deadline_us <= begin + STATE_COMMIT_US
    rig.advance(STATE_COMMIT_US - 1)
    assert commits(rig) == [False]
    rig.advance(1)
    assert commits(rig) == [False, True]
    job = rig.state_jobs[-1]
    assert (job.entries, job.reads) == ((), ())
    assert rig.node.status()["durable_state_index"] == rig.raft.last_applied
    rig.advance(10 * STATE_COMMIT_US)
    assert commits(rig) == [False, True], "once"


def test_the_age_counts_from_the_first_write() -> None:
    rig, session = leader()
    for sequence in range(5):
        write(rig, session, sequence)
        rig.advance(STATE_COMMIT_US // 5)
    assert commits(rig)[:5] == [False] * 5
    assert commits(rig)[5:] == [True]


def test_a_commit_that_is_due_wakes_a_node_once_however_busy_its_log_is() -> None:
    """A deadline that stays in the past would have the loop spin until the log's sync ends."""
    rig = Rig()
    entries = entries_of_noops(rig, 3)
    rig.follow("n2", entries=entries[:1], commit=2)
    rig.advance(PATIENT_US)
    assert commits(rig) == [False]
    rig.held = {"log"}
    rig.follow("n2", entries=entries[1:2], commit=2)
    assert rig.log_job is not None
    before = len(rig.works)
    rig.advance(3 * STATE_COMMIT_US)
    assert commits(rig) == [False, True]
    assert len(rig.works) - before < 100, "elections, and no spinning"


def test_a_follower_gathers_a_little_before_it_applies() -> None:
    """Nobody waits for its results, and a job for every small entry costs it half of its processor time."""
    rig = Rig()
    entries = entries_of_noops(rig, 4)
    for number in range(4):
        rig.follow("n2", entries=entries[number : number + 1], commit=2 + number)
        rig.advance(PATIENT_US // 8)
    assert commits(rig) == []
    rig.advance(PATIENT_US)
    assert [len(job.entries) for job in rig.state_jobs] == [len(entries) + 1], "entry 1 was committed with them"
    assert rig.raft.last_applied == 5


def test_a_read_ends_the_patience() -> None:
    rig = Rig()
    rig.greet()
    rig.follow("n2", entries=entries_of_noops(rig, 1), commit=2)
    assert commits(rig) == []
    rig.read(1, Get(b"k"))
    rig.settle()
    assert [len(job.entries) for job in rig.state_jobs] == [2]


def test_much_to_apply_ends_the_patience() -> None:
    rig = Rig()
    log = rig.raft.log
    batch = encode_batch(1, [encode_parcel(Parcel(1, 0, 0, [Put(b"k", bytes(PATIENT_BYTES))]))], 1)
    rig.follow("n2", entries=(make_entry(log.last_chain, 2, 1, EntryKind.COMMANDS, batch),), commit=2)
    assert rig.raft.last_applied == 2


def entries_of_noops(rig: Rig, count: int) -> tuple[Entry, ...]:
    """Entries of term 1 behind what the node's log has."""
    made: list[Entry] = []
    index, chain = rig.raft.log.last_index, rig.raft.log.last_chain
    for at in range(index + 1, index + 1 + count):
        made.append(make_entry(chain, at, 1, EntryKind.NOOP, b""))
        chain = made[-1].chain
    return tuple(made)


def test_reads_commit_nothing_and_open_nothing() -> None:
    rig, _ = leader()
    for request in range(3 * STATE_COMMIT_BATCHES):
        rig.read(request, Get(b"k"))
        rig.settle()
    rig.advance(3 * STATE_COMMIT_US)
    assert not any(commits(rig))


def test_results_are_answered_before_the_commit_ends() -> None:
    """The log is durable: the state can be built again from it, so nobody waits for the state's sync."""
    rig, session = leader()
    rig.held = {"commit"}
    for sequence in range(STATE_COMMIT_BATCHES):
        write(rig, session, sequence)
    assert rig.committing
    assert len(rig.taken()) == STATE_COMMIT_BATCHES
    assert rig.node.status()["durable_state_index"] < rig.node.status()["last_applied"]


def test_one_job_of_the_state_at_a_time() -> None:
    rig, session = leader()
    rig.held = {"state"}
    for sequence in range(5):
        write(rig, session, sequence)
        rig.read(100 + sequence, Get(b"k"))
        rig.settle()
    assert [len(job.entries) for job in rig.state_jobs] == [1]
    rig.held = {"commit"}
    rig.settle()
    assert [len(job.entries) for job in rig.state_jobs] == [1, 4], "what has gathered is one job"
    assert len(rig.state_jobs[1].reads) == 5


def test_a_commit_under_way_holds_the_next_job_back() -> None:
    rig, session = leader()
    rig.held = {"commit"}
    for sequence in range(STATE_COMMIT_BATCHES + 3):
        write(rig, session, sequence)
    rig.read(99, Get(b"k"))
    rig.settle()
    assert len(rig.state_jobs) == STATE_COMMIT_BATCHES
    assert rig.node.applying.deadline_us == NEVER, "nothing to be woken for"
    rig.finish("commit")
    rig.settle()
    assert [len(job.entries) for job in rig.state_jobs[STATE_COMMIT_BATCHES:]] == [3]
    last = STATE_COMMIT_BATCHES + 3
    assert (Answer(99, 0, True), [[b"k", b"k", 1, last, last, 0]]) in rig.taken()


def test_a_job_has_bounded_bytes() -> None:
    """Reads and answers behind it wait no longer than it takes."""
    rig, session = leader()
    rig.held = {"state"}
    write(rig, session, 0)
    for sequence in range(1, 7):
        rig.execute(sequence, Parcel(session, sequence, sequence, [Put(b"k", bytes(BATCH_BYTES_MAX - 100))]))
        rig.settle()
    rig.held.clear()
    rig.settle()
    sizes = [sum(len(entry.data) for entry in job.entries) for job in rig.state_jobs]
    assert max(sizes) <= JOB_BYTES_MAX
    assert [len(job.entries) for job in rig.state_jobs] == [1, 4, 2]


def test_what_is_applied_and_not_committed_is_applied_again_after_a_crash() -> None:
    rig, session = leader()
    for sequence in range(3):
        write(rig, session, sequence)
    digest = rig.state.machine.digest
    again = Rig(voters=1, disk=rig.disk)
    assert again.raft.last_applied < rig.raft.last_applied
    again.lead()
    again.settle()
    assert again.state.machine.revision == 3
    assert again.state.machine.digest == digest


def test_the_bytes_that_lag_are_counted_until_they_are_applied() -> None:
    rig, session = leader()
    rig.held = {"state"}
    write(rig, session, 0)
    size = len(rig.entries()[-1].data)
    assert rig.node.applying.lag_bytes == size
    rig.held.clear()
    rig.finish("state")
    assert rig.node.applying.lag_bytes == 0
