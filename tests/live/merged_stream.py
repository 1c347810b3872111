"""What must hold for a merged stream, whoever took it and whatever happened to its nodes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from raftzmq.events import topic_of

Event = dict[str, Any]
_SENT = ("sent", "heartbeat_sent")
_RECEIVED = ("received", "heartbeat_received")


def missing_seqs(events: Iterable[Event]) -> dict[tuple[str, str, str], list[int]]:
    """By node, boot and type: every ``seq`` from 1 to the highest that came which didn't come."""
    seen: dict[tuple[str, str, str], set[int]] = defaultdict(set)
    for event in events:
        seen[event["node"], event["boot"], event["type"]].add(event["seq"])
    holes = {stream: sorted(set(range(1, max(seqs) + 1)) - seqs) for stream, seqs in seen.items()}
    return {stream: lost for stream, lost in holes.items() if lost}


def doubled(events: Iterable[Event]) -> list[tuple[str, str, str, int]]:
    """What came twice."""
    seen: set[tuple[str, str, str, int]] = set()
    found = []
    for event in events:
        name = (event["node"], event["boot"], event["type"], event["seq"])
        if name in seen:
            found.append(name)
        seen.add(name)
    return found


def out_of_order(events: Iterable[Event]) -> list[Event]:
    """Events that came after a later one of their node's life."""
    last: dict[tuple[str, str], int] = {}
    found = []
    for event in events:
        life = event["node"], event["boot"]
        if event["order"] <= last.get(life, 0):
            found.append(event)
        last[life] = max(event["order"], last.get(life, 0))
    return found


def receipts_before_their_sending(events: Sequence[Event]) -> tuple[list[str], int]:
    """Messages whose receipt came before their sending, or whose sending never came; and how many were looked at.

    A sending may be missing where it was never told: before the listener's subscription reached the sender, and after
    the last that a killed sender could tell. One that came late, and was said to, is no breach of a promise.
    """
    late = {(e["source"], e["topic"], e["source_seq"]) for e in events if e["type"] == "late"}
    sent: dict[str, int] = {}
    numbers: dict[tuple[str, int], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for place, event in enumerate(events):
        if event["type"] in _SENT:
            said = (event["node"], topic_of(event["node"], event["type"]).decode(), event["seq"]) in late
            sent.setdefault(event["mid"], -1 if said else place)
            sender, number = _parts(event["mid"])
            numbers[sender, number >> 32][event["type"]].append(number)
    told = {
        life: (max(min(each) for each in kinds.values()), max(max(each) for each in kinds.values()))
        for life, kinds in numbers.items()
        if len(kinds) == len(_SENT)
    }
    wrong, looked_at = [], 0
    for place, event in enumerate(events):
        if event["type"] not in _RECEIVED:
            continue
        sender, number = _parts(event["mid"])
        first, last = told.get((sender, number >> 32), (1, 0))
        if first <= number <= last:
            looked_at += 1
            if sent.get(event["mid"], len(events)) > place:
                wrong.append(event["mid"])
    return wrong, looked_at


def _parts(mid: str) -> tuple[str, int]:
    sender, _, number = mid.rpartition(":")
    return sender, int(number)
