"""A closer look at a node: what it shows is what the node says, and nothing moves while figures change."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from raftzmq.client.sync import Client
from tests.collector.streams import boot, collectors, event, standing
from tests.collector.web.support import Serving, serving
from tests.page.chromium import Tab, tab
from tests.page.shown import shown

pytestmark = pytest.mark.timeout(240)

PLACES = """
[...document.querySelectorAll('#inspector :is(dt, h2, h3, .spark)')].map((one) => {
  const { left, top, height } = one.getBoundingClientRect();
  return [one.textContent, left, top, height].slice(one.matches('dt') ? 0 : 1);
})
"""


def metrics(node: str, **fields: Any) -> dict[str, Any]:
    """A second's figures."""
    usual = {
        "proposals_pending": 3,
        "proposals_committed": 5,
        "proposals_applied": 5,
        "commands_applied": 9,
        "proposals_refused": 0,
        "reads_pending": 2,
        "reads_answered": 8,
        "waiting_bytes": 2048,
        "log_bytes": 1000,
        "lag_bytes": 0,
        "clients": 4,
        "round_trip_us": {"n2": 900, "n10": 1800},
        "dropped": {"peer": 7, "client": 0},
        "rss_bytes": 52_428_800,
        "events_ring_bytes": 1_572_864,
    }
    return event("metrics", node, **{**usual, **fields})


def sync(node: str, commit_us: int) -> dict[str, Any]:
    """The log's disk finished a write."""
    fields: dict[str, Any] = {
        "elapsed_us": commit_us + 9,
        "commit_us": commit_us,
        "entries": 1,
        "bytes": 10,
        "last": 10,
        "chain": 1,
    }
    return event("storage", node, what="log", **fields, voted_for="n2", vote_term=1, restarted_after=None)


async def fact(page: Tab, name: str) -> str:
    """What the inspector says under a name."""
    return await page.text(f"#inspector [data-fact={name}] dd")


async def look_at(page: Tab, one: Serving) -> None:
    """Open the page and choose n1 on the ring."""
    await page.open(f"http://127.0.0.1:{one.address[1]}/?language=en&theme=light")
    await page.until("document.querySelector('#ring [data-node=n1]') && raftzmq.player.state.all.nodes.n1")
    assert await page.value("document.getElementById('inspector').hidden")
    await page.value(
        "document.querySelector('#ring [data-node=n1]').dispatchEvent(new MouseEvent('click', { bubbles: true }))"
    )
    await page.until("document.getElementById('inspector').dataset.inspected === 'n1'")


def test_what_is_told_of_a_node_is_shown() -> None:
    async def watch() -> None:
        with serving(3) as one:
            one.offer(boot("n1"), {**standing("n1", role="leader", leader="n1"), "match_index": {"n2": 20, "n10": 17}})
            one.offer(collectors("process", name="raftzmq:n1", state="RUNNING", previous=None, pid=77, exit_status=0))
            async with tab() as page:
                await look_at(page, one)
                state = one.folded.to_json()["nodes"]["n1"]
                # p50 and p99 are those of the last 512 syncs: the slow ones from before have no part in them.
                one.offer(*(sync("n1", 900_000) for _ in range(40)), *(sync("n1", 100 + n) for n in range(512)))
                one.offer(metrics("n1"))
                await page.until("document.querySelector('#inspector [data-fact=clients] dd').textContent === '4'")
                assert (await fact(page, "p50"), await fact(page, "p99")) == ("355 µs", "606 µs")
                assert "over the last 512 syncs" in await page.text("#inspector .look-sync h3")
                assert await page.text("#inspector .look-role") == "leader"
                assert "no election timer" in await page.text("#inspector .look-due")
                for name in ("term", "mark_index", "last_index", "commit_index", "applied_index", "pid", "boots"):
                    assert await fact(page, name) == str(state[name]), name
                assert await fact(page, "incarnation") == "i-n1"
                assert await fact(page, "supervised") == "RUNNING"
                assert (await fact(page, "proposals_pending"), await fact(page, "reads_pending")) == ("3", "2")
                assert (await fact(page, "waiting_bytes"), await fact(page, "rss_bytes")) == ("2.0 KiB", "50 MiB")
                peers = await page.value(
                    "[...document.querySelectorAll('.look-peers li')].map((one) => one.textContent)"
                )
                assert peers == ["n2900 µshas all", "n101.80 ms3 behind"]
                assert await page.text(".look-dropped") == "dropped: peer 7"
                await check_still(page, one)
                assert page.errors == []

    asyncio.run(watch())


