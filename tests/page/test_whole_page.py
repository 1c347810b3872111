"""The whole page on a supervised five-node cluster in lab mode, under load: all that it must show, by its own controls.

How soon each effect is in the page's state is measured and printed; how soon it should be, a quiet machine may say.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from raftzmq.client.sync import Client
from raftzmq.errors import RaftzmqError
from tests.cli.support import raftzmq
from tests.cli.test_generate import free_base_port
from tests.live.harness import ENVIRONMENT, PATIENCE, eventually
from tests.page.chromium import Browser, Tab, browser
from tests.page.test_faults import around, click

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]
NODES = ("n1", "n2", "n3", "n4", "n5")
STATE = "raftzmq.player.state.all"
SOON_MS = 500
QUIET_MOMENTS = 20
TABS = 10
WRITERS = 2
EFFECT = """
(async () => {
  const before = %s;
  const begun = performance.now();
  %s;
  while (!(%s)) {
    if (performance.now() - begun > 50_000) return null;
    await new Promise((done) => setTimeout(done, 4));
  }
  return performance.now() - begun;
})()
"""
SAME = """
(async () => {
  const begun = performance.now();
  while (performance.now() - begun < 10_000) {
    if (JSON.stringify(%s) === %s) return true;
    await new Promise((done) => setTimeout(done, 20));
  }
  return false;
})()
"""
ATTEMPTS = 10
SEEN = ("role", "term", "commit_index", "applied_index")
SAID = ("role", "term", "commit_index", "last_applied")


class Home:
    """A generated cluster that supervisord runs, in a directory whose name is short enough for a unix socket."""

    def __init__(self, path: Path) -> None:
        self.path = path
        base = free_base_port(17)
        options = ("--nodes", str(len(NODES)), "--lab", "--base-port", str(base))
        done = raftzmq("generate", "supervisord", *options, "--out", str(path))
        assert done.returncode == 0, done.stderr
        self.endpoints = [f"tcp://127.0.0.1:{base + 5 + number}" for number in range(len(NODES))]
        self.host = f"127.0.0.1:{base + 16}"

    def rows(self) -> dict[str, dict[str, Any]]:
        """The rows of ``raftzmq status --json``, by node."""
        done = raftzmq("status", "--json", "--config", str(self.path / "cluster.toml"))
        return {row["node"]: row for row in json.loads(done.stdout)["nodes"]}

    def settled(self) -> dict[str, list[Any]] | None:
        """What every node says of itself, once all answer and nothing is under way."""
        rows = self.rows()
        told = {name: [row[field] for field in SAID] if row["reachable"] else None for name, row in rows.items()}
        found = {name: one for name, one in told.items() if one is not None}
        roles = sorted(one[0] for one in found.values())
        alike = len({tuple(one[1:]) for one in found.values()}) == 1
        calm = roles == ["follower"] * (len(NODES) - 1) + ["leader"] and alike
        return found if calm and all(one[2] == one[3] for one in found.values()) else None

    def address(self, *, control: bool = True) -> str:
        """The page's address."""
        token = eventually(self._token, "the collector has made a token") if control else ""
        return f"http://{self.host}/?language=en&theme=light&tour=off{f'#token={token}' if control else ''}"

    def _token(self) -> str:
        path = self.path / "data" / "collector" / "token"
        return path.read_text().strip() if path.exists() else ""


@pytest.fixture
def home() -> Iterator[Home]:
    """It runs, and every node follows a leader."""
    path = Path(tempfile.mkdtemp(prefix="rz"))
    found = Home(path)
    command = [sys.executable, "-P", "-m", "supervisor.supervisord", "--nodaemon", "-c", str(path / "supervisord.conf")]
    process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, cwd=path)
    try:
        eventually(found.settled, "all nodes follow a leader")
        yield found
    finally:
        process.terminate()
        process.wait(PATIENCE)
        shutil.rmtree(path)


@contextmanager
def load(home: Home) -> Iterator[None]:
    """Clients that write all the time, whatever happens to the nodes."""
    ending = threading.Event()

    def write(number: int) -> None:
        with Client(home.endpoints) as client:
            for count in range(10**9):
                if ending.wait(0.01):
                    return
                with suppress(RaftzmqError):
                    client.put(f"load-{number}-{count % 50}", str(count))

    writers = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    try:
        yield
    finally:
        ending.set()
        for writer in writers:
            writer.join(PATIENCE)


