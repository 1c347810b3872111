"""``top`` as a process: on a terminal with keys, in a pipe, as JSON, and without a collector."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import zmq

from raftzmq.transport.sockets import events_publisher
from tests.cli.cluster_story import Story
from tests.cli.support import COMMAND, environment, on_terminal, raftzmq
from tests.cli.terminal import Terminal
from tests.collector.support import cluster, free_endpoints

RESTORED = "\x1b[?1049l"
"""What gives a terminal its former screen back."""


class Stage:
    """A collector's stream on which a story is told, several seconds of it in one of ours."""

    def __init__(self) -> None:
        self.endpoint = cluster(1).collector
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        publisher = events_publisher(context, self.endpoint)

        def tell(event: dict[str, Any]) -> None:
            publisher.send_multipart([f"raftzmq.{event['node']}.{event['type']}".encode(), orjson.dumps(event)])

        story = Story("n1", "n2", "n3", tell=tell)
        while not self._end.wait(0.1):
            while publisher.poll(0):
                publisher.recv()
            story.second()
            story.event("n2", "role", role="follower", previous="candidate", reason="another one leads")
        context.destroy(linger=0)

    def close(self) -> None:
        """The collector ends."""
        self._end.set()
        self._thread.join()


@pytest.fixture
def stage() -> Iterator[Stage]:
    running = Stage()
    try:
        yield running
    finally:
        running.close()


def test_in_a_pipe_it_is_one_frame(stage: Stage) -> None:
    done = raftzmq("top", "--collector", stage.endpoint, variables={"COLUMNS": "100"})
    assert (done.returncode, done.stderr) == (0, b"")
    lines = done.stdout.decode().splitlines()
    assert "\x1b" not in "".join(lines)
    assert max(map(len, lines)) <= 100
    assert lines[0].startswith("n1 leads term 7 · 3 of 3 nodes · ")
    assert lines[1] == f"collector at {stage.endpoint}"
    assert [line.split()[:2] for line in lines[4:7]] == [["n1", "leader"], ["n2", "follower"], ["n3", "follower"]]
    assert "nothing is wrong" in lines
    assert "candidate → follower: another one leads" in lines[-1]


def test_json_is_one_object_an_interval(stage: Stage) -> None:
    arguments = ("top", "--json", "--collector", stage.endpoint, "--interval", "0.2")
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, env=environment()) as process:
        assert process.stdout is not None
        frames = (json.loads(line) for line in process.stdout)
        frame = next(frame for frame in frames if len(frame["nodes"]) == 3 and frame["nodes"][1]["round_trip_us"])
        process.kill()
    assert (frame["schema"], frame["source"], frame["leader"], frame["term"]) == (1, "events", "n1", 7)
    assert [row["node"] for row in frame["nodes"]] == ["n1", "n2", "n3"]
    assert frame["nodes"][1]["round_trip_us"] == 480
    (single,) = raftzmq("top", "--json", "--once", "--collector", stage.endpoint).stdout.splitlines()
    assert json.loads(single)["puts_per_s"] > 0


def test_one_frame_on_a_terminal_has_colours_and_its_width(stage: Stage) -> None:
    code, screen = on_terminal("top", "--once", "--collector", stage.endpoint, columns=70)
    assert code == 0
    assert "\x1b[1;32m" in screen, "the leader is green"
    assert RESTORED not in screen


def test_keys_on_a_terminal(stage: Stage) -> None:
    with Terminal("top", "--collector", stage.endpoint, columns=120) as terminal:
        terminal.expect("n1 leads term 7")
        terminal.expect("sort: name")
        terminal.press_until("s", "sort: lag")
        terminal.press_until("?", "entries that the cluster has committed")
        terminal.type("?")
        terminal.press_until("p", "PAUSED")
        terminal.type("q")
        assert terminal.wait() == 0
        assert terminal.screen.rstrip().endswith(("\x1b[?25h", RESTORED)), "the cursor and the old screen are back"
        assert RESTORED in terminal.screen
        drawn = terminal.screen.split("\x1b[H")[2:-1]
        assert len(drawn) > 3
        assert {frame.count("\n") for frame in drawn} == {39}, "each frame stands where the last one stood"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_a_signal_leaves_the_terminal_as_it_was(stage: Stage, number: signal.Signals, code: int) -> None:
    with Terminal("top", "--collector", stage.endpoint) as terminal:
        terminal.expect("n1 leads term 7")
        terminal.process.send_signal(number)
        assert terminal.wait() == code
        assert RESTORED in terminal.screen
        assert "Traceback" not in terminal.screen


def test_a_terminal_without_screens_gets_one_frame(stage: Stage) -> None:
    code, screen = on_terminal("top", "--collector", stage.endpoint, variables={"TERM": "dumb"})
    assert code == 0
    assert "\x1b" not in screen
    assert "n1 leads term 7" in screen


def test_it_ends_after_the_time_it_was_given(stage: Stage) -> None:
    with Terminal("top", "--collector", stage.endpoint, "--for", "1.5") as terminal:
        assert terminal.wait() == 0


def test_a_time_shorter_than_an_interval_still_shows_a_frame(stage: Stage) -> None:
    done = raftzmq("top", "--json", "--collector", stage.endpoint, "--for", "0.3")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 1
    assert json.loads(done.stdout)["schema"] == 1


def test_without_anybody_it_says_what_it_tried_and_5() -> None:
    collector, node = free_endpoints(2)
    done = raftzmq(
        "top", "--once", "--collector", collector, "--endpoints", node, "--for", "2", variables={"COLUMNS": "120"}
    )
    text = done.stdout.decode()
    assert done.returncode == 5, text
    assert f"no collector at {collector}: asking each node" in text
    assert "nothing can be committed" in text
    assert "Traceback" not in done.stderr.decode()


def test_a_collector_that_ends_is_said_so(stage: Stage) -> None:
    node = free_endpoints(1)[0]
    with Terminal("top", "--collector", stage.endpoint, "--endpoints", node, columns=120) as terminal:
        terminal.expect(f"collector at {stage.endpoint}")
        terminal.expect("n1 leads term 7")
        stage.close()
        terminal.expect(f"no collector at {stage.endpoint}: asking each node")
        terminal.type("q")
        assert terminal.wait() == 0


@pytest.mark.parametrize(
    "arguments", [["--collector", "nonsense"], ["--endpoints", "???"], ["--interval", "0"], ["--sort", "colour"]]
)
def test_mistakes_are_explained(arguments: list[str]) -> None:
    done = raftzmq("top", "--once", *arguments)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert done.stderr
