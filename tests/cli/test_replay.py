"""``replay``: events at their pace, the state at any place, and whether a recording adds up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from raftzmq.collector.recording import Recording
from raftzmq.collector.recording_file import recorded_files
from tests.cli.support import COMMAND, PATIENCE_S, environment, on_terminal, raftzmq
from tests.collector.recordings import Collected, record
from tests.collector.streams import BEGIN, boot, collectors, event

NAME = "events-00000001.events.jsonl.zst"


def story() -> list[dict[str, Any]]:
    """Three nodes, an election, and a hundred commits in ten seconds."""
    won = event("role", "n2", term=2, role="leader", previous="candidate", reason="2 of 3 votes")
    learned = [event("leader", node, term=2, leader="n2") for node in ("n1", "n2", "n3")]
    commits = [event("commit", "n2", term=2, ms=100 * n, index=10 + n, previous=9 + n) for n in range(100)]
    heard = [event("commit", "n3", term=2, ms=9900, index=109, previous=9)]
    return [boot("n1"), boot("n2"), boot("n3"), won, *learned, *commits, *heard]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    record(tmp_path / "events", story(), every=25)
    return tmp_path / "events"


def replayed(directory: Path, *arguments: str) -> list[dict[str, Any]]:
    done = raftzmq("replay", str(directory), "--json", "--speed", "0", *arguments)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b""
    return [json.loads(line) for line in done.stdout.splitlines()]


def state(directory: Path, *arguments: str) -> dict[str, Any]:
    [document] = replayed(directory, "--state", *arguments)
    return document


def test_all_events_come_as_they_were_published(directory: Path) -> None:
    assert replayed(directory) == [merged.event for merged in Recording(directory).events()]
    assert replayed(recorded_files(directory)[0]) == replayed(directory)
    named = raftzmq("replay", "--json", "--speed", "0", variables={"RAFTZMQ_COLLECTOR_DIRECTORY": str(directory)})
    assert [json.loads(line) for line in named.stdout.splitlines()] == replayed(directory)


def test_a_part_is_chosen_by_place_type_and_node(directory: Path) -> None:
    everything = replayed(directory)
    assert replayed(directory, "--from", "5", "--to", "7") == everything[4:7]
    commits = [one for one in everything if one["type"] == "commit" and one["node"] == "n2"]
    assert replayed(directory, "--type", "commit", "--node", "n2") == commits
    begun = datetime.fromtimestamp(BEGIN + 3).isoformat()
    some = [one for one in commits if 3 <= one["ts"] - BEGIN <= 5]
    assert replayed(directory, "--type", "commit", "--from", begun, "--to", "+5s") == some
    clock = datetime.fromtimestamp(BEGIN + 9.9).strftime("%H:%M:%S.%f")
    assert {one["node"] for one in replayed(directory, "--type", "commit", "--from", clock)} == {"n2", "n3"}


def test_lines_are_for_people_and_leave_the_pulse_out(directory: Path) -> None:
    done = raftzmq("replay", str(directory), "--speed", "0")
    text = done.stdout.decode()
    assert "candidate → leader: 2 of 3 votes" in text
    assert "checkpoint" not in text
    assert "\x1b" not in text
    assert "\x1b[" in on_terminal("replay", str(directory), "--speed", "0")[1]


def test_speed_divides_the_time_that_it_takes(directory: Path) -> None:
    """Nothing is shown before it is due. That it isn't late is for people to judge: a machine may be busy."""
    begun = time.monotonic()
    assert raftzmq("replay", str(directory), "--speed", "20").returncode == 0
    assert time.monotonic() - begun > 9.9 / 20


def test_ctrl_c_ends_it(directory: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "replay", str(directory), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert process.stdout is not None
    for _ in range(8):
        assert process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, errors) == (0, b"")


def test_the_state_is_that_of_the_live_run(tmp_path: Path) -> None:
    live = record(tmp_path, story(), every=25)
    last = live.merged[-1].position
    assert state(tmp_path)["state_hash"] == live.states[last]
    for position in (1, 5, 30, last):
        found = state(tmp_path, "--to", str(position))
        assert (found["position"], found["state_hash"]) == (position, live.states[position])
    assert found["state"]["nodes"]["n2"]["commit_index"] == 109
    assert state(tmp_path, "--to", "+1s")["state"]["nodes"]["n2"]["commit_index"] == 20


def test_the_state_is_a_table_for_people(directory: Path) -> None:
    done = raftzmq("replay", str(directory), "--state")
    lines = done.stdout.decode().splitlines()
    assert lines[0].split()[:4] == ["NODE", "ROLE", "TERM", "LEADER"]
    assert lines[2].split()[:5] == ["n2", "leader", "2", "n2", "109"]
    assert lines[1].split()[:2] == ["n1", "silent"], "it said nothing for ten seconds"
    assert "n2 leads term 2" in lines[5]
    code, drawn = on_terminal("replay", str(directory), "--state", columns=120)
    assert code == 0
    assert "\x1b[" in drawn


