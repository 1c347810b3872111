"""Saving from a cluster that goes on: all pages as of one revision, or a clear word that it can't be had any more."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from raftzmq.backups.format import SnapshotFileError
from raftzmq.backups.reading import SnapshotReader
from raftzmq.backups.saving import save_cluster
from raftzmq.benchmarks.local_cluster import free_ports
from raftzmq.client.sync import Client
from raftzmq.codec.clients import StatusAnswer, StatusRequest, decode_client_header
from raftzmq.kv.machine import StateMachine
from tests.client.server import CLUSTER, Decree, Node
from tests.kv.replica import memory_tables

VALUE = bytes(600_000)
"""A page of an answer has room for one of them."""


class TellingNode(Node):
    """A node that tells of itself what a real one does."""

    def _on_message(self, routing: bytes, frames: Sequence[bytes]) -> None:
        header = decode_client_header(frames[0])
        if not isinstance(header, StatusRequest) or routing not in self.connections:
            super()._on_message(routing, frames)
            return
        row = {"node": self.name, "cluster": CLUSTER, "commit_index": self.decree.index, "term": 3}
        self._send(routing, StatusAnswer(header.request), json.dumps(row).encode())


@pytest.fixture
def client() -> Iterator[Client]:
    """A client of a store that can read back ten revisions."""
    decree = Decree()
    decree.machine = StateMachine(memory_tables(), revisions_max=10)
    (port,) = free_ports(1)
    endpoint = f"tcp://127.0.0.1:{port}"
    decree.leader, decree.members = "n1", [("n1", endpoint)]
    with TellingNode(decree, "n1", endpoint), Client(endpoint) as connected:
        yield connected


def keys(path: Path) -> dict[bytes, int]:
    """Keys and their mod_revisions in a file."""
    with SnapshotReader(path) as reader:
        return {row[0]: row[3] for row in reader.rows()}


def test_every_page_is_of_one_revision(client: Client, tmp_path: Path) -> None:
    for key in "abcd":
        client.put(key, VALUE)
    sizes: list[int] = []

    def advance(done: int, size: int) -> None:
        sizes.append(size)
        client.put("d", "newer")
        client.delete("c")
        client.put(f"e{done}", "new")

    contents = save_cluster(client, tmp_path / "file", advance)
    assert keys(tmp_path / "file") == {b"a": 1, b"b": 2, b"c": 3, b"d": 4}
    assert len(sizes) == 4
    assert sizes == sorted(sizes)
    assert (contents.header.cluster_id, contents.header.term, contents.keys) == (CLUSTER, 3, 4)
    assert contents.header.revision == 4


def test_a_revision_that_is_compacted_meanwhile_is_said_and_leaves_nothing(client: Client, tmp_path: Path) -> None:
    for key in "abc":
        client.put(key, VALUE)

    def advance(done: int, size: int) -> None:
        for _ in range(11):
            client.put("z", "much")

    with pytest.raises(SnapshotFileError, match=r"revision 3 was compacted while it was being saved.*try again"):
        save_cluster(client, tmp_path / "file", advance)
    assert not list(tmp_path.iterdir())


def test_an_empty_store_can_be_saved(client: Client, tmp_path: Path) -> None:
    assert save_cluster(client, tmp_path / "file", lambda done, size: None).keys == 0
    assert keys(tmp_path / "file") == {}
