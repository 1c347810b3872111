"""What is around the views: the audit, the keys, the link to share, big letters, colours, and that nothing jumps."""

from __future__ import annotations

import asyncio
import json

from tests.collector.web.support import serving
from tests.page.chromium import Tab, tab
from tests.page.one_page import DRAWN
from tests.page.planted import at_work, elected, shown

_PLACES = """
Object.fromEntries(["headlines", "stage", "scene", "happenings", "tabs", "panels"].map((id) => {
  const { left, top, width, height } = document.getElementById(id).getBoundingClientRect();
  return [id, [left, top, width, height]];
}))
"""


async def press(page: Tab, key: str) -> None:
    """A key that makes no letter."""
    await page.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=key)
    await page.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key)


async def drawn(page: Tab) -> None:
    """What was to be drawn is."""
    await page.value(DRAWN)


def test_the_audit_is_always_in_sight_and_names_the_recording_of_a_violation() -> None:
    async def watch() -> None:
        stands = "document.getElementById('audit').dataset.stands === "
        async with shown() as (one, page):
            await page.until(f"{stands}'holds'")
            assert await page.text("#audit span") == "audited: every rule holds"
            own = {"node": "collector", "boot": "k"}
            one.offer({**own, "type": "verdict", "known": False, "source": "n3", "reason": "events are lost"})
            await page.until(f"{stands}'unknown'")
            assert await page.text("#audit span") == "audit incomplete: 1 source unknown"
            await page.value("document.getElementById('audit').click()")
            assert await page.text("#audited li") == "n3: events are lost"
            evil = "<img src=x onerror=alert(1)>"
            broken = {"rule": "election_safety", "nodes": ["n1", "n2"], "text": evil, "recording": "20261122-7.jsonl"}
            one.offer({**own, "type": "violation", **broken})
            await page.until(f"{stands}'violated'")
            assert await page.text("#audit span") == "rule broken: election_safety · 20261122-7.jsonl"
            assert evil in await page.text("#audited li")
            assert await page.text("#audited code") == "Recorded in 20261122-7.jsonl"
            assert await page.value("document.querySelectorAll('#audited img').length") == 0
            await page.until("document.querySelector('#feed .violation')")

    asyncio.run(watch())


def test_every_key_is_on_the_map_and_none_has_two_meanings() -> None:
    async def watch() -> None:
        async with shown() as (_, page):
            await page.press("?")
            await page.until("document.getElementById('map').open")
            told = await page.value("[...document.querySelectorAll('#map kbd')].map((one) => one.textContent)")
            assert {"?", "m", "l", "t", "p", "c", "f", "j", "k", "0", "1", "2", "Esc"} <= set(told)
            silent = "[...document.querySelectorAll('#map dl div')].filter((one) => !one.lastChild.textContent)"
            assert await page.value(f"{silent}.map((one) => one.textContent)") == []
            await page.press("m")  # while the map is open, keys do nothing else
            assert await page.value("raftzmq.settings.messages") is False
            await page.press("?")
            await page.until("!document.getElementById('map').open")
            second = await page.value("raftzmq.panels.names[1]")
            await page.press("2")
            await page.until(f"raftzmq.panels.shown === {json.dumps(second)}")
            await page.value("document.body.append(Object.assign(document.createElement('input'), { id: 'typed' }))")
            await page.value("document.getElementById('typed').focus()")
            await page.press("1")
            assert await page.value("raftzmq.panels.shown") == second
            assert await page.value("document.getElementById('typed').value") == "1"

    asyncio.run(watch())


def test_a_node_is_chosen_by_a_click_or_a_key_and_let_go_by_escape() -> None:
    async def watch() -> None:
        async with shown("language=en&panel=table") as (_, page):
            await page.until("document.querySelectorAll('#nodes tbody tr').length === 5")
            await page.value("document.querySelector('#nodes [data-node=n4] td').click()")
            assert await page.value("raftzmq.selected") == "n4"
            await page.press("j")
            assert await page.value("raftzmq.selected") == "n5"
            await page.press("j")
            assert await page.value("raftzmq.selected") == "n1"
            await page.press("k")
            assert await page.value("raftzmq.selected") == "n5"
            await press(page, "Escape")
            assert await page.value("raftzmq.selected") is None
            assert await page.value("document.getElementById('inspector').hidden") is True

    asyncio.run(watch())


