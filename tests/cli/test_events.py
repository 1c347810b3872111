"""``events``: the record and the live stream, through real files and sockets."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from raftzmq.collector.recorder import Recorder
from raftzmq.collector.recording_file import recorded_files
from raftzmq.collector.recording_writer import RecordingWriter
from raftzmq.config import Address
from raftzmq.events.logs import json_log
from tests.cli.support import COMMAND, PATIENCE_S, environment, on_terminal, raftzmq
from tests.collector.streams import merged
from tests.collector.support import Publisher, cluster


def event(seq: int, kind: str = "commit", node: str = "n1", ts: float | None = None) -> dict[str, Any]:
    fields = {"index": seq, "previous": seq - 1} if kind == "commit" else {"leader": node}
    envelope = {"v": 1, "node": node, "boot": "b", "seq": seq, "ts": ts or 1000.0 + seq, "mono_ns": 1, "term": 2}
    return {**envelope, "type": kind, **fields}


def record(directory: Path, events: list[dict[str, Any]]) -> None:
    recorder = Recorder(RecordingWriter(directory), json_log(io.BytesIO()))
    recorder.offer([merged(position, one) for position, one in enumerate(events, recorder.last_position + 1)])
    recorder.close()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    kinds = [("commit", "n1"), ("leader", "n2"), ("commit", "n2")]
    record(tmp_path / "events", [event(seq, *kinds[seq % 3]) for seq in range(1, 301)])
    return tmp_path / "events"


def shown(directory: Path, *arguments: str) -> list[dict[str, Any]]:
    done = raftzmq("events", "--json", "--directory", str(directory), *arguments)
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_last_fifty_are_shown(directory: Path) -> None:
    assert [one["seq"] for one in shown(directory)] == list(range(251, 301))


@pytest.mark.parametrize(
    ("arguments", "seqs"),
    [
        (["-n", "3"], [298, 299, 300]),
        (["--type", "leader", "-n", "2"], [295, 298]),
        (["--type", "leader,commit", "--node", "n1", "-n", "2"], [297, 300]),
        (["--node", "n1", "--node", "n2", "-n", "2"], [299, 300]),
        (["--node", "n9"], []),
        (["--type", "gap"], []),
    ],
)
def test_they_are_chosen_by_type_and_node(directory: Path, arguments: list[str], seqs: list[int]) -> None:
    assert [one["seq"] for one in shown(directory, *arguments)] == seqs


def test_they_are_chosen_by_time(tmp_path: Path) -> None:
    now = time.time()
    record(tmp_path, [event(seq, ts=now - 3600 + 60 * seq) for seq in range(1, 60)])
    assert [one["seq"] for one in shown(tmp_path, "--since", "90m", "-n", "1000")] == list(range(1, 60))
    recent = [one["seq"] for one in shown(tmp_path, "--since", "600s")]
    assert recent[-1] == 59
    assert recent[0] in (50, 51, 52)
    assert shown(tmp_path, "--since", "2999-01-01") == []


def test_lines_are_plain_in_a_pipe_and_coloured_on_a_terminal(directory: Path) -> None:
    arguments = ("events", "--directory", str(directory), "-n", "2")
    plain = raftzmq(*arguments).stdout.decode().splitlines()
    assert len(plain) == 2
    assert plain[0].endswith(" n2   t2    commit   298 → 299") or "leader" in plain[0]
    assert "\x1b" not in "".join(plain)
    code, coloured = on_terminal(*arguments)
    assert code == 0
    assert "\x1b[" in coloured
    assert "\x1b" not in on_terminal(*arguments, variables={"NO_COLOR": "1"})[1]


def test_no_record_is_said_so(tmp_path: Path) -> None:
    done = raftzmq("events", cwd=tmp_path)
    assert done.returncode == 1
    assert b"no events are recorded in .raftzmq/collector" in done.stderr


def test_an_empty_record_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "events-00000001.events.jsonl.zst").touch()
    done = raftzmq("events", str(tmp_path))
    assert (done.returncode, done.stdout) == (0, b"")
    assert done.stderr.decode() == f"note: {tmp_path} holds no event that can be read\n"


def test_recorded_ones_come_at_their_pace(tmp_path: Path) -> None:
    record(tmp_path / "events", [event(seq, ts=1000 + seq) for seq in range(1, 20)])
    begun = time.monotonic()
    assert [one["seq"] for one in shown(tmp_path / "events", "-n", "6", "--speed", "10")] == list(range(14, 20))
    assert time.monotonic() - begun > 0.5, "five seconds, ten times as fast"


def test_a_recording_can_be_named_as_file_or_directory(directory: Path) -> None:
    [path] = recorded_files(directory)
    for recording in (path, directory):
        done = raftzmq("events", "--json", "-n", "2", str(recording))
        assert [json.loads(line)["seq"] for line in done.stdout.splitlines()] == [299, 300]


def test_a_damaged_or_foreign_recording_is_a_sentence(directory: Path, tmp_path: Path) -> None:
    record(directory, [event(301)])
    [path] = recorded_files(directory)
    data = path.read_bytes()
    path.write_bytes(data[:200] + b"!" + data[201:])
    done = raftzmq("events", "--json", str(directory))
    assert done.returncode == 0
    assert [json.loads(line)["seq"] for line in done.stdout.splitlines()] == [301]
    assert b"note: events-00000001.events.jsonl.zst: the frame at byte 0 is damaged" in done.stderr
    (tmp_path / "mine.txt").write_text("my notes\n" * 100)
    done = raftzmq("events", str(tmp_path / "mine.txt"))
    assert done.returncode == 1
    assert b"is no recording of events" in done.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_seen_enough_is_no_error(directory: Path, unbuffered: str) -> None:
    record(directory, [event(seq) for seq in range(1, 20_000)])
    command = subprocess.Popen(
        [*COMMAND, "events", "--directory", str(directory), "-n", "100000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(PYTHONUNBUFFERED=unbuffered),
    )
    assert command.stdout is not None
    assert command.stderr is not None
    assert command.stdout.readline()
    command.stdout.close()
    assert command.wait(PATIENCE_S) == 141
    assert command.stderr.read() == b""
    command.stderr.close()


@contextmanager
def following(*arguments: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [*COMMAND, "events", "--follow", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(**variables),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def publisher(endpoint: str, node: str = "n1") -> Publisher:
    """A publisher of one node's events in the collector's place."""
    return Publisher(Address(node, "-", "-", endpoint), "b")


def test_follow_prints_what_is_asked_for_until_ctrl_c() -> None:
    endpoint = cluster(1).collector
    with (
        closing(publisher(endpoint)) as node,
        following("--json", "--type", "commit", "--node", "n1", "--collector", endpoint) as process,
    ):
        node.wait_for_listener("commit")
        assert not node.maker.wanted("append"), "it subscribes to what it prints only"
        node.publish("commit", 3)
        assert process.stdout is not None
        lines = [json.loads(process.stdout.readline()) for _ in range(3)]
        assert [(line["type"], line["seq"]) for line in lines] == [("commit", 1), ("commit", 2), ("commit", 3)]
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, rest) == (0, b"")
        waits, connected = errors.decode().splitlines()
        assert waits.startswith(f"waiting for the collector at {endpoint}")
        assert connected == f"connected to the collector at {endpoint}; waiting for commit of n1 (Ctrl-C ends)"


def test_follow_of_a_type_from_all_nodes() -> None:
    endpoint = cluster(1).collector
    with closing(publisher(endpoint)) as node, following("--type", "role", "--collector", endpoint) as process:
        node.wait_for_listener()
        node.publish("commit")
        node.publish("role")
        assert process.stdout is not None
        assert b" role " in process.stdout.readline()


def test_follow_says_what_it_waits_for_and_when_it_is_back() -> None:
    endpoint = cluster(1).collector
    with following("--json", "--collector", endpoint) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        assert process.stderr.readline().startswith(b"waiting for the collector at ")
        for boot in range(2):
            with closing(publisher(endpoint)) as node:
                assert process.stderr.readline().startswith(b"connected to the collector")
                node.wait_for_listener()
                node.publish()
                assert json.loads(process.stdout.readline())["type"] == "commit"
            assert b"is gone; waiting" in process.stderr.readline(), boot


def test_follow_ends_when_its_reader_does() -> None:
    endpoint = cluster(1).collector
    with closing(publisher(endpoint)) as node, following("--json", "--collector", endpoint) as process:
        node.wait_for_listener()
        node.publish()
        assert process.stdout is not None
        assert process.stdout.readline()
        process.stdout.close()
        process.stdout = None
        assert process.stderr is not None
        assert [process.stderr.readline().split()[0] for _ in range(2)] == [b"waiting", b"connected"]
        deadline = time.monotonic() + PATIENCE_S
        while process.poll() is None and time.monotonic() < deadline:
            node.publish()
        assert process.returncode == 141
        assert process.stderr.read() == b""
