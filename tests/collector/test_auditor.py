"""What the auditor knows and when: gaps, holes, restarts, subscriptions to a part, odd events; and its memory."""

from __future__ import annotations

from typing import Any

import pytest

from raftzmq.collector.auditor import Auditor
from tests.collector.audited_runs import Event, audited, recorded

SEED = 9
"""A run of five nodes without a crash."""


def told_by(auditor: Auditor, events: list[Event]) -> list[tuple[str, dict[str, Any]]]:
    """All that the auditor says of these events."""
    return [told for event in events for told in auditor.accept(event)]


def gap(event: Event, missing: int) -> Event:
    """The collector says that events before this one are lost."""
    return {
        **{name: event[name] for name in ("v", "ts", "mono_ns", "lamport", "term", "seq")},
        "node": "collector",
        "boot": "c",
        "type": "gap",
        "source": event["node"],
        "source_boot": event["boot"],
        "missing": missing,
        "reason": "gone",
        "topic": f"raftzmq.{event['node']}.{event['type']}",
        "expected": event["seq"] - missing,
        "received": event["seq"],
    }


def place_of(events: list[Event], kind: str, after: int) -> int:
    """The place of the next event of a type."""
    return next(place for place in range(after, len(events)) if events[place]["type"] == kind)


@pytest.mark.parametrize("kind", ["append", "storage", "commit", "role", "apply", "truncate"])
def test_a_gap_makes_a_node_unknown_until_it_says_where_it_stands(kind: str) -> None:
    events = recorded(SEED)
    lost = place_of(events, kind, 1 if kind in ("role", "truncate") else 900)
    source = events[lost]["node"]
    following = next(p for p in range(lost + 1, len(events)) if events[p]["node"] == source)
    said = gap(events[lost], 1)
    said["received"] += 1
    events[lost:following] = [*events[lost + 1 : following], said]
    auditor = Auditor()
    told = told_by(auditor, events)
    assert [(kind, fields["known"], fields["source"]) for kind, fields in told] == [
        ("verdict", False, source),
        ("verdict", True, source),
    ]
    assert told[0][1]["reason"] == f"1 {kind} event of it were lost (gone)"
    verdict = auditor.verdict
    assert verdict["verdict"] == "unknown"
    [interval] = verdict["unknown"]
    assert interval["from"]["position"] < interval["to"]["position"] < len(events)
    states = {row["rule"]: row["state"] for row in verdict["rules"]}
    assert all((states[rule] == "unknown") == (rule in interval["rules"]) for rule in states)


def test_a_gap_in_what_no_rule_needs_is_no_matter() -> None:
    events = recorded(SEED)
    place = place_of(events, "metrics", 500)
    events.insert(place, gap(events[place], 3))
    assert audited(events)["verdict"] == "holds"


@pytest.mark.parametrize("kind", ["append", "storage", "commit", "apply", "vote"])
def test_an_event_that_nobody_says_is_missing_is_missed_all_the_same(kind: str) -> None:
    events = recorded(SEED)
    del events[place_of(events, kind, 20 if kind == "vote" else 900)]
    verdict = audited(events)
    assert (verdict["verdict"], verdict["violations"]) == ("unknown", [])
    assert "nobody said so" in verdict["unknown"][0]["reason"]


def test_a_hole_in_a_recording_makes_all_nodes_unknown() -> None:
    auditor = Auditor()
    told = []
    for position, event in enumerate(recorded(SEED), 1):
        if not 1_000 < position <= 1_200:
            told += auditor.accept(event, position)
    verdict = auditor.verdict
    assert (verdict["verdict"], verdict["violations"]) == ("unknown", [])
    unknown = {interval["source"] for interval in verdict["unknown"]}
    assert unknown == {"n1", "n2", "n3", "n4", "n5"}
    assert {interval["from"]["position"] for interval in verdict["unknown"]} == {1_201}
    assert all(interval["reason"].startswith("200 events") for interval in verdict["unknown"])
    assert sum(not fields["known"] for _, fields in told) == 5


def test_a_hole_at_the_end_stays_open() -> None:
    auditor = Auditor()
    events = recorded(SEED)[:1_000]
    told_by(auditor, events)
    auditor.accept(gap(events[-1], 5) | {"topic": f"raftzmq.{events[-1]['node']}.append"})
    assert [interval["to"] for interval in auditor.verdict["unknown"]] == [None]


