"""`/metrics`: what operators watch, in the format of Prometheus."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from raftzmq.collector.web.figure import COUNTER, METRICS, STANDING, Figure
from raftzmq.collector.web.histogram import Histogram
from raftzmq.collector.web.hub import Hub
from raftzmq.collector.web.tally import NodeTally
from raftzmq.resident import resident_bytes

Totals = Callable[[], Mapping[str, int]]
_OWN_TOTALS: tuple[tuple[str, str, str], ...] = (
    (
        "malformed",
        "raftzmq_collector_malformed_messages",
        "Messages from the nodes' addresses that were no events: something else speaks there.",
    ),
    (
        "unrecorded",
        "raftzmq_collector_unrecorded_events",
        "Events that were passed on but not recorded, since the disk was too slow or full.",
    ),
    (
        "filled",
        "raftzmq_collector_filled_events",
        "Events that were missed at first and fetched from the nodes' memory: it must be large enough to have them.",
    ),
)
"""What the collector's own counts are called here."""


def registry_of(hub: Hub, totals: Totals) -> CollectorRegistry:
    """A registry of its own, so that nothing of another library gets in: every name begins with ``raftzmq_``."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ClusterMetrics(hub, totals))
    return registry


class ClusterMetrics(Collector):
    """Builds all families anew from what the hub knows whenever somebody asks."""

    def __init__(self, hub: Hub, totals: Totals) -> None:
        self._hub = hub
        self._totals = totals
        self._started_at = time.time()

    def collect(self) -> Iterator[Metric]:
        """Every family."""
        document = self._hub.state.document
        nodes: Mapping[str, Mapping[str, Any]] = document.get("nodes", {})
        yield from self._cluster(document)
        yield from self._nodes()
        for figure in STANDING:
            yield _figures(figure, nodes)
        yield from _own_metrics({name: node.get("metrics", {}) for name, node in nodes.items()})
        yield from _peers(nodes)
        yield from _tallies(self._hub.tally.nodes)
        yield from self._audit()
        yield from self._collector()

    def _cluster(self, document: Mapping[str, Any]) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "raftzmq_has_leader",
            "1 if a leader is known and heard. At 0 nothing can be written or read; elections take under a second.",
            value=float(self._hub.leader() is not None),
        )
        yield CounterMetricFamily(
            "raftzmq_leader_changes",
            "Terms that got a leader. More than a few in an hour: a bad network, slow disks, or starved processes.",
            value=_number(document.get("leader_changes")) or 0.0,
        )

    def _nodes(self) -> Iterator[Metric]:
        up = GaugeMetricFamily(
            "raftzmq_node_up", "1 if events of the node have come within the last seconds.", labels=["node"]
        )
        leads = GaugeMetricFamily("raftzmq_is_leader", "1 for the node that leads.", labels=["node"])
        leader = self._hub.leader()
        for row in self._hub.rows():
            up.add_metric([row["node"]], float(row["reachable"]))
            leads.add_metric([row["node"]], float(row["node"] == leader))
        yield up
        yield leads

    def _audit(self) -> Iterator[Metric]:
        tally = self._hub.tally
        yield CounterMetricFamily(
            "raftzmq_violations",
            "Breaches of Raft's invariants that the auditor saw. Anything but 0 is a bug or damaged storage: act.",
            value=sum(tally.violations.values()),
        )
        rules = CounterMetricFamily(
            "raftzmq_rule_violations", "The same by the rule that was broken; absent if none was.", labels=["rule"]
        )
        for rule, count in tally.violations.items():
            rules.add_metric([rule], count)
        yield rules
        yield GaugeMetricFamily(
            "raftzmq_audit_unknown",
            "Nodes about which the auditor can't say anything at the moment, since events of theirs are missing.",
            value=len(tally.unknown),
        )
        running = GaugeMetricFamily(
            "raftzmq_process_running", "1 if supervisord says that the process runs, else 0.", labels=["process"]
        )
        for name, runs in tally.processes.items():
            running.add_metric([name], float(runs))
        yield running

    def _collector(self) -> Iterator[Metric]:
        hub, totals = self._hub, self._totals()
        yield CounterMetricFamily(
            "raftzmq_collector_events", "Events in the merged stream since the collector started.", hub.tally.events
        )
        for name, exported, text in _OWN_TOTALS:
            yield CounterMetricFamily(exported, text, totals.get(name, 0))
        yield CounterMetricFamily(
            "raftzmq_collector_odd_events", "Events whose fields were not those of the catalogue.", hub.tally.odd
        )
        yield GaugeMetricFamily(
            "raftzmq_collector_held_events",
            "Events that wait for their place in the causal order, or behind missing ones.",
            totals.get("held", 0),
        )
        yield GaugeMetricFamily(
            "raftzmq_collector_subscribers", "Subscriptions to the merged stream.", totals.get("subscribers", 0)
        )
        yield GaugeMetricFamily(
            "raftzmq_collector_readers", "Who follows the stream over HTTP: browsers and curl.", hub.readers
        )
        yield CounterMetricFamily(
            "raftzmq_collector_reader_resets", "Readers that fell behind and were given the state anew.", hub.resets
        )
        yield CounterMetricFamily(
            "raftzmq_collector_slow_readers", "Readers that were let go since they read nothing any more.", hub.slow
        )
        yield GaugeMetricFamily(
            "raftzmq_collector_resident_memory_bytes", "Resident memory of the collector's process.", _resident_bytes()
        )
        used = resource.getrusage(resource.RUSAGE_SELF)
        yield CounterMetricFamily(
            "raftzmq_collector_cpu_seconds", "Processor time of the collector's process.", used.ru_utime + used.ru_stime
        )
        yield GaugeMetricFamily(
            "raftzmq_collector_start_time_seconds",
            "When the collector started, in seconds since 1970. The counts of this page begin there.",
            self._started_at,
        )


def _figures(figure: Figure, nodes: Mapping[str, Mapping[str, Any]]) -> Metric:
    """One figure of every node that has told it."""
    family: GaugeMetricFamily | CounterMetricFamily
    if figure.kind == COUNTER:
        family = CounterMetricFamily(figure.name, figure.help, labels=["node"])
    else:
        family = GaugeMetricFamily(figure.name, figure.help, labels=["node"])
    for name, known in nodes.items():
        value = _number(known.get(figure.field))
        if value is not None:
            family.add_metric([name], value)
    return family


def _own_metrics(told: Mapping[str, Mapping[str, Any]]) -> Iterator[Metric]:
    """What each node says of itself once a second."""
    for figure in METRICS:
        yield _figures(figure, told)
    dropped = CounterMetricFamily(
        "raftzmq_dropped_messages",
        "Messages that the node dropped since a pipe was full or nobody was connected. Raft sends again.",
        labels=["node", "what"],
    )
    trips = GaugeMetricFamily(
        "raftzmq_peer_round_trip_seconds",
        "The last time from the leader's message to the peer's answer, which comes after the peer's disk if it has "
        "entries. Only the leader knows it.",
        labels=["node", "peer"],
    )
    for name, known in told.items():
        for what, value in _numbers(known.get("dropped")):
            dropped.add_metric([name, what], value)
        for peer, value in _numbers(known.get("round_trip_us")):
            trips.add_metric([name, peer], value / 1_000_000)
    yield dropped
    yield trips


def _peers(nodes: Mapping[str, Mapping[str, Any]]) -> Iterator[Metric]:
    lag = GaugeMetricFamily(
        "raftzmq_replication_lag_entries",
        "Entries of the leader's log that it doesn't yet know to be on the peer's disk.",
        labels=["node", "peer"],
    )
    for name, known in nodes.items():
        last = _number(known.get("last_index"))
        for peer, match in _numbers(known.get("match_index")):
            if last is not None and peer != name:
                lag.add_metric([name, peer], max(0.0, last - match))
    yield lag


def _tallies(nodes: Mapping[str, NodeTally]) -> Iterator[Metric]:
    """What is counted by node from its events."""
    counters: tuple[tuple[str, str, Callable[[NodeTally], float]], ...] = (
        (
            "raftzmq_elections",
            "Elections that the node began since the collector started, polls beforehand (pre-votes) aside.",
            lambda node: node.elections,
        ),
        ("raftzmq_events_received", "Events of the node in the merged stream.", lambda node: node.received),
        (
            "raftzmq_events_lost",
            "Events of the node that were made, didn't arrive, and couldn't be fetched later.",
            lambda node: node.lost,
        ),
        (
            "raftzmq_events_late",
            "Events of the node that came after later ones had been passed on: out of causal order.",
            lambda node: node.late,
        ),
    )
    for name, text, value_of in counters:
        family = CounterMetricFamily(name, text, labels=["node"])
        for node, tally in nodes.items():
            family.add_metric([node], value_of(tally))
        yield family
    lag = GaugeMetricFamily(
        "raftzmq_collector_lag_seconds",
        "The age of the node's newest event when the collector passed it on, by the wall clocks of both machines.",
        labels=["node"],
    )
    for node, tally in nodes.items():
        lag.add_metric([node], tally.lag_seconds)
    yield lag
    histograms: tuple[tuple[str, str, Callable[[NodeTally], Histogram]], ...] = (
        (
            "raftzmq_log_sync_duration_seconds",
            "Commits of the node's log, with their syncs: every write waits for a majority of these.",
            lambda node: node.log_sync,
        ),
        (
            "raftzmq_state_commit_duration_seconds",
            "Commits of the node's state, with their syncs. No write waits for them unless they take seconds.",
            lambda node: node.state_commit,
        ),
        (
            "raftzmq_apply_duration_seconds",
            "Jobs of the node's state thread that apply committed entries.",
            lambda node: node.apply,
        ),
    )
    for name, text, histogram_of in histograms:
        durations = HistogramMetricFamily(name, text, labels=["node"])
        for node, tally in nodes.items():
            histogram = histogram_of(tally)
            durations.add_metric([node], histogram.buckets(), histogram.sum_seconds)
        yield durations


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def _numbers(values: Any) -> Iterator[tuple[str, float]]:
    """What are numbers in a mapping by name, if it is one."""
    for name, value in values.items() if isinstance(values, Mapping) else ():
        if (number := _number(value)) is not None:
            yield str(name), number


def _resident_bytes() -> int:
    # Where the system doesn't say, its peak: better than nothing.
    return resident_bytes() or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
