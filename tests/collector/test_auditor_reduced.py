"""However much of a stream is missing, the auditor accuses no sound run; what needs nothing else it finds all the same.

More of the same: ``python -m tests.collector.reduced_audits``.
"""

from __future__ import annotations

import pytest

from tests.collector.audited_runs import audited, broken
from tests.collector.planted_events import PLANTS, Plant, leader_truncates, other_entry, other_state, truncated_commit
from tests.collector.reduced_audits import BY_NAME, Try, usual_passed_on, with_planted
from tests.collector.reduced_streams import REDUCTIONS, Reduction

SEEDS = (5, 7, 10, 26, 28, 30)
"""Runs of five nodes with crashes, truncations and installs of snapshots."""

ACCUSED = (
    (9, 0, "recorded_types"),
    (9, 0, "subscribed_types"),
    (9, 3, "lost_ends"),
    (9, 1, "usual_subscribed_types"),
    (24, 2, "usual_lost_ends"),
    (26, 3, "usual_rare_losses"),
    (30, 2, "usual_several"),
    (42, 1, "subscribed_types"),
    (59, 3, "recorded_types"),
    (60, 3, "several"),
)
"""Tries in which a log that was truncated unheard looked like one that broke a rule."""


@pytest.mark.parametrize("reduction", REDUCTIONS, ids=lambda reduction: reduction.__name__)
def test_no_sound_run_is_accused(reduction: Reduction) -> None:
    for seed in SEEDS:
        one = Try(seed, 0, reduction)
        assert one.verdict()["violations"] == [], str(one)


@pytest.mark.parametrize(("seed", "number", "name"), ACCUSED)
def test_what_was_accused_once_is_unknown(seed: int, number: int, name: str) -> None:
    one = Try(seed, number, BY_NAME[name])
    verdict = one.verdict()
    assert (verdict["verdict"], verdict["violations"]) == ("unknown", []), str(one)
    reasons = [interval["reason"] for interval in verdict["unknown"]]
    assert any("truncate" in reason for reason in reasons), reasons


@pytest.mark.parametrize("plant", [other_entry, other_state, truncated_commit, leader_truncates])
def test_what_two_events_show_is_found_whatever_lies_between(plant: Plant) -> None:
    """Events of other types were made and left out all the time, and of installs there is none."""
    events = with_planted(plant, 14)
    assert events is not None
    assert all(event["type"] != "snapshot" for event in events)
    left = Try(14, 0, usual_passed_on).reduced(events)
    assert set(broken(audited(left))) & set(PLANTS[plant])
