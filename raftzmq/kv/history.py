"""How long the past is kept: the history forgets, a few revisions a batch, what only older readers could still see.

Two bounds run behind the newest revision. As the first one, ``compacted_revision``, passes a revision, what that
revision replaced can be read no more: the row of the key's previous revision, or the key altogether if it was deleted
then and not set again. What is still current stays, however old.

Rows that die so lie all over the table, and removing them at once would touch a page for each. So they are only marked,
and the second bound, ``swept_revision``, removes them in order, where whole pages die together. What it finds alive it
leaves; if that is replaced later it is removed by itself. (With 100,000 keys a write cost 7 to 9 µs more when every row
was removed as it died, commits included, and about 2 so. With the least work for each revision passed, and what is
swept given back by whole databases, `raftzmq.storage.segments`, a put into a full history costs 1.11 of one into a
history that fills; deleting row by row in order it was 1.28.)

Both follow from the applied entries alone, so every replica forgets the same rows at the same entry.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import islice

from raftzmq.config import HISTORY_BYTES_MAX, HISTORY_REVISIONS_MAX, HISTORY_STEP
from raftzmq.errors import CorruptionError
from raftzmq.kv.rows import HistoryRow, decode_history_row, decode_key_row, encode_history_row, history_key, revision_of
from raftzmq.kv.tables import Table

_TRIM = 65_536
"""Marks of swept revisions that pile up before they are dropped."""


def link_of(at: bytes, row: bytes) -> int:
    """The revision that the row at ``at`` replaced (0: none), below 0 if it is a deletion; raises CorruptionError."""
    written: HistoryRow = decode_history_row(at, row)
    return written.previous if written.version else -written.previous


class History:
    """The bounds of the history. Invariants: ``swept_revision <= compacted_revision <= revision``.

    Every revision above ``swept_revision`` has its row; ``bytes`` is the size of those above ``compacted_revision``.
    """

    def __init__(
        self,
        keys: Table,
        history: Table,
        revision: int = 0,
        bounds: tuple[int, int, int] = (0, 0, 0),
        *,
        revisions_max: int = HISTORY_REVISIONS_MAX,
        bytes_max: int = HISTORY_BYTES_MAX,
    ) -> None:
        """``revision``: the newest. ``bounds``: swept and compacted revision, and bytes, as they were saved.

        Raises CorruptionError.
        """
        self.swept_revision, self.compacted_revision, self.bytes = bounds
        self._keys = keys
        self._history = history
        self._revisions_max = revisions_max
        self._bytes_max = bytes_max
        self._first_link = revision + 1
        """The revision of the first of `_links`; what was written before is in the table alone."""
        self._links = array("q")
        self._sizes = array("I")
        self._first = self.swept_revision + 1
        """The revision of the first mark."""
        self._dead = bytearray(self.compacted_revision - self.swept_revision)
        """A mark for each revision from ``_first`` to the compacted one: 1 where the row may go."""
        # One by one: half a million rows at once would be the most memory that a node ever takes.
        for place, (at, row) in enumerate(self._walk(self._first, len(self._dead))):
            written = decode_history_row(at, row)
            if written.previous >= self._first:
                self._dead[written.previous - self._first] = 1
            if not written.version and written.create_revision:
                self._dead[place] = 1

    @property
    def bounds(self) -> tuple[int, int, int]:
        """What is to be saved with the tables."""
        return self.swept_revision, self.compacted_revision, self.bytes

    def written(self, rows: list[tuple[bytes, bytes]], links: list[int], revision: int) -> None:
        """A batch wrote ``rows``, up to ``revision``: forget what is too old by now. Raises CorruptionError.

        ``links`` has for each row the revision that it replaced (0: none), below 0 if it is a deletion.
        """
        sizes = [len(row) for _, row in rows]
        self.bytes += sum(sizes)
        self._links.extend(links)
        self._sizes.extend(sizes)
        readable = revision - self.compacted_revision
        if readable > self._revisions_max or self.bytes > self._bytes_max:
            wanted = max(0, readable - self._revisions_max)
            self._compact(wanted, min(2 * len(rows) + HISTORY_STEP, readable))
        # Half as long again as the past that can be read: by then most that was to die is marked.
        lag = self.compacted_revision - self.swept_revision - (revision - self.compacted_revision) // 2
        if lag > 0:
            self._sweep(min(lag, 2 * len(rows) + HISTORY_STEP))

    def _rows(self, first: int, count: int) -> list[tuple[bytes, bytes]]:
        return list(self._walk(first, count))

    def _walk(self, first: int, count: int) -> Iterator[tuple[bytes, bytes]]:
        """The rows of ``count`` revisions; raises CorruptionError at the first one that is missing."""
        wanted = first
        for at, row in islice(self._history.scan(history_key(first)), count):
            if revision_of(at) != wanted:
                break
            yield at, row
            wanted += 1
        if wanted != first + count:
            raise CorruptionError(f"the history lacks revision {wanted}")

    def _compact(self, wanted: int, most: int) -> None:
        """Pass at least ``wanted`` revisions, and as many as the bytes ask for; no more than ``most``."""
        place = self.compacted_revision + 1 - self._first_link
        if place < 0:
            # Written before this object was made: the rows themselves must be looked at.
            rows = self._rows(self.compacted_revision + 1, min(most, -place))
            links = array("q", [link_of(at, row) for at, row in rows]) + self._links[: max(0, most + place)]
            sizes = array("I", [len(row) for _, row in rows]) + self._sizes[: max(0, most + place)]
            self._pass(wanted, most, links, sizes)
            return
        self._pass(wanted, most, self._links[place : place + most], self._sizes[place : place + most])
        if place + most >= _TRIM:
            done = self.compacted_revision + 1 - self._first_link
            del self._links[:done], self._sizes[:done]
            self._first_link += done

    def _pass(self, wanted: int, most: int, links: Sequence[int], sizes: Sequence[int]) -> None:
        count = min(wanted, most)
        self.bytes -= sum(sizes[:count])
        while count < most and self.bytes > self._bytes_max:
            self.bytes -= sizes[count]
            count += 1
        gone: list[bytes] = []
        first, swept, dead = self._first, self.swept_revision, self._dead
        dead += bytes(count)
        passed = links[:count]
        deletions = bool(passed) and min(passed) < 0
        for previous in map(abs, passed) if deletions else passed:
            if previous > swept:
                dead[previous - first] = 1
            elif previous:
                gone.append(history_key(previous))
        if deletions:
            for revision, link in enumerate(passed, self.compacted_revision + 1):
                if link < 0:
                    self._forget(revision)
        self.compacted_revision += count
        gone.sort()
        self._history.delete_many(gone)

    def _forget(self, revision: int) -> None:
        """The bound passes a deletion: if it was the last word on its key, nothing needs to be known of that.

        The row says so itself from now on, since a later write of the key begins anew and doesn't lead back to it.
        """
        [(at, row)] = self._rows(revision, 1)
        deletion = decode_history_row(at, row)
        stored = self._keys.get(deletion.key)
        if stored is not None and decode_key_row(deletion.key, stored)[1] == revision:
            self._keys.delete(deletion.key)
            self._history.put(at, encode_history_row(at, deletion._replace(create_revision=1)))
            self._dead[revision - self._first] = 1

    def _sweep(self, count: int) -> None:
        start = self.swept_revision + 1 - self._first
        self._history.sweep(history_key(self.swept_revision + 1), self._dead[start : start + count])
        self.swept_revision += count
        if start + count >= _TRIM:
            del self._dead[: start + count]
            self._first = self.swept_revision + 1
