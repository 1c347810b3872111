"""A real node that was away for longer than the log remembers gets the state, whatever is done to it on the way."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from raftzmq.aio import Client
from raftzmq.config import LOG_BYTES_MAX, MIB
from raftzmq.storage.pointer import POINTER_NAME
from tests.live.harness import LiveCluster, eventually
from tests.live.load import Load, Told

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]

VALUE = MIB // 16


async def fill(endpoints: list[str], size: int) -> None:
    """Write ``size`` bytes over a hundred keys."""
    async with Client(endpoints, timeout=30.0) as client:
        for first in range(0, size // VALUE, 40):
            puts = [client.put(b"bulk%d" % ((first + k) % 100), os.urandom(VALUE)) for k in range(40)]
            await asyncio.gather(*puts)


async def check(endpoints: list[str], *tellings: Told) -> None:
    """What was acknowledged is there."""
    async with Client(endpoints, timeout=30.0) as client:
        for told in tellings:
            for key, value in told.acknowledged.items():
                row = await client.get(key)
                assert row is not None
                assert row.value.decode() == value


def compacted(cluster: LiveCluster, leader: str) -> bool:
    row = cluster.status(leader)
    return row is not None and row["first_log_index"] > 20


@pytest.mark.mixed
def test_a_follower_away_for_long_gets_the_state_and_then_the_rest(tmp_path: Path, runtime: str) -> None:
    with LiveCluster(tmp_path, 3, runtime=runtime) as cluster:
        cluster.start()
        leader = cluster.leader()
        away = cluster.others(leader)[0]
        with Load(cluster.endpoints, "before") as load:
            load.wait_for(50)
            told = load.stop()
        cluster.nodes[away].kill()
        asyncio.run(fill(cluster.endpoints, LOG_BYTES_MAX))
        eventually(lambda: compacted(cluster, leader), "the leader's log is compacted past what the follower has")

        cluster.nodes[away].start()
        incoming = cluster.data / away / "incoming"
        eventually(lambda: incoming.exists() or (cluster.data / away / POINTER_NAME).exists(), "a snapshot arrives")
        # In the middle of it, or right after it: either must do no harm.
        cluster.nodes[away].kill()
        cluster.nodes[away].start()
        with Load(cluster.endpoints, "during") as load:
            eventually(lambda: (cluster.data / away / POINTER_NAME).exists(), "the snapshot is installed")
            load.wait_for(100)
            others = load.stop()
        rows = cluster.agreement()
        assert rows[away]["first_log_index"] > 20
        assert len(cluster.state_hashes()) == 1
        asyncio.run(check(cluster.endpoints, told, others))

        # What it installed is what it starts from, and it can lead with it.
        for name in cluster.others(away):
            cluster.nodes[name].kill()
        cluster.nodes[away].kill()
        cluster.start([away])
        survivor = cluster.others(away, leader)[0]
        cluster.start([survivor])
        eventually(lambda: (cluster.status(away) or {}).get("leader"), "two of three elect a leader")
        asyncio.run(check(cluster.endpoints, told, others))
