"""The ring in a browser: votes as arrows, election timers that run down, messages at their true times."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from tests.collector.streams import standing
from tests.collector.web.support import Serving, leads, serving
from tests.page.chromium import Tab, tab

NAMES = ("n1", "n2", "n3", "n4", "n5")
CHOOSE_SLOWEST = """
(() => {
  const choice = document.getElementById("dilation");
  choice.value = "0.001";
  choice.onchange();
})()
"""
"""In one piece, as a browser does it: a frame between the two puts the choice back to what holds."""
SHOWN = """
raftzmq.frames.drawn().then(() => ({
  time_ms: raftzmq.flights.film.time_ms,
  flying: raftzmq.flights.flying.map((one) => ({ ...one })),
}))
"""
"""What one frame showed: between two frames, what was heard is not yet drawn."""


def address(one: Serving, **parameters: str) -> str:
    """The page in English, with messages or without."""
    asked = "&".join(f"{name}={value}" for name, value in {"language": "en", "theme": "light", **parameters}.items())
    return f"http://127.0.0.1:{one.address[1]}/?{asked}"


async def opened(page: Tab, one: Serving, **parameters: str) -> None:
    """Go there, and wait until the stream is connected."""
    await page.open(address(one, **parameters))
    await page.until("document.getElementById('link')?.textContent.startsWith('live')")


def follower(name: str, *, due_us: int | None, role: str = "follower", leader: str | None = None) -> dict[str, Any]:
    """A node's standing now."""
    found = standing(name, role=role, term=3, leader=leader)
    return {**found, "election_due_us": due_us, "voters": list(NAMES), "ts": time.time()}


async def led_by_n1(one: Serving, page: Tab) -> None:
    """Five nodes that follow n1 stand on the ring."""
    one.offer(*(follower(name, due_us=None, role="leader" if name == "n1" else "follower") for name in NAMES))
    await page.until("raftzmq.ring.placeOf('n3') !== undefined")


def message(
    kind: str, node: str, peer: str, number: int, ms: float, began: float | None = None, **body: Any
) -> dict[str, Any]:
    """A single message's event; ``ms`` after ``began``, in seconds since 1970; None: now."""
    departs = kind.endswith("sent")
    names = (node, peer) if departs else (peer, node)
    return {
        "type": kind,
        "node": names[0],
        "peer": names[1],
        "mid": f"{node}:{number}",
        "message": "AppendEntries",
        "bytes": 0,
        "body": {"term": 3, "entries": [], **body},
        "ts": (time.time() if began is None else began) + ms / 1000,
    }


def test_votes_are_arrows_to_their_candidate_until_somebody_has_long_won() -> None:
    async def watch() -> None:
        with serving(5) as one:
            async with tab() as page:
                await opened(page, one)
                one.offer(
                    {
                        "type": "role",
                        "node": "n2",
                        "role": "candidate",
                        "previous": "pre-candidate",
                        "reason": "r",
                        "term": 4,
                    },
                    {
                        "type": "vote",
                        "node": "n3",
                        "candidate": "n2",
                        "granted": True,
                        "pre_vote": False,
                        "reason": "",
                        "term": 4,
                    },
                    {
                        "type": "vote",
                        "node": "n4",
                        "candidate": "n2",
                        "granted": False,
                        "pre_vote": False,
                        "reason": "",
                        "term": 4,
                    },
                    {
                        "type": "vote",
                        "node": "n5",
                        "candidate": "n2",
                        "granted": True,
                        "pre_vote": True,
                        "reason": "",
                        "term": 4,
                    },
                )
                await page.until("document.querySelectorAll('[data-vote]').length === 3")
                kinds = await page.value(
                    "Object.fromEntries([...document.querySelectorAll('[data-vote]')]"
                    ".map((one) => [one.dataset.vote, one.getAttribute('class')]))"
                )
                assert kinds == {"n3 n2": "granted", "n4 n2": "refused", "n5 n2": "granted asked"}
                told = await page.text("[data-node=n2] .detail")
                assert told == "2 of 5 votes", "its own and n3's: a pre-vote is none"
                one.offer({**leads("n2", 4), "ts": time.time() - 10})
                await page.until("document.body.dataset.leader === 'n2'")
                await page.until("document.querySelectorAll('[data-vote]').length === 0")
                assert page.errors == []

    asyncio.run(watch())


def test_a_timer_runs_down_from_what_was_told_and_begins_anew_when_the_leader_is_heard() -> None:
    left = "raftzmq.flights.timers.leftOf('n2', %s)"

    async def watch() -> None:
        with serving(5) as one:
            async with tab() as page:
                await opened(page, one)
                told = follower("n2", due_us=300_000, leader="n1")
                one.offer(follower("n3", due_us=400_000, leader="n1"), told)
                await page.until("raftzmq.flights.timers.has('n2')")
                ms = told["ts"] * 1000
                assert await page.value(left % ms) == {"part": 0.75, "exact": True}
                found = await page.value(left % (ms + 200))
                assert abs(found["part"] - 0.25) < 0.001
                assert await page.value(left % (ms + 301)) is None, "it didn't run out, so it began anew: unknown when"
                append = {"first": 1, "last": 1, "terms": [3], "role": "follower", "term": 3, "ts": told["ts"] + 0.5}
                one.offer({"type": "append", "node": "n2", **append})
                await page.until(f"{left % (ms + 600)} !== null")
                found = await page.value(left % (ms + 600))
                assert (round(found["part"], 3), found["exact"]) == (0.75, False), "at most the longest that was seen"
                one.offer({**leads("n2", 4), "previous": "candidate"})
                await page.until("!raftzmq.flights.timers.has('n2')")

    asyncio.run(watch())