def test_big_letters_for_an_audience() -> None:
    async def watch() -> None:
        size = "parseFloat(getComputedStyle(document.getElementById('committed')).fontSize)"
        async with shown() as (one, page):
            before = await page.value(size)
            await page.press("p")
            await page.until(f"{size} > {before * 1.4}")
            assert await page.value("document.getElementById('panels').offsetHeight") == 0
            assert await page.value("document.getElementById('happenings').offsetHeight > 300")
            assert await page.value("document.documentElement.scrollHeight <= innerHeight")
            one.offer(*at_work())  # who isn't heard for seconds doesn't lead
            await page.until("document.querySelector('h1').textContent === 'n2 leads'")
            await press(page, "Escape")
            await page.until(f"{size} === {before}")

    asyncio.run(watch())


def test_the_link_to_share_gives_no_control() -> None:
    async def watch() -> None:
        async with shown("language=ja&theme=dark") as (_, page):
            await page.value("history.replaceState(null, '', '#token=0123456789abcdef&more=1')")
            found = await page.value("import('/static/head.js').then((head) => head.readOnlyAddress())")
            assert found.endswith("/?language=ja&theme=dark#more=1")
            await page.press("c")
            await page.until("document.querySelector('.toast')")
            assert "0123456789abcdef" not in await page.text("#toasts")

    asyncio.run(watch())


def test_the_system_chooses_the_colours_until_somebody_does() -> None:
    async def watch() -> None:
        theme = "document.documentElement.dataset.theme === "
        ground = "getComputedStyle(document.body).backgroundColor"
        async with shown("language=en") as (_, page):
            for wanted in ("dark", "light"):
                await page.call(
                    "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": wanted}]
                )
                await page.until(f"{theme}'{wanted}'")
            light = await page.value(ground)
            await page.press("t")  # light, whatever the system says
            await page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
            await drawn(page)
            assert await page.value(ground) == light
            await page.press("t")
            await page.until(f"{ground} !== '{light}'")

    asyncio.run(watch())


def test_nothing_jumps_and_nothing_is_wider_than_its_screen() -> None:
    async def watch() -> None:
        async with shown() as (one, page):
            await drawn(page)
            before = await page.value(_PLACES)
            one.offer(
                {"node": "n2", "type": "role", "role": "follower", "previous": "leader", "reason": "x", "term": 7}
            )
            await page.until("document.querySelector('h1').textContent === 'No leader'")
            assert await page.value(_PLACES) == before
            one.offer(*elected("n3", 1_000_000), *at_work("n3", 123_456_789, 1_000_000))
            own = {"node": "collector", "boot": "k", "type": "violation", "recording": "r" * 60}
            one.offer({**own, "rule": "state_machine_safety", "nodes": ["n1"], "text": "t" * 900})
            await page.until("document.getElementById('audit').dataset.stands === 'violated'")
            await page.value("raftzmq.select('n3')")
            await page.value("raftzmq.toast('x'.repeat(500), 'bad')")
            await page.press("m")
            await drawn(page)
            assert await page.value(_PLACES) == before
            for width in (1920, 1000, 800, 390, 360):
                await page.resize(width, 900)
                await drawn(page)
                assert await page.value("document.documentElement.scrollWidth") <= width

    asyncio.run(watch())


def test_a_page_that_has_heard_nothing_says_so() -> None:
    async def watch() -> None:
        with serving(3) as one:
            async with tab() as page:
                await page.open(f"http://127.0.0.1:{one.address[1]}/?language=en")
                await page.until("document.querySelectorAll('#ring [data-node]').length === 3")
                assert await page.text("h1") == "Nothing heard yet"
                assert await page.value("document.getElementById('audit').dataset.stands") == "waiting"
                assert page.errors == []

    asyncio.run(watch())


def test_who_leads_stays_in_sight_when_a_panel_is_read() -> None:
    async def watch() -> None:
        async with shown("language=en&panel=table") as (one, page):
            await page.resize(1280, 700)
            assert await page.value("document.getElementById('brief').offsetWidth") == 0
            await page.value("document.getElementById('tab-table').click()")
            await page.until("document.getElementById('brief').offsetWidth > 0")
            one.offer(*at_work())
            await page.until("document.getElementById('brief').textContent === 'n2 · term 7 · 1,234 committed'")
            await page.until(
                "document.getElementById('tabs').getBoundingClientRect().top"
                " < document.getElementById('timeline').getBoundingClientRect().top - 200"
            )

    asyncio.run(watch())
