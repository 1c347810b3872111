"""After a measurement: what clients were told is held against what the nodes store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from raftzmq.benchmarks.plan import key_name
from raftzmq.benchmarks.record import REFUSED, UNKNOWN, Record
from raftzmq.benchmarks.revision_set import RevisionSet
from raftzmq.client.results import KeyValue, StateDigest
from raftzmq.client.sync import Client
from raftzmq.errors import RaftzmqError

_PATIENCE_S = 60.0
_SHOWN = 5


class VerificationFailed(RaftzmqError):
    """The store does not hold what its clients were told: a bug, and the figures of the run mean nothing."""


@dataclass(slots=True)
class Ledger:
    """What clients were told of their puts.

    With several puts of a key in flight together, any order among them is right, but only one: that of their
    revisions. So what must be read is the value of the highest revision that was acknowledged, at that revision,
    unless a put of unknown outcome came after it.
    """

    latest: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)
    unknown: dict[bytes, set[bytes]] = field(default_factory=dict)
    acknowledged_count: int = 0
    unknown_count: int = 0
    revisions: RevisionSet = field(default_factory=RevisionSet)

    def acknowledged(self, key: bytes, value: bytes, revision: int) -> None:
        """A put was acknowledged."""
        self.acknowledged_count += 1
        self.revisions.add(revision)
        if key not in self.latest or self.latest[key][0] < revision:
            self.latest[key] = (revision, value)

    def in_doubt(self, key: bytes, value: bytes) -> None:
        """A put may have been applied."""
        self.unknown_count += 1
        self.unknown.setdefault(key, set()).add(value)

    def add(self, records: Iterable[Record]) -> None:
        """Everything that client processes were told."""
        for record in records:
            value = record.plan.values()
            for sequence, (number, revision) in enumerate(zip(record.keys, record.revisions, strict=True)):
                if revision > 0:
                    self.acknowledged(key_name(number), value(sequence), revision)
                elif revision == UNKNOWN:
                    self.in_doubt(key_name(number), value(sequence))
                else:
                    assert revision == REFUSED

    def check(self, rows: Iterable[KeyValue], revision: int) -> None:
        """Hold all that is stored, and the store's revision, to the ledger; raises VerificationFailed."""
        stored = {row.key: row for row in rows}
        wrong = [
            f"{key!r} was acknowledged at revision {latest}, but {_describe(stored.get(key))}"
            for key, (latest, value) in self.latest.items()
            if not self._holds(stored.get(key), latest, value)
        ]
        wrong += [
            f"{key!r} was never acknowledged, but {_describe(row)}"
            for key, row in stored.items()
            if key not in self.latest and row.value not in self.unknown.get(key, ())
        ]
        if len(self.revisions) != self.acknowledged_count:
            wrong.append(f"{self.acknowledged_count} puts share {len(self.revisions)} revisions")
        most = self.acknowledged_count + self.unknown_count
        if not self.acknowledged_count <= revision <= most:
            wrong.append(f"the store is at revision {revision} after {self.acknowledged_count} to {most} puts")
        if wrong:
            raise VerificationFailed(f"{len(wrong)} contradictions: {'; '.join(wrong[:_SHOWN])}")

    def _holds(self, row: KeyValue | None, revision: int, value: bytes) -> bool:
        if row is None or row.mod_revision < revision:
            return False
        if row.mod_revision == revision:
            return row.value == value
        return row.value in self.unknown.get(row.key, ())


def _describe(row: KeyValue | None) -> str:
    return "it is not there" if row is None else f"there is {row.value[:16]!r}… of revision {row.mod_revision}"


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found right."""

    keys_read_back: int
    nodes_agreeing: int
    digest: StateDigest


def verify(endpoints: Iterable[str], ledger: Ledger, *, hashed: bool = True) -> Verified:
    """Read everything back through the shipped client, and compare what the nodes store.

    They hash every row that they have, which holds up what else they do on the same thread for seconds. Where that
    would cost them their leader each time, in a runtime that blocks its loop, not ``hashed`` compares the running
    digests of all that they have written instead.

    Raises VerificationFailed for a lost, wrong or doubled write and for nodes that differ, RequestError for a cluster
    that doesn't answer.
    """
    names = tuple(endpoints)
    with Client(names, timeout=_PATIENCE_S) as client:
        rows = list(_everything(client))
        digest = _common_digest(names, _hashes if hashed else _running_digests, client)
        ledger.check(rows, digest.revision)
    return Verified(len(rows), len(names), digest)


def _everything(client: Client) -> Iterator[KeyValue]:
    """Every key that is stored, all as of one revision."""
    page = client.range()
    yield from page.items
    while page.more:
        page = client.range(resume_key=page.resume_key, revision=page.revision)
        yield from page.items


def _hashes(client: Client, endpoints: tuple[str, ...]) -> dict[str, StateDigest]:
    return {endpoint: client.state_hash(endpoint) for endpoint in endpoints}


def _running_digests(client: Client, endpoints: tuple[str, ...]) -> dict[str, StateDigest]:
    rows = {row["endpoint"]: row for row in client.status() if row["reachable"]}
    silent = [endpoint for endpoint in endpoints if endpoint not in rows]
    if silent:
        raise VerificationFailed(f"no status from {', '.join(silent)}")
    return {
        endpoint: StateDigest(row["last_applied"], row["revision"], f"{row['digest']:08x}")
        for endpoint, row in rows.items()
    }


def _common_digest(
    endpoints: tuple[str, ...], look: Callable[[Client, tuple[str, ...]], dict[str, StateDigest]], client: Client
) -> StateDigest:
    """What all nodes reduce their state to, once all have applied the same entries."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        digests = look(client, endpoints)
        if len({digest.last_applied for digest in digests.values()}) == 1:
            break
        if time.monotonic() > deadline:
            raise VerificationFailed(f"the nodes never got as far as one another: {digests}")
    if len(set(digests.values())) != 1:
        raise VerificationFailed(f"the nodes applied the same entries and store different things: {digests}")
    return digests[endpoints[0]]
