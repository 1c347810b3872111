"""Streams of which much is missing, as recordings and subscriptions to a part are, or networks and crashes leave them.

Each reduction takes a whole stream and chance, and gives what is left of it. None of them changes what an event says
but for its ``order``: a node doesn't number what it never made, because nobody had subscribed to it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from random import Random

from raftzmq.events.catalogue import EVENT_TYPES
from raftzmq.events.event_type import Level
from tests.collector.audited_runs import Event

Reduction = Callable[[list[Event], Random], list[Event]]

RARE = frozenset(kind for kind, event in EVENT_TYPES.items() if event.level is Level.RARE)
DETAILS = frozenset(kind for kind, event in EVENT_TYPES.items() if event.level is Level.DETAIL)


def chosen_types(events: list[Event], random: Random) -> frozenset[str]:
    """Some of the types that there are: nearly all, some, or a few."""
    types = sorted({event["type"] for event in events})
    missing = random.choice((random.randint(1, 3), random.randint(1, len(types) - 1)))
    return frozenset(types) - frozenset(random.sample(types, missing))


def passed_on(events: list[Event], types: Collection[str]) -> list[Event]:
    """Events of these types were passed on, of all that were made."""
    return [event for event in events if event["type"] in types]


def made_for(events: list[Event], types: Collection[str]) -> list[Event]:
    """Nobody had subscribed to other types than these: of the others only the rare ones were made."""
    made = [event for event in events if event["type"] in types or event["type"] in RARE]
    orders: dict[tuple[str, str], int] = {}
    for event in made:
        key = (event["node"], event["boot"])
        event["order"] = orders[key] = orders.get(key, 0) + 1
    return passed_on(made, types)


def recorded_types(events: list[Event], random: Random) -> list[Event]:
    """A recording with some types alone, while others were made for somebody else."""
    return passed_on(events, chosen_types(events, random))


def subscribed_types(events: list[Event], random: Random) -> list[Event]:
    """A subscription to some types, and nobody else had one."""
    return made_for(events, chosen_types(events, random))


def some_nodes(events: list[Event], random: Random) -> list[Event]:
    """Nothing comes of some nodes."""
    nodes = sorted({event["node"] for event in events})
    heard = random.sample(nodes, random.randint(1, max(1, len(nodes) - 1)))
    return [event for event in events if event["node"] in heard]


def begun_late(events: list[Event], random: Random) -> list[Event]:
    """Nobody listened before some place."""
    return events[random.randrange(len(events)) :]


def ended_early(events: list[Event], random: Random) -> list[Event]:
    """Nobody listened any more from some place on."""
    return events[: random.randrange(1, len(events))]


def part_in_time(events: list[Event], random: Random) -> list[Event]:
    """Nobody listened before one place, nor from another on."""
    first, end = sorted(random.sample(range(len(events) + 1), 2))
    return events[first:end]


def single_losses(events: list[Event], random: Random) -> list[Event]:
    """Some events got lost: their numbers are missing where another of their type follows."""
    needed = [place for place, event in enumerate(events) if event["type"] not in DETAILS] or [0]
    lost = {random.choice(needed) for _ in range(random.choice((1, 1, 2, 5, 30)))}
    return [event for place, event in enumerate(events) if place not in lost]


def rare_losses(events: list[Event], random: Random) -> list[Event]:
    """One event of each of a few types and nodes is lost: a rare one, that no other follows, leaves no trace."""
    kinds = sorted({(event["node"], event["type"]) for event in events})
    lost = set()
    for node, kind in random.sample(kinds, min(len(kinds), random.randint(1, 8))):
        lost.add(random.choice([p for p, e in enumerate(events) if (e["node"], e["type"]) == (node, kind)]))
    return [event for place, event in enumerate(events) if place not in lost]


def lost_ends(events: list[Event], random: Random) -> list[Event]:
    """What some boots made last of some types is lost: no number tells of it."""
    types = random.sample(sorted({event["type"] for event in events}), 3)
    first = {(e["node"], e["boot"]): e["order"] for e in events}
    ends = {boot: last - random.randint(1, 200) for boot, last in first.items() if random.random() < 0.5}
    return [
        event
        for event in events
        if event["type"] not in types or event["order"] <= ends.get((event["node"], event["boot"]), event["order"])
    ]


def usual_then(reduction: Reduction) -> Reduction:
    """The same of what the collector subscribes to; single messages were made, for somebody, or weren't."""

    def reduced(events: list[Event], random: Random) -> list[Event]:
        usual = frozenset(EVENT_TYPES) - DETAILS
        return reduction((made_for if random.random() < 0.5 else passed_on)(events, usual), random)

    reduced.__name__ = f"usual_{reduction.__name__}"
    reduced.__doc__ = reduction.__doc__
    return reduced


TYPES: tuple[Reduction, ...] = (recorded_types, subscribed_types)
LOSSES: tuple[Reduction, ...] = (
    some_nodes,
    begun_late,
    ended_early,
    part_in_time,
    single_losses,
    rare_losses,
    lost_ends,
)


def several(events: list[Event], random: Random) -> list[Event]:
    """Some types, and something else is missing, too."""
    for reduction in (random.choice(TYPES), *random.sample(LOSSES, random.randint(1, 2))):
        if len(events) > 1 and len({event["type"] for event in events}) > 3:
            events = reduction(events, random)
    return events


REDUCTIONS: tuple[Reduction, ...] = (
    *TYPES,
    *(usual_then(reduction) for reduction in TYPES),
    *LOSSES,
    *(usual_then(reduction) for reduction in LOSSES),
    several,
    usual_then(several),
)
