"""Gets under load are held against the puts: each returned what somebody had put there, and nothing older than due."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from raftzmq.benchmarks.plan import key_name
from raftzmq.benchmarks.record import UNKNOWN, Record
from raftzmq.benchmarks.verification import VerificationFailed

_SHOWN = 5


def check_readings(records: Sequence[Record]) -> int:
    """Hold what all clients read to what all of them wrote; how many gets were checked.

    A value names its client and sequence, so the put is known: it must have been of this key, and acknowledged at this
    revision if it was acknowledged. What was put before the clock ran is seen by every get. Raises VerificationFailed.
    """
    wrong = [f"client {r.plan.client} read {r.readings.stale} stale values" for r in records if r.readings.stale]
    by_client = {record.plan.client: record for record in records}
    floor = _preloaded(records)
    checked = 0
    for record in records:
        readings = record.readings
        checked += len(readings.keys)
        for number, revision, head in zip(readings.keys, readings.revisions, readings.heads, strict=True):
            if revision < floor[number]:
                wrong.append(f"{key_name(number)!r} was read as of {revision}, and put at {floor[number]} before")
            elif revision and not _written(by_client, number, revision, head):
                wrong.append(f"{key_name(number)!r} was read at revision {revision}, which nobody put there")
    if wrong:
        raise VerificationFailed(f"{len(wrong)} contradictions: {'; '.join(wrong[:_SHOWN])}")
    return checked


def _preloaded(records: Sequence[Record]) -> array[int]:
    """The revision of each key when the clock began to run."""
    floor = array("q", bytes(8 * max(record.plan.keys for record in records)))
    for record in records:
        first, last = record.plan.preload
        floor[first:last] = record.revisions[1 : 1 + last - first]
    return floor


def _written(by_client: dict[int, Record], number: int, revision: int, head: int) -> bool:
    writer, sequence = by_client.get(head >> 32), head & 0xFFFFFFFF
    if writer is None or sequence >= len(writer.keys) or writer.keys[sequence] != number:
        return False
    return writer.revisions[sequence] in (revision, UNKNOWN)
