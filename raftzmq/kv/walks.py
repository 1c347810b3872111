"""Walking back through a key's past, from each revision to the one that it replaced.

The history is in the order of revisions, not of keys, so there is no way but this to what a key was. A key that is
written all the time has as long a past as the history: a million revisions took the state thread 1.4 s. So a walk
pauses, and remembers where, to go on in a later job.
"""

from __future__ import annotations

from collections import OrderedDict

from raftzmq.errors import CorruptionError
from raftzmq.kv.hashing import STEP_BYTES
from raftzmq.kv.rows import decode_history_previous, history_key
from raftzmq.kv.tables import Table

WALK_STEPS_MAX = 5_000
"""Steps of a walk between two pauses: 7 to 15 ms, which all that is to be applied waits for each time."""
WALKS_MAX = 1_000
"""Walks that paused and are remembered: whoever asked for one may never ask again. One forgotten begins anew."""


class Walks:
    """The walks that pause. What one has passed stays passed, since the past of a key doesn't change."""

    def __init__(self, history: Table) -> None:
        self._history = history
        self._come_to: OrderedDict[tuple[bytes, int], int] = OrderedDict()
        """Key and revision that are looked for → the revision that the walk has come to, the one asked for last at the
        end."""

    def find(self, key: bytes, newest: int, revision: int) -> tuple[int | None, int]:
        """The revision of ``key`` that ``revision`` sees, from its ``newest`` one back; and the steps that this took.

        0: there is none; None: the walk pauses. Raises CorruptionError.
        """
        get = self._history.get
        paused = self._come_to.pop((key, revision), None)
        mod = newest if paused is None else paused
        steps = 0
        while mod > revision:
            if steps >= WALK_STEPS_MAX:
                self._remember(key, revision, mod)
                return None, steps
            at = history_key(mod)
            row = get(at)
            if row is None:
                raise CorruptionError(f"revision {mod} of key {key!r} is missing from the history")
            previous = decode_history_previous(at, row, key)
            if previous >= mod:
                raise CorruptionError(f"revision {mod} of key {key!r} names revision {previous} as its past")
            mod = previous
            steps += 1 + len(row) // STEP_BYTES
        if paused is not None:
            # Others may wait for the end of the same walk.
            self._remember(key, revision, mod)
        return mod, steps

    def _remember(self, key: bytes, revision: int, mod: int) -> None:
        self._come_to[key, revision] = mod
        if len(self._come_to) > WALKS_MAX:
            self._come_to.popitem(last=False)
