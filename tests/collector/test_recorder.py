"""Recording on a thread: what fails is told and counted, the stream never notices, recording resumes."""

from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import sys
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from raftzmq.collector.excerpt import EVENTS_AROUND, KEPT_MAX
from raftzmq.collector.merged import Merged
from raftzmq.collector.recorder import Recorder
from raftzmq.collector.recording import Recording
from raftzmq.collector.recording_file import recorded_files
from raftzmq.collector.recording_frame import FRAME_BYTES_MAX
from raftzmq.collector.recording_writer import RecordingWriter
from raftzmq.events.logs import json_log
from tests.collector.streams import collectors, event, merged
from tests.collector.support import PATIENCE_S, Listener, Publisher, cluster, wait_until

ROOM_BYTES = 1500
"""The disk of the test: a process whose files may not grow past this."""


def commits(first: int, last: int) -> list[Merged]:
    return [merged(position, event("commit", index=position)) for position in range(first, last + 1)]


def recorder(directory: Path, log: io.BytesIO | None = None, **options: Any) -> Recorder:
    return Recorder(RecordingWriter(directory), json_log(log or io.BytesIO()), **options)


def reached(running: Recorder, position: int) -> bool:
    return running.last_position >= position


def positions(directory: Path) -> list[int]:
    return [one.position for one in Recording(directory).events()] if recorded_files(directory) else []


def test_events_are_recorded_soon_without_a_word(tmp_path: Path) -> None:
    running = recorder(tmp_path, flush_s=0.01)
    running.offer(commits(1, 3))
    wait_until(lambda: positions(tmp_path) == [1, 2, 3], "they are recorded")
    running.offer(commits(4, 4))
    running.close()
    assert positions(tmp_path) == [1, 2, 3, 4]
    assert recorder(tmp_path).last_position == 4


def test_a_full_frame_does_not_wait_for_its_time(tmp_path: Path) -> None:
    running = recorder(tmp_path, flush_s=1000.0, frame_bytes=2000)
    for position in range(1, 101):
        running.offer(commits(position, position))
    wait_until(lambda: len(positions(tmp_path)) > 50, "full frames are recorded")
    running.close()
    recording = Recording(tmp_path)
    assert positions(tmp_path) == list(range(1, 101))
    assert all(frame.raw_bytes <= 2000 for _, frame in recording._places)


def test_a_checkpoint_and_a_hole_begin_a_frame(tmp_path: Path) -> None:
    running = recorder(tmp_path)
    running.offer([*commits(1, 4), merged(5, collectors("checkpoint")), *commits(6, 7), *commits(10, 12)])
    running.close()
    recording = Recording(tmp_path)
    assert [(frame.position, frame.events, frame.checkpoint) for _, frame in recording._places] == [
        (1, 4, False),
        (5, 3, True),
        (10, 3, False),
    ]
    assert recording.checkpoints == [5]


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
            while not listener.hears():  # until the collector knows that it listens
                node.publish("role")
            wait_until(lambda: len(positions(directory)) > 0, "something is recorded")
            for _ in range(25):
                node.publish("commit", 20)
            commits = [one for one in listener.receive_until("commit", 500) if one["type"] == "commit"]
            assert [one["seq"] for one in commits] == list(range(1, 501))
        process.terminate()
        output, _ = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0
    log = [json.loads(line) for line in output.splitlines()]
    [error] = [line for line in log if line["level"] == "error"]
    assert error["reason"] == "File too large"
    assert 0 < len(positions(directory))
    recording = Recording(directory)
    assert recording.notes == []
    assert all(file.end == file.size for file in recording._files), "no half of a frame is left"
    assert sum(path.stat().st_size for path in recorded_files(directory)) <= ROOM_BYTES
    assert log[-1]["event"] == "collector stopped"
    assert log[-1]["unrecorded"] >= 500


def test_recording_resumes_by_itself_and_leaves_a_hole(tmp_path: Path) -> None:
    log = io.BytesIO()
    directory = tmp_path / "events"
    running = recorder(directory, log, retry_s=0.0, flush_s=0.01)
    directory.rename(tmp_path / "gone")
    running.offer(commits(1, 2))
    wait_until(lambda: running.lost == 2, "the failure is counted")
    (tmp_path / "gone").rename(directory)
    running.offer(commits(3, 5))
    running.close()
    assert [json.loads(line)["event"].split(":")[0] for line in log.getvalue().splitlines()] == [
        "recording stopped",
        "recording resumed",
    ]
    assert positions(directory) == [3, 4, 5]
    assert (running.failures, running.lost) == (1, 2)


def test_what_waits_for_the_disk_is_bounded(tmp_path: Path) -> None:
    """A FIFO that nobody reads is a disk that hangs."""
    running = recorder(tmp_path, flush_s=0.0, frame_bytes=1)
    pipe = tmp_path / "events-00000001.events.jsonl.zst"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    text = os.urandom(500_000).hex()
    big = merged(1, event("commit", text=text))
    for position in range(1, 41):
        running.offer([big._replace(position=position)])
    assert running.lost >= 40 - 16 - 17, "at most a queue that waits and one that is being written"
    os.close(reader)
    running.close()


