"""Faults by command, on real nodes in lab mode: partitions, one-way links, elections, processes; and refusals."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from raftzmq.client.sync import Client
from tests.live.harness import ENVIRONMENT, LiveCluster, command_line, eventually
from tests.live.runtimes import EITHER
from tests.live.wire import NoAnswer

pytestmark = pytest.mark.live


def in_lab_mode(directory: Path, count: int, runtime: str) -> LiveCluster:
    cluster = LiveCluster(directory, count, runtime=runtime)
    for node in cluster.nodes.values():
        node.command.append("--lab")
    return cluster


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[LiveCluster]:
    """Three nodes in lab mode that follow a leader."""
    with in_lab_mode(tmp_path, 3, EITHER) as cluster:
        cluster.start()
        cluster.leader()
        yield cluster


def chaos(cluster: LiveCluster, *arguments: str) -> dict[str, Any]:
    """What a command that succeeds says."""
    done = command_line(cluster, "chaos", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def refusal(cluster: LiveCluster, *arguments: str) -> str:
    """What a command that fails says, which is a sentence."""
    done = command_line(cluster, "chaos", *arguments)
    assert done.returncode not in (0, 5), done.stdout
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


def links(cluster: LiveCluster) -> dict[tuple[str, str], dict[str, Any]]:
    """The faults in force, by sender and receiver."""
    rows = chaos(cluster, "show")["nodes"]
    return {(row["node"], peer): faults for row in rows for peer, faults in row["links"].items()}


def commits(cluster: LiveCluster, names: list[str], key: str, timeout: float = 60) -> bool:
    """Does a put end well that only these nodes are asked for?"""
    endpoints = ",".join(cluster.nodes[name].address.client for name in names)
    done = command_line(cluster, "put", key, "v", "--endpoints", endpoints, "--timeout", f"{timeout:g}")
    assert done.returncode in (0, 7, 8), done.stderr
    return done.returncode == 0


def test_a_partition_stops_the_minority_elects_in_the_majority_and_ends_by_itself(tmp_path: Path, runtime: str) -> None:
    with in_lab_mode(tmp_path, 5, runtime) as cluster:
        cluster.start()
        leader = cluster.leader()
        term = cluster.agreed_term(leader)
        row = cluster.status(leader)
        assert row is not None
        assert row["lab"] is True
        minority = [leader, cluster.others(leader)[0]]
        majority = cluster.others(*minority)
        said = chaos(cluster, "partition", ",".join(minority), "/", ",".join(majority), "--for", "1h")
        assert said["groups"] == [minority, majority]
        successor = cluster.leader(among=majority, above_term=term)
        assert successor in majority
        assert set(links(cluster)) == {(a, b) for a in minority for b in majority} | {
            (b, a) for a in minority for b in majority
        }
        with Client([cluster.nodes[name].address.client for name in majority], timeout=60) as client:
            client.put("during", "majority")
        row = eventually(
            lambda: (row := cluster.status(leader)) and row["role"] != "leader" and row, "CheckQuorum deposes it"
        )
        with cluster.connection(leader, timeout=1.0) as connection, pytest.raises(NoAnswer):
            connection.state_hash()
        assert (stale := cluster.status(leader)) is not None
        assert stale["commit_index"] == row["commit_index"]
        # The same with a short time: nobody heals it.
        chaos(cluster, "partition", ",".join(minority), "/", ",".join(majority), "--for", "2s")
        eventually(lambda: not links(cluster), "it ends by itself")
        cluster.leader(above_term=term)
        cluster.agreement()
        assert len(cluster.state_hashes()) == 1


def test_healing_ends_what_has_no_end_of_its_own(lab: LiveCluster) -> None:
    leader = lab.leader()
    alone, *others = [leader, *lab.others(leader)]
    chaos(lab, "partition", "leader", "/", ",".join(others))
    successor = lab.leader(among=others, above_term=lab.agreed_term(leader) - 1)
    assert successor != alone
    chaos(lab, "heal", others[0])
    assert set(links(lab)) == {(alone, others[1]), (others[1], alone)}, "only the links of that node, both ways"
    chaos(lab, "heal")
    assert links(lab) == {}
    lab.agreement()


def test_a_link_that_is_cut_one_way_carries_messages_the_other_way(lab: LiveCluster) -> None:
    """A follower that hears nobody campaigns in pre-votes for ever; its questions arrive, and none is lost of them."""
    leader = lab.leader()
    term = lab.agreed_term(leader)
    deaf, third = lab.others(leader)
    for sender in (leader, third):
        chaos(lab, "link", sender, deaf, "--cut")
    assert set(links(lab)) == {(leader, deaf), (third, deaf)}
    eventually(
        lambda: (row := lab.status(deaf)) and row["role"] == "pre-candidate", "who hears no leader asks for votes"
    )
    assert commits(lab, [leader, third], "k"), "two of three hear each other"
    assert lab.agreed_term(leader) == term, "who hears a leader refuses the pre-vote (thesis 4.2.3)"
    chaos(lab, "heal", deaf)
    lab.agreement()
    # Now it is the other direction: it hears the leader, and nobody hears it.
    for receiver in (leader, third):
        chaos(lab, "link", deaf, receiver, "--cut")
    assert commits(lab, [leader, third], "k2")
    settled = eventually(lambda: lab.status(leader), "it answers")["commit_index"]
    eventually(lambda: (row := lab.status(deaf)) and row["commit_index"] >= settled, "entries still come to it")


def test_figures_of_a_link_are_told_back(lab: LiveCluster) -> None:
    leader = lab.leader()
    other = lab.others(leader)[0]
    figures = ["--drop", "0.3", "--delay-ms", "50", "--jitter-ms", "10", "--duplicate", "0.1"]
    chaos(lab, "link", leader, other, *figures)
    expected = {"cut": False, "drop": 0.3, "duplicate": 0.1, "delay_ms": 50, "jitter_ms": 10, "left_ms": None}
    assert links(lab) == {(leader, other): expected}
    shown = command_line(lab, "chaos", "show").stdout
    assert "drop 30% delay 50±10 ms twice 10%" in shown
    assert shown.count("ok") == 5, "of six links one is bad"
    chaos(lab, "heal")
    answer = command_line(lab, "chaos", "show").stdout
    assert answer.count("ok") == 6
    chaos(lab, "link", leader, other, "--cut", "--both")
    chaos(lab, "link", leader, other, "--sound")
    assert set(links(lab)) == {(other, leader)}, "the other way stays as it is"
    assert "give nothing else" in refusal(lab, "link", leader, other, "--sound", "--cut")
    chaos(lab, "link", leader, other, "--sound", "--both")
    assert links(lab) == {}


def test_an_election_by_command_makes_a_healthy_follower_lead(lab: LiveCluster) -> None:
    leader = lab.leader()
    term = lab.agreed_term(leader)
    other = lab.others(leader)[0]
    chaos(lab, "elect", other)
    assert lab.leader(above_term=term) == other
    assert "leads already" in refusal(lab, "elect", other)


def test_processes_are_paused_resumed_and_killed(lab: LiveCluster) -> None:
    leader = lab.leader()
    term = lab.agreed_term(leader)
    chaos(lab, "pause", "leader", "--supervisor", "none")
    successor = lab.leader(among=lab.others(leader), above_term=term)
    assert lab.status(leader, timeout=0.3) is None
    chaos(lab, "resume", leader, "--supervisor", "none")
    lab.agreement()
    chaos(lab, "kill", successor, "--supervisor", "none")
    assert lab.nodes[successor].wait() == -signal.SIGKILL
    assert "no such process" in refusal(lab, "kill", successor, "--supervisor", "none")
    assert "only a supervisord" in refusal(lab, "restart", leader, "--supervisor", "none")


def test_a_node_that_was_not_started_in_lab_mode_refuses_everything(tmp_path: Path) -> None:
    with LiveCluster(tmp_path, 3, runtime=EITHER) as cluster:
        cluster.start()
        leader = cluster.leader()
        term = cluster.agreed_term(leader)
        other = cluster.others(leader)[0]
        assert "lab" not in (cluster.status(leader) or {"lab": True})
        everything = (
            *(("kill", leader), ("pause", leader), ("resume", leader), ("restart", leader), ("elect", other)),
            *(("partition", leader, "/", other), ("link", leader, other, "--cut"), ("heal",), ("show",)),
        )
        for arguments in everything:
            said = refusal(cluster, *arguments)
            assert "not started in lab mode" in said, arguments
            assert "bin/up --lab" in said
        # Paused from outside, it can't be asked: what it was started with tells.
        cluster.nodes[other].signal(signal.SIGSTOP)
        assert "not started in lab mode" in refusal(cluster, "kill", other, "--supervisor", "none", "--timeout", "2")
        cluster.nodes[other].signal(signal.SIGCONT)
        cluster.agreement()
        assert cluster.agreed_term(leader) >= term
        assert all(node.running for node in cluster.nodes.values())


def test_the_environment_starts_nodes_in_lab_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENVIRONMENT, "RAFTZMQ_NODE_LAB", "1")
    with LiveCluster(tmp_path, 1, runtime=EITHER) as cluster:
        cluster.start()
        cluster.leader()
        assert (row := cluster.status("n1")) is not None
        assert row["lab"] is True
        assert "lab mode" in cluster.nodes["n1"].log.read_text()


def test_mistakes_are_told_before_anything_is_done(lab: LiveCluster) -> None:
    leader = lab.leader()
    assert "there is no node 'n9'" in refusal(lab, "partition", "n1", "/", "n9")
    assert "in two groups" in refusal(lab, "partition", "n1,n2", "/", "n2,n3")
    assert "two groups" in refusal(lab, "partition", "n1,n2")
    assert "no link to itself" in refusal(lab, "link", leader, "leader", "--cut")
    assert "What is to be wrong" in refusal(lab, "link", "n1", "n2")
    assert "no span of time" in refusal(lab, "link", "n1", "n2", "--cut", "--for", "soon")
    assert "--drop" in refusal(lab, "link", "n1", "n2", "--drop", "1.5")
    assert links(lab) == {}
