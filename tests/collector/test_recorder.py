"""Recording that fails: the error is told and counted, the stream never notices, recording resumes."""

from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from raftzmq.collector.recorder import Recorder
from raftzmq.collector.writer import RotatingWriter
from raftzmq.events.logs import json_log
from tests.collector.support import PATIENCE_S, Listener, Publisher, cluster, read_lines, wait_until

ROOM_BYTES = 20_000
"""The disk of the test: a process whose files may not grow past this."""


def test_a_full_disk_stops_the_recording_and_nothing_else(tmp_path: Path) -> None:
    """RLIMIT_FSIZE makes writes fail with EFBIG past the limit, as ENOSPC does on a full disk."""
    config = cluster(1)
    (tmp_path / "cluster.toml").write_text(config.to_toml())
    directory = tmp_path / "events"
    process = subprocess.Popen(
        [sys.executable, "-m", "raftzmq", "collector"],
        env={
            **os.environ,
            "RAFTZMQ_CONFIG": str(tmp_path / "cluster.toml"),
            "RAFTZMQ_COLLECTOR_DIRECTORY": str(directory),
        },
        stdout=subprocess.PIPE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM_BYTES, ROOM_BYTES)),
    )
    try:
        with closing(Listener(config.collector)) as listener, closing(Publisher(config.nodes[0], "b")) as node:
            node.wait_for_listener()
            published = 0
            while not listener.hears():  # until the collector knows that it listens
                node.publish("role")
                published += 1
            wait_until(lambda: any(directory.glob("*.jsonl")), "something is recorded")
            for _ in range(25):
                node.publish("commit", 20)
                published += 20
            while listener.receive(1)[0]["type"] != "commit":
                pass
            assert [event["seq"] for event in listener.receive(499)] == list(range(2, 501))
        process.terminate()
        output, _ = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0
    log = [json.loads(line) for line in output.splitlines()]
    [error] = [line for line in log if line["level"] == "error"]
    assert error["reason"] == "File too large"
    recorded = read_lines(directory)
    assert 0 < len(recorded) < published
    assert sum(path.stat().st_size for path in directory.glob("*.jsonl")) <= ROOM_BYTES
    assert log[-1]["event"] == "collector stopped"
    assert log[-1]["unrecorded"] == published - len(recorded)


def test_recording_resumes_by_itself(tmp_path: Path) -> None:
    log = io.BytesIO()
    directory = tmp_path / "events"
    recorder = Recorder(RotatingWriter(directory), json_log(log), retry_s=0.0)
    directory.rename(tmp_path / "gone")
    recorder.offer([b"1", b"2"])
    wait_until(lambda: recorder.lost == 2, "the failure is counted")
    (tmp_path / "gone").rename(directory)
    recorder.offer([b'{"n":3}'])
    recorder.close()
    assert [json.loads(line)["event"].split(":")[0] for line in log.getvalue().splitlines()] == [
        "recording stopped",
        "recording resumed",
    ]
    assert read_lines(directory) == [{"n": 3}]
    assert (recorder.failures, recorder.lost) == (1, 2)


def test_what_waits_for_the_disk_is_bounded(tmp_path: Path) -> None:
    """A FIFO that nobody reads is a disk that hangs."""
    pipe = tmp_path / "events-00000001.jsonl"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    recorder = Recorder(RotatingWriter(tmp_path), json_log(io.BytesIO()))
    payload = b"x" * 1_000_000
    for _ in range(40):
        recorder.offer([payload])
    assert recorder.lost >= 40 - 16 - 17, "at most a queue that waits and one that is being written"
    assert recorder.lost > 0
    os.close(reader)
    recorder.close()
