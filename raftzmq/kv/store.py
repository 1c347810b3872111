"""Keys with revisions, as etcd has them: every write raises one global revision and is kept in the history.

Writes work on what `begin` fetched for a batch and reach the tables in `flush`, one call per table. Reads see the
tables alone, so they run between batches. Reading at an old revision walks the key's chain of previous revisions.
"""

from __future__ import annotations

from collections.abc import Iterable
from zlib import crc32

from raftzmq.config import ANSWER_BYTES_MAX
from raftzmq.errors import CorruptionError, InvariantViolation
from raftzmq.kv.commands import ROW_OVERHEAD_BYTES, CompareAndSwap, Delete, Put, Row
from raftzmq.kv.history import History
from raftzmq.kv.rows import (
    HistoryRow,
    KeyRow,
    decode_history_row,
    decode_key_row,
    history_key,
    pack_crc,
    pack_history_head,
    pack_history_key,
    pack_key_body,
)
from raftzmq.kv.tables import Table

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
        self._fetched: dict[bytes, bytes] = {}
        self._changed: dict[bytes, KeyRow] = {}
        self._written: list[tuple[bytes, bytes]] = []
        self._links: list[int] = []

    # ---- writing: begin, any number of commands, flush

    def begin(self, keys: Iterable[bytes]) -> None:
        """Start a batch that touches no keys but ``keys``. Raises InvariantViolation inside another batch."""
        if self._written or self._changed:
            raise InvariantViolation("a batch was begun before the one before it was written")
        self._fetched = self._keys.get_many(keys)

    def put_all(self, commands: list[Put]) -> list[int]:
        """Apply puts, one revision each; their revisions. This loop is where a busy cluster spends its time."""
        fetched, changed, write, link = self._fetched.get, self._changed, self._written.append, self._links.append
        pack_head, crc_of, pack_checksum, pack_at = pack_history_head, crc32, pack_crc, pack_history_key
        current = changed.get
        first = revision = self.revision + 1
        for command in commands:
            key, value, lease = command.key, command.value, command.lease
            old = current(key)
            if old is None:
                row = fetched(key)
                old = ABSENT if row is None else decode_key_row(key, row)
            create, previous, version, _ = old
            if not version:
                create = revision
            version += 1
            changed[key] = (create, revision, version, lease)
            body = pack_head(previous, create, version, lease, len(key)) + key + value
            at = pack_at(revision, 0)
            write((at, pack_checksum(crc_of(at, crc_of(body))) + body))
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
        self._changed[key] = (0, self.revision, 0, 0)
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
        written, changed = self._written, self._changed
        if not written:
            return digest
        rows = []
        for key, row in changed.items():
            body = pack_key_body(*row)
            rows.append((key, pack_crc(crc32(key, crc32(body))) + body))
        self._history.put_many(written, append=True)
        self._keys.put_many(rows)
        digest = crc32(b"".join([row for _, row in written]), digest)
        digest = crc32(b"".join([row for _, row in rows]), digest)
        self._fetched, self._changed, self._written = {}, {}, []
        links, self._links = self._links, []
        self.past.written(written, links, self.revision)
        return digest

    def _current(self, key: bytes) -> KeyRow:
        row = self._changed.get(key)
        if row is not None:
            return row
        stored = self._fetched.get(key)
        return ABSENT if stored is None else decode_key_row(key, stored)

    def _write(self, row: HistoryRow) -> None:
        at = history_key(self.revision)
        head = pack_history_head(row.previous, row.create_revision, row.version, row.lease, len(row.key))
        body = head + row.key + row.value
        self._written.append((at, pack_crc(crc32(at, crc32(body))) + body))

    def _value(self, revision: int, key: bytes) -> bytes:
        """The value that ``revision`` gave ``key``, be it still in the batch or in the table."""
        behind = self.revision - revision
        if behind < len(self._written):
            # A revision is one row of the batch, in order, so its place is known.
            return decode_history_row(*self._written[-1 - behind]).value
        return self._past(revision, key).value

    # ---- reading: between batches

    def get(self, key: bytes, revision: int) -> Row | None:
        """``key`` as of ``revision``, or None. Raises CorruptionError if a row on the way is damaged."""
        stored = self._keys.get(key)
        return None if stored is None else self._as_of(key, stored, revision)[0]

    def range(self, start: bytes, end: bytes | None, limit: int, revision: int) -> RangeRows:
        """Keys in ``[start, end)`` as of ``revision``, at most ``limit`` and about ANSWER_BYTES_MAX bytes of rows.

        At least one row comes back if `SCAN_STEPS_MAX` steps find one. Raises CorruptionError.
        """
        rows: list[Row] = []
        size = steps = 0
        for key, stored in self._keys.scan(start, end):
            if steps >= SCAN_STEPS_MAX:
                return RangeRows(rows, key)
            row, hops = self._as_of(key, stored, revision)
            steps += 1 + hops
            if row is None:
                continue
            size += len(key) + len(row[1]) + ROW_OVERHEAD_BYTES
            if rows and (len(rows) >= limit or size > ANSWER_BYTES_MAX):
                return RangeRows(rows, key)
            rows.append(row)
        return RangeRows(rows, None)

    def _as_of(self, key: bytes, stored: bytes, revision: int) -> tuple[Row | None, int]:
        """The row of ``key`` visible at ``revision``, and how many revisions back it lay."""
        create, mod, version, lease = decode_key_row(key, stored)
        hops = 0
        if mod <= revision:
            if not version:
                return None, 0
            past = self._past(mod, key)
            return (key, past.value, create, mod, version, lease), 0
        while mod > revision:
            hops += 1
            previous = self._past(mod, key).previous
            if previous >= mod:
                raise CorruptionError(f"revision {mod} of key {key!r} names revision {previous} as its past")
            mod = previous
        if not mod:
            return None, hops
        past = self._past(mod, key)
        if not past.version:
            return None, hops
        return (key, past.value, past.create_revision, mod, past.version, past.lease), hops

    def _past(self, revision: int, key: bytes) -> HistoryRow:
        at = history_key(revision)
        stored = self._history.get(at)
        if stored is None:
            raise CorruptionError(f"revision {revision} of key {key!r} is missing from the history")
        row = decode_history_row(at, stored)
        if row.key != key:
            raise CorruptionError(f"revision {revision} belongs to key {row.key!r}, not to {key!r}")
        return row