class Hand:
    """Uses the page's controls, and takes the time until their effect is in the page's state."""

    def __init__(self, page: Tab) -> None:
        self.page = page
        self.took: dict[str, float] = {}

    async def does(self, what: str, act: str, effect: str, before: str = "null") -> None:
        """Do it; ``effect`` comes true, and may compare with what ``before`` was."""
        ms = await self.page.value(EFFECT % (before, act, effect))
        if ms is None:
            said = await self.page.text("#toasts")
            told = await self.page.value("[...document.querySelectorAll('#feed li')].map((one) => one.textContent)")
            raise AssertionError(f"{what}: in vain awaited {effect}; toasts: {said}; feed: {told[:12]}")
        self.took[what] = ms

    async def presses(self, action: str, effect: str, *names: str, before: str = "null") -> None:
        """A button above the ring, for chosen nodes, once it can be pressed."""
        await self.page.value(f"raftzmq.slots.get('faults').choose({json.dumps(names)})")
        button = f"document.querySelector('#faults [data-action={action}]')"
        await self.page.until(
            f"!{button}.disabled && {button}.ariaDisabled === 'false' && {button}.ariaBusy !== 'true'"
        )
        await self.does(action, f"{button}.click()", effect, before)

    async def leader(self) -> str:
        """Who leads, once somebody does and the page says it."""
        await self.page.until("document.body.dataset.leader")
        return str(await self.page.value("document.body.dataset.leader"))

    async def whole(self) -> None:
        """All nodes are up and follow somebody."""
        leads = f"{STATE}.leader_term === {STATE}.term && document.body.dataset.leader"
        up = f"Object.values({STATE}.nodes).every((one) => raftzmq.player.state.condition(one) === 'up' && one.leader)"
        await self.page.until(f"{leads} && {up}")


async def break_nodes(hand: Hand) -> None:
    """Every fault of processes: each is seen, and the cluster recovers from each."""
    leader = await hand.leader()
    one = next(name for name in NODES if name != leader)
    node = f"{STATE}.nodes.{one}"
    await hand.presses("pause", f"{node}.paused", one)
    await hand.presses("resume", f"!{node}.paused", one)
    await hand.whole()
    await hand.presses("elect", f"{STATE}.term > before", one, before=f"{STATE}.term")
    await hand.whole()
    gone = "raftzmq.player.state.condition({0}) === 'down' || {0}.boots > before"
    await hand.presses("restart", gone.format(node), one, before=f"{node}.boots")
    await hand.whole()
    leader = await hand.leader()
    term = await hand.page.value(f"{STATE}.term")
    node = f"{STATE}.nodes.{leader}"
    await hand.presses("kill", gone.format(node), leader, before=f"{node}.boots")
    await hand.page.until(f"{STATE}.leader_term > {term} && document.body.dataset.leader === {STATE}.last_leader")
    await hand.whole()  # supervisord has started it again


async def break_links(hand: Hand) -> None:
    """A partition is drawn around two nodes, done and healed; so is a single link."""
    page = hand.page
    await page.value("raftzmq.slots.get('faults').choose([])")
    await page.value("document.getElementById('stage').scrollIntoView({ block: 'center' })")
    await around(page, "n2", "n3")
    cut = f"Object.values({STATE}.links).reduce((sum, to) => sum + Object.keys(to).length, 0)"
    await hand.presses("part", f"{cut} === 12", "n2", "n3")
    await hand.presses("heal", f"{cut} === 0")
    await hand.whole()
    await page.value("raftzmq.slots.get('faults').dialog.open('n1', 'n3')")
    await page.value("document.getElementById('link-slow').click()")
    apply = "document.getElementById('link-apply').click()"
    await hand.does("link", apply, f"{STATE}.links.n1?.n3?.delay_us > 0")
    await hand.presses("heal", f"{cut} === 0")


