"""Every row of the state, checked and in order: hashed a slice at a time, or only looked at.

A hash reads the whole state, which took the state thread 1.5 s with 700,000 keys, and nothing was applied meanwhile.
So whoever can keep the tables as they are (a read transaction of LMDB's does) hashes them over many jobs.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

from raftzmq.config import KIB
from raftzmq.kv.rows import decode_history_row, decode_key_row, decode_session_row
from raftzmq.kv.tables import Tables

_DIGEST_BYTES = 16
_GATHERED_BYTES = 64 * KIB
"""What is handed to the hash function at a time. It lets other threads run during a long input, so that a loop that
waits for the interpreter gets it each time, instead of after the interpreter's own 5 ms."""
STEP_BYTES = 4096
"""A row counts as a step, and as another one for each so many bytes that it has: about what its check costs, which is a
checksum over all of them. So it is wherever rows are read in parts."""


def checked_rows(tables: Tables) -> Iterator[tuple[int, bytes, bytes]]:
    """Every row, with its table's number and its key, once it has been checked; raises CorruptionError."""
    checks = (
        (tables.keys, decode_key_row),
        (tables.history, decode_history_row),
        (tables.sessions, decode_session_row),
    )
    for number, (table, check) in enumerate(checks):
        for key, row in table.scan(b""):
            check(key, row)
            yield number, key, row


class Hashing:
    """The hash of all rows in order, each behind its lengths, and of the revision.

    The tables stay as they are until it is done, and hold all there is: what `Sessions.save` puts there, too.
    """

    def __init__(self, tables: Tables, revision: int) -> None:
        self._rows = checked_rows(tables)
        self.steps = 0
        """Done so far."""
        self._digest = blake2b(revision.to_bytes(8, "big"), digest_size=_DIGEST_BYTES)

    def go_on(self, steps: int | None = None) -> str | None:
        """Hash about so many steps further (None: to the end). The hash, in hex, or None if there is more to do.

        Raises CorruptionError, which ends it.
        """
        gathered: list[bytes] = []
        size = 0
        end = None if steps is None else self.steps + steps
        for number, key, row in self._rows:
            gathered.append(b"%c%c%d:" % (number, 0, len(key)) + key + b"%d:" % len(row) + row)
            size += len(row)
            self.steps += 1 + len(row) // STEP_BYTES
            if size >= _GATHERED_BYTES:
                self._digest.update(b"".join(gathered))
                gathered.clear()
                size = 0
            if end is not None and self.steps >= end:
                self._digest.update(b"".join(gathered))
                return None
        self._digest.update(b"".join(gathered))
        return self._digest.hexdigest()
