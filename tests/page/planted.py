"""Events of a small cluster that never was, for tests of what the page makes of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.collector.web.support import Serving, leads, serving
from tests.page.chromium import Tab, tab

NODES = ("n1", "n2", "n3", "n4", "n5")


def standing(node: str, leader: str, index: int = 1234, term: int = 7) -> dict[str, Any]:
    """Where a node stands whose leader is ``leader``."""
    numbers = ("mark_index", "mark_chain", "last_term", "last_chain", "commit_chain", "digest", "revision")
    return {
        "node": node,
        "type": "standing",
        "term": term,
        "role": "leader" if node == leader else "follower",
        "leader": leader,
        "voted_for": leader,
        "voters": list(NODES),
        **dict.fromkeys(numbers, 0),
        **dict.fromkeys(("last_index", "stable_index", "commit_index", "applied_index", "durable_index"), index),
        "next_index": {},
        "match_index": {},
        "election_due_us": None if node == leader else 250_000,
        "has_room": True,
        "pid": 17,
    }


def elected(node: str, term: int = 7) -> list[dict[str, Any]]:
    """An election that ``node`` wins with everybody's vote."""
    asked = {"node": node, "type": "role", "previous": "follower", "term": term}
    votes = [
        {"node": voter, "type": "vote", "candidate": node, "granted": True, "pre_vote": False, "reason": "voted"}
        for voter in NODES
        if voter != node
    ]
    return [
        {**asked, "role": "candidate", "reason": "a majority would vote for this node"},
        *({**vote, "term": term} for vote in votes),
        leads(node, term),
    ]


def at_work(leader: str = "n2", index: int = 1234, term: int = 7) -> list[dict[str, Any]]:
    """All nodes follow one leader."""
    return [standing(node, leader, index, term) for node in NODES]


@asynccontextmanager
async def shown(query: str = "language=en&theme=light", width: int = 1280) -> AsyncIterator[tuple[Serving, Tab]]:
    """A page of five nodes that n2 leads, in a browser of its own; without a console error at its end."""
    with serving(5) as one:
        one.offer(*elected("n2"), *at_work())
        async with tab(width) as page:
            await page.open(f"http://127.0.0.1:{one.address[1]}/?{query}")
            await page.until("window.raftzmq?.player.position > 0")
            one.offer(*at_work())  # however long the browser took to start: nodes that were silent lead nobody
            await page.until("document.body.dataset.leader === 'n2'")
            yield one, page
            assert page.errors == []
