"""Faults by hand: chosen by clicks, keys and a line drawn around them, done to a real cluster, seen on the page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.collector.streams import boot, standing
from tests.collector.support import Running, collecting, free_endpoints
from tests.collector.web.support import serving
from tests.live.harness import LiveCluster
from tests.live.runtimes import EITHER
from tests.page.chromium import Tab, tab

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]
STATE = "raftzmq.player.state.all"
BAR = "raftzmq.slots.get('faults')"
LINKS = f"Object.entries({STATE}.links).flatMap(([from, to]) => Object.keys(to).map((one) => from + one)).sort()"
PLACE = """
(() => {{
  const at = raftzmq.ring.placeOf({name});
  const on = new DOMPoint(at.x, at.y).matrixTransform(document.getElementById("ring").getScreenCTM());
  return [on.x, on.y];
}})()
"""
CONTEXT = "new MouseEvent('contextmenu', {bubbles: true, cancelable: true})"
PURE = """
(async () => {
  const { groupsOf, partsOf, leftOf, faultsOf } = await import("/static/faults_words.js");
  const { within } = await import("/static/lasso.js");
  const fault = { cut: true, drop_ppm: 0, duplicate_ppm: 0, delay_us: 0, jitter_us: 0, until_ms: null };
  const both = (...pairs) => pairs.flatMap(([from, to]) => [{ from, to, fault }, { from: to, to: from, fault }]);
  const square = [{ x: 0, y: 0 }, { x: 9, y: 0 }, { x: 9, y: 9 }, { x: 5, y: 1 }, { x: 0, y: 9 }];
  const words = { cutShort: "cut", dropShort: "lose" };
  const slow = { delay_us: 50_000, jitter_us: 1_500 };
  const spoiled = { ...fault, ...slow, cut: false, drop_ppm: 305_000, duplicate_ppm: 1_000_000 };
  const state = (until_ms) => ({ all: { time_ms: 10_000, links: { a: { b: { ...fault, until_ms } } } } });
  return [
    groupsOf(["a", "b", "c"], both(["a", "b"], ["a", "c"])).map((group) => group.join("")),
    groupsOf(["a", "b", "c"], both(["a", "b"])).length,
    groupsOf(["a", "b"], both(["a", "b"]).slice(1)).length,
    [[1, 1], [8, 3], [5, 5], [10, 1], [-1, 5]].map(([x, y]) => within({ x, y }, square)),
    partsOf(fault, words), partsOf(spoiled, words),
    [leftOf({ until_ms: null }, 5), leftOf({ until_ms: 12_001 }, 10_000), leftOf({ until_ms: 1 }, 10_000)],
    [null, 12_000, 9_000, 7_000].map((until) => faultsOf(state(until)).length),
  ];
})()
"""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[LiveCluster]:
    """Five nodes in lab mode that follow a leader."""
    with LiveCluster(tmp_path, 5, runtime=EITHER) as found:
        for node in found.nodes.values():
            node.command.append("--lab")
        found.start()
        found.leader()
        yield found


@pytest.fixture
def running(cluster: LiveCluster, tmp_path: Path) -> Iterator[Running]:
    """Their collector."""
    config = replace(cluster.configuration, web=free_endpoints(1)[0].replace("tcp", "http"))
    with collecting(config, tmp_path / "recorded") as found:
        yield found


def address_of(running: Running, token: str = "") -> str:
    """The page's address, with a token if there is one."""
    assert running.collector.web is not None
    host, port = running.collector.web.address
    return f"http://{host}:{port}/?language=en&theme=light&panel=links{f'#token={token}' if token else ''}"


def token_of(running: Running) -> str:
    """What gives control."""
    assert running.collector.web is not None
    return running.collector.web.token.text


async def opened(page: Tab, address: str, why: str) -> None:
    """Open the page; wait until it knows all nodes and whether it may break them."""
    await page.open(address)
    await page.until(f"window.raftzmq && Object.keys({STATE}.nodes).length === 5 && raftzmq.ring.names.length === 5")
    await page.until(f"{BAR}.why === {json.dumps(why)}")


async def mouse(page: Tab, kind: str, at: list[float], *, shift: bool = False) -> None:
    await page.call(
        "Input.dispatchMouseEvent",
        type=kind,
        x=at[0],
        y=at[1],
        button="left",
        buttons=0 if kind == "mouseReleased" else 1,
        clickCount=1,
        modifiers=8 if shift else 0,
    )


