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


def end_of_log(history: History, node: str, *, before: int = END) -> tuple[int, int] | None:
    """The index and chain of the last entry of a node's log, as it was told last; None if nothing was.

    That chain covers the whole log.
    """
    told = [m for kind in ("boot", "append", "truncate", "standing") for m in history.of(kind, node, before=before)]
    for moment in sorted(told, reverse=True):
        event = moment.event
        if event["type"] == "append":
            return int(event["last"]), int(event["chains"][-1])
        if event["type"] != "truncate":
            return int(event["last_index"]), int(event["last_chain"])
        index = int(event["first"]) - 1
        entry = log_of(history, node, before=moment.position + 1).get(index)
        return None if entry is None else (index, entry.chain)
    return None


def disagreement(history: History, *, before: int = END) -> int | None:
    """The lowest index at which the logs of two nodes are seen to differ; None if all are equal.

    A node that has just started is heard a moment later, so its first entries may not have been told one by one: then
    the chain of its last entry stands for them.
    """
    logs = [log_of(history, node, before=before) for node in history.nodes]
    for index in sorted(set().union(*logs)):
        if len({log[index] for log in logs if index in log}) > 1:
            return index
    ends = [end_of_log(history, node, before=before) for node in history.nodes]
    if len(set(ends)) == 1 and None not in ends:
        return None
    return min((end[0] if end is not None else 0 for end in ends), default=0) + 1


def state_of(history: History, node: str, *, before: int = END) -> State | None:
    """What a node had applied before a position, as it was told last; None if nothing was."""
    told = [m for kind in ("boot", "apply", "standing") for m in history.of(kind, node, before=before)]
    if not told:
        return None
    event = max(told).event
    last = event["last"] if event["type"] == "apply" else event["applied_index"]
    return State(int(last), int(event["digest"]), int(event["revision"]))


def states(history: History, *, before: int = END) -> dict[str, State | None]:
    """What each node had applied."""
    return {node: state_of(history, node, before=before) for node in history.nodes}


def all_equal(history: History, *, before: int = END) -> bool:
    """Have all nodes applied the same, up to the same entry, and never been in different states after one entry?"""
    found = set(states(history, before=before).values())
    return len(found) == 1 and None not in found and not _different_states(history, before)


def _different_states(history: History, before: int) -> bool:
    known: dict[int, tuple[int, int]] = {}
    for moment in history.of("apply", before=before):
        event = moment.event
        state = int(event["digest"]), int(event["revision"])
        if known.setdefault(int(event["last"]), state) != state:
            return True
    return False


def on_disk_at(history: History, moment: Moment, index: int) -> list[Moment]:
    """Of each node the event that says that it has the log up to ``index`` on disk, where that came before a moment.

    Before means: by Lamport time, so that the message which told of it can have been there.
    """
    found: dict[str, Moment] = {}
    for written in history.of("storage", what="log"):
        if int(written.event["last"]) >= index and written.event["lamport"] <= moment.event["lamport"]:
            found.setdefault(written.node, written)
    return list(found.values())
