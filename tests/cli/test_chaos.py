"""What `raftzmq chaos` makes of names, times and faults, without a cluster."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import Any

import click
import pytest

from raftzmq.cli.chaos_matrix import cell, matrix
from raftzmq.cli.duration import Duration
from raftzmq.collector.faults.cluster import Cluster, FaultError
from raftzmq.collector.faults.local_processes import in_lab_mode, listener
from raftzmq.errors import NoLeader
from tests.cli.support import raftzmq


def row(name: str, role: str | None = "follower", term: int = 3, **more: Any) -> dict[str, Any]:
    return {
        "node": name,
        "endpoint": f"tcp://{name}:1",
        "reachable": role is not None,
        "role": role,
        "term": term,
        **more,
    }


def cluster(*rows: dict[str, Any]) -> Cluster:
    return Cluster({it["node"]: it for it in rows}, 1.0)


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [("10s", 10_000_000), ("500ms", 500_000), ("1.5m", 90_000_000), ("1h", 3_600_000_000), ("2", 2_000_000)],
)
def test_a_span_of_time(text: str, microseconds: int) -> None:
    assert Duration(10**10).convert(text, None, None) == microseconds


@pytest.mark.parametrize("text", ["", "soon", "-1s", "0", "0s", "10d", "1e3s", "3h", "nan", "9" * 400 + "h", "0.4us"])
def test_what_is_no_span_of_time(text: str) -> None:
    with pytest.raises(click.BadParameter):
        Duration(7_200_000_000).convert(text, None, None)


def test_the_leader_is_that_of_the_highest_term() -> None:
    found = cluster(row("n1", "leader", 3), row("n2", "leader", 5), row("n3"))
    assert found.resolve(["n3", "leader", "n2", "n3"]) == ["n3", "n2"]


def test_names_that_mean_nobody() -> None:
    with pytest.raises(FaultError, match=r"'n9'; there are n1"):
        cluster(row("n1")).resolve(["n9"])
    with pytest.raises(NoLeader):
        cluster(row("n1")).resolve(["leader"])


def test_all_that_answer_must_be_in_lab_mode() -> None:
    mixed = cluster(row("n1", lab=True), row("n2"), row("n3", None))
    mixed.demand_lab(["n1", "n3"])
    with pytest.raises(FaultError, match="n2 was not started in lab mode"):
        mixed.demand_lab(["n1", "n2"])


def faults(**given: Any) -> dict[str, Any]:
    sound = {"cut": False, "drop": 0, "delay_ms": 0, "jitter_ms": 0, "duplicate": 0, "left_ms": None}
    return {**sound, **given}


def test_what_is_wrong_with_a_link_in_a_few_words() -> None:
    assert cell(faults(cut=True, left_ms=8000)) == "cut (8 s)"
    assert cell(faults(drop=0.3, delay_ms=50, jitter_ms=10, duplicate=0.1)) == "drop 30% delay 50±10 ms twice 10%"


def test_the_matrix_says_what_it_does_not_know() -> None:
    rows = {name: {"reachable": name != "n3"} for name in ("n1", "n2", "n3")}
    answers: dict[str, Any] = {"n1": {"links": {"n3": faults(cut=True)}}, "n2": {"links": {}}}
    assert matrix(rows, answers) == [
        ["n1", "·", "ok", "cut"],
        ["n2", "ok", "·", "ok"],
        ["n3", "?", "?", "·"],
    ]


def test_who_listens_on_a_port_of_this_machine() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        endpoint = f"tcp://127.0.0.1:{listening.getsockname()[1]}"
        assert listener(endpoint) is None, "bound is not listening"
        listening.listen()
        assert listener(endpoint) == os.getpid()
    assert listener("tcp://10.1.2.3:7201") is None
    assert listener("ipc:///tmp/x") is None


@pytest.mark.parametrize(
    ("arguments", "variable", "expected"),
    [
        (["node", "--lab"], None, True),
        (["node"], "1", True),
        (["node"], "0", False),
        (["node"], "false", False),
        (["node"], None, False),
        (["other", "--lab"], "1", False),
    ],
)
def test_whether_a_process_was_started_in_lab_mode(arguments: list[str], variable: str | None, expected: bool) -> None:
    environment = {"PATH": os.environ["PATH"]} | ({} if variable is None else {"RAFTZMQ_NODE_LAB": variable})
    command = [sys.executable, "-S", "-c", "print(flush=True); input()", *arguments]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert in_lab_mode(process.pid) is expected
        process.kill()
    assert not in_lab_mode(process.pid)


def test_nobody_there_is_not_a_wrong_name() -> None:
    done = raftzmq("chaos", "elect", "n1", "--endpoints", "127.0.0.1:1", "--timeout", "0.2")
    assert done.returncode == 7
    assert done.stderr.startswith(b"error: no node answers, so nothing was done; asked: tcp://127.0.0.1:1.")