async def drag(page: Tab, *points: list[float]) -> None:
    """Draw a line with the mouse."""
    await mouse(page, "mousePressed", points[0])
    for point in points[1:]:
        await mouse(page, "mouseMoved", point)
    await mouse(page, "mouseReleased", points[-1])


async def place(page: Tab, name: str) -> list[float]:
    """Where a node's centre is on the screen."""
    found: list[float] = await page.value(PLACE.format(name=json.dumps(name)))
    return found


async def around(page: Tab, *names: str) -> None:
    """Draw around nodes that stand beside one another: a box that holds the centres of these."""
    places = [await place(page, name) for name in names]
    left, right = min(x for x, _ in places) - 50, max(x for x, _ in places) + 50
    top, bottom = min(y for _, y in places) - 46, max(y for _, y in places) + 50
    await drag(page, [left, top], [right, top], [right, bottom], [left, bottom], [left, top + 8])


async def click(page: Tab, name: str, *, shift: bool = False) -> None:
    """Click a node."""
    at = await place(page, name)
    await mouse(page, "mousePressed", at, shift=shift)
    await mouse(page, "mouseReleased", at, shift=shift)


async def chosen(page: Tab) -> list[str]:
    found: list[str] = await page.value(f"{BAR}.chosen.sort()")
    return found


async def press(page: Tab, action: str) -> None:
    """Press a button of the bar, which must be one that can be pressed now."""
    button = f"document.querySelector('#faults [data-action={action}]')"
    await page.until(f"!{button}.disabled && {button}.ariaDisabled === 'false'")
    await page.value(f"{button}.click()")


async def said(page: Tab, text: str) -> None:
    """A toast says it."""
    await page.until(f"document.getElementById('toasts').textContent.includes({json.dumps(text)})")


async def told(page: Tab, text: str) -> None:
    """The feed tells it."""
    await page.until(f"document.getElementById('feed').textContent.includes({json.dumps(text)})")


async def explained(page: Tab, text: str) -> None:
    """The line below the bar says it."""
    await page.until(f"document.getElementById('faults-say').textContent.includes({json.dumps(text)})")


async def links(page: Tab, *pairs: str) -> None:
    """These links have faults, and no others."""
    await page.until(f"JSON.stringify({LINKS}) === {json.dumps(json.dumps(sorted(pairs), separators=(',', ':')))}")


async def check_read_only(page: Tab, running: Running) -> None:
    """Without the token, and with an old one: everything is seen, nothing can be done, and the page says why."""
    await opened(page, address_of(running), "readOnly")
    await explained(page, "bin/raftzmq page")
    await page.until("document.querySelectorAll('#links button').length === 20")
    assert await page.value(
        "[...document.querySelectorAll('#faults :is(button, select)')].every((one) => one.disabled)"
    )
    assert await page.value("[...document.querySelectorAll('#links button')].every((one) => one.disabled)")
    await around(page, "n2", "n3")
    assert await chosen(page) == []
    await click(page, "n1")
    assert await chosen(page) == ["n1"], "to look at it, that is"
    await page.press("K")
    await said(page, "Read-only")
    refused = await page.value(
        "raftzmq.control.call('/v1/chaos', {action: 'kill', nodes: ['n1']}).catch((no) => no.code)"
    )
    assert refused == 401
    page.errors.clear()  # the browser says itself that it was refused
    await page.open("about:blank")
    await opened(page, address_of(running, "0" * 32), "stale")
    await explained(page, "started anew")


