"""What a `Node` asks its driver to do, and what the driver hands back. Plain values: no sockets, no threads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from raftzmq.codec.snapshots import SnapshotId
from raftzmq.core.ready import Append, Fact
from raftzmq.core.types import Entry, Mark
from raftzmq.core.value import value
from raftzmq.kv.commands import Query


@value
class LogJob:
    """One transaction of the log: the core's append, and incarnations of peers seen for the first time."""

    append: Append | None
    incarnations: tuple[tuple[str, str], ...] = ()
    awaited: bool = field(default=True, compare=False)
    """Does anything follow when this is done? If not, the driver may tell of it together with the next input."""


@value
class ReadBatch:
    """Queries of one request; the state answers them in order, after the entries of its job."""

    token: int
    queries: tuple[Query, ...]


@value
class StateJob:
    """One job of the state thread: apply ``entries`` in order, answer ``reads``, then commit if asked.

    The results of applying and reading are handed to `Node.on_applied` before the commit begins; the mark that
    the commit made durable is handed to `Node.on_state_durable`. With ``install`` the snapshot that ends there, which
    has arrived whole, takes the place of the state, durably, and nothing else is done.
    """

    entries: tuple[Entry, ...] = ()
    reads: tuple[ReadBatch, ...] = ()
    commit: bool = False
    install: Mark | None = None
    awaited: bool = field(default=True, compare=False)
    """As in `LogJob`."""


@value
class StateResult:
    """What a `StateJob` gave.

    ``results`` has a list per entry: one item per parcel, which is a list of results (one per command) or an
    error result for the parcel as a whole; entries without commands have an empty list. ``answers`` are
    (token, results) of the first queries of each read: fewer than it has where all together would be too much.
    ``digest`` is the running checksum of all writes up to ``applied_index``, ``log_time_us`` the time in the log there.
    """

    applied_index: int
    digest: int
    revision: int
    log_time_us: int
    results: tuple[list[Any], ...] = ()
    answers: tuple[tuple[int, list[Any]], ...] = ()
    suppressed: int = 0


@value
class SnapshotFile:
    """A copy of the state, as of ``mark``: ``size`` bytes with the CRC-32 ``checksum``."""

    mark: Mark
    size: int
    checksum: int

    @property
    def id(self) -> SnapshotId:
        """What a follower knows it by."""
        return SnapshotId(self.mark.index, self.mark.term, self.mark.chain, self.size, self.checksum)


@value
class MakeSnapshot:
    """Copy the state as of its last commit, in the place of an earlier copy: gives a `SnapshotFile`.

    ``verified``: a follower found an earlier copy damaged; look at every row, and end the node if it is the state that
    is damaged.
    """

    verified: bool = False


@value
class ReadChunk:
    """Read ``size`` bytes at ``offset`` of the copy, for ``peer``: gives bytes."""

    peer: str
    snapshot: SnapshotId
    offset: int
    size: int


@value
class DropSnapshot:
    """Nobody needs the copy any more."""


@value
class WriteChunk:
    """Store a part of a snapshot that arrives; at offset 0 one begins. Gives whether ``data`` fits ``checksum``."""

    snapshot: SnapshotId
    offset: int
    checksum: int
    data: bytes


@value
class FinishSnapshot:
    """All parts are stored: verify the whole and make it ready to be installed. Gives its mark, None if damaged."""

    snapshot: SnapshotId


@value
class DropArrival:
    """What has arrived of a snapshot is not to be completed."""


SnapshotJob = MakeSnapshot | ReadChunk | DropSnapshot | WriteChunk | FinishSnapshot | DropArrival
"""A job of the snapshot worker; they are done one by one, in order."""


