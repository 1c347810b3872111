"""Clients against processes that are killed: a node of decree, and a real cluster."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import raftzmq
from raftzmq import OutcomeUnknown, PutResult, RequestError, Unreachable
from raftzmq.benchmarks.local_cluster import free_ports
from tests.client.both import BOTH, NAMES, until
from tests.client.test_clients import Make
from tests.live.harness import LiveCluster, eventually

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def node_process(port: int) -> Iterator[subprocess.Popen[str]]:
    """A node of `tests.client.server` in a process of its own."""
    command = [sys.executable, "-m", "tests.client.server", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("make", BOTH, ids=NAMES)
def test_a_node_that_is_killed_and_started_again(make: Make) -> None:
    (port,) = free_ports(1)
    with make(f"127.0.0.1:{port}") as client:
        with node_process(port) as process:
            assert client.put("k", "v") == PutResult(1)
            process.kill()
            process.wait()

            def refused_unsent() -> bool:
                # Until the break is noticed, a write may still be handed to the dead connection.
                error = client.put_async("k", "w", timeout=0.2).exception(30)
                assert isinstance(error, (Unreachable, OutcomeUnknown))
                return error.definite

            eventually(refused_unsent, "the client notices that the connection broke")
        with node_process(port):
            # This one has never heard of the client's session: a new one is opened in silence.
            assert client.put("k", "v", timeout=30) == PutResult(1)


@pytest.mark.live
@pytest.mark.parametrize("make", BOTH, ids=NAMES)
def test_every_call_on_a_real_cluster(make: Make, tmp_path: Path, runtime: str) -> None:
    with LiveCluster(tmp_path, 3, runtime=runtime) as cluster:
        cluster.start()
        with make(cluster.endpoints) as client:
            first = client.put("k", "v", timeout=60).revision
            assert client.compare_and_swap("k", "v", "w").succeeded
            assert client.get("k").value == b"w"
            assert client.get("k", revision=first).value == b"v"
            assert client.delete("k").deleted
            assert client.get("k") is None
            for future in [client.put_async(f"range/{n:04}", "v" * 100) for n in range(3000)]:
                future.result()
            keys: list[bytes] = []
            resume = revision = None
            while resume is not None or not keys:
                found = client.range("range/", resume_key=resume, revision=revision, limit=700)
                keys += [item.key for item in found.items]
                resume, revision = found.resume_key, found.revision
            assert keys == [b"range/%04d" % n for n in range(3000)]
            rows = client.status()
            assert [row["node"] for row in rows] == ["n1", "n2", "n3"]
            assert sum(row["role"] == "leader" for row in rows) == 1
            eventually(
                lambda: len({client.state_hash(endpoint).digest for endpoint in cluster.endpoints}) == 1, "equal hashes"
            )


@pytest.mark.live
def test_the_leader_is_killed_under_the_load_of_an_asyncio_client(tmp_path: Path, runtime: str) -> None:
    with LiveCluster(tmp_path, 3, runtime=runtime) as cluster:
        cluster.start()
        leader = cluster.leader()
        acknowledged: dict[str, int] = {}
        failed: list[RequestError] = []
        gap = 0.0

        async def work(client: raftzmq.aio.Client, task: int, stop: asyncio.Event) -> None:
            nonlocal gap
            n = 0
            while not stop.is_set():
                key, begun = f"{task}/{n}", time.monotonic()
                n += 1
                try:
                    acknowledged[key] = (await client.put(key, key)).revision
                except RequestError as error:
                    failed.append(error)
                gap = max(gap, time.monotonic() - begun)

        async def main() -> None:
            async with raftzmq.aio.Client(cluster.endpoints, timeout=30) as client:
                stop = asyncio.Event()
                tasks = [asyncio.create_task(work(client, task, stop)) for task in range(100)]
                await until(lambda: len(acknowledged) > 2000, "puts are acknowledged")
                cluster.nodes[leader].kill()
                before = len(acknowledged)
                await until(lambda: len(acknowledged) > before + 2000, "puts are acknowledged again")
                stop.set()
                await asyncio.gather(*tasks)
                found: dict[str, raftzmq.KeyValue] = {}
                resume: bytes | None = b""
                while resume is not None:
                    part = await client.range(start=resume)
                    found.update({item.key.decode(): item for item in part.items})
                    resume = part.resume_key
                missing = [key for key in acknowledged if key not in found]
                assert not missing
                assert all(found[key].mod_revision == revision for key, revision in acknowledged.items())
                assert all(item.version == 1 for item in found.values()), "nothing was applied twice"
                assert not failed, "there was time to learn the outcome of each"

        asyncio.run(main())
        print(f"{os.getpid()}: the longest put took {gap:.3f} s")


def test_a_client_whose_thread_was_kept_from_starting_by_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    (port,) = free_ports(1)
    start = threading.Thread.start

    def interrupted(_: threading.Thread) -> None:
        monkeypatch.setattr(threading.Thread, "start", start)
        raise KeyboardInterrupt

    for used_again in (False, True):
        monkeypatch.setattr(threading.Thread, "start", interrupted)
        client = raftzmq.Client([f"tcp://127.0.0.1:{port}"], timeout=0.3)
        with pytest.raises(KeyboardInterrupt):
            client.get("k")
        if used_again:
            with pytest.raises(RequestError):
                client.get("k")
        client.close()