def test_what_a_boot_that_has_ended_lost_is_told_and_over() -> None:
    events = recorded(1)
    boots = [place for place, event in enumerate(events) if event["type"] == "boot"]
    again = next(p for p in boots if any(e["node"] == events[p]["node"] for e in events[:p]))
    before = next(e for e in reversed(events[:again]) if e["node"] == events[again]["node"])
    events.insert(again + 1, gap(before, 2) | {"topic": f"raftzmq.{before['node']}.append"})
    auditor = Auditor()
    told = told_by(auditor, events)
    assert [fields["known"] for _, fields in told] == [False, True]
    [interval] = auditor.verdict["unknown"]
    assert interval["from"]["position"] <= again < interval["to"]["position"]


def test_a_restart_that_does_not_say_what_it_began_with() -> None:
    events = recorded(1)
    boots = [place for place, event in enumerate(events) if event["type"] == "boot"]
    again = next(p for p in boots if any(e["node"] == events[p]["node"] for e in events[:p]))
    del events[again]
    verdict = audited(events)
    assert (verdict["verdict"], verdict["violations"]) == ("unknown", [])
    assert verdict["unknown"][0]["reason"] == "it started again, and what it started with didn't come"


def test_a_node_that_was_never_heard_leaves_everything_unknown() -> None:
    verdict = audited(event for event in recorded(SEED) if event["node"] != "n3")
    assert (verdict["verdict"], verdict["never_heard"], verdict["violations"]) == ("unknown", ["n3"], [])


def test_nothing_heard_is_nothing_known() -> None:
    assert Auditor().verdict["verdict"] == "unknown"


@pytest.mark.parametrize("kind", ["append", "storage", "commit", "apply", "role", "term"])
def test_types_that_are_not_in_the_stream_are_named(kind: str) -> None:
    """Somebody subscribed to the others alone."""
    verdict = audited(event for event in recorded(SEED) if event["type"] != kind)
    assert (verdict["verdict"], verdict["missing_types"], verdict["violations"]) == ("unknown", [kind], [])
    for row in verdict["rules"]:
        assert (kind in row["missing"]) == (row["state"] == "unknown"), row["rule"]


def test_single_messages_need_not_be_there() -> None:
    details = ("sent", "received", "heartbeat_sent", "heartbeat_received")
    verdict = audited(event for event in recorded(SEED) if event["type"] not in details)
    states = {row["rule"]: row["state"] for row in verdict["rules"]}
    assert (verdict["verdict"], states["durable_promise"]) == ("holds", "unseen")


@pytest.mark.parametrize(
    "change",
    [
        {"index": "many"},
        {"index": None},
        {"chain": [1]},
        {"term": "x"},
        {"mono_ns": None},
        {"lamport": "late"},
        {"seq": None},
    ],
    ids=str,
)
def test_an_odd_event_counts_as_lost(change: dict[str, Any]) -> None:
    events = recorded(SEED)
    events[place_of(events, "commit", 900)].update(change)
    verdict = audited(events)
    assert (verdict["verdict"], verdict["violations"]) == ("unknown", [])


@pytest.mark.parametrize(
    "odd", [{}, {"node": 7}, {"node": "n1"}, {"node": "n1", "type": []}, {"type": "boot"}], ids=str
)
def test_what_is_no_event_is_passed_over(odd: dict[str, Any]) -> None:
    auditor = Auditor()
    assert auditor.accept(odd) == []


def test_what_stays_broken_is_told_three_times_and_counted() -> None:
    events = recorded(SEED)
    chain = 0
    for event in events:
        if event["type"] == "append" and event["node"] == "n2":
            chain += 1
            event["chains"] = [value ^ 1 for value in event["chains"]]
    auditor = Auditor()
    told = [fields for kind, fields in told_by(auditor, events) if kind == "violation"]
    of_two = [fields for fields in told if fields["rule"] == "log_matching"]
    assert chain > 10
    assert len(of_two) <= 3 * len({tuple(fields["nodes"]) for fields in of_two})
    assert auditor.verdict["violations_total"] > len(told)


def test_memory_is_bounded_where_a_node_never_comes_back() -> None:
    """A node that is down has settled nothing for long: what lies far back is forgotten all the same."""
    auditor = Auditor()
    base = [event for event in recorded(SEED) if event["type"] in ("boot", "standing")]
    told_by(auditor, base)
    invariants = auditor._invariants
    append = next(event for event in recorded(SEED) if event["type"] == "append")
    index = invariants.node("n1").log.last
    count = 30
    for number in range(9_000):
        first = index + 1 + number * count
        auditor.accept(
            {
                **append,
                "node": "n1",
                "boot": base[0]["boot"].replace(base[0]["node"], "n1"),
                "seq": number + 1,
                "first": first,
                "last": first + count - 1,
                "terms": [9] * count,
                "chains": list(range(first, first + count)),
            }
        )
    assert invariants.node("n1").log.last == index + 9_000 * count
    assert len(invariants.node("n1").log.entries) < 250_000
    assert len(invariants._chains) < 250_000