async def use_the_rest(hand: Hand) -> None:
    """What changes the page and not the cluster, and the client's box, which changes what is stored."""
    page = hand.page
    await page.value("raftzmq.slots.get('faults').choose([])")
    at = await page.value("raftzmq.ring.names[0]")
    await click(page, at)
    await page.until(f"raftzmq.selected === {json.dumps(at)}")
    await hand.does("messages", "document.getElementById('messages').click()", "raftzmq.flights.flying.length > 0")
    slow = "(() => { const one = document.getElementById('dilation'); one.value = '0.01'; one.onchange(); })()"
    await hand.does("dilation", slow, "raftzmq.flights.slowed")
    await hand.does(
        "messages off", "document.getElementById('messages').click()", "raftzmq.flights.flying.length === 0"
    )
    for panel in await page.value("raftzmq.panels.names"):
        shown = f"!document.getElementById('panel-{panel}').hidden"
        await hand.does(f"panel {panel}", f"document.getElementById('tab-{panel}').click()", shown)
    put = "raftzmq.control.call('/v1/kv', { op: 'put', key: 'from the page', value: 'v' })"
    await hand.does("put", f"const put = {put}; let done = false; put.then(() => (done = true))", "done")
    await hand.does("pause time", "raftzmq.player.pause()", "!raftzmq.player.live && !raftzmq.player.playing")
    await hand.does("step", "raftzmq.player.step(-1)", "raftzmq.player.position < before", "raftzmq.player.position")
    await hand.does("play", "raftzmq.player.play(1)", "raftzmq.player.position > before", "raftzmq.player.position")
    await hand.does("live again", "raftzmq.player.goLive()", "raftzmq.player.live")
    await hand.does("language", "document.getElementById('language').click()", "document.documentElement.lang === 'ja'")
    await page.press("l")
    await page.press("t")
    await page.until("document.documentElement.dataset.theme === 'dark'")


async def be_quiet(hand: Hand, home: Home, client: Client) -> None:
    """At quiet moments the page shows what the nodes say of themselves."""
    fields = ", ".join(f"one.{name}" for name in SEEN)
    shown = f"Object.fromEntries(Object.entries({STATE}.nodes).sort().map(([name, one]) => [name, [{fields}]]))"
    for number in range(QUIET_MOMENTS):
        for count in range(number):
            await asyncio.to_thread(client.put, f"quiet-{count}", str(number))
        for _ in range(ATTEMPTS):
            told = await asyncio.to_thread(eventually, home.settled, "nothing is under way")
            text = json.dumps(json.dumps(told, sort_keys=True, separators=(",", ":")))
            if await hand.page.value(SAME % (shown, text)):
                break
            # Else the nodes have gone on since: an election between, on a busy machine.
            now = await asyncio.to_thread(home.settled)
            assert told != now, f"the nodes say {told}, the page {await hand.page.value(shown)}"
        else:
            raise AssertionError("the nodes never came to rest")


async def many_tabs(one: Browser, home: Home, hand: Hand) -> None:
    """Ten viewers at once: all see the leader die and its successor."""
    async with AsyncExitStack() as stack:
        tabs = [await stack.enter_async_context(one.tab()) for _ in range(TABS - 1)]
        for tab in tabs:
            await tab.open(home.address(control=False))
        for tab in tabs:
            await tab.until("document.body?.dataset.leader && raftzmq.ring.names.length === 5")
        await hand.whole()
        leader, term = await hand.leader(), await hand.page.value(f"{STATE}.term")
        node = f"{STATE}.nodes.{leader}"
        gone = f"raftzmq.player.state.condition({node}) === 'down' || {node}.boots > before"
        await hand.presses("kill", gone, leader, before=f"{node}.boots")
        for tab in (hand.page, *tabs):
            await tab.until(f"{STATE}.leader_term > {term} && document.body.dataset.leader === {STATE}.last_leader")
        for tab in tabs:
            assert tab.errors == []
            assert tab.hosts == {home.host}


async def watch(home: Home) -> None:
    async with browser() as one, one.tab() as page:
        await page.open(home.address())
        await page.until("window.raftzmq?.slots.get('faults').why === '' && raftzmq.ring.names.length === 5")
        hand = Hand(page)
        await hand.whole()
        with load(home):
            await break_nodes(hand)
            await break_links(hand)
            await use_the_rest(hand)
            await many_tabs(one, home, hand)
        with Client(home.endpoints) as client:
            await hand.whole()
            await be_quiet(hand, home, client)
        late = {what: round(ms) for what, ms in hand.took.items() if ms > SOON_MS}
        print(f"ms until the effect: { {what: round(ms) for what, ms in hand.took.items()} }; over {SOON_MS}: {late}")
        assert page.errors == []
        assert page.hosts == {home.host}


def test_the_page_shows_and_does_what_it_must(home: Home) -> None:
    asyncio.run(watch(home))
