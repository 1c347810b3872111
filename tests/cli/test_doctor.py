"""``raftzmq doctor`` against real nodes, held ports and directories that cannot be written."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest

from raftzmq.benchmarks.local_cluster import free_cluster
from tests.cli.support import COMMAND, PATIENCE_S, environment, on_terminal, raftzmq
from tests.live.harness import LiveCluster
from tests.live.runtimes import EITHER

pytestmark = pytest.mark.live


def diagnosis(*arguments: str, code: int, cwd: Path | None = None) -> dict[str, list[dict[str, Any]]]:
    """The findings of ``doctor --json``, by check."""
    done = raftzmq("doctor", "--json", *arguments, cwd=cwd)
    assert done.returncode == code, (done.stdout, done.stderr)
    document = json.loads(done.stdout)
    assert document["schema"] == 1
    assert (document["verdict"] == "fail") == (code == 5)
    found: dict[str, list[dict[str, Any]]] = {}
    for finding in document["findings"]:
        assert set(finding) == {"check", "verdict", "found", "why", "next"}
        assert bool(finding["why"]) == bool(finding["next"]) == (finding["verdict"] != "ok"), finding
        found.setdefault(finding["check"], []).append(finding)
    return found


def written(directory: Path, count: int = 3) -> str:
    """The cluster file of a cluster that doesn't run."""
    path = directory / "cluster.toml"
    path.write_text(free_cluster(count).to_toml())
    return str(path)


def test_before_the_first_start(tmp_path: Path) -> None:
    found = diagnosis("--config", written(tmp_path), "--data", str(tmp_path / "n1"), code=0)
    assert found["ports"][0]["found"] == "10 free"
    assert found["disk sync"][0]["verdict"] == "ok"
    assert found["cluster"][0]["verdict"] == "ok"
    assert "no node answers" in found["cluster"][0]["found"]
    assert not (tmp_path / "n1").exists(), "nothing is changed"


def test_a_held_port(tmp_path: Path) -> None:
    cluster = free_cluster(1)
    (tmp_path / "cluster.toml").write_text(cluster.to_toml())
    port = int(cluster.nodes[0].peer.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)):
        found = diagnosis("--config", str(tmp_path / "cluster.toml"), "--data", str(tmp_path), code=5)
    problem = found["ports"][0]
    assert problem["verdict"] == "fail"
    assert problem["found"].startswith(f"port {port} of n1 is held by process {os.getpid()} (")


def test_a_directory_that_cannot_be_written(tmp_path: Path) -> None:
    data = tmp_path / "n1"
    data.mkdir(mode=0o555)
    command = [*COMMAND, "doctor", "--json", "--config", written(tmp_path), "--data", str(data)]
    if os.geteuid() == 0:
        # A mode stops nobody who may override it, so this is given up.
        if shutil.which("setpriv") is None:
            pytest.skip("setpriv is missing, and root may write anywhere")
        command = ["setpriv", "--bounding-set=-dac_override", *command]
    done = subprocess.run(command, capture_output=True, env=environment(), timeout=PATIENCE_S, check=False)
    assert done.returncode == 5, done.stderr
    (problem,) = [f for f in json.loads(done.stdout)["findings"] if f["verdict"] == "fail"]
    assert problem["check"] == "disk sync"
    assert f"{data} cannot be written: Permission denied" in problem["found"]


def test_a_running_cluster(tmp_path: Path) -> None:
    with LiveCluster(tmp_path, 3, runtime=EITHER) as cluster:
        slow = cluster.nodes["n3"]
        slow.command += ["--delay-ms-mean", "1"]
        cluster.start()
        leader = cluster.leader()
        place = ("--config", str(tmp_path / "cluster.toml"), "--data", str(tmp_path / "n1"))
        found = diagnosis(*place, code=0)
        assert found["ports"] == [
            {
                "check": "ports",
                "verdict": "ok",
                "found": "1 free; 9 held by those they are for (n1, n2, n3)",
                "why": "",
                "next": "",
            }
        ]
        assert found["cluster"][0]["found"] == "all 3 nodes answer, and a majority follows one leader"
        assert found["configuration"][0]["verdict"] == "ok"
        assert found["release"][0]["verdict"] == "ok"
        assert "n3 delays" in found["network"][0]["found"]

        follower = next(name for name in cluster.others(leader))
        cluster.nodes[follower].kill()
        assert diagnosis(*place, code=0)["cluster"][0]["verdict"] == "warn"
        (last,) = cluster.others(leader, follower)
        cluster.nodes[last].kill()
        alone = diagnosis(*place, code=5)
        assert "a majority is 2" in alone["cluster"][0]["found"]

        by_endpoint = diagnosis("--endpoints", cluster.nodes[leader].address.client, "--data", str(tmp_path), code=5)
        assert "ports" not in by_endpoint, "only a cluster file says which ports there are"


def test_named_endpoints_that_do_not_answer_are_a_failure(tmp_path: Path) -> None:
    found = diagnosis("--endpoints", "127.0.0.1:1", "--data", str(tmp_path), code=5)
    assert found["cluster"][0]["verdict"] == "fail"


def test_for_people(tmp_path: Path) -> None:
    arguments = ("doctor", "--config", written(tmp_path), "--data", str(tmp_path))
    plain = raftzmq(*arguments).stdout.decode()
    assert "\x1b" not in plain
    assert "\nok    disk sync " in plain
    assert plain.splitlines()[-1].endswith("0 failed")
    code, screen = on_terminal(*arguments)
    assert code == 0
    assert "\x1b[" in screen
    assert "ok    disk sync " in click.unstyle(screen)
