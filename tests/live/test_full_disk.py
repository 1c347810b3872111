"""No room: a disk that fills up, and LMDB maps that do. New commands are refused for certain before either is full.

Nothing that was acknowledged is lost, terms and votes go on, no node ends, and all resume by themselves once there is
room again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from raftzmq import Client
from raftzmq.config import KIB
from raftzmq.errors import RequestError
from raftzmq.storage.directory import disk_bytes
from tests.live import disk
from tests.live.harness import LiveCluster, eventually
from tests.live.load import Load, Told, check
from tests.live.memory import Growth
from tests.live.with_small_maps import LOG_MAP_BYTES, STATE_MAP_BYTES

pytestmark = pytest.mark.live

GROWTH_MIB, GROWTH_MIB_WITHOUT_LEADER = 50, 150
BELOW_RESERVE_SHARE = 20
"""What is left of a full disk is this part of it: half of the reserve."""
VALUE = bytes(6 * KIB)
"""Few of them fill a map, and yet what comes between two looks at it has room."""
MAPS = {"log": LOG_MAP_BYTES, "state": STATE_MAP_BYTES}


@contextmanager
def filled(path: Path) -> Iterator[None]:
    """Somebody else's file takes nearly all room of a file system while the block runs."""
    free, total = disk_bytes(path)
    file = path / "somebody else's"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, free - total // BELOW_RESERVE_SHARE)
    finally:
        os.close(descriptor)
    try:
        yield
    finally:
        file.unlink()


def room(cluster: LiveCluster, name: str) -> bool | None:
    """Does the node say that it has room? None without an answer."""
    row = cluster.status(name)
    return None if row is None else bool(row["has_room"])


def refused_for_certain(cluster: LiveCluster) -> RequestError:
    """A put is refused, and surely was not applied."""
    with Client(cluster.endpoints, timeout=2.0) as client, pytest.raises(RequestError) as refused:
        client.put("no room", "for this")
    assert refused.value.definite, refused.value
    return refused.value


@pytest.mark.mixed
def test_every_disk_is_full(tmp_path: Path, runtime: str) -> None:
    disk.require()
    with disk.LoopDisk(tmp_path) as device, LiveCluster(tmp_path, 3, data=device.path, runtime=runtime) as cluster:
        cluster.start()
        cluster.leader()
        tellings: list[Told] = []
        with Load(cluster.endpoints, "full", timeout=2.0) as load, Growth(cluster) as growth:
            load.wait_for(100)
            with filled(device.path):
                eventually(lambda: all(room(cluster, name) is False for name in cluster.nodes), "no node has room")
                eventually(lambda: load.told.refused, "a writer is refused")
                refused_for_certain(cluster)
                terms = {name: cluster.agreed_term(name) for name in cluster.nodes}
                assert all((cluster.status(name) or {}).get("role") != "leader" for name in cluster.nodes)
                tellings.append(load.stop())
                commits = {(cluster.status(name) or {}).get("commit_index") for name in cluster.nodes}
            cluster.leader()
            assert max(cluster.agreed_term(name) for name in cluster.nodes) >= max(terms.values())
            with Load(cluster.endpoints, "again", timeout=10.0) as again:
                again.wait_for(100, "once there is room again")
                tellings.append(again.stop())
        growth.check(GROWTH_MIB_WITHOUT_LEADER)
        assert None not in commits, "a node ended, or fell silent"
        check(cluster.endpoints, *tellings)
        cluster.agreement()
        assert len(cluster.state_hashes()) == 1


@pytest.mark.mixed
@pytest.mark.parametrize("role", ["leader", "follower"])
def test_one_disk_is_full(tmp_path: Path, role: str, runtime: str) -> None:
    disk.require()
    with disk.LoopDisk(tmp_path) as device, LiveCluster(tmp_path, 3, runtime=runtime) as cluster:
        victim = "n1"
        (device.path / victim).mkdir()
        (cluster.data / victim).symlink_to(device.path / victim)
        if role == "leader":
            # It leads: the others come when it has a term of its own, and follow.
            cluster.start()
            while cluster.leader() != victim:
                other = cluster.leader()
                cluster.nodes[other].kill()
                cluster.leader(among=cluster.others(other))
                cluster.start([other])
        else:
            cluster.start(cluster.others(victim))
            cluster.leader(among=cluster.others(victim))
            cluster.start([victim])
            cluster.leader()
        with Load(cluster.endpoints, "one", timeout=30.0) as load:
            load.wait_for(100)
            with Growth(cluster) as growth, filled(device.path):
                eventually(lambda: room(cluster, victim) is False, f"{victim} says that it has no room")
                load.wait_for(100, "with the others")
                leader = cluster.leader()
                assert leader != victim
                # It votes all the same: without its vote the one that is left could not be elected.
                term = cluster.agreed_term(leader)
                cluster.nodes[leader].kill()
                (left,) = cluster.others(victim, leader)
                assert cluster.leader(among=[victim, left], above_term=term) == left
                cluster.start([leader])
                load.wait_for(100, "with both others")
            load.wait_for(50, "once there is room again")
            told = load.stop()
        growth.check(GROWTH_MIB_WITHOUT_LEADER)
        cluster.agreement()
        assert room(cluster, victim)
        check(cluster.endpoints, told)
        assert len(cluster.state_hashes()) == 1


@pytest.mark.mixed
@pytest.mark.parametrize("which", MAPS)
def test_a_map_is_full(tmp_path: Path, which: str, runtime: str) -> None:
    small = (sys.executable, "-P", str(Path(__file__).with_name("with_small_maps.py")))
    with LiveCluster(tmp_path, 3, launcher=small, runtime=runtime) as cluster:
        for node in cluster.nodes.values():
            shipped = list(node.command)
            node.command = [*shipped, which]
        cluster.start()
        cluster.leader()
        with Load(cluster.endpoints, which, threads=4, timeout=2.0, value_bytes=len(VALUE)) as load:
            with Growth(cluster) as growth:
                eventually(lambda: load.told.refused, f"writers are refused: the {which}'s map is full")
                eventually(lambda: any(room(cluster, name) is False for name in cluster.nodes), "a node has no room")
                refused_for_certain(cluster)
            told = load.stop()
        cluster.check_running()
        print(f"{len(told.acknowledged)} acknowledged, {len(told.refused)} refused, {len(told.unknown)} unknown")
        growth.check(GROWTH_MIB_WITHOUT_LEADER)
        assert len(told.acknowledged) * len(VALUE) < MAPS[which]
        # With maps as they are shipped there is room again.
        assert set(cluster.stop_all().values()) == {0}
        for node in cluster.nodes.values():
            node.command = [sys.executable, "-P", "-m", "raftzmq", *node.command[len(small) : -1]]
        cluster.start()
        cluster.leader()
        with Client(cluster.endpoints, timeout=10.0) as client:
            client.put("room", "again")
        check(cluster.endpoints, told)
        cluster.agreement()
        assert len(cluster.state_hashes()) == 1
