"""Faults from the page: ``POST /v1/chaos``, the same as `raftzmq chaos`, and ``GET /v1/control``, who may do it.

::

    {"action": "kill" | "pause" | "resume" | "restart", "nodes": ["n1", "leader"]}
    {"action": "elect", "nodes": ["n2"]}
    {"action": "partition", "groups": [["n1", "n2"], ["n3", "n4", "n5"]], "for_s": 10}
    {"action": "link", "from": "n1", "to": "n3", "drop": 0.3, "delay_ms": 50, "jitter_ms": 10, "duplicate": 0.1,
     "cut": false, "both": false, "for_s": 10}
    {"action": "heal", "nodes": []}
    {"action": "heal", "from": "n1", "to": "n3", "both": false}
    {"action": "show"}

The answer has the action, ``groups`` (the nodes that were meant, ``leader`` replaced), ``absent`` (those of them that
don't answer, where nothing was done) and ``nodes``: of links what each that was asked says, of processes their ids.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from aiohttp import web

from raftzmq.collector.faults import links
from raftzmq.collector.faults.cluster import Cluster, Mistake, Row
from raftzmq.collector.faults.processes import ACTIONS, act
from raftzmq.collector.faults.supervisor import Supervisor
from raftzmq.collector.web.hub import Hub
from raftzmq.collector.web.pages import json_response
from raftzmq.collector.web.refusal import Refusal
from raftzmq.collector.web.token import Token
from raftzmq.errors import NoLeader, RaftzmqError, RequestError

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

ASK_S = 1.5
"""How long a node may take: the events say sooner what became of the others."""
AT_ONCE = 8
"""Faults under way at once. A restart takes seconds; nobody clicks faster on purpose."""
NAMES_MAX = 250

Names = Annotated[list[Annotated[str, msgspec.Meta(max_length=64)]], msgspec.Meta(max_length=NAMES_MAX)]
Probability = Annotated[float, msgspec.Meta(ge=0, le=1)]
Milliseconds = Annotated[float, msgspec.Meta(ge=0, le=links.DELAY_MS_MAX)]


class Asked(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename={"source": "from", "target": "to"}):
    """What was posted. ``for_s`` 0: until it is healed."""

    action: Literal["kill", "pause", "resume", "restart", "elect", "partition", "link", "heal", "show"]
    nodes: Names = []
    groups: Annotated[list[Names], msgspec.Meta(max_length=NAMES_MAX)] = []
    source: Annotated[str, msgspec.Meta(max_length=64)] = ""
    target: Annotated[str, msgspec.Meta(max_length=64)] = ""
    drop: Probability = 0.0
    delay_ms: Milliseconds = 0.0
    jitter_ms: Milliseconds = 0.0
    duplicate: Probability = 0.0
    cut: bool = False
    both: bool = False
    for_s: Annotated[float, msgspec.Meta(ge=0, le=links.FOR_US_MAX / 1e6)] = 0.0


class Chaos:
    """Does what is posted, on threads of its own. ``supervisor``: where supervisord listens, if one runs the nodes."""

    def __init__(self, hub: Hub, token: Token, log: FilteringBoundLogger, supervisor: str | None) -> None:
        self._hub = hub
        self._token = token
        self._log = log
        self._supervisor = supervisor
        self._running = 0
        self._threads = ThreadPoolExecutor(AT_ONCE, "chaos")

    def control(self, request: web.BaseRequest) -> web.Response:
        """May who asks change something, which nodes take faults, and can they be started again?"""
        lab = [row["node"] for row in self._hub.rows() if row.get("lab")]
        return json_response(
            {"allowed": self._token.known_to(request), "lab": lab, "supervised": self._supervisor is not None}
        )

    async def act(self, document: dict[str, Any]) -> dict[str, Any]:
        """Do it; raises Refusal."""
        try:
            asked = msgspec.convert(document, Asked)
        except msgspec.ValidationError as error:
            raise Refusal(400, f"this is no fault: {error}") from None
        if self._running >= AT_ONCE:
            raise Refusal(503, f"{AT_ONCE} faults are under way already: wait until one of them is done")
        self._running += 1
        cluster = Cluster({row["node"]: row for row in self._hub.rows()}, ASK_S)
        done = asyncio.get_running_loop().run_in_executor(self._threads, _do, asked, cluster, self._supervisor)
        done.add_done_callback(self._ended)
        try:
            said = await asyncio.shield(done)
        except RaftzmqError as error:
            raise _refusal(error) from None
        self._log.warning("a fault was made through the page", action=asked.action, groups=said["groups"])
        return said

    def _ended(self, done: asyncio.Future[dict[str, Any]]) -> None:
        self._running -= 1
        if not done.cancelled():
            done.exception()  # whoever asked may have left: then nobody else looks at it

    async def close(self) -> None:
        """Begin nothing any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _do(asked: Asked, cluster: Cluster, supervisor: str | None) -> dict[str, Any]:
    """On a thread: it waits for nodes and for supervisord. Raises RaftzmqError."""
    if asked.action in ACTIONS:
        if not asked.nodes:
            raise Mistake("Which nodes? Give their names in 'nodes'.")
        rows = act(asked.action, cluster, asked.nodes, None if supervisor is None else Supervisor(supervisor))
        return _told(asked, [[row["node"] for row in rows]], rows, [])
    for_us = round(asked.for_s * 1e6)
    if asked.action == "partition":
        done = links.part(cluster, asked.groups, for_us)
    elif asked.action == "link":
        delays = round(asked.delay_ms * 1000), round(asked.jitter_ms * 1000)
        spoiled = links.Spoiled(asked.drop, *delays, asked.duplicate, asked.cut)
        done = links.spoil(cluster, asked.source, asked.target, spoiled, both=asked.both, for_us=for_us)
    elif asked.action == "heal" and asked.source:
        done = links.mend(cluster, asked.source, asked.target, both=asked.both)
    elif asked.action == "heal":
        done = links.heal(cluster, asked.nodes)
    elif asked.action == "elect":
        if len(asked.nodes) != 1:
            raise Mistake("Which node is to campaign? Give one name in 'nodes'.")
        done = links.elect(cluster, asked.nodes[0])
    else:
        done = links.show(cluster)
    meant = [name for group in done.groups for name in group]
    absent = [name for name in meant or cluster.rows if not cluster.rows[name]["reachable"]]
    return _told(asked, done.groups, list(done.answers.values()), absent)


def _told(asked: Asked, groups: list[list[str]], rows: list[Row], absent: list[str]) -> dict[str, Any]:
    return {"action": asked.action, "groups": groups, "nodes": rows, "absent": absent}


def _refusal(error: RaftzmqError) -> Refusal:
    """The answer to a fault that wasn't made, or not by all."""
    if isinstance(error, Mistake):
        return Refusal(400, str(error))
    if isinstance(error, NoLeader):
        return Refusal(503, str(error))
    return Refusal(504 if isinstance(error, RequestError) and not error.definite else 409, str(error))
