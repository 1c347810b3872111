"""Runs of the simulator as recordings, and what audits of them come to."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import orjson

from raftzmq.collector.auditor import Auditor
from raftzmq.simulation.audit import Audit
from raftzmq.simulation.cluster import Cluster

Event = dict[str, Any]


@cache
def _recorded(seed: int, events: int) -> tuple[bytes, ...]:
    told: list[bytes] = []
    outcome = Cluster(seed, events, audit=Audit(lambda event: told.append(orjson.dumps(event)))).run()
    assert outcome.found == ()
    return tuple(told)


def recorded(seed: int, events: int = 1_500) -> list[Event]:
    """All that the nodes of a run said, in the order in which it happened; a copy to change."""
    return [orjson.loads(payload) for payload in _recorded(seed, events)]


def audited(events: Iterable[Event]) -> dict[str, Any]:
    """The verdict on these events."""
    auditor = Auditor()
    for event in events:
        auditor.accept(event)
    return auditor.verdict


def broken(verdict: dict[str, Any]) -> list[str]:
    """The rules that an audit saw broken, in the order in which it did."""
    return list(dict.fromkeys(violation["rule"] for violation in verdict["violations"]))


def renumbered(events: list[Event]) -> list[Event]:
    """The same with ``seq`` and ``order`` as if the nodes had made these events, and no others."""
    counts: dict[tuple[str, ...], int] = {}
    for event in events:
        for field, key in (
            ("seq", (event["node"], event["boot"], event["type"])),
            ("order", (event["node"], event["boot"])),
        ):
            event[field] = counts[key] = counts.get(key, 0) + 1
    return events
