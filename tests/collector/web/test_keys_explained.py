"""Explanations over HTTP: of the newest events, of tagged commands, and of recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.collector.recordings import record
from tests.collector.test_explaining import trace, written
from tests.collector.web.support import Serving, serving

Event = dict[str, Any]
VOTERS = ["n1", "n2", "n3"]
"""Of the cluster that is traced."""


def told(**fields: Any) -> Event:
    """A write through n1 that n2 decided; the envelope is added by who offers it."""
    event = {**trace(**fields), "term": 1, "mono_ns": 1, "door_ns": 1}
    del event["ts"]
    return event


def a_write(**fields: Any) -> list[Event]:
    """Its trace, and what the disks of n2 and n3 tell before and after it."""
    standing = {"type": "standing", "node": "n1", "voters": VOTERS}
    before = [one for one in written("n2", 700) if one["type"] == "append"]
    after = [one for one in written("n2", 700) if one["type"] == "storage"]
    return [standing, *before, *written("n3", 9_000), told(**fields), *after]


def explained(one: Serving, query: str) -> list[Event]:
    answer = one.get(f"/v1/explain?{query}")
    assert answer.status == 200, answer.body
    found: list[Event] = answer.json["requests"]
    return found


def test_a_trace_is_explained_by_its_position() -> None:
    with serving(3) as one:
        one.offer(*a_write(), state=False)
        (found,) = explained(one, "request=5")
        assert (found["position"], found["latency_us"], found["by_client"]) == (5, 1_300, False)
        assert [(part["name"], part["us"]) for part in found["parts"]] == [
            ("n1's queue", 50),
            ("waiting to be sent to n2", 10),
            ("to n2 and back", 300),
            ("n2's disk", 700),
            ("n1 counting it", 10),
            ("applying it to n1's state", 200),
            ("n1 answering", 30),
        ]
        assert sum(part["us"] for part in found["parts"]) == found["latency_us"]
        assert found["disks"] == {"n2": 700, "n3": 9_000}
        assert found["committed_us"] == 1_070
        assert found["lagging"] == ["n3"]
        assert found["parts"][found["longest"][0]]["name"] == "n2's disk"
        assert found["words"][0].startswith("1.30 ms as n1 measured it")


def test_a_tag_is_waited_for_and_stands_for_its_last_request() -> None:
    with serving(3) as one:
        assert one.get("/v1/explain?tag=mine").status == 404
        one.offer(
            *a_write(tag="mine", request=7), told(tag="mine", request=7), told(tag="mine!", request=9), state=False
        )
        one.offer(told(tag="mine", request=8, kind="read", logged_us=None, acknowledged_us={}, sent_us={}), state=False)
        (found,) = explained(one, "tag=mine")
        assert (found["request"], found["kind"], found["disks"]) == (8, "read", {})


@pytest.mark.parametrize(("position", "status"), [(1, 404), (6, 404), (99, 404)])
def test_what_is_no_trace_is_said(position: int, status: int) -> None:
    with serving(3) as one:
        one.offer(*a_write(), state=False)
        answer = one.get(f"/v1/explain?request={position}")
        assert (answer.status, "no trace of a request" in answer.message) == (status, True)


def recorded(directory: Path, events: list[Event]) -> Path:
    """A recording of these events; a collector's own checkpoint comes first, at position 1."""
    envelope = {"v": 1, "node": "n1", "boot": "b", "seq": 1, "ts": 1.0, "mono_ns": 1, "lamport": 1, "term": 1}
    record(directory, [{**envelope, "order": order, **event} for order, event in enumerate(events, 1)])
    return directory


def test_a_request_of_a_recording_is_explained_and_an_edited_one_is_refused(tmp_path: Path) -> None:
    with serving(3) as one:
        ident = one.web.shelf.add(recorded(tmp_path / "run", a_write()))
        (found,) = explained(one, f"recording={ident}&request=6")
        assert (found["position"], found["latency_us"], found["disks"]) == (6, 1_300, {"n2": 700, "n3": 9_000})
        edited = one.web.shelf.add(recorded(tmp_path / "edited", [{"type": "trace", "tag": 3}]))
        answer = one.get(f"/v1/explain?recording={edited}&request=2")
        assert (answer.status, "somebody edited the file" in answer.message) == (422, True)
        assert one.get(f"/v1/explain?recording={ident}&request=4").status == 404
        assert one.get("/v1/explain?recording=nothing&request=4").status == 404


def test_what_has_left_the_memory_is_read_from_the_recording(tmp_path: Path) -> None:
    events = a_write()
    with serving(3, directory=recorded(tmp_path, events)) as one:
        one.position = 1_000  # what was before is known from the recording only
        one.offer({"type": "commit"}, state=False)
        (found,) = explained(one, "request=6")
        assert (found["position"], found["latency_us"]) == (6, 1_300)
