"""Data directories that aren't what they were: another's, emptied, damaged, in use. The node says so and ends.

The others go on each time, and what was acknowledged is read back from them. What is refused at its start ends before
it has a runtime; only damage that is met later meets one.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from raftzmq import Client
from raftzmq.kv.commands import Get
from raftzmq.kv.rows import META_KEY
from raftzmq.records import log_key
from raftzmq.storage.directory import LOG_DIRECTORY, STATE_DIRECTORY
from raftzmq.storage.log import HARD_STATE_KEY
from tests.live.flip import flip, record
from tests.live.harness import LiveCluster, NodeProcess, eventually
from tests.live.load import Load, check
from tests.live.memory import Growth
from tests.live.runtimes import EITHER

pytestmark = pytest.mark.live

IDENTITY, STORAGE, IN_USE = 10, 11, 12
GROWTH_MIB = 50
VICTIM = "n2"
ROW = b"value of row %d, which stands nowhere else"


@contextmanager
def going_on(cluster: LiveCluster) -> Iterator[None]:
    """While the block runs, others write; afterwards all that they were told is there."""
    with Load(cluster.endpoints, "others", threads=2) as load:
        load.wait_for(30)
        with Growth(cluster, cluster.others(VICTIM)) as growth:
            yield
            load.wait_for(30, "after what happened")
        told = load.stop()
    growth.check(GROWTH_MIB)
    check(cluster.endpoints, told)


def ends_with(node: NodeProcess, code: int, *words: str) -> None:
    """The node ends by itself with ``code``, and its last words say why."""
    assert node.wait() == code, node.tail()
    last = node.tail(1)
    for word in words:
        assert word in last, last


def heal(cluster: LiveCluster) -> None:
    """The node is back as it was before, and catches up."""
    cluster.start([VICTIM])
    cluster.agreement()
    assert len(cluster.state_hashes()) == 1


@contextmanager
def killed_after_writes(directory: Path) -> Iterator[tuple[LiveCluster, NodeProcess, Path]]:
    """A cluster under load whose node `VICTIM` has been killed, and its data directory, which is sound afterwards."""
    with LiveCluster(directory, 3, runtime=EITHER) as cluster:
        cluster.start()
        cluster.leader()
        with Client(cluster.endpoints) as client:
            for number in range(50):
                client.put(f"row/{number}", ROW % number)
        cluster.agreement()
        victim = cluster.nodes[VICTIM]
        with going_on(cluster):
            victim.kill()
            yield cluster, victim, cluster.data / VICTIM
        heal(cluster)


def test_the_directory_of_another_cluster_is_refused(tmp_path: Path) -> None:
    with killed_after_writes(tmp_path) as (cluster, victim, _):
        other = dataclasses.replace(cluster.configuration, cluster_id="another")
        path = tmp_path / "another.toml"
        path.write_text(other.to_toml())
        command = list(victim.command)
        victim.command[command.index("--config") + 1] = str(path)
        victim.start()
        ends_with(victim, IDENTITY, "belongs to cluster", cluster.configuration.cluster_id, "another")
        victim.command = command


@pytest.mark.parametrize("what", ["everything", STATE_DIRECTORY, LOG_DIRECTORY])
def test_an_emptied_directory_of_a_known_node_is_refused(tmp_path: Path, what: str) -> None:
    with killed_after_writes(tmp_path) as (_, victim, data):
        shutil.copytree(data, kept := tmp_path / "kept")
        shutil.rmtree(data if what == "everything" else data / what)
        if what == "everything":
            data.mkdir()
        victim.start()
        ends_with(victim, IDENTITY, "lost" if what != STATE_DIRECTORY else "has lost its state")
        # Refused once is refused again: nothing was made that looks like a node's data.
        victim.start()
        ends_with(victim, IDENTITY)
        shutil.rmtree(data)
        kept.rename(data)


def test_two_nodes_on_one_directory(tmp_path: Path) -> None:
    with LiveCluster(tmp_path, 3, runtime=EITHER) as cluster:
        cluster.start()
        cluster.leader()
        first = cluster.nodes[VICTIM]
        second = NodeProcess(first.address, first.command, tmp_path / "second.log")
        with going_on(cluster):
            second.start()
            assert first.process is not None
            ends_with(second, IN_USE, f"process {first.process.pid}")
            assert first.running
        cluster.agreement()


@pytest.mark.parametrize(
    ("environment", "table", "key", "words"),
    [
        (LOG_DIRECTORY, "entries", log_key(20), "log entry 20 fails its checksum"),
        (LOG_DIRECTORY, "meta", HARD_STATE_KEY, "fails its checksum"),
        (STATE_DIRECTORY, "meta", META_KEY, "the state's own row fails its checksum"),
    ],
    ids=["log record", "hard state", "state's own row"],
)
def test_a_flipped_bit_keeps_a_node_from_starting(
    tmp_path: Path, environment: str, table: str, key: bytes, words: str
) -> None:
    with killed_after_writes(tmp_path) as (_, victim, data):
        shutil.copytree(data, kept := tmp_path / "kept")
        flip(data / environment, record(data / environment, table, key))
        victim.start()
        ends_with(victim, STORAGE, words)
        # Not dropped, not repaired by itself: the record may have been acknowledged to somebody.
        victim.start()
        ends_with(victim, STORAGE, words)
        shutil.rmtree(data)
        kept.rename(data)


@contextmanager
def rows_stored(directory: Path, runtime: str) -> Iterator[tuple[LiveCluster, Path]]:
    """A cluster in which rows stand in every state, and the state of `VICTIM`."""
    with LiveCluster(directory, 3, runtime=runtime) as cluster:
        cluster.start()
        cluster.leader()
        with Client(cluster.endpoints) as client:
            for number in range(50):
                client.put(f"row/{number}", ROW % number)
        cluster.agreement()
        state = cluster.data / VICTIM / STATE_DIRECTORY
        last = eventually(lambda: cluster.status(VICTIM), f"{VICTIM} answers")["last_applied"]
        eventually(
            lambda: (cluster.status(VICTIM) or {}).get("durable_state_index") == last, "the state's commit is durable"
        )
        yield cluster, state


@pytest.mark.parametrize("when", ["while it runs", "while it is down"])
def test_a_flipped_bit_in_a_row_is_said_to_who_reads_it(tmp_path: Path, when: str, runtime: str) -> None:
    with rows_stored(tmp_path, runtime) as (cluster, state):
        if when == "while it is down":
            cluster.nodes[VICTIM].kill()
        flip(state, ROW % 7)
        if when == "while it is down":
            cluster.nodes[VICTIM].start()
            eventually(lambda: cluster.status(VICTIM), "it starts: rows are looked at when they are read")
        with going_on(cluster), cluster.connection(VICTIM, timeout=30.0) as connection:
            (sound,) = connection.read(Get(b"row/8"))
            assert sound[1] == ROW % 8
            (damaged,) = connection.read(Get(b"row/7"))
            assert damaged["error"] == "corrupted", damaged
            assert "fails its checksum" in damaged["message"]
            for name in cluster.others(VICTIM):
                with cluster.connection(name, timeout=30.0) as other:
                    assert other.read(Get(b"row/7"))[0][1] == ROW % 7
        cluster.check_running()


def test_a_write_that_needs_a_damaged_row_ends_the_node(tmp_path: Path, runtime: str) -> None:
    with rows_stored(tmp_path, runtime) as (cluster, state):
        flip(state, record(state, "keys", b"row/7"))
        with going_on(cluster):
            with Client(cluster.endpoints, timeout=30.0) as client:
                client.put("row/7", b"new")
            # What it would have stored is not what the others store.
            ends_with(cluster.nodes[VICTIM], STORAGE, "row/7", "fails its checksum")
            with Client(cluster.endpoints, timeout=30.0) as client:
                row = client.get("row/7")
                assert row is not None
                assert (row.value, row.version) == (b"new", 2)