async def check_partition(page: Tab, cluster: LiveCluster) -> None:
    """A partition is drawn, done, shown and healed; then another is chosen by Shift and keys alone."""
    await around(page, "n2", "n3")
    assert await chosen(page) == ["n2", "n3"]
    assert await page.value("document.activeElement.dataset.action") == "part", "the next step is at hand"
    await page.value("document.getElementById('faults-for').value = '60'")  # this machine may be slow
    await press(page, "part")
    pairs = [a + b for a in ("n2", "n3") for b in ("n1", "n4", "n5")]
    await links(page, *pairs, *(pair[2:] + pair[:2] for pair in pairs))
    await said(page, "Parted: n2, n3 / n1, n4, n5, for 60 s.")
    await told(page, ": cut, for 60 s")
    await page.until("document.querySelectorAll('#ring [data-group]').length === 2")
    assert await page.value(
        "[...document.querySelectorAll('#ring [data-group]')].map((one) => one.dataset.group).sort()"
    ) == [
        "n1 n4 n5",
        "n2 n3",
    ]
    cell = "document.querySelector('#links [data-from=n2][data-to=n1]')"
    await page.until(f"{cell}.className === 'cut'")
    assert await page.value("document.querySelectorAll('#links .cut').length") == 12
    await press(page, "heal")
    await links(page)
    await page.until(f"{cell}.className === 'sound'")
    await page.until("document.querySelectorAll('#ring [data-group]').length === 0")

    await page.value(f"{BAR}.choose([])")
    await click(page, "n4", shift=True)
    await page.value(
        "document.querySelector('[data-node=n5]').dispatchEvent("
        "new KeyboardEvent('keydown', {key: 'Enter', shiftKey: true, bubbles: true, cancelable: true}))"
    )
    assert await chosen(page) == ["n4", "n5"]
    assert await page.value("raftzmq.selected") is None, "to choose several is not to look at one"
    await page.press("X")
    await page.until(f"Object.keys({STATE}.links).length === 5")
    await page.press("H")
    await links(page)


async def check_link(page: Tab) -> None:
    """A line from node to node opens the form of their link; what it says is done, one way or both."""
    start, end = await place(page, "n1"), await place(page, "n3")
    await drag(page, start, [(start[0] + end[0]) / 2, (start[1] + end[1]) / 2], end)
    await page.until("document.getElementById('link-dialog').open")
    assert await page.text("#link-title") == "What n1 sends to n3"
    assert await page.value("document.getElementById('link-apply').disabled"), "nothing is wrong yet"
    await page.value("document.getElementById('link-slow').click()")
    await page.value("document.getElementById('link-apply').click()")
    await links(page, "n1n3")
    await page.until("!document.getElementById('link-dialog').open")
    fault = await page.value(f"{STATE}.links.n1.n3")
    assert (fault["delay_us"], fault["jitter_us"], fault["cut"]) == (150_000, 50_000, False)
    await page.until("document.querySelector('#links [data-from=n1][data-to=n3]').className === 'spoiled'")
    await page.until("document.querySelector('#ring [data-link=\"n1 n3\"]') !== null")
    # From the matrix: cut both ways; the form says first what is wrong now.
    await page.value("document.querySelector('#links [data-from=n1][data-to=n3]').click()")
    await page.until("document.querySelector('#link-dialog .link-now').textContent.includes('150±50 ms')")
    await page.value("document.getElementById('link-cut').click()")
    await page.value("document.getElementById('link-both').click()")
    assert await page.text("#link-title") == "Between n1 and n3"
    await page.value("document.getElementById('link-apply').click()")
    await links(page, "n1n3", "n3n1")
    await page.until("document.querySelector('#ring [data-both=true]') !== null")
    await page.value(f"{BAR}.dialog.open('n3', 'n1')")
    await page.value("document.getElementById('link-sound').click()")
    await links(page, "n1n3")
    await press(page, "heal")
    await links(page)


async def check_menu(page: Tab) -> None:
    """A right click on a node brings what can be done to it; Escape takes it away; arrows go through it."""
    await page.value(f"{BAR}.choose([])")
    at = await place(page, "n4")
    for kind in ("mousePressed", "mouseReleased"):
        await page.call("Input.dispatchMouseEvent", type=kind, x=at[0], y=at[1], button="right", clickCount=1)
    menu = "document.getElementById('node-menu')"
    await page.until(f"!{menu}.hidden && {menu}.querySelector('h3').textContent === 'n4'")
    assert await chosen(page) == ["n4"]
    item = f"{menu}.querySelector('[data-menu=part]')"
    await page.until(f"{item}.ariaDisabled === 'false'")
    assert await page.value("document.activeElement.dataset.menu") == "kill"
    await page.call("Input.dispatchKeyEvent", type="keyDown", key="ArrowDown")
    assert await page.value("document.activeElement.dataset.menu") == "pause"
    await page.call("Input.dispatchKeyEvent", type="keyDown", key="Escape")
    await page.until(f"{menu}.hidden")
    await page.value(f"document.querySelector('[data-node=n4]').dispatchEvent({CONTEXT})")
    await page.value(f"{item}.click()")
    await page.until(f"{menu}.hidden && Object.keys({STATE}.links.n4 ?? {{}}).length === 4")
    await press(page, "heal")
    await links(page)


