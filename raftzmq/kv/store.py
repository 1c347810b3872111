"""Keys with revisions, as etcd has them: every write raises one global revision and is kept in the history.

A write changes its key's row at once and its history row in `flush`, with those of the rest of its batch. Reads see
the tables alone, so they run between batches. Reading at an old revision walks the key's chain of previous revisions.

Writing is where a busy cluster spends its time. What brought its cost down, as ratios of processor time, apply and
commit together, per put (LMDB, 100,000 keys of 8 bytes, values of 256, 40,000, 15,000 and 430 puts a commit; both ways
in one process, entry by entry in turn; code against itself: 0.98 to 1.00):

========================================================================================= ====== ====== ======
puts in a batch                                                                             1000     64      1
========================================================================================= ====== ====== ======
get a key's row, then put it at the same place, instead of all gets first, all puts last    0.75   0.88   0.85
key rows of 17 bytes instead of 36                                                          0.98   0.97   1.01
check a row without taking it apart; digest its checksum instead of all its bytes again     0.93   0.94   0.97
save what is new of the sessions once per transaction instead of per batch                  0.99   0.97   0.93
fewer calls per batch and parcel                                                            1.00   0.98   0.93
all of it                                                                                   0.69   0.74   0.72
========================================================================================= ====== ====== ======

In a cluster of three, with its client, all of it made 0.82, 0.89 and 1.00 of the processor time at 1000, 64 and 1 in
flight, and 0.77, 0.91 and 0.89 of the time per put (15 pairs of bursts, two clusters in turn, the machine busy).
"""

from __future__ import annotations

from raftzmq.checksum import crc32
from raftzmq.config import ANSWER_BYTES_MAX
from raftzmq.errors import CorruptionError, InvariantViolation
from raftzmq.kv.commands import (
    ROW_OVERHEAD_BYTES,
    UNFINISHED,
    CompareAndSwap,
    Delete,
    Put,
    Row,
    Unfinished,
)
from raftzmq.kv.history import History
from raftzmq.kv.rows import (
    CHECKSUM_BYTES,
    INTACT,
    HistoryRow,
    KeyRow,
    decode_history_row,
    decode_history_value,
    decode_key_body,
    decode_key_row,
    encode_key_body,
    encode_key_row,
    history_key,
    pack_checksum,
    pack_history_head,
    pack_history_key,
    seal_row,
)
from raftzmq.kv.tables import Table
from raftzmq.kv.walks import Walks

SCAN_STEPS_MAX = 100_000
"""Rows that one range looks at, tombstones and past versions included: bounds how long it holds the state thread."""

ABSENT: KeyRow = (0, 0, 0, 0)


class RangeRows:
    """What `Store.range` found; ``resume`` is the key to go on from, or None at the end."""

    __slots__ = ("resume", "rows")

    def __init__(self, rows: list[Row], resume: bytes | None) -> None:
        self.rows = rows
        self.resume = resume


