"""Recordings of sound runs that were edited to contain a violation: the auditor finds each kind, by its name."""

from __future__ import annotations

import pytest

from tests.collector.audited_runs import audited, broken, recorded, renumbered
from tests.collector.planted_events import PLANTS, NothingFits, Plant, acknowledged_unstored

SEEDS = (1, 10)
DETAILS = ("sent", "received", "heartbeat_sent", "heartbeat_received")


CASES = [(plant, False) for plant in PLANTS] + [(plant, True) for plant in PLANTS if plant is not acknowledged_unstored]
"""What a message says is known only from the message."""


@pytest.mark.parametrize(("plant", "usual"), CASES, ids=lambda value: getattr(value, "__name__", str(value)))
def test_what_is_planted_is_found(plant: Plant, usual: bool) -> None:
    """``usual``: in what the collector subscribes to, without single messages."""
    planted = 0
    for seed in SEEDS:
        events = [event for event in recorded(seed) if not (usual and event["type"] in DETAILS)]
        try:
            plant(events)
        except NothingFits:
            continue
        verdict = audited(renumbered(events))
        assert verdict["verdict"] == "violated"
        assert set(broken(verdict)) & set(PLANTS[plant]), broken(verdict)
        assert all(violation["nodes"] and violation["position"] for violation in verdict["violations"])
        planted += 1
    assert planted


@pytest.mark.parametrize("seed", SEEDS)
def test_the_runs_that_they_are_planted_into_are_sound(seed: int) -> None:
    verdict = audited(recorded(seed))
    assert (verdict["verdict"], verdict["violations"], verdict["unknown"]) == ("holds", [], [])
