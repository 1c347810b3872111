"""Live and replay are the same: the states that the page showed while a leader died, and those it finds again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from raftzmq.client.sync import Client
from tests.collector.support import Running, collecting, free_endpoints
from tests.live.harness import LiveCluster
from tests.page.chromium import Tab, tab
from tests.page.test_live_page import check_headline, picture

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]
MOMENTS = 100
WATCH = f"""
(() => {{
  window.seen = new Map();
  let at = 0;
  raftzmq.player.watch({{
    arrived: () => {{
      const stream = raftzmq.player.stream;
      if (performance.now() - at < 40 || seen.size >= {3 * MOMENTS}) return;
      at = performance.now();
      seen.set(stream.position, stream.state.canonical());
    }},
  }});
}})()
"""
COMPARE = """
(async () => {
  const seen = JSON.parse(%s);
  const wrong = [];
  for (const [position, state] of seen) {
    await raftzmq.player.goTo({ position });
    const there = raftzmq.player.position === position && raftzmq.player.state.canonical() === state;
    if (!there) wrong.push([position, raftzmq.player.position]);
  }
  return wrong;
})()
"""


async def compare(page: Tab) -> None:
    """Go to all moments that were seen, and find what was seen there."""
    assert await page.value(COMPARE % "sessionStorage.getItem('seen')") == []
    assert not await page.value("raftzmq.player.live")


async def watch(cluster: LiveCluster, running: Running) -> None:
    assert running.collector.web is not None
    address = f"http://127.0.0.1:{running.collector.web.address[1]}/?language=en&theme=light"
    with Client(cluster.endpoints) as client:
        async with tab() as page:
            await page.open(address)
            await page.until("window.raftzmq")
            leader = await check_headline(page, address.partition("/?")[0])
            await page.value(WATCH)
            for number in range(40):
                await asyncio.to_thread(client.put, f"k{number}", "v")
            cluster.nodes[leader].kill()
            successor = await check_headline(page, address.partition("/?")[0], not_by=leader)
            for number in range(40):
                await asyncio.to_thread(client.put, f"k{number}", "w")
            await page.until(f"seen.size >= {MOMENTS}")
            await picture(page, "timeline-live")
            chosen = (
                f"[...seen].filter((_, i, all) => i % Math.floor(all.length / {MOMENTS}) === 0).slice(0, {MOMENTS})"
            )
            await page.value(f"sessionStorage.setItem('seen', JSON.stringify({chosen}))")
            assert await page.value("JSON.parse(sessionStorage.getItem('seen')).length") == MOMENTS
            await compare(page)  # from the browser's own memory, where it reaches
            # Another page remembers nothing: all of it comes from the collector's files and what isn't in them yet.
            await page.open(f"{address.partition(chr(63))[0]}livez")
            await page.open(f"{address}#recording=live&at=1")
            await page.until("window.raftzmq?.player.position === 1 && !raftzmq.player.live")
            await compare(page)
            await page.value("raftzmq.player.goTo({ position: JSON.parse(sessionStorage.getItem('seen'))[0][0] })")
            assert await page.text("h1") in (f"{leader} leads", f"{successor} leads")
            await page.press("End")
            await page.until("raftzmq.player.live && document.body.dataset.live === 'true'")
            last = await page.value("JSON.parse(sessionStorage.getItem('seen')).at(-1)[0]")
            assert await page.value("raftzmq.player.position") > last
            assert page.errors == []


def test_a_hundred_moments_are_found_again_as_they_were(tmp_path: Path) -> None:
    with LiveCluster(tmp_path, 5, runtime="threads") as cluster:
        cluster.start()
        config = replace(cluster.configuration, web=free_endpoints(1)[0].replace("tcp", "http"))
        with collecting(config, tmp_path / "recorded") as running:
            asyncio.run(watch(cluster, running))
