"""The commands against real nodes: what they print, in pipes and on terminals, and how they exit."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from raftzmq.cli.main import main
from tests.cli.support import COMMAND, PATIENCE_S, environment, on_terminal, raftzmq
from tests.live.harness import LiveCluster
from tests.live.runtimes import EITHER

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCluster]:
    with LiveCluster(tmp_path_factory.mktemp("cluster"), 3, runtime=EITHER) as cluster:
        cluster.start()
        cluster.leader()
        yield cluster


class Shell:
    """Commands to one cluster, called in this process: starting one for each would take most of the time."""

    def __init__(self, cluster: LiveCluster) -> None:
        self.variables = {"RAFTZMQ_ENDPOINTS": ",".join(cluster.endpoints), "RAFTZMQ_TIMEOUT": "20"}
        self._clean = {name: None for name in os.environ if name.startswith("RAFTZMQ_")}

    def run(self, *arguments: str | bytes, code: int, given: bytes = b"") -> Result:
        """Run a command that exits with ``code``."""
        typed = [os.fsdecode(argument) for argument in arguments]
        done = CliRunner(env={**self._clean, **self.variables}).invoke(main, typed, input=given, catch_exceptions=False)
        assert done.exit_code == code, (done.exit_code, done.stdout_bytes, done.stderr_bytes)
        return done

    def __call__(self, *arguments: str | bytes, code: int = 0, given: bytes = b"") -> str:
        """Standard output of a command that exits with ``code``."""
        return self.run(*arguments, code=code, given=given).stdout_bytes.decode()

    def json(self, *arguments: str | bytes, code: int = 0) -> Any:
        """The document that a command prints with --json."""
        return json.loads(self(*arguments, "--json", code=code))

    def errors(self, *arguments: str, code: int) -> str:
        """Standard error of a command that exits with ``code``."""
        return self.run(*arguments, code=code).stderr

    def screen(self, *arguments: str, columns: int = 80) -> str:
        """What a terminal gets from a process of its own, colours included."""
        return on_terminal(*arguments, columns=columns, variables=self.variables)[1]


@pytest.fixture(scope="module")
def shell(cluster: LiveCluster) -> Shell:
    return Shell(cluster)


def test_put_get_and_their_json(shell: Shell) -> None:
    first = shell.json("put", "pg/colour", "blue")["revision"]
    assert shell("put", "pg/colour", "green") == f"revision {first + 1}\n"
    assert shell("get", "pg/colour") == "green"
    assert shell("get", "pg/colour", "--revision", str(first)) == "blue"
    assert shell.json("get", "pg/colour") == {
        "key": "pg/colour",
        "value": "green",
        "create_revision": first,
        "mod_revision": first + 1,
        "version": 2,
        "lease": 0,
    }


def test_values_are_bytes_all_the_way(shell: Shell) -> None:
    value = bytes(range(256)) * 400
    shell("put", b"bin/\xff", "-", given=value)
    assert raftzmq("get", b"bin/\xff", variables=shell.variables).stdout == value
    assert shell.run("get", b"bin/\xff", code=0).stdout_bytes == value
    shown = shell.json("get", b"bin/\xff")
    assert shown["key"] == {"b64": "YmluL/8="}
    assert set(shown["value"]) == {"b64"}
    assert shell("put", "bin/dash", "--", "-5").startswith("revision ")
    assert shell("get", "bin/dash") == "-5"
    shell("put", "bin/empty", "")
    assert shell("get", "bin/empty") == ""


def test_a_missing_key_is_3(shell: Shell) -> None:
    assert shell.errors("get", "none\x1b[2J", code=3) == "key not found: none\\x1b[2J\n"
    assert json.loads(shell.errors("get", "none", "--json", code=3))["error"]["code"] == "key_not_found"
    assert shell.json("del", "none", code=3)["deleted"] is False
    assert "at revision 1" in shell.errors("get", "none", "--revision", "1", code=3)


def test_delete(shell: Shell) -> None:
    revision = shell.json("put", "d/x", "1")["revision"]
    assert shell("del", "d/x") == f"deleted at revision {revision + 1}\n"
    assert shell("get", "d/x", code=3) == ""
    shell("put", "d/y", "1")
    assert shell.json("del", "d/y") == {"deleted": True, "revision": revision + 3}


def test_compare_and_swap(shell: Shell) -> None:
    created = shell.json("cas", "c/lock", "me", "--absent")
    assert created["succeeded"] is True
    assert "is not as expected; it was last modified at" in shell.errors("cas", "c/lock", "you", "--absent", code=4)
    assert shell.json("cas", "c/lock", "nobody", "you", code=4) == {**created, "succeeded": False}
    said = json.loads(shell.errors("cas", "c/lock", "nobody", "you", "--json", code=4))["error"]
    assert (said["code"], said["definite"]) == ("precondition_failed", True)
    assert shell("cas", "c/lock", "me", "you") == f"revision {created['revision'] + 1}\n"
    assert shell.json("cas", "c/lock", "they", "--mod-revision", str(created["revision"]), code=4)["succeeded"] is False
    assert shell.json("cas", "c/lock", "they", "--mod-revision", str(created["revision"] + 1))["succeeded"] is True
    assert "it doesn't exist" in shell.errors("cas", "c/none", "a", "b", code=4)
    assert shell("get", "c/lock") == "they"


def test_ranges(shell: Shell) -> None:
    for number in range(5):
        shell("put", f"r/{number}", f"v{number}")
    assert shell("range", "r/") == "".join(f"r/{n}\tv{n}\n" for n in range(5))
    assert shell("range", "--start", "r/1", "--end", "r/3", "--keys-only") == "r/1\nr/2\n"
    found = shell.json("range", "r/", "--limit", "2")
    assert [item["value"] for item in found["items"]] == ["v0", "v1"]
    assert found["more"] is True
    token = found["resume_key"] if isinstance(found["resume_key"], str) else json.dumps(found["resume_key"])
    shell("put", "r/3", "changed")
    rest = shell.json("range", "r/", "--resume-key", token, "--revision", str(found["revision"]))
    assert [item["value"] for item in rest["items"]] == ["v2", "v3", "v4"]
    assert rest["more"] is False
    assert shell.json("range", "r/", "--keys-only")["keys"] == [f"r/{n}" for n in range(5)]
    assert shell("range", "nothing/") == ""
    assert f"--resume-key r/1 --revision {found['revision'] + 1}" in shell.errors("range", "r/", "--limit", "1", code=0)


def test_status(shell: Shell, cluster: LiveCluster) -> None:
    document = shell.json("status")
    assert document["schema"] == 1
    rows = document["nodes"]
    assert [(row["node"], row["endpoint"]) for row in rows] == [
        (address.node, address.client) for address in cluster.configuration.nodes
    ]
    assert sorted(row["role"] for row in rows) == ["follower", "follower", "leader"]
    processes = [node.process for node in cluster.nodes.values()]
    assert [row["pid"] for row in rows] == [process.pid for process in processes if process is not None]
    for row in rows:
        assert row["reachable"] is True
        assert row["term"] >= 1
        assert row["leader"] in cluster.nodes
        assert row["last_applied"] <= row["commit_index"] <= row["last_log_index"]
    heading, *lines = shell("status").splitlines()
    assert heading.split()[:4] == ["NODE", "ROLE", "TERM", "LEADER"]
    assert [line.split()[0] for line in lines] == ["n1", "n2", "n3"]


def test_a_value_without_an_end_is_not_read_to_it(shell: Shell) -> None:
    with open("/dev/zero", "rb") as endless:
        done = subprocess.run(
            [*COMMAND, "put", "v/endless", "-"],
            stdin=endless,
            capture_output=True,
            env=environment(**shell.variables),
            check=False,
            timeout=PATIENCE_S,
        )
    assert done.returncode == 1
    assert done.stderr == b"error: a value has at most 1024 KiB, and standard input has more\n"
    shell("get", "v/endless", code=3)
    largest = bytes(1 << 20)
    shell.run("put", "v/largest", "-", given=largest, code=0)
    assert shell.run("get", "v/largest", code=0).stdout_bytes == largest


@pytest.mark.parametrize("columns", [30, 40, 60, 80, 140])
def test_the_status_table_fits_the_terminal(shell: Shell, columns: int) -> None:
    lines = click.unstyle(shell.screen("status", columns=columns)).splitlines()
    assert max(map(len, lines)) <= columns
    table = [line.split() for line in lines[:4]]
    assert [row[0] for row in table] == ["NODE", "n1", "n2", "n3"]
    assert len({len(row) for row in table}) == 1, "every cell has something in it"
    assert ("PID" in lines[0]) == (columns >= 100)
    assert "…" not in "".join(lines)
    assert "nodes follow n" in " ".join(" ".join(lines).split())


def test_stored_bytes_do_not_steer_a_terminal(shell: Shell) -> None:
    shell("put", b"t/\x1b[31m", b"\x1b]0;owned\x07 and \xff\ttab\nline")
    assert shell.screen("get", os.fsdecode(b"t/\x1b[31m")) == "\\x1b]0;owned\\x07 and \\xff\ttab\r\nline\r\n"
    table = shell.screen("range", "t/", "--keys-only")
    assert table == "t/\\x1b[31m\r\n"
    assert "owned\\x07" in shell.screen("range", "t/")
    assert "\x07" not in shell.screen("range", "t/")


def test_a_range_on_a_terminal_is_a_table_of_its_width(shell: Shell) -> None:
    shell("put", "w/short", "x")
    shell("put", "w/" + "k" * 200, "y" * 3000)
    lines = click.unstyle(shell.screen("range", "w/", columns=80)).splitlines()
    assert lines[0].split() == ["KEY", "REVISION", "VALUE"]
    assert len(lines) == 3
    assert max(map(len, lines)) <= 80
    assert lines[1].count("…") == 2


def test_health(shell: Shell) -> None:
    assert shell("health").startswith("healthy: ")
    assert shell.json("health")["healthy"] is True


def test_a_cluster_file_serves_as_well(cluster: LiveCluster, tmp_path: Path) -> None:
    path = tmp_path / "cluster.toml"
    path.write_text(cluster.configuration.to_toml())
    assert raftzmq("put", "f/x", "1", "--config", str(path)).returncode == 0
    nowhere = {"RAFTZMQ_ENDPOINTS": "127.0.0.1:1", "RAFTZMQ_TIMEOUT": "20"}
    typed = raftzmq("get", "f/x", "--config", str(path), variables=nowhere)
    assert typed.stdout == b"1", "what is typed goes before what the environment says"
    both = {**nowhere, "RAFTZMQ_CONFIG": str(path), "RAFTZMQ_TIMEOUT": "0.3"}
    assert raftzmq("get", "f/x", variables=both).returncode == 7


def test_without_a_majority(shell: Shell, cluster: LiveCluster) -> None:
    """Runs last in this file: it takes the cluster apart and puts it together again."""
    shell("put", "m/x", "1")
    leader = cluster.leader()
    for name in cluster.others(leader):
        cluster.nodes[name].kill()
    assert "unreachable" in shell("status", code=5)
    rows = {row["node"]: row for row in shell.json("status", code=5)["nodes"]}
    assert set(rows) == {"n1", "n2", "n3"}
    assert [row["role"] for row in rows.values() if not row["reachable"]] == [None, None]
    assert shell.errors("health", "--timeout", "1", code=5).startswith("unhealthy: ")
    assert shell.errors("get", "m/x", "--timeout", "1", code=7).startswith("error: ")
    for arguments in (["put", "m/x", "2"], ["del", "m/x"], ["cas", "m/x", "1", "2"]):
        done = raftzmq(*arguments, "--json", "--timeout", "1", variables=shell.variables)
        assert done.returncode in (7, 8)
        assert json.loads(done.stderr)["error"]["definite"] == (done.returncode == 7)
    cluster.start(cluster.others(leader))
    cluster.leader()
    found = raftzmq("get", "m/x", variables=shell.variables)
    assert (found.returncode, found.stdout) in ((0, b"1"), (0, b"2"), (3, b"")), "what may have been applied, or not"
