"""The account of what is missing, without sockets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftzmq.collector import merge as module
from raftzmq.collector.merge import Merge


def make() -> Merge:
    return Merge("cb", lambda: 5, lambda: 10**18)


def event(seq: int, *, node: str = "n1", kind: str = "commit", boot: str = "b1", **fields: Any) -> list[bytes]:
    payload = {
        "v": 1,
        "node": node,
        "boot": boot,
        "seq": seq,
        "ts": 1.0,
        "mono_ns": 1,
        "term": 3,
        "type": kind,
        **fields,
    }
    return [f"raftzmq.{node}.{kind}".encode(), json.dumps(payload).encode()]


def types(merge: Merge, frames: list[bytes]) -> list[str]:
    return [json.loads(payload)["type"] for _, payload in merge.accept(frames)]


@given(st.sets(st.integers(1, 60), min_size=1))
def test_what_is_missing_is_counted_exactly(arrived: set[int]) -> None:
    merge = make()
    gaps = []
    for seq in sorted(arrived):
        gaps += [
            json.loads(payload) for topic, payload in merge.accept(event(seq)) if topic == b"raftzmq.collector.gap"
        ]
    missing = set(range(min(arrived), max(arrived) + 1)) - arrived
    assert sum(gap["missing"] for gap in gaps) == len(missing) == merge.counts.missing
    assert {seq for gap in gaps for seq in range(gap["expected"], gap["received"])} == missing
    assert [gap["seq"] for gap in gaps] == list(range(1, len(gaps) + 1))
    assert merge.counts.events == len(arrived)
    assert not gaps or gaps[-1]["total"] == len(missing)


def test_streams_of_nodes_boots_and_topics_are_apart() -> None:
    merge = make()
    for frames in (event(1), event(5, node="n2"), event(9, boot="b2"), event(3, kind="role"), event(2)):
        assert types(merge, frames) == [json.loads(frames[1])["type"]]
    assert types(merge, event(7, node="n2")) == ["gap", "commit"]


def test_an_event_that_comes_again_is_no_gap() -> None:
    merge = make()
    assert [types(merge, event(seq)) for seq in (4, 4, 2, 5)] == [["commit"]] * 4


def test_a_gap_carries_the_term_of_the_event_behind_it() -> None:
    merge = make()
    merge.accept(event(1))
    [(_, gap), _] = merge.accept(event(3))
    assert json.loads(gap)["term"] == 3


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [b"raftzmq.n1.commit"],
        [*event(1), b""],
        [b"raftzmq.n1.role", event(1)[1]],
        [b"raftzmq.n2.commit", event(1)[1]],
        [event(1)[0], b"\xff"],
        [event(1)[0], b"[1]"],
        [event(1)[0], b"null"],
        [event(1)[0], event(1)[1][:-1]],
        [event(1)[0], event(1)[1].replace(b", ", b",\n", 1)],
        event(0),
        [event(1)[0], event(1)[1].replace(b'"seq": 1', b'"seq": true')],
        [event(1)[0], event(1)[1].replace(b'"term": 3', b'"term": "3"')],
        [event(1)[0], event(1)[1].replace(b'"boot": "b1"', b'"boot": []')],
        event(1, node="collector"),
        event(1, what="x" * module.EVENT_BYTES_MAX),
    ],
)
def test_what_is_no_event_is_not_passed_on(frames: list[bytes]) -> None:
    merge = make()
    assert merge.accept(frames) == []
    assert merge.counts.malformed == 1
    assert merge.counts.events == 0


def test_the_memory_for_streams_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STREAMS_MAX", 2)
    merge = make()
    merge.accept(event(1, boot="a"))
    merge.accept(event(1, boot="b"))
    merge.accept(event(2, boot="a"))
    merge.accept(event(1, boot="c"))
    assert types(merge, event(9, boot="a")) == ["gap", "commit"]
    assert types(merge, event(9, boot="b")) == ["commit"], "b was silent longest and is forgotten"
