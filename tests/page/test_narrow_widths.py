"""Windows of every width: nothing is wider than its window, every control is whole and within reach, no words lie over
other words.

Japanese letters are twice as wide as others, where a machine has some: elsewhere it is its stand-ins that must fit.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import permutations
from typing import Any

import pytest

from tests.collector.streams import boot
from tests.collector.web.support import Serving, leads, serving
from tests.page.chromium import Tab, tab
from tests.page.one_page import DRAWN
from tests.page.planted import standing

WIDTHS = (320, 375, 600, 768, 840, 880, 920, 1024, 1280)
HEIGHT = 900
LOOKS = [("en", "light"), ("ja", "dark")]
NAMES = ("n1", "n2", "n3", "n4", "n5", "n6", "n7")

_AMISS = """
(() => {
  const { clientWidth: wide, scrollWidth } = document.documentElement;
  const amiss = scrollWidth > wide ? [`scrolls to ${scrollWidth}`] : [];
  for (const one of document.querySelectorAll("button, select, input, a[href]")) {
    const box = one.getBoundingClientRect();
    if (!box.width || !one.checkVisibility({ visibilityProperty: true })) continue;
    let [left, right, reached] = [0, wide, false];
    for (let up = one.parentElement; up !== null && up !== document.body; up = up.parentElement) {
      const { overflowX, position } = getComputedStyle(up);
      reached ||= ["auto", "scroll"].includes(overflowX); // a row of tabs, a table: they are scrolled by themselves
      const edge = up.getBoundingClientRect();
      if (overflowX !== "visible") [left, right] = [Math.max(left, edge.left), Math.min(right, edge.right)];
      if (position === "fixed") break;
    }
    const told = `${one.id || one.className || one.tagName} "${one.textContent.slice(0, 30)}"`;
    if (!reached && (box.left < left - 0.5 || box.right > right + 0.5)) amiss.push(`${told} is outside`);
    // What the audit says may be as long as a recording's name: it is shortened, and opens.
    const whole = one.matches("button, a") && one.id !== "audit";
    if (whole && one.scrollWidth > one.clientWidth + 1) amiss.push(`${told} is cut off`);
  }
  return amiss;
})()
"""
_CROWDED = """
(() => {
  const inked = (text) => { // without the room above and below the letters
    const { left, right, top, bottom } = text.getBoundingClientRect();
    const spare = (bottom - top) * 0.15;
    return { left, right, top: top + spare, bottom: bottom - spare };
  };
  const ring = document.getElementById("scene").getBoundingClientRect();
  const shapes = [...document.querySelectorAll("#ring .node .shape")].map((one) => [one, one.getBoundingClientRect()]);
  const said = [...document.querySelectorAll("#ring text")].filter((one) => one.textContent);
  const texts = said.map((one) => [one, inked(one)]);
  const out = (a) => a.left < ring.left || a.right > ring.right || a.top < ring.top || a.bottom > ring.bottom;
  const meet = (a, b) => a.left + 1 < b.right && b.left + 1 < a.right && a.top + 1 < b.bottom && b.top + 1 < a.bottom;
  const of = (one) => one.closest("[data-node]")?.dataset.node;
  const told = (one) => `${of(one) ?? one.parentElement.getAttribute("class")} "${one.textContent}"`;
  const found = [];
  texts.forEach(([one, a], i) => {
    if (out(a)) found.push(`${told(one)} is outside`);
    for (const [other, b] of texts.slice(i + 1)) if (meet(a, b)) found.push(`${told(one)} over ${told(other)}`);
    const over = shapes.filter(([shape, b]) => of(shape) !== of(one) && meet(a, b));
    for (const [shape] of over) found.push(`${told(one)} over ${of(shape)}`);
  });
  return found;
})()
"""


def at_work(names: Sequence[str], leader: str = "n2") -> list[dict[str, Any]]:
    """All of them follow one leader, in lab mode."""
    return [{**standing(name, leader), "voters": list(names), "lab": True} for name in names]


@asynccontextmanager
async def opened(
    nodes: int, language: str, theme: str, more: str = "", *, control: bool = False
) -> AsyncIterator[tuple[Serving, Tab]]:
    """The page of so many nodes that n2 leads."""
    names = NAMES[:nodes]
    with serving(nodes) as one:
        one.offer(*(boot(name, voters=list(names)) for name in names), leads("n2", 7), *at_work(names))
        token = f"#token={one.web.token.text}" if control else ""
        async with tab(1280, HEIGHT) as page:
            await page.open(
                f"http://127.0.0.1:{one.address[1]}/?language={language}&theme={theme}&tour=off{more}{token}"
            )
            await page.until("window.raftzmq?.player.position > 0")
            one.offer(*at_work(names))
            await page.until("document.body.dataset.leader === 'n2'")
            yield one, page
            # No node is there to be asked for keys: the browser says that too.
            assert [error for error in page.errors if "/v1/keys" not in error] == []


async def sized(page: Tab, width: int, height: int = HEIGHT) -> None:
    """A window of that size, with everything drawn for it."""
    await page.resize(width, height)
    ratio = "document.getElementById('scene').clientWidth / raftzmq.ring.width"
    larger = f"(raftzmq.settings.presenter ? {ratio} >= 1 : Math.abs({ratio} - 1) < 0.01)"
    await page.until(f"innerWidth === {width} && raftzmq._size.width === document.getElementById('scene').clientWidth")
    await page.value(DRAWN)
    await page.until(larger)


async def whole(page: Tab, where: str) -> None:
    """Nothing is cut off."""
    assert await page.value(_AMISS) == [], where


@pytest.mark.parametrize("nodes", [5, 7])
@pytest.mark.parametrize(("language", "theme"), LOOKS)
def test_every_width_has_room_for_every_control(nodes: int, language: str, theme: str) -> None:
    async def watch() -> None:
        async with opened(nodes, language, theme, control=True) as (_, page):
            await page.until("raftzmq.slots.get('faults').why === ''")
            for width in WIDTHS:
                await sized(page, width)
                await page.value("scrollTo(0, 0)")
                await page.until("document.body.dataset.scrolled === 'false'")
                await whole(page, f"{width} wide, at the top")
                assert await page.value(_CROWDED) == [], width
                for panel in await page.value("raftzmq.panels.names"):
                    await page.value(f"raftzmq.panels.show('{panel}'), scrollTo(0, 1e6)")
                    await page.until("document.body.dataset.scrolled === 'true'")
                    await page.value(DRAWN)
                    await whole(page, f"{width} wide, {panel}")

    asyncio.run(watch())


@pytest.mark.parametrize(("language", "theme"), LOOKS)
def test_a_past_moment_a_broken_rule_and_dialogs_fit_too(language: str, theme: str) -> None:
    async def watch() -> None:
        async with opened(5, language, theme, control=True) as (one, page):
            own = {"node": "collector", "boot": "k", "type": "violation", "recording": "r" * 60}
            one.offer({**own, "rule": "state_machine_safety", "nodes": ["n1"], "text": "t" * 300})
            await page.until("document.getElementById('audit').dataset.stands === 'violated'")
            await page.value("raftzmq.player.pause()")
            for width in WIDTHS:
                await sized(page, width)
                await whole(page, f"{width} wide, in the past")
                for opens in ("help", "audit"):
                    await page.value(f"document.getElementById('{opens}').click()")
                    await page.until("document.querySelector('dialog[open]')")
                    await whole(page, f"{width} wide, with the dialog of {opens}")
                    await page.value("document.querySelector('dialog[open]').close()")

    asyncio.run(watch())


@pytest.mark.parametrize(("width", "height"), [(844, 390), (740, 360), (667, 375)])
@pytest.mark.parametrize("nodes", [5, 7])
def test_an_audience_sees_the_whole_ring_on_a_phone_that_lies(width: int, height: int, nodes: int) -> None:
    async def watch() -> None:
        async with opened(nodes, "en", "light", "&presenter=on") as (_, page):
            await sized(page, width, height)
            await whole(page, "for an audience")
            assert await page.value(_CROWDED) == []
            scene, timeline, room = await page.value(
                "['scene', 'timeline'].map((id) => document.getElementById(id).getBoundingClientRect())"
                ".map(({ top, bottom }) => [top, bottom]).concat([document.documentElement.scrollHeight - innerHeight])"
            )
            assert scene[1] <= timeline[0], "the timeline covers nothing of it"
            assert timeline[1] <= height
            assert room <= 0, "nothing is to be scrolled"
            assert scene[1] - scene[0] > height / 2

    asyncio.run(watch())


def spoiled(sender: str, target: str) -> dict[str, Any]:
    """A link that is slow, loses messages and doubles others."""
    fault = {"cut": False, "drop": 0.305, "duplicate": 0.01, "delay_us": 150_000, "jitter_us": 50_000, "for_us": None}
    return {"node": sender, "type": "fault", "peer": target, "what": "set", **fault}


@pytest.mark.parametrize(("width", "nodes"), [(1280, 7), (1280, 5), (1024, 7), (880, 5)])
def test_words_of_links_lie_over_no_others(width: int, nodes: int) -> None:
    async def watch() -> None:
        async with opened(nodes, "en", "light") as (one, page):
            await sized(page, width)
            words = "[...document.querySelectorAll('#ring .broken-marks text')].map((one) => one.textContent).join(' ')"
            one.offer(spoiled("n2", "n4"), *at_work(NAMES[:nodes]))
            await page.until(f"{words}.trim() === 'lose 30.5 % +150±50 ms ×2 1 %'")
            assert await page.value(_CROWDED) == []
            every = [spoiled(*pair) for pair in permutations(NAMES[:nodes], 2)]
            one.offer(*every, *at_work(NAMES[:nodes]))
            await page.until(f"document.querySelectorAll('#ring [data-link]').length === {len(every)}")
            assert await page.value(_CROWDED) == []
            titles = await page.value(
                "[...document.querySelectorAll('#ring [data-link] title')].map((one) => one.textContent)"
            )
            assert all("lose 30.5 %" in title for title in titles), "also where words have no room"

    asyncio.run(watch())
