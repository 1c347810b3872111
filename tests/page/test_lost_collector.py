"""A collector that is gone or hangs: the page says that, claims nothing of the nodes, and keeps what it knew."""

from __future__ import annotations

import asyncio

import pytest

from tests.page.chromium import Tab
from tests.page.planted import at_work, shown

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]
DEAF = "document.querySelector('h1').textContent === 'Collector not heard'"
UNREACHABLE = "window.fetch = () => Promise.reject(new TypeError('Failed to fetch'))"


async def check_deaf(page: Tab) -> None:
    await page.until(DEAF)
    assert "Then n2 led term 7." in await page.text("#explained")
    assert (await page.value("document.title")).startswith("Collector not heard · term 7")
    assert (await page.text("#up")).startswith("–")
    assert await page.value("document.getElementById('audit').dataset.stands") == "unknown"
    assert (await page.text("#audit span")).startswith("audit unknown: nothing heard for ")
    assert await page.value("document.getElementById('link').dataset.standing") == "lost"


def test_a_collector_that_is_gone_says_nothing_of_the_nodes() -> None:
    async def watch() -> None:
        async with shown() as (one, page):
            await page.value(
                "(({ stream }) => { window.connect = stream.connect; stream.connect = () => 0;"
                "stream._socket.close(); })(raftzmq.player)"
            )
            await check_deaf(page)
            await page.press("l")
            await page.until("document.querySelector('h1').textContent === 'コレクター応答なし'")
            await page.press("l")
            await page.value("connect.call(raftzmq.player.stream)")
            await page.until("document.getElementById('link').dataset.standing === 'live'")
            one.offer(*at_work())
            await page.until("document.querySelector('h1').textContent === 'n2 leads'")
            assert await page.value("document.getElementById('audit').dataset.stands") == "holds"

    asyncio.run(watch())


def test_a_collector_that_hangs_is_found_and_a_silent_connection_given_up() -> None:
    async def watch() -> None:
        async with shown() as (_, page):
            await page.value("void ((raftzmq.player.stream._socket).onmessage = () => 0)")
            await page.value("void (window.before = raftzmq.player.stream._socket)")
            await check_deaf(page)
            await page.until("raftzmq.player.stream._socket !== before && before.readyState > 1")
            await page.until("document.getElementById('link').dataset.standing === 'live'")

    asyncio.run(watch())


def test_nodes_that_are_silent_are_no_lost_collector() -> None:
    async def watch() -> None:
        async with shown() as (_, page):
            await page.until("document.querySelector('h1').textContent === 'No leader'")
            await asyncio.sleep(2.5)  # longer than the collector may take to answer
            assert await page.text("h1") == "No leader"
            assert await page.text("#explained") == "No node has been heard lately: do they run?"
            assert await page.value("document.getElementById('audit').dataset.stands") == "holds"
            assert await page.value("document.getElementById('link').dataset.standing") == "live"

    asyncio.run(watch())


def test_what_there_was_to_choose_stays_while_the_collector_is_away() -> None:
    async def watch() -> None:
        bar = "raftzmq.slots.get('timeline')._bar"
        known = f"[{bar}._live.hidden, {bar}._choice.hidden, {bar}._choice.length]"
        async with shown() as (_, page):
            two = '[{"id":"live","live":true,"name":"live"},{"id":"x","live":false,"name":"x"}]'
            await page.value(f"void ((window.real = fetch), (window.fetch = async () => new Response('{two}')))")
            await page.value(f"{bar}.changed()")
            assert await page.value(known) == [False, False, 2]
            await page.value(UNREACHABLE)
            await page.value(f"{bar}.changed()")
            await page.value("(async () => { raftzmq.changed(); await raftzmq.frames.drawn(); })()")
            assert await page.value(known) == [False, False, 2]
            # Whatever it was, a reconnection asks anew.
            await page.value("void (window.fetch = real)")
            await page.value("raftzmq.player.stream._socket.close()")
            await page.until(f"{bar}._choice.length < 2")

    asyncio.run(watch())


def test_a_line_of_the_feed_that_leads_nowhere_says_why() -> None:
    async def watch() -> None:
        async with shown() as (_, page):
            line = "document.querySelector('#feed .role-leader')"
            await page.until(line)
            await page.value(UNREACHABLE)
            await page.value(f"(() => {{ {line}.happened.position = null; {line}.click(); }})()")
            await page.until("document.querySelector('.toast')")
            assert "the collector cannot be reached" in await page.text("#toasts")

    asyncio.run(watch())


def test_the_keyboard_stays_on_its_line_and_a_choice_is_never_an_empty_box() -> None:
    async def watch() -> None:
        async with shown() as (_, page):
            await page.until("document.querySelectorAll('#feed li .what').length > 1")
            await page.value("document.querySelector('#feed li:last-child').focus()")
            text = "document.activeElement.closest('#feed li')?.textContent"
            before = await page.value(text)
            await page.value("raftzmq._feed._again()")
            assert await page.value(text) == before is not None
            await page.value("(() => { raftzmq._feed._happened = []; raftzmq._feed._again(); })()")
            assert await page.value("document.activeElement.id") == "feed"
            named = "document.getElementById('feed-node').length"
            await page.value(
                "(() => { const { texts } = raftzmq.settings;"
                "raftzmq._feed.say(texts); raftzmq._feed.draw({ rows: [], texts }); })()"
            )
            assert await page.value(named) == 1

    asyncio.run(watch())