class Store:
    """The keys and history tables, and the revision that both have reached."""

    def __init__(self, keys: Table, history: Table, revision: int = 0, past: History | None = None) -> None:
        """``past``: the bound of the history, if it isn't the usual one from the beginning."""
        self.revision = revision
        self.past = History(keys, history) if past is None else past
        self._keys = keys
        self._history = history
        self._written: list[tuple[bytes, bytes]] = []
        self._checksums: list[bytes] = []
        self._links: list[int] = []
        self._walks = Walks(history)
        self.scanned = 0
        """Steps that reads took since this object was made, but for those of the keys as they are: what reads cost."""

    # ---- writing: begin, any number of commands, flush

    def begin(self) -> None:
        """Start a batch. Raises InvariantViolation inside another batch."""
        if self._written:
            raise InvariantViolation("a batch was begun before the one before it was written")

    def put_all(self, commands: list[Put]) -> list[int]:
        """Apply puts, one revision each; their revisions. This loop is where a busy cluster spends its time."""
        get, put = self._keys.place()
        write, link, note = self._written.append, self._links.append, self._checksums.append
        decode, encode, pack_head, pack_at = decode_key_body, encode_key_body, pack_history_head, pack_history_key
        crc_of, pack, intact = crc32, pack_checksum, INTACT
        first = revision = self.revision + 1
        for command in commands:
            key, value, lease = command.key, command.value, command.lease
            row = get(key)
            seed = crc_of(key)
            if row is None:
                create = previous = version = 0
            elif crc_of(row, seed) == intact:
                create, previous, version, _ = decode(row[:-4])
            else:
                create, previous, version, _ = decode_key_row(key, row)
            if not version:
                create = revision
            version += 1
            body = encode((create, revision, version, lease))
            put(key, body + pack(crc_of(body, seed)))
            body = pack_head(previous, create, version, lease, len(key)) + key + value
            at = pack_at(revision, 0)
            checksum = pack(crc_of(body, crc_of(at)))
            write((at, body + checksum))
            note(checksum)
            link(previous)
            revision += 1
        self.revision = revision - 1
        return list(range(first, revision))

    def put(self, command: Put) -> int:
        """Set a key; the new revision."""
        return self.put_all([command])[0]

    def delete(self, command: Delete) -> list[int | bool]:
        """Remove a key, leaving a tombstone; ``[deleted, revision]``. A missing key raises no revision."""
        key = command.key
        _, previous, version, _ = self._current(key)
        if not version:
            return [False, self.revision]
        self.revision += 1
        self._keys.put(key, encode_key_row(key, (0, self.revision, 0, 0)))
        self._write(HistoryRow(previous, 0, 0, 0, key, b""))
        self._links.append(-previous)
        return [True, self.revision]

    def compare_and_swap(self, command: CompareAndSwap) -> list[int | bool]:
        """Set a key if it is as expected; ``[succeeded, revision]``. A failure raises no revision."""
        key = command.key
        _, mod, version, _ = self._current(key)
        if command.mod_revision is not None:
            matches = command.mod_revision == (mod if version else 0)
        elif command.expected is None:
            matches = not version
        else:
            matches = version > 0 and self._value(mod, key) == command.expected
        if not matches:
            return [False, mod if version else 0]
        return [True, self.put(Put(key, command.value))]

    def flush(self, digest: int) -> int:
        """Hand the batch to the tables; ``digest`` continued over every row written."""
        written, self._written = self._written, []
        if not written:
            return digest
        links, self._links = self._links, []
        self._history.put_many(written, append=True)
        digest = crc32(b"".join(self._checksums), digest)
        self._checksums = []
        self.past.written(written, links, self.revision)
        return digest

    def _current(self, key: bytes) -> KeyRow:
        stored = self._keys.get(key)
        return ABSENT if stored is None else decode_key_row(key, stored)

    def _write(self, row: HistoryRow) -> None:
        at = history_key(self.revision)
        head = pack_history_head(row.previous, row.create_revision, row.version, row.lease, len(row.key))
        sealed = seal_row(at, head + row.key + row.value)
        self._written.append((at, sealed))
        self._checksums.append(sealed[-CHECKSUM_BYTES:])

    def _value(self, revision: int, key: bytes) -> bytes:
        """The value that ``revision`` gave ``key``, be it still in the batch or in the table."""
        behind = self.revision - revision
        if behind < len(self._written):
            # A revision is one row of the batch, in order, so its place is known.
            return decode_history_row(*self._written[-1 - behind]).value
        return self._past(revision, key).value

    # ---- reading: between batches

    def get(self, key: bytes, revision: int) -> Row | Unfinished | None:
        """``key`` as of ``revision``, or None; UNFINISHED if it lies so far back that it must be asked for again.

        Raises CorruptionError if a row on the way is damaged.
        """
        stored = self._keys.get(key)
        if stored is None:
            return None
        create, mod, version, lease = decode_key_row(key, stored)
        if mod > revision:
            row, steps = self._as_of(key, stored, revision)
            self.scanned += steps
            return row
        # As it is now, which nearly every read asks for: no row is made of what `decode_history_row` would give.
        # 0.70 of the processor time, with the shortcut in `StateMachine.query`.
        if not version:
            return None
        at = pack_history_key(mod, 0)
        written = self._history.get(at)
        if written is None:
            raise CorruptionError(f"revision {mod} of key {key!r} is missing from the history")
        return key, decode_history_value(at, written, key), create, mod, version, lease

    def range(self, start: bytes, end: bytes | None, limit: int, revision: int) -> RangeRows:
        """Keys in ``[start, end)`` as of ``revision``, at most ``limit`` and about ANSWER_BYTES_MAX bytes of rows.

        It ends earlier after `SCAN_STEPS_MAX` steps, and at a key whose row lies too far back to be found at once:
        from there it goes on when it is asked again. Raises CorruptionError.
        """
        rows: list[Row] = []
        size = steps = 0
        for key, stored in self._keys.scan(start, end):
            if steps >= SCAN_STEPS_MAX:
                return self._found(rows, key, steps)
            row, back = self._as_of(key, stored, revision)
            steps += 1 + back
            if row is None:
                continue
            if row is UNFINISHED:
                return self._found(rows, key, steps)
            size += len(key) + len(row[1]) + ROW_OVERHEAD_BYTES
            if rows and (len(rows) >= limit or size > ANSWER_BYTES_MAX):
                return self._found(rows, key, steps)
            rows.append(row)
        return self._found(rows, None, steps)

    def _found(self, rows: list[Row], resume: bytes | None, steps: int) -> RangeRows:
        self.scanned += steps
        return RangeRows(rows, resume)

    def _as_of(self, key: bytes, stored: bytes, revision: int) -> tuple[Row | Unfinished | None, int]:
        """The row of ``key`` visible at ``revision``, or UNFINISHED; and how many steps into the past that took."""
        create, mod, version, lease = decode_key_row(key, stored)
        if mod <= revision:
            if not version:
                return None, 0
            past = self._past(mod, key)
            return (key, past.value, create, mod, version, lease), 0
        found, steps = self._walks.find(key, mod, revision)
        if found is None:
            return UNFINISHED, steps
        if not found:
            return None, steps
        past = self._past(found, key)
        if not past.version:
            return None, steps
        return (key, past.value, past.create_revision, found, past.version, past.lease), steps

    def _past(self, revision: int, key: bytes) -> HistoryRow:
        at = history_key(revision)
        stored = self._history.get(at)
        if stored is None:
            raise CorruptionError(f"revision {revision} of key {key!r} is missing from the history")
        row = decode_history_row(at, stored)
        if row.key != key:
            raise CorruptionError(f"revision {revision} belongs to key {row.key!r}, not to {key!r}")
        return row
