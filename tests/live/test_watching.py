"""What somebody sees who watches a real cluster while its leader dies: `top` and `events` on the collector's stream."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.live.collecting import CollectorProcess
from tests.live.harness import ENVIRONMENT, LAUNCHER, LiveCluster
from tests.live.runtimes import EITHER

pytestmark = [pytest.mark.live, pytest.mark.timeout(180)]

Frame = dict[str, Any]


@contextmanager
def frames(file: Path) -> Iterator[Iterator[Frame]]:
    """The frames that `top --json` prints, as they come."""
    command = [*LAUNCHER, "top", "--json", "--interval", "0.25", "--config", str(file)]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield map(json.loads, process.stdout)
        finally:
            process.kill()


def first(found: Iterator[Frame], fits: Callable[[Frame], bool]) -> Frame:
    """The first frame that fits; the test's own time limit ends the search."""
    return next(frame for frame in found if fits(frame))


def is_healthy(frame: Frame) -> bool:
    """Does everybody follow one leader, with every figure known and nothing wrong?"""
    rows = frame["nodes"]
    told = all(row["rss_bytes"] and row["heard_s"] is not None and row["leader"] for row in rows)
    trips = [row["round_trip_us"] for row in rows if row["node"] != frame["leader"]]
    return bool(len(rows) == 3 and told and all(trips) and frame["leader"] and not frame["trouble"])


def troubles(frame: Frame) -> set[tuple[str, str | None]]:
    return {(trouble["what"], trouble["node"]) for trouble in frame["trouble"]}


def test_a_leader_that_dies_is_seen_by_who_watches(tmp_path: Path) -> None:
    file = tmp_path / "collector.toml"
    with LiveCluster(tmp_path, 3, runtime=EITHER) as cluster, CollectorProcess(cluster, tmp_path) as collector:
        cluster.start()
        leader = cluster.leader()
        with frames(file) as found:
            frame = first(found, is_healthy)
            assert (frame["source"], frame["leader"]) == ("events", leader)
            assert {row["role"] for row in frame["nodes"]} == {"leader", "follower"}
            cluster.nodes[leader].kill()
            frame = first(found, lambda frame: frame["leader"] not in (None, leader))
            new_leader, term = frame["leader"], frame["term"]
            first(found, lambda frame: ("down", leader) in troubles(frame))
            cluster.nodes[leader].start()
            first(found, is_healthy)
        collector.stop()
        record = ["--directory", str(collector.recorded)]
        command = [*LAUNCHER, "events", "--columns", "--type", "role", *record]
        lines = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True).stdout.splitlines()
    column = {node: place for place, node in enumerate(("n1", "n2", "n3"), 1)}
    assert [part.strip() for part in lines[0].split("│")] == ["time", "n1", "n2", "n3"]
    won = [line.split("│") for line in lines if "candidate → leader" in line]
    assert any(line[column[new_leader]].strip().startswith("L role candidate → leader: ") for line in won)
    assert any(line.startswith(f"── term {term} ─") for line in lines)
