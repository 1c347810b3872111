"""A recording in chapters: labs that start all their nodes several times tell by them what belongs to which."""

from __future__ import annotations

from raftzmq.labs.history import COLLECTOR, History, Moment


def chapters(history: History) -> list[History]:
    """The nodes' events by how often their node had been started before: all first boots, all second ones, …

    A boot's id changes with each start, so this holds whatever the collector heard late. Positions stay as they are.
    """
    boots: dict[str, dict[str, int]] = {}
    found: list[list[Moment]] = []
    for moment in history:
        if moment.node == COLLECTOR:
            continue
        known = boots.setdefault(moment.node, {})
        number = known.setdefault(str(moment.event["boot"]), len(known))
        while len(found) <= number:
            found.append([])
        found[number].append(moment)
    return [History(moments) for moments in found]