async def check_processes(page: Tab, cluster: LiveCluster) -> None:
    """Nodes are paused, go on, campaign and die; what can't be done says why."""
    leader = await asyncio.to_thread(cluster.leader)
    one = cluster.others(leader)[0]
    cut = json.dumps({"action": "link", "from": one, "to": leader, "cut": True})
    await page.value(f"raftzmq.control.call('/v1/chaos', {cut})")
    await links(page, one + leader)
    await page.value(f"{BAR}.choose([])")
    await click(page, one)
    await press(page, "pause")
    await page.until(f"{STATE}.nodes.{one}.paused")
    await page.until(f"document.querySelector('[data-node={one}]').getAttribute('class') === 'node silent'")
    await told(page, f"{one}'s process is paused")
    await page.until("document.querySelector('#faults [data-action=pause]').ariaDisabled === 'true'")
    await page.press("Z")
    await said(page, "They are paused already.")
    await press(page, "heal")
    await page.until(f"!{STATE}.nodes.{one}.paused")
    await said(page, f"{one} goes on.")
    await links(page)  # it is asked to heal its own once it can hear that
    leader = await asyncio.to_thread(cluster.leader)
    one = cluster.others(leader)[0]
    term = await page.value(f"{STATE}.term")
    await page.value(f"{BAR}.choose([{json.dumps(one)}])")
    await press(page, "elect")
    await page.until(f"{STATE}.term > {term}")
    await said(page, f"{one} campaigns in term")
    leader = await asyncio.to_thread(cluster.leader)
    await page.until(f"document.body.dataset.leader === {json.dumps(leader)}")
    await page.value(f"{BAR}.choose([{json.dumps(leader)}])")
    await press(page, "kill")
    await page.until(f"document.querySelector('[data-node={leader}]').getAttribute('class') === 'node down'")
    await said(page, f"Killed {leader} (process ")
    await page.until(f"!['', {json.dumps(leader)}].includes(document.body.dataset.leader)")
    await page.press("R")
    await said(page, "Only a supervisord can start nodes again")


async def watch(cluster: LiveCluster, running: Running) -> None:
    async with tab() as page:
        await check_read_only(page, running)
        await page.open("about:blank")
        await opened(page, address_of(running, token_of(running)), "")
        assert token_of(running) not in await page.value("location.href"), "whoever copies it gives no control away"
        await page.value("window.before = true, location.reload()")
        await page.until(f"!window.before && window.raftzmq && {BAR}?.why === '' && raftzmq.ring.names.length === 5")
        await check_partition(page, cluster)
        await check_link(page)
        await check_menu(page)
        await check_processes(page, cluster)
        await page.value("raftzmq.player.pause()")
        await page.until(f"{BAR}.why === 'past'")
        await explained(page, "This moment is past")
        await page.value("raftzmq.player.goLive()")
        await page.until(f"{BAR}.why === ''")
        assert page.errors == []


def test_what_a_hand_does_is_done_and_seen(cluster: LiveCluster, running: Running) -> None:
    asyncio.run(watch(cluster, running))


def test_where_no_node_is_in_lab_mode_the_page_says_how_to_start_some() -> None:
    async def look() -> None:
        with serving(3) as one:
            names = ("n1", "n2", "n3")
            one.offer(*(boot(name) for name in names), *(standing(name) for name in names))
            async with tab() as page:
                await page.open(f"http://127.0.0.1:{one.address[1]}/?language=en#token={one.web.token.text}")
                await page.until(f"window.raftzmq && {BAR}.why === 'noLab'")
                await explained(page, "bin/up --lab")
                assert await page.value("[...document.querySelectorAll('#faults button')].every((one) => one.disabled)")
                await page.press("H")
                await said(page, "bin/up --lab")
                one.offer({**standing("n2"), "lab": True})
                await page.until(f"{BAR}.why === ''")
                await page.until("!document.querySelector('#faults [data-action=draw]').disabled")
                assert page.errors == []

    asyncio.run(look())


def test_groups_lines_and_figures(running: Running) -> None:
    async def asked() -> Any:
        async with tab() as page:
            await page.open(address_of(running).replace("/?", "/livez?"))
            await page.until("location.pathname === '/livez' && document.readyState === 'complete'")
            return await page.value(PURE)

    assert asyncio.run(asked()) == [
        ["a", "bc"],
        1,
        1,
        [True, True, False, False, False],
        ["cut"],
        ["lose 30.5 %", "+50±1.5 ms", "×2 100 %"],
        [None, 3, 0],
        [1, 1, 1, 0],
    ]
