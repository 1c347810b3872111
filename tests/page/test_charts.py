"""The charts: what events add up to, column by column, and that it can be read without seeing the lines."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.collector.streams import BEGIN, event, standing
from tests.collector.web.support import serving
from tests.page.chromium import Tab, tab

ADD_UP = """
(async () => {
  const { Figures } = await import("/static/views/charts_series.js");
  const figures = new Figures();
  figures.begin(null);
  figures.take(JSON.parse(%s).map((event, i) => [i, event]));
  const { columns } = figures.series.%s.until(%d);
  return columns.map((one) => one && {
    writes: one.writes, reads: one.reads, lag: one.lag, slowest: one.slowest, elections: one.elections,
    leaders: one.leaders, p50: one.answer.at(50), p99: one.answer.at(99), answers: one.answer.count,
    sync: one.sync.at(50), syncs: one.sync.count,
  });
})()
"""


def append(ms: int, first: int, last: int) -> dict[str, Any]:
    """The leader takes entries into its log."""
    return {**event("append", "n1", ms=ms, first=first, last=last, role="leader"), "mono_ns": ms * 1_000_000}


def reply(ms: int, first: int, last: int) -> dict[str, Any]:
    """The leader answers for entries."""
    return {**event("reply", "n1", ms=ms, first=first, last=last, requests=1), "mono_ns": ms * 1_000_000}


async def added(page: Tab, events: list[dict[str, Any]], span: str, until_ms: int) -> list[Any]:
    """The columns that events come to, the newest last."""
    found = await page.value(ADD_UP % (json.dumps(json.dumps(events)), span, BEGIN * 1000 + until_ms))
    assert isinstance(found, list)
    return found


def test_events_add_up_by_column() -> None:
    events = [
        event("election", "n1", ms=0, pre_vote=True, last_log_index=0),
        event("election", "n1", ms=1, pre_vote=False, last_log_index=0),
        event("role", "n1", ms=2, role="leader", previous="candidate", reason=""),
        append(10, 1, 4),
        reply(13, 1, 2),  # two entries after 3 ms, and the other two after 20
        reply(30, 3, 4),
        append(50, 5, 5),
        append(51, 6, 6),
        reply(76, 5, 6),  # two batches at once, after 26 and 25 ms
        event("apply", "n1", ms=31, first=1, last=4, commands=9, elapsed_us=3),
        event("apply", "n2", ms=32, first=1, last=1, commands=2, elapsed_us=3),
        event("read", "n2", ms=33, count=5, index=4),
        event("storage", "n2", ms=34, what="log", commit_us=1500),
        event("storage", "n2", ms=35, what="state", commit_us=9000),
        event("trace", "n1", ms=36, replied_us=25_000),
        event("commit", "n1", ms=260, index=11, previous=4),
        append(270, 12, 12),
        event("role", "n3", ms=280, role="leader", previous="candidate", reason=""),
        reply(290, 12, 12),  # of the old leader: what waited there is no longer counted
    ]

    async def look() -> None:
        with serving() as one:
            async with tab() as page:
                await page.open(f"http://127.0.0.1:{one.address[1]}/livez")
                await page.until("location.pathname === '/livez' && document.readyState === 'complete'")
                first, second = (await added(page, events, "minute", 499))[-2:]
                whole = dict.fromkeys(first, 0) | {"writes": 9, "reads": 5, "lag": 3, "slowest": 25, "elections": 1}
                assert first == whole | {"leaders": ["n1"], "p50": 20, "p99": 26, "answers": 6, "sync": 1.5, "syncs": 1}
                assert (second["lag"], second["leaders"], second["answers"], second["writes"]) == (10, ["n3"], 0, 0)
                ten = (await added(page, events, "ten", 499))[-1]
                assert (ten["writes"], ten["leaders"]) == (9, ["n1", "n3"])
                # What is older than a minute has left the columns.
                late = [*events, standing("n1", ms=61_000)]
                columns = await added(page, late, "minute", 61_000)
                assert len(columns) == 240
                assert sum(one["writes"] for one in columns if one) == 0

    asyncio.run(look())


def test_a_column_says_its_figures_in_words() -> None:
    async def watch() -> None:
        with serving(3) as one:
            async with tab() as page:
                await page.open(f"http://127.0.0.1:{one.address[1]}/?language=en")
                await page.until("document.getElementById('link')?.textContent.startsWith('live')")
                await page.value("raftzmq.panels.show('charts')")
                # At once: the text is of the newest whole column, and another moment begins the figures anew.
                one.offer(
                    standing("n1", role="leader", ms=0),
                    event("apply", "n1", ms=10, first=1, last=1, commands=50, elapsed_us=3),
                    event("commit", "n1", ms=260, index=1, previous=0),
                )
                canvas = "document.querySelector('[data-chart=operations] canvas')"
                await page.until(f"{canvas}.ariaLabel?.includes('writes 200,')")
                label = await page.value(f"{canvas}.ariaLabel")
                assert label == "Operations per second, now: writes 200, reads 0"
                # Back from the past, nothing of what came live is gone.
                await page.value("raftzmq.player.goTo({ position: 1 })")
                await page.until(f"{canvas}.ariaLabel.includes('writes –')")
                one.offer(event("commit", "n1", ms=510, index=2, previous=1))
                await page.value("raftzmq.player.goLive()")
                await page.value(f"{canvas}.focus()")
                await page.call("Input.dispatchKeyEvent", type="keyDown", key="ArrowLeft")
                await page.call("Input.dispatchKeyEvent", type="keyDown", key="ArrowLeft")
                await page.until(f"{canvas}.ariaLabel.includes('0.5 s ago: writes 200,')")
                await page.press("l")
                await page.until(f"{canvas}.ariaLabel.startsWith('毎秒の操作数')")
                assert page.errors == []

    asyncio.run(watch())
