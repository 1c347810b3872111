"""A snapshot that is damaged on its way, or at its sender: refused by its checksum, fetched again, installed."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from tests.live.harness import LiveCluster, eventually
from tests.live.load import Load, check
from tests.live.memory import Growth
from tests.live.with_damaged_snapshots import SIGN

pytestmark = pytest.mark.live

GROWTH_MIB = 50
VALUE_BYTES = 50_000
VALUES = 250
"""In all more than the log keeps for who is away."""


@pytest.mark.mixed
@pytest.mark.parametrize("where", ["wire", "copy"])
@pytest.mark.parametrize("receiver", ["running", "starting"])
def test_a_damaged_snapshot_is_fetched_again(tmp_path: Path, receiver: str, where: str, runtime: str) -> None:
    launcher = (sys.executable, "-P", str(Path(__file__).with_name("with_damaged_snapshots.py")))
    with LiveCluster(tmp_path, 3, launcher=launcher, runtime=runtime) as cluster:
        for node in cluster.nodes.values():
            node.command.append(where)
        cluster.start()
        leader = cluster.leader()
        victim = cluster.others(leader)[0]
        node = cluster.nodes[victim]
        with Load(cluster.endpoints, where, threads=4, value_bytes=VALUE_BYTES, timeout=30.0) as load:
            load.wait_for(20)
            seen = eventually(lambda: cluster.status(victim), f"{victim} answers")["last_log_index"]
            if receiver == "running":
                node.signal(signal.SIGSTOP)
            else:
                node.kill()
            load.wait_for(VALUES, f"without {victim}")

            def compacted() -> bool:
                rows = [cluster.status(name) for name in cluster.others(victim)]
                return all(row is not None and row["first_log_index"] > seen + 1 for row in rows)

            eventually(compacted, f"the log no longer has what {victim} lacks")
            with Growth(cluster, cluster.others(victim)) as growth:
                if receiver == "running":
                    node.signal(signal.SIGCONT)
                else:
                    node.start()
                pointer = cluster.data / victim / "state.pointer"
                eventually(pointer.exists, "the snapshot is installed")
                load.wait_for(20, "meanwhile")
            told = load.stop()
        assert any(SIGN in node.log.read_text() for node in cluster.nodes.values()), "nothing was damaged"
        growth.check(GROWTH_MIB)
        cluster.agreement()
        assert len(cluster.state_hashes()) == 1
        check(cluster.endpoints, told)
