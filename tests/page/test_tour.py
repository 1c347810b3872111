"""The tour that a first visit begins with: five steps, once, by keys too, and whenever somebody asks for it."""

from __future__ import annotations

import asyncio

from tests.collector.web.support import serving
from tests.page.chromium import Tab, tab
from tests.page.planted import at_work, elected
from tests.page.test_shell import press

_NEWCOMER = "Object.defineProperty(navigator, 'webdriver', { get: () => false })"
_RUNS = "document.getElementById('tour')"


async def read_through(page: Tab) -> list[str]:
    """The titles of all steps, to the end."""
    titles = []
    while await page.value(f"Boolean({_RUNS})"):
        titles.append(await page.text("#tour-title"))
        box = await page.value(f"{_RUNS}.getBoundingClientRect().toJSON()")
        assert box["left"] >= 0
        assert box["top"] >= 0
        assert box["right"] <= await page.value("document.documentElement.clientWidth")
        assert box["bottom"] <= await page.value("innerHeight")
        assert await page.value("document.activeElement.id") == "tour-next"
        await page.value("document.activeElement.click()")
    return titles


def test_a_first_visit_begins_with_a_tour_and_a_second_does_not() -> None:
    async def watch() -> None:
        with serving(5) as one:
            one.offer(*elected("n2"), *at_work())
            address = f"http://127.0.0.1:{one.address[1]}"
            async with tab() as page:
                await page.call("Page.addScriptToEvaluateOnNewDocument", source=_NEWCOMER)
                await page.open(f"{address}/?language=en")
                await page.until(_RUNS)
                titles = await read_through(page)
                assert len(titles) == len(set(titles)) == 5
                await page.open(f"{address}/?language=ja")
                await page.until("window.raftzmq?.tour && raftzmq.player.position > 0")
                assert not await page.value(f"Boolean({_RUNS})")
                await page.resize(390, 800)
                await page.press("?")
                await page.value("document.getElementById('tour-again').click()")
                await page.until(_RUNS)
                assert len(set(await read_through(page)) | set(titles)) == 10
                await page.value("document.getElementById('help').focus()")
                await page.press("0")
                await page.until(_RUNS)
                await press(page, "ArrowRight")
                assert (await page.text(".tour-count")).startswith("2 ")
                await press(page, "Tab")
                await press(page, "Tab")
                await press(page, "Tab")
                assert await page.value("document.activeElement.id") == "tour-next"
                await press(page, "Escape")
                assert not await page.value(f"Boolean({_RUNS})")
                assert await page.value("document.activeElement.id") == "help"
                assert page.errors == []

    asyncio.run(watch())


def test_a_program_that_drives_a_browser_is_not_taken_around() -> None:
    async def watch() -> None:
        with serving(3) as one:
            async with tab() as page:
                await page.open(f"http://127.0.0.1:{one.address[1]}/")
                await page.until("window.raftzmq?.tour")
                assert not await page.value(f"Boolean({_RUNS})")

    asyncio.run(watch())
