"""``raftzmq audit``: recordings and standard input, tables and JSON, and what each verdict ends with."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from raftzmq.cli.main import main
from raftzmq.collector.auditor.rules import RULES
from raftzmq.collector.merged import Merged
from raftzmq.collector.recording_frame import line_of
from raftzmq.collector.recording_writer import RecordingWriter
from tests.collector.audited_runs import Event, recorded
from tests.collector.planted_events import two_leaders

SEED = 9


def run(*arguments: str, text: str | None = None) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(main, ["audit", *arguments], input=text)


def record(directory: Path, events: Iterable[tuple[int, Event]]) -> Path:
    """Write events, with their positions, as the collector does."""
    writer = RecordingWriter(directory)
    lines = [
        line_of(Merged(position, f"raftzmq.{event['node']}.{event['type']}".encode(), orjson.dumps(event), event))
        for position, event in events
    ]
    first = 0
    for place in range(1, len(lines) + 1):
        if place == len(lines) or lines[place].position != lines[place - 1].position + 1 or place - first == 500:
            writer.write(lines[first:place])
            first = place
    writer.close()
    return directory


def numbered(events: list[Event]) -> list[tuple[int, Event]]:
    """With the positions of a collector's first events."""
    return list(enumerate(events, 1))


def lines_of(events: Iterable[Event]) -> str:
    """As 'raftzmq events --json' prints them."""
    return "".join(orjson.dumps(event).decode() + "\n" for event in events)


def test_a_sound_recording_holds(tmp_path: Path) -> None:
    directory = record(tmp_path / "events", numbered(recorded(SEED)))
    result = run(str(directory))
    assert result.exit_code == 0, result.output
    rows = result.stdout.splitlines()
    assert rows[0].split() == ["RULE", "STATE", "CHECKS", "SKIPPED", "WHAT", "IT", "SAYS"]
    assert [row.split()[0] for row in rows[1 : len(RULES) + 1]] == list(RULES)
    assert "every rule holds" in rows[-1]
    [path] = directory.glob("*.zst")
    assert run(str(path)).exit_code == 0


def test_a_broken_rule_is_told_with_its_place_and_nodes(tmp_path: Path) -> None:
    events = recorded(SEED)
    two_leaders(events)
    directory = record(tmp_path / "events", numbered(events))
    result = run(str(directory))
    assert result.exit_code == 13, result.output
    broken = next(line for line in result.stdout.splitlines() if line.startswith("broken: election_safety"))
    assert "position " in broken
    assert "has two leaders: " in result.stdout
    assert "of Raft's rules (" in result.stdout.splitlines()[-1]
    document = json.loads(run(str(directory), "--json").stdout)
    assert document["schema"] == 1
    assert document["verdict"] == "violated"
    [row] = [row for row in document["rules"] if row["rule"] == "election_safety"]
    assert row["state"] == "violated"
    assert row["violations"] >= 1
    first = next(one for one in document["violations"] if one["rule"] == "election_safety")
    assert (len(first["nodes"]), events[first["position"] - 1]["type"]) == (2, "role")


def test_a_hole_is_unknown_and_never_fine(tmp_path: Path) -> None:
    events = [(position, event) for position, event in numbered(recorded(SEED)) if not 900 < position <= 950]
    result = run(str(record(tmp_path / "events", events)))
    assert result.exit_code == 1, result.output
    unknown = [line for line in result.stdout.splitlines() if line.startswith("unknown from ")]
    assert len(unknown) == 5
    assert "(position 951) to " in unknown[0]
    assert "50 events are missing before this place" in unknown[0]
    assert "not everything could be judged" in result.stdout.splitlines()[-1]


def test_standard_input() -> None:
    events = recorded(SEED)
    assert run("-", text=lines_of(events)).exit_code == 0
    result = run("-", "--json", text=lines_of(event for event in events if event["type"] != "apply"))
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert (document["verdict"], document["missing_types"]) == ("unknown", ["apply"])
    result = run("-", text=lines_of(event for event in events if event["type"] != "apply"))
    assert "there are no apply events" in result.stdout


@pytest.mark.parametrize("line", ["no json\n", "[1]\n", '{"node": 1}\n', '{"type": "boot"}\n'])
def test_a_line_that_is_no_event_may_have_been_any(line: str) -> None:
    events = recorded(SEED)
    result = run("-", text=lines_of(events[:1_000]) + line + lines_of(events[1_000:]))
    assert result.exit_code == 1, result.output
    assert "a line on standard input is no event" in result.stdout


def test_nothing_on_standard_input() -> None:
    result = run("-", text="")
    assert result.exit_code == 1
    assert "there is no event to judge" in result.stdout


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    missing = run(str(tmp_path / "nowhere"))
    assert missing.exit_code == 1
    assert "no such file or directory" in missing.stderr
    other = tmp_path / "notes.txt"
    other.write_text("nothing of the kind\n" * 100)
    result = run(str(other), "--json")
    assert result.exit_code == 1
    assert "is no recording" in json.loads(result.stderr)["error"]["message"]


def test_usage() -> None:
    assert run("one", "two").exit_code == 2


def test_what_a_node_says_cannot_steer_a_terminal() -> None:
    events = recorded(SEED)
    two_leaders(events)
    text = lines_of(events).replace('"n2"', '"\\u001b[2Jn2"')
    result = run("-", text=text)
    assert result.exit_code == 13
    assert "\x1b" not in result.stdout


def test_a_pipe_of_events_is_judged_as_it_comes() -> None:
    """A real process: what is broken is told before the input ends."""
    events = recorded(SEED)
    two_leaders(events)
    command = [sys.executable, "-m", "raftzmq", "audit", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(lines_of(events))
        process.stdin.flush()
        assert process.stdout.readline().startswith("broken: ")
        process.stdin.close()
        process.stdout.read()
        assert process.wait(30) == 13
