"""Which events are shown, and what is subscribed to for it."""

from __future__ import annotations

from typing import Any

import pytest

from raftzmq.cli.event_choice import LEVELS, PULSE, Choice
from raftzmq.events import EVENT_TYPES
from raftzmq.events.event_type import Level
from tests.cli.event_samples import ENVELOPE, SAMPLES


def event(kind: str, node: str = "n1") -> dict[str, Any]:
    return {**ENVELOPE, "node": node, "type": kind, **SAMPLES[kind][0]}


def kinds(choice: Choice) -> set[str]:
    return {kind for kind in EVENT_TYPES if choice(event(kind))}


def of_level(*levels: Level) -> set[str]:
    return {kind for kind, known in EVENT_TYPES.items() if known.level in levels}


def test_the_levels_are_those_of_the_catalogue() -> None:
    assert tuple(Level) == LEVELS
    assert set(EVENT_TYPES) >= PULSE


def test_types_nodes_and_levels() -> None:
    assert kinds(Choice()) == set(EVENT_TYPES)
    assert kinds(Choice(types=frozenset({"role", "clock"}))) == {"role", "clock"}
    assert kinds(Choice(level="rare")) == of_level(Level.RARE)
    assert kinds(Choice(level="usual")) == of_level(Level.RARE, Level.USUAL)
    assert kinds(Choice(level="detail")) == set(EVENT_TYPES)
    assert kinds(Choice(types=frozenset({"sent"}), level="rare")) == {"sent"}, "who names a type wants it"
    assert kinds(Choice(nodes=frozenset({"n2"}))) == set()
    assert Choice(level="rare")({**event("role"), "type": "of a newer release"})


def test_the_pulse_is_shown_only_to_who_asks_for_it() -> None:
    assert set(EVENT_TYPES) - kinds(Choice(pulse=False)) == PULSE
    assert kinds(Choice(types=frozenset({"clock"}), pulse=False)) == {"clock"}
    assert kinds(Choice(level="usual", pulse=False)) >= PULSE - {"checkpoint"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", True),
        ("won", True),
        ("WON", True),
        ("candidate → leader", True),
        ('"previous":"candidate"', True),
        ("x9", False),
    ],
)
def test_text_is_looked_for_in_the_line_and_in_the_event(text: str, found: bool) -> None:
    role = {**ENVELOPE, "type": "role", "role": "leader", "previous": "candidate", "reason": "Won"}
    assert Choice(text=text)(role) is found


@pytest.mark.parametrize(
    ("choice", "prefixes"),
    [
        (Choice(), ["raftzmq."]),
        (Choice(types=frozenset({"role"})), ["raftzmq."]),
        (Choice(types=frozenset({"sent"})), ["raftzmq.n1.sent", "raftzmq.n2.sent"]),
        (Choice(types=frozenset({"sent", "role"})), ["raftzmq.", "raftzmq.n1.sent", "raftzmq.n2.sent"]),
        (Choice(nodes=frozenset({"n2"})), ["raftzmq.n2."]),
        (Choice(types=frozenset({"sent", "role"}), nodes=frozenset({"n2"})), ["raftzmq.n2.role", "raftzmq.n2.sent"]),
        (
            Choice(level="detail", nodes=frozenset({"n2"})),
            [f"raftzmq.n2.{k}" for k in ("", "heartbeat_received", "heartbeat_sent", "received", "request", "sent")],
        ),
    ],
)
def test_subscriptions_are_as_narrow_as_they_can_be(choice: Choice, prefixes: list[str]) -> None:
    assert [prefix.decode() for prefix in choice.prefixes(["n1", "n2"])] == prefixes


def test_a_choice_in_words() -> None:
    assert Choice().words() == "any event"
    everything = Choice(frozenset({"vote", "role"}), frozenset({"n1"}), text="x")
    assert everything.words() == "role, vote of n1 with 'x' in it"
    assert Choice(level="rare").words() == "rare events"
