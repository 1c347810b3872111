"""`raftzmq explain` on real clusters: the parts add up to what a client measured, and a slow disk is named."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from raftzmq.client.sync import Client
from raftzmq.collector.explained_words import words
from raftzmq.collector.explaining import Part, Step
from raftzmq.collector.tagged import Measured, measure
from tests.live.harness import LiveCluster, command_line, eventually
from tests.live.with_slow_log import DELAY_SECONDS, slow_file

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]

LAUNCHER = (sys.executable, "-P", str(Path(__file__).with_name("with_slow_log.py")))
DELAY_US = int(DELAY_SECONDS * 1_000_000)


@pytest.fixture(scope="module")
def cluster(runtime: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCluster]:
    with LiveCluster(tmp_path_factory.mktemp("explain"), 3, runtime=runtime, launcher=LAUNCHER) as running:
        running.start()
        running.leader()
        yield running


class Timed:
    """A call that is measured here as well, by the same client but another clock reading."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.us = 0

    def __call__(self, client: Client) -> Any:
        begun = time.monotonic_ns()
        result = client.put("colour", "blue") if self.name == "put" else client.get("colour")
        self.us = (time.monotonic_ns() - begun) // 1000
        return result


def explained(cluster: LiveCluster, name: str) -> tuple[Measured, int]:
    """A put or get, explained, and the microseconds that it took by the word of its caller."""
    call = Timed(name)

    def warm_up(client: Client) -> object:
        if name == "put":
            return client.compare_and_swap("colour", None, b"", mod_revision=2**62)
        return client.get("colour")

    return measure(cluster.endpoints, 30.0, warm_up=warm_up, call=call), call.us


def longest(measured: Measured) -> Part:
    return max(measured.explanation.parts, key=lambda part: part.us)


@pytest.mark.parametrize("name", ["put", "get"])
def test_the_parts_add_up_to_what_the_client_measured(cluster: LiveCluster, name: str) -> None:
    leader = cluster.leader()
    for _ in range(5):
        measured, client_us = explained(cluster, name)
        explanation = measured.explanation
        together = sum(part.us for part in explanation.parts)
        assert abs(together - client_us) <= 0.05 * client_us
        assert all(part.us >= 0 for part in explanation.parts)
        assert explanation.parts[0].step is Step.CLIENT
        # What the node says that it did took no longer than the client waited for it.
        assert together - explanation.parts[0].us <= client_us
        assert measured.deaf == ()
        assert explanation.node == leader
        steps = {part.step for part in explanation.parts}
        if name == "put":
            assert explanation.decided_by in cluster.nodes
            assert Step.DISK in steps
            assert Step.FOLLOWER not in steps, "both followers told of their disks"
            assert {beside.node for beside in explanation.beside} == {*cluster.nodes} - {leader, explanation.decided_by}
        else:
            assert {Step.CONFIRM, Step.READ} <= steps


def test_a_slow_follower_costs_nothing_while_the_other_answers(cluster: LiveCluster) -> None:
    leader = cluster.leader()
    slow, quick = cluster.others(leader)
    file = slow_file(cluster.data / slow)
    file.touch()
    try:
        measured, _ = explained(cluster, "put")
        assert measured.explanation.decided_by in (quick, leader)
        assert not [part for part in measured.explanation.parts if part.node == slow]
        said = words(measured.explanation)
        assert any(text.startswith(f"{slow} lags: its disk took") and "costs nothing" in text for text in said), said
    finally:
        file.unlink()
    cluster.agreement()


def test_a_slow_disk_that_a_majority_needs_is_named(cluster: LiveCluster) -> None:
    leader = cluster.leader()
    slow, stopped = cluster.others(leader)
    file = slow_file(cluster.data / slow)
    cluster.nodes[stopped].kill()
    file.touch()
    try:
        measured, client_us = explained(cluster, "put")
        part = longest(measured)
        assert (part.step, part.node) == (Step.DISK, slow)
        assert DELAY_US <= part.us <= client_us
        assert measured.explanation.decided_by == slow
        said = words(measured.explanation)
        assert f"was {slow}'s disk" in said[0]
        assert f"of {stopped} nothing was heard" in said[1]
        shown = command_line(cluster, "explain", "put", "colour", "blue")
        assert shown.returncode == 0, shown.stderr
        assert f"was {slow}'s disk" in shown.stdout
    finally:
        file.unlink()
        cluster.start([stopped])
    cluster.agreement()


def test_the_leaders_own_slow_disk_is_named(cluster: LiveCluster) -> None:
    leader = cluster.leader()
    file = slow_file(cluster.data / leader)
    file.touch()
    try:
        measured, _ = explained(cluster, "put")
        part = longest(measured)
        assert (part.step, part.node) == (Step.DISK, leader)
        assert part.us >= DELAY_US / 2
        assert f"was {leader}'s disk (the leader's)" in words(measured.explanation)[0]
    finally:
        file.unlink()
    cluster.agreement()


def test_the_command_shows_a_table_and_json(cluster: LiveCluster) -> None:
    cluster.leader()
    shown = command_line(cluster, "explain", "put", "shape", "round")
    assert shown.returncode == 0, shown.stderr
    lines = shown.stdout.splitlines()
    assert lines[0].startswith("put shape: revision ")
    assert any((line.startswith("between the client and n") and "█" in line) or "▏" in line for line in lines)
    assert any(line.startswith("together") and line.endswith("100.0 %") for line in lines)
    assert "once in a client's life" in lines[-1]
    document = json.loads(command_line(cluster, "explain", "get", "shape", "--json").stdout)
    assert document["result"]["value"] == "round"
    explanation = document["explanation"]
    assert sum(part["us"] for part in explanation["parts"]) == explanation["latency_us"]
    assert explanation["by_client"] is True
    assert explanation["words"]
    missing = command_line(cluster, "explain", "get", "nothing")
    assert (missing.returncode, missing.stdout.splitlines()[0]) == (0, "get nothing: there is no such key")


def test_no_answer_is_said_in_a_sentence(cluster: LiveCluster) -> None:
    nowhere = command_line(cluster, "explain", "get", "k", "--endpoints", "127.0.0.1:1", "--timeout", "1")
    assert nowhere.returncode == 7
    assert "no node answers" in nowhere.stderr
    for words_ in (("put", "k"), ("get",), ("put", "k", "v", "--slowest", "3"), ("a", "b")):
        wrong = command_line(cluster, "explain", *words_)
        assert wrong.returncode == 2, wrong.stdout
        assert "put KEY VALUE" in wrong.stderr
    assert eventually(lambda: cluster.leader(), "the cluster goes on")
