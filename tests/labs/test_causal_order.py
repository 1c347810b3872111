"""Events that the collector heard late: whatever place they got in the stream, judges see them where they belong."""

from __future__ import annotations

import random

import pytest

from raftzmq.labs.registry import load
from tests.labs.histories import Moments, recorded
from tests.labs.test_judges import LABS

LATE = 40
"""Places by which what a node says comes late."""


def heard_late(moments: Moments, chosen: random.Random) -> Moments:
    """As if the collector had heard one node or another late, twenty times: behind what others said meanwhile."""
    events = [event for _, event in moments]
    for _ in range(20):
        begin = chosen.randrange(len(events))
        within = events[begin : begin + LATE]
        node = chosen.choice(within)["node"]
        # What a node says stays in its own order.
        events[begin : begin + LATE] = sorted(within, key=lambda event: event["node"] == node)
    return [(position, event) for (position, _), event in zip(moments, events, strict=True)]


def in_order(moments: Moments) -> Moments:
    """As if nothing had come late."""
    events = sorted((event for _, event in moments), key=lambda event: event["lamport"])
    return [(position, event) for (position, _), event in zip(moments, events, strict=True)]


def shown(name: str, moments: Moments) -> list[tuple[bool, list[tuple[str, str, int]]]]:
    """The events of each check, without the auditor: that one looks at the stream as it came."""
    events = dict(moments)
    checks = load(name).verdict_of(moments).checks[:-1]
    found = [[events[position] for position in check.evidence] for check in checks]
    told = [[(event["node"], event["boot"], event["seq"]) for event in some] for some in found]
    return [(check.held, sorted(some)) for check, some in zip(checks, told, strict=True)]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", LABS)
def test_what_was_heard_late_is_judged_as_if_it_had_come_in_time(name: str, seed: int) -> None:
    moments = in_order(recorded(name))
    late = heard_late(moments, random.Random(seed))
    assert late != moments
    assert shown(name, late) == shown(name, moments)