@dataclass(slots=True)
class Work:
    """Everything to do after one round of inputs.

    ``peers``: (node, frames) for that peer's DEALER. ``clients``: (routing id, frames) for the client ROUTER.
    ``refusals``: (routing id, frames) back through the peer ROUTER, for strangers. ``events``: (topic, payload) for
    the XPUB; ``facts`` are what the core wants to be known, for the node's own log. At most one ``log`` job and one
    ``state`` job are under way at a time. ``bulk`` is like ``peers``, on a connection of its own, so that a snapshot
    doesn't stand before a heartbeat; ``snapshots`` are jobs for its worker.
    """

    peers: list[tuple[str, list[bytes]]] = field(default_factory=list)
    clients: list[tuple[bytes, list[bytes]]] = field(default_factory=list)
    refusals: list[tuple[bytes, list[bytes]]] = field(default_factory=list)
    log: LogJob | None = None
    state: StateJob | None = None
    events: Sequence[tuple[bytes, bytes]] = ()
    facts: list[Fact] = field(default_factory=list)
    bulk: Sequence[tuple[str, list[bytes]]] = ()
    snapshots: Sequence[SnapshotJob] = ()


@value
class Timed:
    """How long a job took, for the events: microseconds of work, and of the commit with its syncs within it.

    ``ended_us``: when it ended, on the driver's clock, which is before the node hears of it; 0 if nobody looked.
    """

    elapsed_us: int = 0
    commit_us: int = 0
    ended_us: int = 0


@value
class Loaded:
    """What a node starts from: all that its log and state remember."""

    cluster_id: str
    node: str
    incarnation: str
    current_term: int
    voted_for: str | None
    mark: Mark
    entries: tuple[Entry, ...]
    peers: dict[str, str]
    applied_index: int
    applied_term: int
    log_time_us: int
    revision: int
    digest: int


@value
class Space:
    """Room for writing: bytes free and in all on the file system; how much of the maps is used, 0 to 1.

    ``state_bytes``: what a copy of the state may take.
    """

    free_bytes: int
    total_bytes: int
    log_used: float
    state_used: float
    state_bytes: int = 0


class LogStorage(Protocol):
    """The durable log, as a driver uses it: one thread at a time."""

    def write(self, job: LogJob) -> None:
        """Make ``job`` durable in one transaction; raises StorageError, after which nothing may be retried."""

    def close(self) -> None:
        """Release the files."""


class StateStorage(Protocol):
    """The state, as a driver uses it: always the same thread."""

    def apply(self, job: StateJob) -> StateResult:
        """Apply and read; visible at once, durable only after `commit`. Raises CorruptionError, StorageError."""

    def commit(self) -> Mark:
        """Make all that was applied durable; where the state now ends durably. Raises StorageError."""

    def install(self, mark: Mark) -> StateResult:
        """Put the snapshot that `SnapshotStorage.finish` made ready in the place of the state, durably.

        Raises CorruptionError, StorageError.
        """

    def close(self) -> None:
        """Commit what is open and release the files."""


class SnapshotStorage(Protocol):
    """Snapshots going out and coming in, as a driver uses them: one thread at a time."""

    def make(self, *, verified: bool = False) -> SnapshotFile:
        """Copy the state as of its last commit; an earlier copy is dropped. Raises StorageError.

        ``verified``: look at every row of it, and raise CorruptionError if one is damaged.
        """

    def read(self, snapshot: SnapshotId, offset: int, size: int) -> bytes:
        """Bytes of the copy; empty if it is no longer that one. Raises StorageError."""

    def drop(self) -> None:
        """Remove the copy."""

    def drop_arrival(self) -> None:
        """Remove what has arrived and isn't finished. Raises StorageError."""

    def write(self, snapshot: SnapshotId, offset: int, data: bytes) -> None:
        """Store a part of a snapshot that arrives; offset 0 begins anew. Raises StorageError."""

    def finish(self, snapshot: SnapshotId) -> Mark | None:
        """Verify what arrived and make it ready to be installed; its mark, or None if it is damaged, and dropped."""


class NodeStorage(Protocol):
    """All the storage of a node."""

    @property
    def log(self) -> LogStorage:
        """The durable log."""

    @property
    def state(self) -> StateStorage:
        """The state that it builds."""

    @property
    def snapshots(self) -> SnapshotStorage:
        """Copies of the state, out and in."""

    def space(self) -> Space:
        """How much room there is; from any thread. Raises StorageError."""
