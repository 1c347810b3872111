"""`raftzmq explain` without a request of its own: the slowest ones of a recording."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.support import raftzmq
from tests.collector.recordings import record
from tests.collector.streams import Event


def event(node: str, type_: str, order: int, at_us: int, **fields: object) -> Event:
    """An event with its whole envelope."""
    envelope = {"v": 1, "node": node, "boot": f"{node}-1", "seq": order, "order": order, "ts": 1.7e9 + at_us / 1e6}
    return {**envelope, "mono_ns": at_us * 1000, "lamport": order, "term": 1, "type": type_, **fields}


def events(count: int) -> list[Event]:
    """A cluster in which every write waits for n2's disk; write number 4 is the slowest."""
    made = [event("n1", "standing", 1, 0, voters=["n1", "n2", "n3"])]
    for number in range(2, count + 2):
        at_us, slow = number * 100_000, 1_000 * (10 - abs(number - 4))
        written = {"what": "log", "elapsed_us": slow, "last": number}
        made.append(event("n2", "append", number, at_us, first=number, last=number, waited_us=0))
        made.append(event("n2", "storage", number, at_us + slow, **written))
        path = {"proposed_us": 0, "sent_us": {"n2": 10, "n3": 10}, "acknowledged_us": {"n2": slow + 500}}
        ends = {"logged_us": 300, "committed_us": slow + 500, "applied_us": slow + 700, "replied_us": slow + 750}
        known = {"tag": "", "kind": "execute", "request": number, "commands": 3, "index": number, "door_ns": 0}
        made.append(event("n1", "trace", number, at_us + slow + 750, **known, **path, **ends))
    return made


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recording")
    record(path, events(8))
    return path


def test_the_slowest_of_a_recording_come_first(directory: Path) -> None:
    shown = raftzmq("explain", str(directory), "--slowest", "2", "--json")
    assert shown.returncode == 0, shown.stderr
    found = json.loads(shown.stdout)["slowest"]
    assert [one["request"] for one in found] == [4, 3]
    assert found[0]["latency_us"] == 10_750 == sum(part["us"] for part in found[0]["parts"])
    assert found[0]["by_client"] is False
    assert "93 % (10.0 ms) was n2's disk" in found[0]["words"][0]


def test_a_file_and_the_collectors_directory_do_as_well(directory: Path) -> None:
    [file] = directory.glob("*.zst")
    by_file = raftzmq("explain", str(file), "--slowest", "1")
    assert by_file.returncode == 0, by_file.stderr
    text = by_file.stdout.decode()
    assert text.startswith("1. write of 3 commands, entry 4, at n1, told at ")
    assert "n2's disk" in text
    usual = raftzmq("explain", variables={"RAFTZMQ_COLLECTOR_DIRECTORY": str(directory)})
    assert usual.returncode == 0, usual.stderr
    assert usual.stdout.decode().count("together") == 3


def test_only_later_ones_count(directory: Path) -> None:
    shown = raftzmq("explain", str(directory), "--since", "1h", "--json")
    assert json.loads(shown.stdout) == {"slowest": []}


def test_a_recording_without_requests_says_so(tmp_path: Path) -> None:
    record(tmp_path, events(0))
    shown = raftzmq("explain", str(tmp_path))
    assert shown.returncode == 1
    assert b"no request is told of" in shown.stderr
    nothing = raftzmq("explain", str(tmp_path / "nowhere"))
    assert nothing.returncode == 1
    assert b"no such file" in nothing.stderr
    assert b"Traceback" not in nothing.stderr
