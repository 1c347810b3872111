"""What goes into a snapshot file: all keys as of one revision, of a live cluster or of a stopped node."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from raftzmq.backups.format import Header, SnapshotFileError
from raftzmq.backups.reading import Contents
from raftzmq.backups.writing import SnapshotWriter
from raftzmq.client.results import KeyValue, RangeResult
from raftzmq.client.sync import Client
from raftzmq.errors import Compacted, Unreachable
from raftzmq.kv.commands import Row
from raftzmq.storage.stopped import StoppedNode

Advance = Callable[[int, int], None]
"""Takes how many keys and bytes are written."""


def save_cluster(client: Client, path: Path, advance: Advance, *, force: bool = False) -> Contents:
    """Save a live cluster, by linearizable reads, while it goes on: all of it as of one revision.

    Raises SnapshotFileError, also if that revision is compacted meanwhile, and RequestError.
    """
    rows = [row for row in client.status() if row["reachable"]]
    if not rows:
        raise Unreachable("no node answers: without one there is nothing to save")
    page = client.range()
    ahead = max(rows, key=lambda row: int(row["commit_index"]))
    header = Header(
        str(ahead["cluster"]), page.revision, ahead["commit_index"], ahead["term"], source="cluster", made_at=now()
    )
    return _save(path, header, _pages(client, page), advance, force)


def save_node(node: StoppedNode, path: Path, advance: Advance, *, force: bool = False) -> Contents:
    """Save what a stopped node has applied. Raises SnapshotFileError, CorruptionError."""
    machine, identity = node.machine, node.identity
    header = Header(
        identity.cluster_id,
        machine.revision,
        max(machine.applied_index, node.last_log_index),
        machine.applied_term,
        source=f"node {identity.node}",
        made_at=now(),
    )
    return _save(path, header, node.pages(), advance, force)


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _save(path: Path, header: Header, pages: Iterable[list[Row]], advance: Advance, force: bool) -> Contents:
    with SnapshotWriter(path, header, force=force) as writer:
        for rows in pages:
            writer.add(rows)
            advance(writer.keys, writer.bytes)
        checksum = writer.finish()
        return Contents(header, writer.keys, writer.bytes, checksum)


def _pages(client: Client, page: RangeResult) -> Iterator[list[Row]]:
    revision = page.revision
    while True:
        yield [_row(item) for item in page.items]
        if not page.more:
            return
        try:
            page = client.range(resume_key=page.resume_key, revision=revision)
        except Compacted as error:
            raise SnapshotFileError(
                f"revision {revision} was compacted while it was being saved ({error}): so much is written that its "
                "history is too short; try again, at a quieter time or nearer to the cluster"
            ) from None


def _row(item: KeyValue) -> Row:
    return item.key, item.value, item.create_revision, item.mod_revision, item.version, item.lease
