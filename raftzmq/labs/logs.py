"""The nodes' logs as their events tell of them: which entry stood where, when, and what the state made of it."""

from __future__ import annotations

from typing import NamedTuple

from raftzmq.labs.history import END, History, Moment


class Entry(NamedTuple):
    """``term`` and ``chain`` of an entry: two logs with the same chain at an index are equal up to there."""

    term: int
    chain: int


class State(NamedTuple):
    """What a node's state came to: it contains all entries up to ``last``."""

    last: int
    digest: int
    revision: int


def log_of(history: History, node: str, *, before: int = END) -> dict[int, Entry]:
    """The log of a node as it stood before a position, by index; what a snapshot brought is missing.

    After a restart it ends where the node said that it does.
    """
    log: dict[int, Entry] = {}
    for moment in _steps(history, node, before):
        event = moment.event
        if event["type"] == "append":
            pairs = zip(event["terms"], event["chains"], strict=True)
            log.update({int(event["first"]) + offset: Entry(*pair) for offset, pair in enumerate(pairs)})
        else:
            end = int(event["last_index"]) if event["type"] == "boot" else int(event["first"]) - 1
            log = {index: entry for index, entry in log.items() if index <= end}
    return log


def _steps(history: History, node: str, before: int) -> list[Moment]:
    found = [moment for kind in ("boot", "append", "truncate") for moment in history.of(kind, node, before=before)]
    return sorted(found)


def disagreement(history: History, *, before: int = END) -> int | None:
    """The lowest index at which the logs of two nodes differ, or that one of them lacks; None if all are equal."""
    logs = [log_of(history, node, before=before) for node in history.nodes]
    indexes = sorted(set().union(*logs))
    return next((index for index in indexes if len({log.get(index) for log in logs}) > 1), None)


def state_of(history: History, node: str, *, before: int = END) -> State | None:
    """What a node had applied before a position, in the boot that it spoke in last; None if it told nothing."""
    last = history.last("apply", node, before=before)
    boot = history.last("boot", node, before=before)
    if last is None or (boot is not None and boot.position > last.position):
        if boot is None:
            return None
        return State(int(boot.event["applied_index"]), int(boot.event["digest"]), int(boot.event["revision"]))
    return State(int(last.event["last"]), int(last.event["digest"]), int(last.event["revision"]))


def states(history: History, *, before: int = END) -> dict[str, State | None]:
    """What each node had applied."""
    return {node: state_of(history, node, before=before) for node in history.nodes}


def all_equal(history: History, *, before: int = END) -> bool:
    """Have all nodes applied the same, up to the same entry?"""
    found = set(states(history, before=before).values())
    return len(found) == 1 and None not in found


def on_disk_at(history: History, moment: Moment, index: int) -> list[Moment]:
    """Of each node the event that says that it has the log up to ``index`` on disk, where that came before a moment.

    Before means: by Lamport time, so that the message which told of it can have been there.
    """
    found: dict[str, Moment] = {}
    for written in history.of("storage", what="log"):
        if int(written.event["last"]) >= index and written.event["lamport"] <= moment.event["lamport"]:
            found.setdefault(written.node, written)
    return list(found.values())