def test_the_events_around_a_violation_are_kept_from_a_checkpoint_on(tmp_path: Path) -> None:
    log = io.BytesIO()
    running = Recorder(RecordingWriter(tmp_path, file_bytes=20_000, files=3), json_log(log), flush_s=0.01)
    total, path = 4 * EVENTS_AROUND, None
    for position in range(1, total + 1, 1000):
        running.offer([merged(position, collectors("checkpoint")), *commits(position + 1, position + 999)])
        wait_until(partial(reached, running, position), "it is recorded")
        if position < 2 * EVENTS_AROUND <= position + 999:
            path = running.keep(position + 500)
            assert running.keep(position + 700) == path, "one file for what comes together"
    running.close()
    assert "kept the events around a violation" in log.getvalue().decode()
    assert path is not None
    kept = Recording(path)
    around = 2 * EVENTS_AROUND - 1000 + 501
    assert kept.first_position in kept.checkpoints
    assert around - EVENTS_AROUND - 1000 <= kept.first_position <= around - EVENTS_AROUND
    assert kept.last_position >= around + EVENTS_AROUND
    assert [one.position for one in kept.events()] == list(range(kept.first_position, kept.last_position + 1))


def test_what_is_asked_to_be_kept_is_kept_when_the_recorder_ends(tmp_path: Path) -> None:
    running = recorder(tmp_path)
    running.offer(commits(1, 9))
    path = running.keep(5)
    running.close()
    assert path is not None
    assert [one.position for one in Recording(path).events()] == list(range(1, 10))
    assert positions(tmp_path) == list(range(1, 10)), "the recording itself is what it was"


def test_not_more_than_a_few_are_kept(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    for number in range(KEPT_MAX):
        (tmp_path / "kept" / f"around-{number}.events.jsonl.zst").touch()
    running = recorder(tmp_path)
    assert running.keep(1) is None
    running.close()


def test_who_reads_while_it_writes_and_rotates_sees_whole_events_in_a_row(tmp_path: Path) -> None:
    total = 6000
    running = Recorder(
        RecordingWriter(tmp_path, file_bytes=4000, files=4), json_log(io.BytesIO()), flush_s=0.0, frame_bytes=2000
    )
    running.offer(commits(1, 100))
    wait_until(lambda: running.last_position == 100, "there is something to read")
    offered = readings = 0
    while running.last_position < total:
        if offered <= running.last_position < total:
            offered = running.last_position + 100
            running.offer(commits(running.last_position + 1, offered))
        recording = Recording(tmp_path)
        found = [one.position for one in recording.events()]
        readings += 1
        gone = [note for note in recording.notes if "was removed as the oldest" in note]
        assert recording.notes == gone
        assert gone or found == list(range(recording.first_position, recording.last_position + 1))
        assert found == sorted(set(found))
    running.close()
    assert readings >= 10
    assert len(recorded_files(tmp_path)) == 4


def test_what_no_frame_can_hold_is_counted(tmp_path: Path) -> None:
    running = recorder(tmp_path, flush_s=0.0)
    running.offer([*commits(1, 1), merged(2, event("commit", text="x" * FRAME_BYTES_MAX)), *commits(3, 3)])
    running.close()
    assert positions(tmp_path) == [1, 3]
    assert running.lost == 1


def test_what_a_crash_cut_off_is_in_the_log(tmp_path: Path) -> None:
    running = recorder(tmp_path)
    running.offer(commits(1, 9))
    running.close()
    [path] = recorded_files(tmp_path)
    os.truncate(path, path.stat().st_size - 1)
    log = io.BytesIO()
    recorder(tmp_path, log).close()
    [line] = [json.loads(line) for line in log.getvalue().splitlines()]
    assert line["level"] == "warning"
    assert "cut off by a crash" in line["found"]


def test_without_the_library_the_error_says_what_to_install(tmp_path: Path) -> None:
    program = (
        "import sys\nsys.modules['zstandard'] = None\nfrom pathlib import Path\n"
        "from raftzmq.collector.recording_writer import RecordingWriter\n"
        "from raftzmq.errors import ConfigurationError\n"
        "try: RecordingWriter(Path(sys.argv[1]))\nexcept ConfigurationError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "x")], capture_output=True, text=True)
    assert "pip install 'raftzmq[collector]'" in done.stdout
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("odd", [{"ts": "now"}, {"ts": None}, {"lamport": -1}, {"lamport": 2**70}, {"lamport": "x"}])
def test_odd_times_do_not_stop_it(tmp_path: Path, odd: dict[str, Any]) -> None:
    running = recorder(tmp_path, flush_s=0.0)
    one = merged(1, event("commit"))
    running.offer([one._replace(event={**one.event, **odd})])
    running.close()
    assert positions(tmp_path) == [1]
    assert running.lost == 0