async def check_still(page: Tab, one: Serving) -> None:
    """Other figures, and far larger ones, move nothing; Escape closes it."""
    before = await page.value(PLACES)
    one.offer(
        metrics(
            "n1",
            clients=65_000,
            proposals_pending=12_345,
            rss_bytes=9_999_999_999,
            round_trip_us={"n2": 1, "n10": 99_999_999},
        ),
        *(sync("n1", 12_345_678) for _ in range(600)),
        event("commit", "n1", index=9_007_199_254_740_000),
    )
    await page.until("document.querySelector('#inspector [data-fact=clients] dd').textContent === '65,000'")
    await page.until("document.querySelector('#inspector [data-fact=p99] dd').textContent === '12.3 s'")
    assert await page.value(PLACES) == before
    box = "document.querySelector('#inspector')"
    assert await page.value(f"{box}.scrollWidth <= {box}.clientWidth")
    await page.call("Input.dispatchKeyEvent", type="keyDown", key="Escape")
    await page.until("document.getElementById('inspector').hidden")


def test_odd_nodes_can_be_looked_at() -> None:
    async def watch() -> None:
        evil = "<img src=x onerror=alert(1)>"
        with serving(3) as one:
            one.offer({**boot(evil), "voted_for": evil, "incarnation": evil * 5})
            async with tab() as page:
                await page.open(f"http://127.0.0.1:{one.address[1]}/?language=en&theme=light")
                await page.until(
                    "window.raftzmq?.player.state.all.nodes && document.querySelector('#ring [data-node=n2]')"
                )
                await page.value(f"raftzmq.select({json.dumps(evil)})")
                await page.until(f"document.querySelector('#inspector h2').textContent === {json.dumps(evil)}")
                await page.until(
                    f"document.querySelector('[data-fact=voted_for] dd').textContent === {json.dumps(evil)}"
                )
                await page.value("raftzmq.select('n2')")  # configured, never heard
                await page.until("document.querySelector('#inspector h2').textContent === 'n2'")
                assert await fact(page, "term") == "–"
                assert await page.text(".look-role") == "not heard"
                assert await page.value("document.querySelectorAll('#inspector img').length") == 0
                assert page.errors == []

    asyncio.run(watch())


@pytest.mark.live
def test_it_shows_what_the_nodes_say_themselves(tmp_path: Path) -> None:
    async def watch() -> None:
        async with shown(tmp_path) as one:
            leader = await asyncio.to_thread(one.cluster.leader)

            def put() -> None:
                with Client(one.cluster.endpoints) as client:
                    for number in range(20):
                        client.put(f"k{number}", "v")

            await one.open(control=False)
            await asyncio.to_thread(put)
            rows = await asyncio.to_thread(one.cluster.agreement)
            for name in one.cluster.nodes:
                await one.page.value(f"raftzmq.select('{name}')")
                await one.page.until(f"document.getElementById('inspector').dataset.inspected === '{name}'")
                row = rows[name]
                applied = json.dumps(f"{row['last_applied']:,}")
                for shown_name, value in (
                    ("applied_index", applied),
                    ("commit_index", json.dumps(f"{row['commit_index']:,}")),
                ):
                    await one.page.until(
                        f"document.querySelector('[data-fact={shown_name}] dd').textContent === {value}"
                    )
                assert await fact(one.page, "term") == f"{row['term']:,}"
                assert await fact(one.page, "last_index") == f"{row['last_log_index']:,}"
                await one.page.until(
                    "/\\\\d/.test(document.querySelector('[data-fact=p50] dd').textContent)".replace("\\\\", "\\")
                )
                process = one.cluster.nodes[name].process
                assert process is not None
                await one.page.until(f"document.querySelector('[data-fact=pid] dd').textContent === '{process.pid}'")
            await one.page.value(f"raftzmq.select('{leader}')")
            await one.page.until("document.querySelectorAll('.look-peers li').length === 2")
            assert one.page.errors == []

    asyncio.run(watch())
