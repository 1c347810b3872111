"""``raftzmq snapshot`` on real clusters: saved under load, restored into another cluster, and nothing applied twice."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from raftzmq import Client, KeyValue
from raftzmq.backups.reading import SnapshotReader
from raftzmq.codec.clients import Answer, Execute, decode_results
from raftzmq.errors import OutcomeUnknown
from raftzmq.kv.commands import OpenSession, Parcel, Put, encode_parcel
from raftzmq.storage.restoring import Point, restore_nodes
from tests.live.harness import ENVIRONMENT, LAUNCHER, PATIENCE, LiveCluster, eventually
from tests.live.load import Load, check
from tests.live.wire import Connection, NoAnswer

pytestmark = pytest.mark.live


def raftzmq(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command."""
    command = [*LAUNCHER, *map(str, arguments)]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=PATIENCE)


def snapshot(*arguments: str | Path) -> dict[str, Any]:
    """The JSON of ``raftzmq snapshot …``, which ends well."""
    done = raftzmq("snapshot", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def all_keys(client: Client, revision: int | None = None) -> list[KeyValue]:
    """Everything, as of a revision."""
    page = client.range(revision=revision)
    rows = page.items
    while page.more:
        page = client.range(resume_key=page.resume_key, revision=page.revision)
        rows += page.items
    return rows


def in_file(path: Path) -> list[KeyValue]:
    """Everything in a snapshot."""
    with SnapshotReader(path) as reader:
        return [KeyValue(*row) for row in reader.rows()]


def prepared(directory: Path, runtime: str, count: int = 3) -> LiveCluster:
    """A cluster that isn't started, in a directory of its own."""
    directory.mkdir()
    return LiveCluster(directory, count, runtime=runtime)


def execute(connection: Connection, parcel: Parcel) -> list[Any]:
    """The results of a parcel that goes to one node, as a client of that session sends it."""
    request = connection._next()
    connection._send(Execute(request, int(PATIENCE * 1e6)), encode_parcel(parcel))
    _, payload = connection._answer(request, Answer)
    return decode_results(payload)


def test_a_cluster_is_saved_under_load_and_restored_into_another(tmp_path: Path, runtime: str) -> None:
    file = tmp_path / "monday.snapshot"
    with prepared(tmp_path / "old", runtime) as old:
        old.start()
        old.leader()
        with Client(old.endpoints) as client:
            # Before the load's keys in order: those are read last, and must be as of the revision of the first page.
            for future in [client.put_async(f"bulk/{n:05}", "x" * 300) for n in range(15_000)]:
                future.result()
            client.put("leased", b"\x00\xff", lease=77)
            client.delete("bulk/00001")
            client.put("bulk/00002", "again")
            with Load(old.endpoints, "saved") as load:
                load.wait_for(50)
                before = len(load.told.acknowledged)
                told = snapshot("save", file, "--endpoints", ",".join(old.endpoints))
                load.wait_for(50, "after the snapshot")
                load.stop()
            rows = in_file(file)
            assert rows == all_keys(client, told["revision"]), "it is what was there at its revision"
            saved = len([row for row in rows if row.key.startswith(b"load/")])
            assert before <= saved, "what was acknowledged before is in it"
        assert snapshot("status", file)["keys"] == told["keys"] == len(rows)
        assert old.nodes["n1"].running

        stopped = old.nodes["n1"]
        busy = raftzmq("snapshot", "save", tmp_path / "n1.snapshot", "--data", old.data / "n1")
        assert busy.returncode == 12
        assert f"in use by process {stopped.process and stopped.process.pid}" in busy.stderr
        old.agreement()
        old.stop_all()
        of_node = snapshot("save", tmp_path / "n1.snapshot", "--data", old.data / "n1")
        assert (of_node["source"], of_node["entries_not_applied"]) == ("node n1", 0)

    with prepared(tmp_path / "new", runtime) as new:
        config = tmp_path / "new" / "cluster.toml"
        told = snapshot("restore", tmp_path / "n1.snapshot", "--config", config, "--out", new.data, "--any-file-system")
        assert [Path(row["data"]).name for row in told["nodes"]] == list(new.nodes)
        new.start()
        new.leader()
        new.agreement()
        assert len(new.state_hashes()) == 1
        check(new.endpoints, load.told)
        with Client(new.endpoints) as client:
            assert all_keys(client) == in_file(tmp_path / "n1.snapshot")
            assert client.put("bulk/00002", "new").revision == told["revision"] + 1
            row = client.get("bulk/00002")
            assert row is not None
            assert (row.create_revision, row.version) == (3, 3)
        again = raftzmq("snapshot", "restore", file, "--config", config, "--out", new.data, "--any-file-system")
        assert again.returncode == 1
        assert "n1.identity says that a node has lived in" in again.stderr
        new.nodes["n3"].kill()
        new.nodes["n3"].start()
        new.agreement()
        assert len(new.state_hashes()) == 1


def uncommitted(cluster: LiveCluster, leader: str) -> int:
    """How many batches the leader has proposed that aren't committed."""
    row = cluster.status(leader)
    return 0 if row is None else int(row["uncommitted_batches"])


def test_what_the_old_clusters_clients_had_under_way_is_never_applied_twice(tmp_path: Path, runtime: str) -> None:
    """Even where the new cluster has the old one's id and addresses, so that its clients find it."""
    file = tmp_path / "file"
    with prepared(tmp_path / "old", runtime) as cluster:
        cluster.start()
        leader = cluster.leader()
        with Connection(cluster.nodes[leader].address.client) as connection:
            (session,) = execute(connection, Parcel(0, 0, 0, [OpenSession(b"old client")]))
            (first,) = execute(connection, Parcel(session, 0, 0, [Put(b"counter", b"1")]))
        client = Client(cluster.endpoints, timeout=PATIENCE)
        client.put("of-client", "1")
        told = snapshot("save", file, "--endpoints", ",".join(cluster.endpoints))
        for name in cluster.others(leader):
            cluster.nodes[name].signal(signal.SIGSTOP)
        waiting = client.put_async("of-client", "2")
        eventually(lambda: uncommitted(cluster, leader), "the leader has the put, and nobody answers it")
        cluster.kill_all()
        for name in cluster.nodes:
            shutil.rmtree(cluster.data / name)
            (cluster.data / f"{name}.identity").unlink()
        config = cluster.data / "cluster.toml"
        refused = raftzmq("snapshot", "restore", file, "--config", config, "--out", cluster.data)
        assert refused.returncode == 2
        assert "give the new cluster an id of its own" in refused.stderr
        with SnapshotReader(file) as reader:
            header = reader.header
            point = Point(header.index, header.term, header.revision, chain=1)
            restore_nodes(cluster.data, cluster.configuration, point, reader.rows(), allow_any_filesystem=True)
        cluster.start()
        leader = cluster.leader()
        with Connection(cluster.nodes[leader].address.client) as connection:
            for sequence in (0, 1):
                parcel = Parcel(session, 0, sequence, [Put(b"counter", b"again")])
                with pytest.raises(NoAnswer, match="session_expired"):
                    execute(connection, parcel)
        with client, pytest.raises(OutcomeUnknown):
            waiting.result()
        with Client(cluster.endpoints) as other:
            for key in ("counter", "of-client"):
                row = other.get(key)
                assert row is not None
                assert (row.value, row.version) == (b"1", 1), f"{key} was put again"
            assert other.put("counter", "2").revision == told["revision"] + 1 > first
