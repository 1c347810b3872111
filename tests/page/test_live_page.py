"""The page in a browser, of a real cluster: who leads, in which term, what is committed, and who comes next."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from raftzmq.client.sync import Client
from tests.collector.support import Running, collecting, free_endpoints, wait_until
from tests.live.harness import LiveCluster
from tests.page.chromium import Tab, tab

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]
PICTURES = os.environ.get("RAFTZMQ_PICTURES", "")
"""A directory for pictures of what was shown, for who wants to look at them."""


async def picture(page: Tab, name: str) -> None:
    """Keep what is shown, if somebody wants it."""
    if PICTURES:
        data = await page.picture()
        await asyncio.to_thread((Path(PICTURES) / f"{name}.png").write_bytes, data)


def said(address: str) -> dict[str, Any]:
    """What /v1/state says."""
    with urlopen(f"{address}/v1/state", timeout=10) as answer:
        document: dict[str, Any] = json.load(answer)
        return document


def leading(address: str, *, not_by: str = "") -> dict[str, Any]:
    """The same, once somebody leads and the others follow."""
    found: dict[str, Any] = {}

    def look() -> bool:
        found.update(said(address))
        return found["leader"] not in (None, not_by)

    wait_until(look, "somebody leads")
    return found


async def check_headline(page: Tab, address: str, *, not_by: str = "") -> str:
    """The page names the leader and the term that the collector knows; returns the leader."""
    state = await asyncio.to_thread(leading, address, not_by=not_by)
    leader = str(state["leader"])
    term = next(row["term"] for row in state["nodes"] if row["node"] == leader)
    await page.until(f"document.body.dataset.leader === {json.dumps(leader)}")
    assert await page.text("h1") == f"{leader} leads"
    assert await page.text("#term") == str(term)
    kind = await page.value(f"document.querySelector('[data-node={leader}]').getAttribute('class')")
    assert kind == "node leader"
    return leader


async def check_committed(page: Tab, cluster: LiveCluster, leader: str) -> None:
    """The page comes to say the commit index that the node itself says."""
    row = await asyncio.to_thread(cluster.status, leader)
    assert row is not None
    await page.until(f"raftzmq.player.state.all.nodes.{leader}.commit_index >= {row['commit_index']}")
    await page.until(
        f"Number(document.getElementById('committed').textContent.replaceAll(',', '')) >= {row['commit_index']}"
    )


async def check_choices(page: Tab) -> None:
    """Keys change language and theme; the map of keys opens; nothing is wider than a narrow screen."""
    await page.press("?")
    await page.until("document.getElementById('map').open")
    await page.press("?")
    await page.until("!document.getElementById('map').open")
    await page.press("l")
    await page.until(
        "document.documentElement.lang === 'ja' && document.querySelector('h1').textContent.includes('リーダー')"
    )
    await picture(page, "light-1280-ja")
    await page.press("t")
    await page.until("document.documentElement.dataset.theme === 'dark'")
    await page.resize(390, 1500)
    await picture(page, "dark-390-ja")
    await page.resize(360, 740)
    await page.until("document.documentElement.scrollWidth <= 360")
    await page.press("l")
    await page.resize(390, 1500)
    await picture(page, "dark-390-en")
    await page.resize(1280, 900)
    await picture(page, "dark-1280-en")


async def watch(cluster: LiveCluster, running: Running) -> None:
    assert running.collector.web is not None
    host = f"127.0.0.1:{running.collector.web.address[1]}"
    address = f"http://{host}"
    with Client(cluster.endpoints) as client:
        async with tab() as page:
            await page.open(f"{address}/?language=en&theme=light")
            await page.until("window.raftzmq")
            leader = await check_headline(page, address)
            for number in range(30):
                await asyncio.to_thread(client.put, f"k{number}", "v")
            await check_committed(page, cluster, leader)
            await page.press("m")
            flown = "flight.arrived && performance.now() - flight.since > 250"
            await page.until(f"raftzmq.flights.flying.some((flight) => {flown})")
            await picture(page, "light-1280-en-messages")
            await page.press("m")
            await page.until("raftzmq.flights.flying.length === 0")
            cluster.nodes[leader].kill()
            successor = await check_headline(page, address, not_by=leader)
            await page.until(
                f"[...document.querySelectorAll('#feed .role-leader .what')][0]?.textContent.startsWith('{successor} ')"
            )
            assert await page.text("#feed .role-leader .rule")
            await page.until(f"document.querySelector('[data-node={leader}]').getAttribute('class') === 'node down'")
            await picture(page, "light-1280-en-killed")
            await check_choices(page)
            assert page.errors == []
            assert page.hosts == {host}


def test_the_page_shows_who_leads_and_who_comes_next(tmp_path: Path) -> None:
    with LiveCluster(tmp_path, 5, runtime="threads") as cluster:
        cluster.start()
        config = replace(cluster.configuration, web=free_endpoints(1)[0].replace("tcp", "http"))
        with collecting(config, tmp_path / "recorded") as running:
            asyncio.run(watch(cluster, running))
