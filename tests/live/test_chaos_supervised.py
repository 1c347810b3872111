"""Processes killed, paused and restarted by command through supervisord, in a cluster that was generated for it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.support import raftzmq
from tests.cli.test_generate import free_base_port
from tests.live.harness import ENVIRONMENT, PATIENCE, eventually

pytestmark = pytest.mark.live


@pytest.fixture
def home() -> Iterator[Path]:
    """A running cluster of three in lab mode, in a directory whose name is short enough for a unix socket."""
    path = Path(tempfile.mkdtemp(prefix="rz"))
    done = raftzmq(
        *("generate", "supervisord", "--nodes", "3", "--lab", "--out", str(path)),
        *("--base-port", str(free_base_port(11))),
    )
    assert done.returncode == 0, done.stderr
    command = [sys.executable, "-P", "-m", "supervisor.supervisord", "--nodaemon", "-c", str(path / "supervisord.conf")]
    process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, cwd=path)
    try:
        yield path
    finally:
        process.terminate()
        process.wait(PATIENCE)
        shutil.rmtree(path)


def rows(home: Path) -> dict[str, dict[str, Any]]:
    """The rows of status, by node."""
    done = raftzmq("status", "--json", "--config", str(home / "cluster.toml"))
    return {row["node"]: row for row in json.loads(done.stdout)["nodes"]}


def settled(home: Path) -> dict[str, dict[str, Any]] | None:
    """The rows once three answer and follow one leader."""
    found = rows(home)
    leaders = {row["leader"] for row in found.values()}
    return found if all(row["reachable"] for row in found.values()) and len(leaders - {None}) == 1 else None


def chaos(home: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and all that is said."""
    done = raftzmq("chaos", *arguments, "--config", str(home / "cluster.toml"))
    return done.returncode, (done.stdout + done.stderr).decode()


@pytest.mark.timeout(240)
def test_nodes_are_killed_paused_resumed_and_restarted(home: Path) -> None:
    before = eventually(lambda: settled(home), "a leader that all follow")
    assert all(row["lab"] for row in before.values())

    code, said = chaos(home, "kill", "n2")
    assert (code, said.strip()) == (0, f"killed: n2 (process {before['n2']['pid']})")
    after = eventually(
        lambda: (now := settled(home)) and now["n2"]["pid"] != before["n2"]["pid"] and now, "it is started again"
    )

    # Who leads may have changed since: it says whom it paused.
    code, said = chaos(home, "pause", "leader")
    assert code == 0, said
    leader = said.split()[1]
    assert said.strip() == f"paused: {leader} (process {after[leader]['pid']})"
    eventually(lambda: not rows(home)[leader]["reachable"], "it says nothing")
    # A paused process can't hear that it is to stop: it is resumed for that.
    code, said = chaos(home, "restart", leader)
    assert code == 0, said
    again = eventually(
        lambda: (now := settled(home)) and now[leader]["pid"] != after[leader]["pid"] and now, "it is back"
    )
    others = [name for name in again if name != leader]
    assert {again[name]["pid"] for name in others} == {after[name]["pid"] for name in others}

    assert chaos(home, "pause", "n1")[0] == 0
    assert chaos(home, "resume", "n1")[0] == 0
    assert eventually(lambda: settled(home), "all answer again")["n1"]["pid"] == again["n1"]["pid"]

    code, said = chaos(home, "kill", "n1", "--supervisor", str(home / "nobody.sock"))
    assert code == 1
    assert "nobody.sock did not do getAllProcessInfo" in said
    assert rows(home)["n1"]["pid"] == again["n1"]["pid"], "it was not killed some other way"


def asked(page: str, path: str, document: Any = None) -> dict[str, Any]:
    """What the collector's page answers to who knows its token."""
    address, _, token = page.partition("/#token=")
    headers = {"Authorization": f"Bearer {token}", "Origin": address, "Content-Type": "application/json"}
    data = None if document is None else json.dumps(document).encode()
    with urllib.request.urlopen(urllib.request.Request(address + path, data, headers), timeout=PATIENCE) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


@pytest.mark.timeout(240)
def test_the_page_does_the_same(home: Path) -> None:
    before = eventually(lambda: settled(home), "a leader that all follow")

    def known() -> dict[str, Any] | None:
        done = raftzmq("page", "--json", "--config", str(home / "cluster.toml"))
        found: dict[str, Any] = json.loads(done.stdout or "{}")
        return found if len(found.get("lab", [])) == 3 else None

    said = eventually(known, "the collector answers and knows who is in lab mode")
    assert said["supervised"] is True
    page = said["url"]
    restarted = asked(page, "/v1/chaos", {"action": "restart", "nodes": ["n2"]})
    assert [row["node"] for row in restarted["nodes"]] == ["n2"]
    after = eventually(
        lambda: (now := settled(home)) and now["n2"]["pid"] != before["n2"]["pid"] and now, "it is started again"
    )
    eventually(
        lambda: after["n2"]["pid"] in [row["pid"] for row in asked(page, "/v1/state")["nodes"] if row["node"] == "n2"],
        "the collector knows the new process",
    )
    killed = asked(page, "/v1/chaos", {"action": "kill", "nodes": ["n2"]})
    assert killed["nodes"] == [{"node": "n2", "pid": after["n2"]["pid"]}]
    eventually(
        lambda: (now := settled(home)) and now["n2"]["pid"] != after["n2"]["pid"], "supervisord started it again"
    )
