"""Reading recorded events back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from raftzmq.collector import recorded
from raftzmq.collector.recorded import last_events


def line(number: int, **fields: object) -> bytes:
    return json.dumps({"node": "n1", "type": "commit", "ts": float(number), **fields}).encode() + b"\n"


def numbers(directory: Path, count: int = 100) -> list[float]:
    return [event["ts"] for _, event in last_events(directory, count, chosen=lambda _: True)]


def test_no_directory_has_no_events(tmp_path: Path) -> None:
    assert numbers(tmp_path / "nothing") == []


def test_what_is_no_event_is_passed_over(tmp_path: Path) -> None:
    odd = [
        b"\n",
        b"{\n",
        b'"text"\n',
        b"{}\n",
        b'{"node":1,"type":"x","ts":1}\n',
        b'{"node":"n","type":"x","ts":"1"}\n',
    ]
    (tmp_path / "events-00000001.jsonl").write_bytes(line(1) + b"".join(odd) + line(2) + line(3)[:-5])
    assert numbers(tmp_path) == [1, 2]


def test_lines_longer_than_a_block_come_back_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded, "BLOCK_BYTES", 7)
    written = [line(number, text="x" * number) for number in range(30)]
    (tmp_path / "events-00000001.jsonl").write_bytes(b"".join(written[:20]))
    (tmp_path / "events-00000002.jsonl").write_bytes(b"".join(written[20:]))
    found = last_events(tmp_path, 100, chosen=lambda _: True)
    assert [text + b"\n" for text, _ in found] == written