def test_slowed_down_each_message_takes_its_own_time() -> None:
    async def watch() -> None:
        with serving(5) as one:
            async with tab() as page:
                await opened(page, one, messages="on")
                one.offer(
                    *(
                        follower(name, due_us=None, role="leader" if name == "n1" else "follower", leader="n1")
                        for name in NAMES
                    )
                )
                await page.until("document.body.dataset.leader === 'n1'")
                await page.until("raftzmq.ring.placeOf('n3') !== undefined")
                await page.value(CHOOSE_SLOWEST)
                await page.until("raftzmq.flights.film.time_ms !== null")
                began = time.time()
                one.offer(
                    message("sent", "n1", "n2", 1, 0, began, entries=[7, 9]),
                    message("received", "n1", "n2", 1, 50, began),
                    message("sent", "n1", "n3", 2, 1, began),
                    message("received", "n1", "n3", 2, 11, began),
                )
                both = "raftzmq.flights.flying.filter((one) => one.received_ms !== null).length === 2"
                film = "raftzmq.flights.film.time_ms"
                await page.until(f"{both} && {film} > {began * 1000 + 2}")
                shown = await page.value(SHOWN)
                flights = {flight["to"]: flight for flight in shown["flying"]}
                ways = {to: flight["received_ms"] - flight["sent_ms"] for to, flight in flights.items()}
                assert ways == pytest.approx({"n2": 50, "n3": 10}, abs=0.01)
                assert flights["n2"]["count"] == 3
                # Five times as long on its way: it is a fifth as far, wherever the film is.
                parts = {to: min(1, (shown["time_ms"] - one["sent_ms"]) / ways[to]) for to, one in flights.items()}
                assert {to: one["part"] for to, one in flights.items()} == pytest.approx(parts, abs=0.001)
                assert parts["n2"] < parts["n3"]
                assert "behind" in await page.text("#film-notice")
                await page.press("m")
                await page.until("raftzmq.flights.flying.length === 0 && document.getElementById('flight-bar').hidden")
                assert page.errors == []

    asyncio.run(watch())


def test_at_a_moment_of_the_past_messages_stand_where_they_were() -> None:
    async def watch() -> None:
        with serving(5) as one:
            async with tab() as page:
                await opened(page, one, messages="on")
                await led_by_n1(one, page)
                sent = message("sent", "n1", "n2", 1, 0)
                later = {"type": "commit", "node": "n3", "index": 5, "previous": 4, "ts": sent["ts"] + 0.005}
                one.offer(sent, later, {**message("received", "n1", "n2", 1, 0), "ts": sent["ts"] + 0.02})
                await page.until(f"raftzmq.player.position === {one.position}")
                await page.value(f"raftzmq.player.goTo({{ position: {one.position - 1} }})")
                await page.until("raftzmq.flights.flying.length === 1")
                (flight,) = await page.value("raftzmq.flights.flying")
                assert abs(flight["part"] - 0.25) < 0.05, "5 of 20 ms, though its receipt is yet to come"
                await page.value("raftzmq.player.step(1)")
                await page.until("raftzmq.flights.flying.every((one) => one.part === 1)")
                await page.value("raftzmq.player.goLive()")
                assert page.errors == []

    asyncio.run(watch())


def test_a_message_that_nobody_takes_ends_in_a_cross() -> None:
    async def watch() -> None:
        with serving(5) as one:
            async with tab() as page:
                await opened(page, one, messages="on")
                await led_by_n1(one, page)
                one.offer(
                    message("sent", "n1", "n2", 1, 0),
                    message("sent", "n1", "n3", 2, 0),
                    message("received", "n1", "n3", 2, 1),
                )
                await page.until("raftzmq.flights.flying.some((one) => one.lost)")
                lost = await page.value("raftzmq.flights.flying.filter((one) => one.lost).map((one) => one.to)")
                assert lost == ["n2"]

    asyncio.run(watch())


def test_a_node_is_chosen_by_keyboard_and_says_what_it_is() -> None:
    async def watch() -> None:
        with serving(5) as one:
            async with tab() as page:
                await opened(page, one)
                one.offer(leads("n2", 7), {"node": "n2", "term": 7, "index": 12, "previous": 11})
                await page.until("document.querySelector('[data-node=n2]')?.getAttribute('class') === 'node leader'")
                label = await page.value("document.querySelector('[data-node=n2]').getAttribute('aria-label')")
                assert label.startswith("n2: leader, committed 12"), label
                await page.value("document.querySelector('[data-node=n2]').focus()")
                await page.call("Input.dispatchKeyEvent", type="keyDown", key="Enter", text="\r")
                await page.until("raftzmq.selected === 'n2'")
                await page.until("document.querySelector('[data-node=n2]').hasAttribute('data-selected')")
                # There are not two leaders: n2, which is still heard, has only not heard of n3 yet.
                one.offer({"node": "n2", "term": 7, "index": 13, "previous": 12}, leads("n3", 8))
                past = "document.querySelector('[data-node=n2]').getAttribute('class') === 'node leader past'"
                await page.until(f"document.body.dataset.leader === 'n3' && {past}")

    asyncio.run(watch())
