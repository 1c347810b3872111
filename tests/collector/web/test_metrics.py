"""``/metrics``: Prometheus' own parsers read it, and its figures are those of the events."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from raftzmq.collector.web import pages
from raftzmq.collector.web.figure import METRICS, STANDING
from raftzmq.collector.web.histogram import BUCKETS_US, Histogram
from raftzmq.events import EVENT_TYPES
from tests.collector.web.support import Serving, leads, serving, wait_until

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def storage(what: str, commit_us: int) -> dict[str, Any]:
    """A job of the log or the state."""
    log = what == "log"
    written = {"type": "storage", "what": what, "elapsed_us": commit_us + 50, "commit_us": commit_us, "entries": 1}
    vote = {"chain": 7, "voted_for": "n1", "vote_term": 1} if log else {"chain": None, "voted_for": None}
    return {"vote_term": None, **written, "bytes": 100, "last": 5, **vote, "restarted_after": None}


def told(node: str = "n1", **changed: Any) -> dict[str, Any]:
    """What a node says of itself once a second: every field has a value of its own."""
    fields = {name: number for number, name in enumerate(EVENT_TYPES["metrics"].fields, 100)}
    own = {"round_trip_us": {"n2": 1500, "n3": 250_000}, "dropped": {"peer": 3, "client": 4}}
    return {"node": node, "type": "metrics", **fields, **own, **changed}


def standing(**changed: Any) -> dict[str, Any]:
    """Where the leader stands."""
    who = {"role": "leader", "leader": "n1", "voted_for": "n1", "voters": ["n1", "n2", "n3"], "pid": 4711}
    log = {"mark_index": 0, "mark_chain": 0, "last_index": 20, "last_term": 1, "last_chain": 1, "stable_index": 19}
    state = {"commit_index": 18, "commit_chain": 1, "applied_index": 17, "durable_index": 10, "digest": 1}
    peers = {"next_index": {"n2": 21, "n3": 15}, "match_index": {"n2": 20, "n3": 14}}
    rest = {"revision": 15, "election_due_us": None, "has_room": True}
    return {"type": "standing", **who, **log, **state, **peers, **rest, **changed}


def every_kind() -> list[dict[str, Any]]:
    """Events that give every metric a value."""
    own = {"node": "collector", "boot": "c"}
    return [
        leads("n1"),
        {"type": "election", "pre_vote": True, "last_log_index": 1},
        {"type": "election", "pre_vote": False, "last_log_index": 1},
        standing(),
        told(),
        {"node": "n2", "type": "apply", "first": 1, "last": 5, "chain": 1, "commands": 5, "revision": 5, "digest": 1}
        | {"elapsed_us": 2000},
        *(storage("log", duration) for duration in (80, 300, 400_000, 99_000_000)),
        storage("state", 3000),
        storage("state", 0),
        {**own, "type": "gap", "source": "n2", "source_boot": "b", "topic": "t", "expected": 1, "received": 8}
        | {"missing": 7, "total": 7, "reason": "gone"},
        {**own, "type": "late", "source": "n3", "topic": "t", "source_seq": 1, "lamport_passed": 4},
        {**own, "type": "violation", "rule": "election safety", "nodes": ["n1"], "text": "two", "recording": None},
        {**own, "type": "verdict", "known": False, "source": "n2", "reason": "gap"},
        {**own, "type": "process", "name": "node:n3", "state": "EXITED", "previous": None, "pid": 0, "exit_status": 11},
    ]


def samples(families: Iterable[Metric]) -> Samples:
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def read(one: Serving) -> Samples:
    return samples(parse_text(one.get("/metrics").body.decode()))


def value(found: Samples, name: str, /, **labels: str) -> float:
    return found[f"raftzmq_{name}", tuple(sorted(labels.items()))]


@pytest.mark.parametrize("accept", ["", "text/plain;version=0.0.4", "application/openmetrics-text; version=1.0.0"])
@pytest.mark.parametrize("events", [[], every_kind()], ids=["idle", "busy"])
def test_prometheus_own_parsers_read_it(accept: str, events: list[dict[str, Any]]) -> None:
    with serving() as one:
        one.offer(*events)
        answer = one.get("/metrics", Accept=accept)
        assert answer.status == 200
        openmetrics = "openmetrics" in accept
        assert answer.headers["content-type"].startswith(
            "application/openmetrics-text" if openmetrics else "text/plain"
        )
        families = list((parse_openmetrics if openmetrics else parse_text)(answer.body.decode()))
        assert len(families) > 40
        for family in families:
            assert family.name.startswith("raftzmq_")
            assert family.documentation.endswith("."), f"{family.name} says what it tells"
            assert family.type in ("gauge", "counter", "histogram")
            assert all(sample.name.startswith("raftzmq_") for sample in family.samples)
            if events:
                assert family.samples, f"{family.name} has a value"


def test_the_figures_are_those_of_the_events() -> None:
    with serving(totals=lambda: {"malformed": 5, "unrecorded": 6, "subscribers": 2, "held": 8, "filled": 9}) as one:
        one.offer(*every_kind())
        found = read(one)
    assert value(found, "has_leader") == 1
    assert value(found, "leader_changes_total") == 1
    assert [value(found, "node_up", node=f"n{k}") for k in (1, 2, 3)] == [1, 1, 0]
    assert [value(found, "is_leader", node=f"n{k}") for k in (1, 2, 3)] == [1, 0, 0]
    assert value(found, "elections_total", node="n1") == 1, "a pre-vote is none"
    assert value(found, "commit_index", node="n1") == 18
    assert value(found, "has_room", node="n1") == 1
    assert value(found, "replication_lag_entries", node="n1", peer="n3") == 6
    assert value(found, "peer_round_trip_seconds", node="n1", peer="n2") == 0.0015
    assert value(found, "dropped_messages_total", node="n1", what="client") == 4
    assert value(found, "events_lost_total", node="n2") == 7
    assert value(found, "events_late_total", node="n3") == 1
    assert value(found, "events_received_total", node="n1") == 11
    assert value(found, "violations_total") == 1
    assert value(found, "rule_violations_total", rule="election safety") == 1
    assert value(found, "audit_unknown") == 1
    assert value(found, "process_running", process="node:n3") == 0
    assert value(found, "collector_events_total") == one.position
    assert value(found, "collector_malformed_messages_total") == 5
    assert value(found, "collector_unrecorded_events_total") == 6
    assert value(found, "collector_subscribers") == 2
    assert value(found, "collector_held_events") == 8
    assert value(found, "collector_filled_events_total") == 9
    assert 1e6 < value(found, "collector_resident_memory_bytes") < 1e10
    assert abs(value(found, "collector_start_time_seconds") - time.time()) < 3600


def test_durations_are_in_buckets_of_seconds() -> None:
    with serving() as one:
        one.offer(*every_kind())
        found = read(one)
    buckets = {
        dict(labels)["le"]: count
        for (name, labels), count in found.items()
        if name == "raftzmq_log_sync_duration_seconds_bucket" and ("node", "n1") in labels
    }
    assert (buckets["0.0001"], buckets["0.00025"], buckets["0.0005"]) == (1, 1, 2)
    assert (buckets["0.25"], buckets["0.5"], buckets["10.0"], buckets["+Inf"]) == (2, 3, 3, 4)
    assert value(found, "log_sync_duration_seconds_count", node="n1") == 4
    assert value(found, "log_sync_duration_seconds_sum", node="n1") == pytest.approx(99.40038)
    assert value(found, "state_commit_duration_seconds_sum", node="n1") == pytest.approx(0.003)
    assert value(found, "state_commit_duration_seconds_count", node="n1") == 1, "the other job committed nothing"
    assert value(found, "apply_duration_seconds_count", node="n2") == 1


def test_bounds_belong_to_their_bucket() -> None:
    histogram = Histogram()
    for bound in BUCKETS_US:
        histogram.add(bound)
    assert [count for _, count in histogram.buckets()] == [*range(1, len(BUCKETS_US) + 1), len(BUCKETS_US)]


def test_every_figure_that_a_node_tells_is_exported() -> None:
    """And nothing is waited for that no event carries."""
    exported = {figure.field for figure in METRICS} | {"round_trip_us", "dropped"}
    assert exported == set(EVENT_TYPES["metrics"].fields)
    assert {figure.field for figure in STANDING} <= set(EVENT_TYPES["standing"].fields) | {"term", "boots"}
    with serving() as one:
        one.offer(told("n2"))
        found = read(one)
    fields = list(EVENT_TYPES["metrics"].fields)
    for figure in METRICS:
        name = figure.name.removeprefix("raftzmq_") + ("_total" if figure.kind == "counter" else "")
        assert value(found, name, node="n2") == 100 + fields.index(figure.field)


def test_what_a_node_does_not_know_is_left_out() -> None:
    with serving() as one:
        one.offer(told(rss_bytes=None))
        assert ("raftzmq_resident_memory_bytes", (("node", "n1"),)) not in read(one)


def test_events_that_are_not_as_described_are_counted_and_harm_nothing() -> None:
    with serving() as one:
        broken: list[dict[str, Any]] = [
            {"type": "storage", "what": "log"},
            {"type": "storage", "what": "log", "commit_us": "long"},
            {"type": "apply", "elapsed_us": None},
            {"node": "collector", "type": "gap", "source": ["x"], "missing": 1},
            {"node": "collector", "type": "violation"},
            {"node": "collector", "type": "process", "name": {}, "state": 1},
        ]
        one.offer(*broken, {"node": 'n"\\\n', "type": "role", "role": "x", "term": "y"})
        families = list(parse_text(one.get("/metrics").body.decode()))
        assert samples(families)["raftzmq_collector_odd_events_total", ()] == len(broken)


def test_a_crowd_that_asks_costs_no_more_than_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "METRICS_AGE_S", 3600.0)
    with serving() as one:
        before = one.get("/metrics").body
        one.offer(leads("n1"))
        assert one.get("/metrics").body == before
        monkeypatch.setattr(pages, "METRICS_AGE_S", 0.0)
        wait_until(lambda: one.get("/metrics").body != before, "it is made anew after its time")
