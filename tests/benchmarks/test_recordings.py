"""How soon a long recording can be used: a short one, with everything that is done to a long one."""

from __future__ import annotations

import json
import os
from itertools import islice
from pathlib import Path

from raftzmq.benchmarks.recordings import stream
from tests.benchmarks.test_programs import bench


def test_a_recording_is_written_opened_searched_and_checked(tmp_path: Path) -> None:
    done = bench("recordings", "--events", "12000", "--seeks", "3", "--json", "--directory", str(tmp_path))
    figures = json.loads(done.stdout)
    # How soon is for a quiet machine to say; here, that the command ends by what it says.
    assert done.returncode == (1 if figures["bars_missed"] else 0), done.stderr
    assert (figures["events"], figures["states_agreed"], figures["states_differed"]) == (12_000, 6, 0)
    assert figures["frames"] > 3
    assert figures["recording_mb"] > 0
    assert os.listdir(tmp_path) == [], "it leaves nothing behind"


def test_positions_follow_one_another_and_checkpoints_say_theirs() -> None:
    events = list(islice(stream(), 6000))
    assert [merged.position for merged in events] == list(range(1, 6001))
    said = [(merged.position, merged.event["position"]) for merged in events if merged.event["type"] == "checkpoint"]
    assert said == [(1, 0), (2001, 2000), (4001, 4000)]
