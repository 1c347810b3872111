"""``events --follow`` from the record into the live stream, and single messages on demand."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import orjson
import pytest
import zmq

from raftzmq.cli.event_choice import Choice
from raftzmq.cli.event_follow import PATIENCE_S as PATIENCE_AFTER_S
from raftzmq.cli.event_follow import Told
from raftzmq.transport.sockets import events_publisher
from tests.cli.event_samples import ENVELOPE, STANDING
from tests.cli.support import COMMAND, environment
from tests.cli.terminal import Terminal
from tests.collector.support import PATIENCE_S, Publisher, cluster, collecting, free_endpoints, wait_until


@contextmanager
def following(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [*COMMAND, "events", "--follow", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def publishing(node: Publisher) -> Iterator[None]:
    """Commits again and again, on a thread that has the publisher for itself."""
    end = threading.Event()

    def run() -> None:
        while not end.wait(0.01):
            node.publish("commit", 5)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join(PATIENCE_S)


def test_the_record_and_the_live_stream_are_one(tmp_path: Path) -> None:
    config = cluster(1)
    with closing(Publisher(config.nodes[0], "b")) as node, collecting(config, tmp_path) as running:
        node.wait_for_listener()
        node.publish("commit", 300)
        wait_until(lambda: len(running.recorded()) >= 300, "the past is recorded")
        choice = ("--json", "--type", "commit", "--since", "1h")
        with (
            publishing(node),
            following(*choice, "--collector", config.collector, "--directory", str(tmp_path)) as process,
        ):
            assert process.stdout is not None
            seqs = [json.loads(process.stdout.readline())["seq"] for _ in range(2000)]
        assert seqs == list(range(1, 2001)), "each once, in order"


def test_the_record_of_a_quiet_cluster_is_shown_at_once_and_the_rest_when_it_comes(tmp_path: Path) -> None:
    config = cluster(1)
    with closing(Publisher(config.nodes[0], "b")) as node, collecting(config, tmp_path) as running:
        node.wait_for_listener()
        node.publish("commit", 20)
        wait_until(lambda: len(running.recorded()) >= 20, "the past is recorded")
        choice = ("--json", "--type", "commit", "--since", "1h")
        with following(*choice, "--collector", config.collector, "--directory", str(tmp_path)) as process:
            assert process.stdout is not None
            assert [json.loads(process.stdout.readline())["seq"] for _ in range(20)] == list(range(1, 21))
            node.publish("commit", 10)
            assert [json.loads(process.stdout.readline())["seq"] for _ in range(10)] == list(range(21, 31))


def test_without_a_record_it_says_so_and_goes_on_live(tmp_path: Path) -> None:
    endpoint = free_endpoints(1)[0]
    with Terminal(
        "events", "-f", "--since", "5m", "--collector", endpoint, "--directory", str(tmp_path), columns=200
    ) as terminal:
        terminal.expect("waiting for the collector")
        terminal.expect("this shows only what happens from now on")


def test_single_messages_are_asked_for_by_name_from_every_node_that_is_heard() -> None:
    endpoint = free_endpoints(1)[0]
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    publisher = events_publisher(context, endpoint)

    def next_subscription() -> bytes:
        assert publisher.poll(int(PATIENCE_S * 1000)), "nobody subscribes"
        return publisher.recv()

    try:
        with following("--type", "sent", "--collector", endpoint):
            assert next_subscription() == b"\x01raftzmq.", "which nodes there are is learned from what they say"
            clock = {**ENVELOPE, "node": "n7", "type": "clock", "interval_us": 1}
            publisher.send_multipart([b"raftzmq.n7.clock", orjson.dumps(clock)])
            assert next_subscription() == b"\x01raftzmq.n7.sent"
        with following("--type", "received,heartbeat_sent", "--node", "n1,n2", "--collector", endpoint):
            found = {next_subscription() for _ in range(8)}
            kinds = ("received", "heartbeat_sent", "standing")
            wanted = {f"raftzmq.{n}.{kind}".encode() for n in ("n1", "n2") for kind in kinds}
            assert {frame[1:] for frame in found if frame[0]} == wanted
    finally:
        context.destroy(linger=0)


def test_columns_on_a_terminal() -> None:
    endpoint = free_endpoints(1)[0]
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    publisher = events_publisher(context, endpoint)
    try:
        with Terminal("events", "-f", "--columns", "--node", "n1,n2", "--collector", endpoint) as terminal:
            terminal.expect("waiting for the collector")
            terminal.expect("waiting for any event of n1, n2")
            assert publisher.poll(int(PATIENCE_S * 1000))
            publisher.recv()
            publisher.recv()
            role = {**ENVELOPE, "type": "role", "role": "leader", "previous": "candidate", "reason": "won"}
            publisher.send_multipart([b"raftzmq.n1.role", orjson.dumps(role)])
            terminal.expect("time")
            terminal.expect("term 4")
            terminal.expect("\x1b[32m")
            terminal.expect("role candidate")
    finally:
        context.destroy(linger=0)


def test_a_silence_is_explained_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    now = 100.0
    monkeypatch.setattr("raftzmq.cli.event_follow.time.monotonic", lambda: now)
    told = Told("tcp://here:1", Choice(level="rare"))
    told.show(lambda _: None, [])
    told.connection(True)
    now += PATIENCE_AFTER_S - 0.1
    told.show(lambda _: None, [])
    assert [line.split()[0] for line in capsys.readouterr().err.splitlines()] == ["waiting", "connected"]
    now += 0.2
    told.show(lambda _: None, [])
    told.show(lambda _: None, [])
    said = capsys.readouterr().err
    assert said == (
        "still nothing of rare events, nor anything else: maybe no such node runs ('raftzmq status' tells), or other "
        "types are gathered\n"
    )
    told.connection(False)
    told.connection(False)
    told.connection(True)
    gone, back = capsys.readouterr().err.splitlines()
    assert gone == "the collector at tcp://here:1 is gone; waiting until it is back"
    assert back == "connected to the collector at tcp://here:1"


@pytest.mark.parametrize("nodes", [[], ["--node", "n1"]])
def test_a_cluster_that_has_nothing_of_it_to_tell_is_not_taken_for_gone(nodes: list[str]) -> None:
    endpoint = free_endpoints(1)[0]
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    publisher = events_publisher(context, endpoint)
    try:
        with Terminal("events", "-f", "--type", "sent", *nodes, "--collector", endpoint, columns=200) as terminal:
            terminal.expect("waiting for sent")
            assert publisher.poll(int(PATIENCE_S * 1000))
            standing = orjson.dumps({**ENVELOPE, **STANDING, "type": "standing"})
            while publisher.poll(100):
                publisher.recv()
            publisher.send_multipart([b"raftzmq.n1.standing", standing])
            who = " of n1" if nodes else ""
            terminal.expect(
                f"still nothing of sent{who}: a node is heard (n1), so there was none; an idle cluster sends"
            )
    finally:
        context.destroy(linger=0)
