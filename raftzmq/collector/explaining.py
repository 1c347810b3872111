"""Where the time of one request went: its ``trace`` event and the followers' disks as parts that add up.

The parts are those of the critical path, each from where the one before ended: between client and node, the queue at
the door, then whoever completed the majority (a follower, with its network and its disk, or the leader's own disk),
the commit, the state, the answer. What happened beside that cost nothing and stands apart. A leader writes while its
entries travel (thesis 10.2.1), and its state waits for its own log, so its disk may come on the path after the commit.

Times of a follower's disk are of its own clock and only their length is used: no clocks of two nodes are compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from raftzmq.collector.disk_times import DiskTimes


class Step(StrEnum):
    """What a part of the way is."""

    CLIENT = "client"
    QUEUE = "queue"
    SEND = "send"
    NETWORK = "network"
    DISK = "disk"
    FOLLOWER = "follower"
    """Network and disk of a follower together, where its events are missing."""
    COMMIT = "commit"
    CONFIRM = "confirm"
    APPLY = "apply"
    READ = "read"
    REPLY = "reply"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the critical path: from ``begin_us``, counted from where the measurement began, for ``us``."""

    step: Step
    node: str
    begin_us: int
    us: int


@dataclass(frozen=True, slots=True)
class Beside:
    """A follower that didn't decide. Microseconds, None where nothing is known; ``begin_us`` as in `Part`."""

    node: str
    begin_us: int | None
    answered_us: int | None
    disk_us: int | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """A request, and where its time went. ``parts`` add up to ``latency_us``.

    ``by_client``: the client measured it; else the node did, from its door to the answer's leaving. ``decided_by``: who
    completed the majority, with the how manyth answer of a follower; None and 0 of a read.
    """

    node: str
    tag: str
    kind: str
    request: int
    commands: int
    index: int
    ts: float
    latency_us: int
    by_client: bool
    parts: tuple[Part, ...]
    beside: tuple[Beside, ...]
    decided_by: str | None
    answer: int


class _Path:
    """Parts one after the other, on the leader's clock from its door on."""

    def __init__(self, client_us: int) -> None:
        self._offset_us = client_us
        self._at_us = 0
        self.parts: list[Part] = []

    def until(self, step: Step, node: str, at_us: int | None) -> None:
        """The path goes on with ``step`` until then; what is over already, or unknown, is no part of it."""
        if at_us is not None and at_us > self._at_us:
            self.parts.append(Part(step, node, self._offset_us + self._at_us, at_us - self._at_us))
            self._at_us = at_us


def explain(
    trace: Mapping[str, Any], disks: DiskTimes, *, voters: Sequence[str] = (), client_us: int | None = None
) -> Explanation:
    """Take a ``trace`` event apart.

    ``voters``: the members of its cluster, where they are known; ``client_us``: what the client measured.
    """
    replied_us = int(trace["replied_us"])
    between_us = 0 if client_us is None else max(0, client_us - replied_us)
    path = _Path(between_us)
    if client_us is not None:
        path.parts.append(Part(Step.CLIENT, trace["node"], 0, between_us))
    decided_by: str | None = None
    answer = 0
    if trace["kind"] == "read":
        _read_path(trace, path)
    else:
        decided_by, answer = _write_path(trace, disks, voters, path)
    return Explanation(
        node=trace["node"],
        tag=trace["tag"],
        kind=trace["kind"],
        request=trace["request"],
        commands=trace["commands"],
        index=trace["index"],
        ts=trace["ts"],
        latency_us=between_us + replied_us,
        by_client=client_us is not None,
        parts=tuple(path.parts),
        beside=tuple(_beside(trace, disks, voters, decided_by, between_us)),
        decided_by=decided_by,
        answer=answer,
    )


def _read_path(trace: Mapping[str, Any], path: _Path) -> None:
    node = trace["node"]
    path.until(Step.QUEUE, node, trace["proposed_us"])
    path.until(Step.CONFIRM, node, trace["committed_us"])
    path.until(Step.READ, node, trace["applied_us"])
    path.until(Step.REPLY, node, trace["replied_us"])


def _write_path(
    trace: Mapping[str, Any], disks: DiskTimes, voters: Sequence[str], path: _Path
) -> tuple[str | None, int]:
    """Who completed the majority, and with the how manyth answer of a follower."""
    node, logged_us, committed_us = trace["node"], trace["logged_us"], trace["committed_us"]
    path.until(Step.QUEUE, node, trace["proposed_us"])
    decided_by, answer = _decided(trace, voters)
    if decided_by == node:
        path.until(Step.DISK, node, logged_us)
    elif decided_by is not None:
        _follower_path(trace, disks, decided_by, path)
    path.until(Step.COMMIT, node, committed_us)
    path.until(Step.DISK, node, logged_us)
    path.until(Step.APPLY, node, trace["applied_us"])
    path.until(Step.REPLY, node, trace["replied_us"])
    return decided_by, answer


def _follower_path(trace: Mapping[str, Any], disks: DiskTimes, follower: str, path: _Path) -> None:
    answered_us, sent_us = trace["acknowledged_us"][follower], trace["sent_us"].get(follower, 0)
    disk = disks.find(follower, trace["index"])
    path.until(Step.SEND, follower, sent_us)
    if disk is None:
        path.until(Step.FOLLOWER, follower, answered_us)
    else:
        path.until(Step.NETWORK, follower, answered_us - disk.us)
        path.until(Step.DISK, follower, answered_us)


def _decided(trace: Mapping[str, Any], voters: Sequence[str]) -> tuple[str | None, int]:
    """Whose disk was the last that the majority needed (Raft §5.3), and with the how manyth answer of a follower."""
    answers = sorted((at_us, peer) for peer, at_us in trace["acknowledged_us"].items())
    disks = sorted([*answers, *([] if trace["logged_us"] is None else [(trace["logged_us"], trace["node"])])])
    if not disks:
        return None, 0
    count = len(voters) or len(trace["sent_us"]) + 1
    _, node = disks[min(count // 2, len(disks) - 1)]
    place = next((number for number, (_, peer) in enumerate(answers, 1) if peer == node), 0)
    return node, place


def _beside(
    trace: Mapping[str, Any], disks: DiskTimes, voters: Sequence[str], decided_by: str | None, offset_us: int
) -> list[Beside]:
    if trace["kind"] == "read":
        return []
    found = []
    for peer in sorted({*voters, *trace["sent_us"]} - {trace["node"], decided_by or ""}):
        sent_us, answered_us = trace["sent_us"].get(peer), trace["acknowledged_us"].get(peer)
        disk = disks.find(peer, trace["index"])
        found.append(
            Beside(
                peer,
                None if sent_us is None else offset_us + sent_us,
                None if answered_us is None else offset_us + answered_us,
                None if disk is None else disk.us,
            )
        )
    return found
