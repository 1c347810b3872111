"""``bench/recordings.py``: a long recording opens at once, any place of it is found at once, and it replays exactly."""

from __future__ import annotations

import os
import platform
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import click
import orjson

from raftzmq.benchmarks.bars import Bar, end_by
from raftzmq.benchmarks.display import Advance, progress, show
from raftzmq.benchmarks.figures import Figures, median, milliseconds
from raftzmq.benchmarks.options import (
    directory_option,
    json_option,
    seed_option,
)
from raftzmq.benchmarks.program import ending_in_order
from raftzmq.benchmarks.scripted_cluster import ScriptedCluster
from raftzmq.collector.books import CHECKPOINT_EVENTS
from raftzmq.collector.cluster_state import ClusterState
from raftzmq.collector.merged import Merged
from raftzmq.collector.recorder import as_frames
from raftzmq.collector.recording import Recording
from raftzmq.collector.recording_file import recorded_files
from raftzmq.collector.recording_frame import FRAME_BYTES, line_of
from raftzmq.collector.recording_writer import RecordingWriter
from raftzmq.collector.replaying import check_recording
from raftzmq.events import EventMaker

OPEN_S_MAX = 5.0
SEEK_MS_MAX = 200.0
NODES = ("n1", "n2", "n3", "n4", "n5")


@dataclass(frozen=True, slots=True)
class Options:
    """What is measured: a recording of so many events, in which so many places are looked for."""

    events: int
    seeks: int
    seed: int
    directory: Path | None


def stream(wall_ns: Callable[[], int] = time.time_ns) -> Iterator[Merged]:
    """What a collector would record of a healthy cluster under load, checkpoints included, without end.

    ``wall_ns`` gives the time that each event says it was made at.
    """
    cluster = ScriptedCluster(NODES, wall_ns)
    own = EventMaker("collector", "scripted", wall_ns)
    for maker in (*cluster.makers, own):
        maker.subscribe(b"")
    state, position, due = ClusterState(), 0, 0
    cluster.begin()
    while True:
        for topic, payload in [message for maker in cluster.makers for message in maker.take()]:
            if position == due:
                known = {"position": position, "state_hash": state.hash(), "state": state.to_json()}
                own.emit("checkpoint", 0, 0, known)
                position, due = position + 1, position + CHECKPOINT_EVENTS
                made = _merged(position, *own.take()[0])
                state.fold(made.event)
                yield made
            position += 1
            made = _merged(position, topic, payload)
            state.fold(made.event)
            yield made
        cluster.round()


def _merged(position: int, topic: bytes, payload: bytes) -> Merged:
    return Merged(position, topic, payload, orjson.loads(payload))


def write(directory: Path, events: int, advance: Advance, made: Iterator[Merged] | None = None) -> float:
    """Record the first ``events`` of a stream; seconds that compressing and writing took, without making the events."""
    writer = RecordingWriter(directory)
    seconds = 0.0
    waiting: list[Merged] = []
    for one in islice(stream() if made is None else made, events):
        waiting.append(one)
        if len(waiting) == CHECKPOINT_EVENTS or one.position == events:
            begun = time.perf_counter()
            for frame in as_frames([line_of(each) for each in waiting], FRAME_BYTES):
                writer.write(frame)
            seconds += time.perf_counter() - begun
            waiting = []
            advance(one.position)
    writer.close()
    return seconds


def forget(directory: Path) -> None:
    """Have the kernel forget what it holds of the files, so that the next read comes from the disk."""
    for path in recorded_files(directory):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)


def _timed(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _first_event(recording: Recording, position: int) -> Merged:
    return next(recording.events(since_position=position))


def measure(options: Options, advance: Advance) -> tuple[Figures, list[Bar]]:
    """Write a recording, open it, look for places in it and check it; figures and their bars."""
    rng = random.Random(options.seed)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="recording-", dir=options.directory)))
        writing_s = write(directory, options.events, advance)
        sizes = [path.stat().st_size for path in recorded_files(directory)]
        forget(directory)
        cold_s = _timed(partial(Recording, directory))
        warm_s = _timed(partial(Recording, directory))
        recording = Recording(directory)
        places = [rng.randint(1, options.events) for _ in range(options.seeks)]
        forget(directory)
        seeks = [_timed(partial(_first_event, recording, place)) for place in places]
        states = [_timed(partial(recording.state_at, place)) for place in places]
        span = recording.last_ts - recording.first_ts
        times = [recording.first_ts + rng.random() * span for _ in places]
        by_time = [_timed(partial(recording.position_at, ts)) for ts in times]
        begun = time.perf_counter()
        found = check_recording(recording)
        checking_s = time.perf_counter() - begun
    slowest = max(*seeks, *states, *by_time) * 1000
    bars = [
        Bar("opening a recording", cold_s, OPEN_S_MAX, "s"),
        Bar("finding a place or the state there, the slowest", slowest, SEEK_MS_MAX, "ms"),
        Bar("states that differ or events that are missing", found.differed + found.missing, 0, ""),
        Bar("states that agree", found.agreed, options.events // CHECKPOINT_EVENTS, "", at_least=True),
    ]
    figures: Figures = {
        "events": options.events,
        "recording_mb": round(sum(sizes) / 1e6, 1),
        "bytes_per_event": round(sum(sizes) / options.events, 1),
        "frames": recording.frame_count,
        "open_cold_s": round(cold_s, 4),
        "open_s": round(warm_s, 4),
        "seek_median_ms": milliseconds(median(seeks)),
        "seek_max_ms": milliseconds(max(seeks)),
        "seek_by_time_max_ms": milliseconds(max(by_time)),
        "state_median_ms": milliseconds(median(states)),
        "state_max_ms": milliseconds(max(states)),
        "written_events_per_second": round(options.events / writing_s),
        "checked_events_per_second": round(options.events / checking_s),
        "states_agreed": found.agreed,
        "states_differed": found.differed,
        "bars_missed": sum(not bar.met for bar in bars),
        "cpus": os.cpu_count() or 1,
        "python": platform.python_version(),
    }
    return figures, bars


@click.command("recordings")
@click.option("--events", default=1_000_000, show_default=True, type=click.IntRange(1), help="How long it is.")
@click.option("--seeks", default=200, show_default=True, type=click.IntRange(1), help="Places to look for.")
@seed_option
@directory_option
@json_option("a table")
def recordings(as_json: bool, **options: Any) -> None:
    """Write a recording as long as a busy minute of a cluster, and see how soon it can be used.

    The events are those of five nodes under load, with the collector's checkpoints. The recording is opened with
    nothing of it in memory, then random places are looked for, by position and by time, and the cluster's state
    there; the first look at each place comes from the disk. In the end all events are added up again and compared
    with every checkpoint.

    Exit code 1 if a bar is missed: 5 s to open, 200 ms to any place, its state included, every state the same.

    \b
    Examples:
      raftzmq bench recordings
      raftzmq bench recordings --events 100000 --json
    """
    chosen = Options(**options)
    with ending_in_order(), progress("events recorded", chosen.events) as advance:
        figures, bars = measure(chosen, advance)
    show(f"A recording of {chosen.events:,} events", figures, as_json=as_json)
    end_by(bars)
