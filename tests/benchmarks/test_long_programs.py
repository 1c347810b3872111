"""The long measurements in short: they run to their end, find the truth, and say whether their bars are met."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from raftzmq.benchmarks.footprint import anonymous_bytes, stored_bytes
from raftzmq.benchmarks.local_cluster import ClusterFailed, LocalCluster
from raftzmq.benchmarks.serving import start_to_serving
from tests.benchmarks.test_programs import bench

pytestmark = pytest.mark.live

SMALL = ("--keys", "100", "--in-flight", "64")


def test_memory_watches_restarts_and_verifies(tmp_path: Path) -> None:
    done = bench("memory", "--operations", "4000", *SMALL, "--json", "--directory", str(tmp_path))
    figures = json.loads(done.stdout)
    # The machine may be slow at the moment: then the bar for restarts is missed, and that is told.
    assert done.returncode == (1 if figures["bars_missed"] else 0), done.stderr
    assert done.stderr.count("missed: ") == figures["bars_missed"]
    assert figures["acknowledged"] + figures["failed"] == 4002, "the clients' first puts included"
    assert len(figures["restart_sigterm_s"]) == len(figures["restart_sigkill_s"]) == 2
    assert all(seconds > 0 for seconds in figures["restart_sigterm_s"] + figures["restart_sigkill_s"])
    assert 10 < figures["rss_anon_max_mb"] < 250
    assert 10 < figures["rss_anon_max_mb_while_starting"] < 250
    assert 1 < figures["data_directory_max_mb"] < 3000
    assert figures["growth_is_judged"] is False
    assert figures["keys_read_back"] == 100
    assert figures["nodes_with_equal_state"] == figures["nodes"] == 3
    assert not list(tmp_path.iterdir())


def test_the_rate_of_a_few_puts_is_that_of_these_puts(tmp_path: Path) -> None:
    done = bench("memory", "--operations", "2", "--keys", "5", "--json", "--directory", str(tmp_path))
    figures = json.loads(done.stdout)
    assert figures["acknowledged"] == 4, "the clients' first puts included"
    assert figures["puts_per_second"] == pytest.approx(2 / figures["elapsed_s"], rel=0.2), "and not counted here"
    assert figures["puts_per_second_by_tenth"] == [figures["puts_per_second"]]


def test_recovery_takes_a_follower_away_and_back(tmp_path: Path) -> None:
    options = ("--operations", "3000", *SMALL, "--window", "0.5", "--directory", str(tmp_path))
    done = bench("recovery", *options)
    figures = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    assert done.returncode == (1 if int(figures["bars_missed"]) else 0), done.stderr
    assert done.stderr.count("missed: ") == int(figures["bars_missed"])
    assert figures["caught_up_by"] == "the log", "so little is still in the leader's log"
    assert int(figures["missed_puts"]) >= 3000
    assert int(figures["missed_entries"]) > 0
    assert 0 < float(figures["restart_to_answering_s"]) <= float(figures["caught_up_s"])
    assert float(figures["throughput_share_while_catching_up"]) > 0
    assert figures["nodes_with_equal_state"] == figures["nodes"] == "3"
    assert not list(tmp_path.iterdir())


def test_a_node_is_timed_until_it_serves_itself(tmp_path: Path) -> None:
    with LocalCluster(3, tmp_path) as cluster:
        leader, _ = cluster.leader()
        node = next(name for name in cluster.nodes if name != leader)
        assert anonymous_bytes(cluster.pid(node)) > 1_000_000
        assert stored_bytes(cluster.path / node) > 1000
        cluster.kill(node)
        assert anonymous_bytes(cluster.pid(node)) == 0
        assert start_to_serving(cluster, node) > 0
        for other in cluster.nodes:
            if other != node:
                cluster.signal(other, signal.SIGSTOP)
        cluster.kill(node)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("raftzmq.benchmarks.serving.PATIENCE_S", 3.0)
            with pytest.raises(ClusterFailed, match=f"{node} was started and serves no read"):
                start_to_serving(cluster, node)
