"""Whose data this is: cluster, node, and the incarnation that was drawn when the node first started.

Raft counts on a voter that never forgets its vote. A node whose disk was emptied under it would vote a second time in
the same term, so it must not start as if it were new: the marker beside the directory remembers that it existed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from raftzmq.checksum import crc32
from raftzmq.errors import CorruptionError, IdentityError
from raftzmq.records import seal, unseal
from raftzmq.storage.directory import write_durably

IDENTITY_VERSION = 1
IDENTITY_KEY = b"identity"


@dataclass(frozen=True, slots=True)
class Identity:
    """The node that a log, a state and a marker belong to. ``incarnation`` is random, new with each new disk."""

    cluster_id: str
    node: str
    incarnation: str

    def encode(self) -> bytes:
        """The record in the ``meta`` table of both environments."""
        return seal(self._json())

    def _json(self) -> bytes:
        return json.dumps([IDENTITY_VERSION, self.cluster_id, self.node, self.incarnation]).encode()

    def marker(self) -> bytes:
        """The text of the marker file: checksum, then JSON."""
        body = self._json()
        return b"%08x %s\n" % (crc32(body), body)


def _parse(body: bytes, where: str) -> Identity:
    version, *rest = json.loads(body)
    if version != IDENTITY_VERSION:
        raise CorruptionError(f"{where} has format {version}; this release reads format {IDENTITY_VERSION}")
    cluster_id, node, incarnation = rest
    return Identity(cluster_id, node, incarnation)


def decode_identity(record: bytes, where: str) -> Identity:
    """Read what `Identity.encode` wrote; raises CorruptionError, naming ``where`` it was found."""
    return _parse(unseal(record, where), where)


def marker_path(data: Path) -> Path:
    """The marker of data directory ``data``: beside it, so that a new disk mounted there doesn't hide it."""
    return data.with_name(data.name + ".identity")


def read_marker(data: Path) -> Identity | None:
    """The marker of ``data``, or None; raises CorruptionError if it is damaged, IdentityError if it can't be read."""
    path = marker_path(data)
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise IdentityError(
            f"{path} should be the file that says which node has lived in {data}, but it cannot be read "
            f"({error.strerror}): bring the file back, or use another data directory"
        ) from error
    checksum, _, body = text.rstrip(b"\n").partition(b" ")
    if checksum != b"%08x" % crc32(body):
        raise CorruptionError(f"{path} fails its checksum: the disk or memory changed it")
    return _parse(body, str(path))


def write_marker(data: Path, identity: Identity) -> None:
    """Write the marker of ``data`` durably; raises StorageError."""
    write_durably(marker_path(data), identity.marker())


def check_identity(found: Identity, cluster_id: str, node: str, where: str) -> None:
    """Raise IdentityError unless what was ``found`` belongs to ``node`` of ``cluster_id``."""
    if found.cluster_id != cluster_id:
        raise IdentityError(f"{where} belongs to cluster {found.cluster_id!r}, not to {cluster_id!r}")
    if found.node != node:
        raise IdentityError(f"{where} belongs to node {found.node!r}, not to {node!r}")