def test_a_sound_recording_agrees_with_itself(directory: Path) -> None:
    done = raftzmq("replay", str(directory), "--check")
    assert done.returncode == 0
    assert f"{Recording(directory).event_count} events, all 5 states agree" in done.stdout.decode()
    found = json.loads(raftzmq("replay", str(directory), "--check", "--json").stdout)
    assert (found["agrees"], found["agreed"], found["differed"], found["checkpoints"]) == (True, 5, 0, 5)


def test_a_recording_that_does_not_add_up_exits_1(tmp_path: Path) -> None:
    live = Collected(tmp_path)
    for one in story():
        live.take(one)
    live.state.fold(event("commit", "n2", term=2, index=500, previous=0))  # seen live, and never recorded
    live.checkpoint()
    live.close()
    done = raftzmq("replay", str(tmp_path), "--check")
    assert done.returncode == 1
    text = done.stdout.decode()
    assert "state.nodes.n2.commit_index was recorded as 500, and the events give 109" in text
    assert "1 of 2 states differ" in text
    found = json.loads(raftzmq("replay", str(tmp_path), "--check", "--json").stdout)
    assert (found["agrees"], found["differed"]) == (False, 1)


def test_damage_and_holes_are_said(directory: Path) -> None:
    path = directory / NAME
    frames = [frame for _, frame in Recording(directory)._places]
    data = bytearray(path.read_bytes())
    data[frames[4].end - 5] ^= 1
    path.write_bytes(data)
    done = raftzmq("replay", str(directory), "--check")
    assert done.returncode == 0
    assert b"is damaged" in done.stderr
    first, last = frames[4].position, frames[4].last_position
    assert f"positions {first} to {last} are not in the recording" in done.stdout.decode()
    assert b"at 1 more a comparison could only begin" in done.stdout


def test_nothing_to_compare_is_not_called_agreement(tmp_path: Path) -> None:
    record(tmp_path, [event("commit", ms=number, index=number) for number in range(200)], every=90, file_bytes=1200)
    files = recorded_files(tmp_path)
    alone = next(path for path in files[1:] if len(Recording(path).checkpoints) == 1)
    done = raftzmq("replay", str(alone), "--check")
    assert done.returncode == 0
    assert b"no state can be compared" in done.stdout


def test_trouble_is_told_with_the_state(tmp_path: Path) -> None:
    gap = collectors("gap", source="n1", source_boot="b1", topic="t", expected=2, received=5, missing=3, total=3)
    wrong = collectors("violation", rule="election safety", nodes=["n1"], text="two leaders", recording=None)
    record(tmp_path, [*story(), gap, wrong, event("clock", "n2", term=2, ms=20_000, interval_us=50_000)])
    text = raftzmq("replay", str(tmp_path), "--state").stdout.decode()
    assert "3 events were lost" in text
    assert "1 violation of Raft's rules" in text
    assert "unhealthy: 1 of 3 nodes answer, a majority is 2" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--from", "999"], "that is after the end: the recording has positions 1 to "),
        (["--to", "0"], "that is before the beginning"),
        (["--from", "20", "--to", "10"], "that is before --from"),
        (["--from", "noon"], "is no place: give a position (12345), a time of day"),
        (["--state", "--check"], "give one of the two"),
        (["--speed", "-1"], "--speed"),
    ],
)
def test_what_cannot_be_is_a_usage_error(directory: Path, arguments: list[str], message: str) -> None:
    done = raftzmq("replay", str(directory), *arguments)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.decode().split())


@pytest.mark.parametrize("options", [["--state"], ["--check"], ["--page"], ["--speed", "0"], ["--from", "+5s"]])
def test_an_empty_recording_tells_of_no_moment(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "events-00000001.events.jsonl.zst").touch()
    for form in ([], ["--json"]):
        done = raftzmq("replay", str(tmp_path), *options, *form)
        assert (done.returncode, done.stdout) == (1, b"")
        assert done.stderr.count(b"\n") == 1
        assert f"{tmp_path} holds no event that can be read, so it tells of no moment" in done.stderr.decode()


def test_what_is_no_recording_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "foreign").write_bytes(os.urandom(500))
    (tmp_path / "empty").mkdir()
    for name, message in (("foreign", "is no recording"), ("empty", "no events are recorded"), ("x", "no such file")):
        for option in ("--check", "--state", "--speed=0"):
            done = raftzmq("replay", str(tmp_path / name), option)
            assert done.returncode == 1
            assert message in done.stderr.decode()
            assert b"Traceback" not in done.stderr
