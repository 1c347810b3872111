"""Time on the page: a recording is scrubbed, stepped and played, and shows what its events add up to."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from raftzmq.collector.cluster_state import ClusterState
from raftzmq.collector.recording_file import recorded_files
from tests.collector.audited_runs import recorded
from tests.collector.recordings import Collected, record
from tests.collector.web.support import Serving, leads, serving
from tests.page.chromium import Tab, tab
from tests.page.one_page import DRAWN

TIMELINE = "raftzmq.slots.get('timeline')"
QUIET = "window.raftzmq?.player.recording === '{0}' && !raftzmq.player.live"


def canonical(state: ClusterState) -> str:
    """The text that the hash is taken of."""
    return json.dumps(state.to_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def states_of(collected: Collected) -> dict[int, str]:
    """The canonical state behind every event."""
    state, found = ClusterState(), {0: canonical(ClusterState())}
    for merged in collected.merged:
        state.fold(merged.event)
        found[merged.position] = canonical(state)
    return found


Run = tuple[Path, Collected, dict[int, str]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A recorded run with faults, of which the page keeps a part in memory only; and the states in it."""
    directory = tmp_path_factory.mktemp("run")
    collected = record(directory, recorded(3, 6_000)[:4_000], every=900, frame=200)
    return directory, collected, states_of(collected)


@asynccontextmanager
async def looking(path: Path, at: str = "", **changes: Any) -> AsyncIterator[tuple[Tab, Serving]]:
    """A page of a server that has this recording and no cluster."""
    with serving(live=False, **changes) as one:
        ident = one.web.shelf.add(path, ident="run")
        async with tab() as page:
            await page.open(f"http://127.0.0.1:{one.address[1]}/?language=en#token={one.web.token.text}{at}")
            await page.until(QUIET.format(ident))
            yield page, one
            assert page.errors == []
            assert page.hosts == {f"127.0.0.1:{one.address[1]}"}


async def shown(page: Tab) -> tuple[int, str]:
    """The position that is shown, and the canonical state."""
    position, state = await page.value("[raftzmq.player.position, raftzmq.player.state.canonical()]")
    return position, state


def test_every_way_to_a_moment_shows_what_the_events_add_up_to(run: Run) -> None:
    directory, collected, states = run
    last = len(collected.merged)
    chosen = random.Random(7)

    async def watch() -> None:
        async with looking(directory) as (page, _):
            ways = ["goTo({ position: %d })", "scrub(%d)"]
            for position in [0, 1, last, last + 99, *(chosen.randint(1, last) for _ in range(40))]:
                await page.value(f"raftzmq.player.{chosen.choice(ways) % position}")
                assert await shown(page) == (min(position, last), states[min(position, last)])
            await page.value("raftzmq.player.goTo({ position: 2000 })")
            for by in [1, 1, -1, -1, -1, 1]:
                before, _ = await shown(page)
                await page.value(f"raftzmq.player.step({by})")
                assert await shown(page) == (before + by, states[before + by])
            ms = int(collected.merged[2999].event["ts"] * 1000)
            await page.value(f"raftzmq.player.goTo({{ ms: {ms} }})")
            position, state = await shown(page)
            assert state == states[position]
            assert all(m.event["ts"] * 1000 < ms + 1 for m in collected.merged[:position])

    asyncio.run(watch())


def test_a_long_way_back_step_by_step(run: Run) -> None:
    directory, _, states = run

    async def watch() -> None:
        async with looking(directory) as (page, _):
            await page.value("raftzmq.player.scrub(3000)")
            walk = "(async () => { for (let i = 0; i < %d; i++) await raftzmq.player.step(%d); })()"
            await page.value(walk % (700, -1))
            assert await shown(page) == (2300, states[2300])
            await page.value(walk % (1100, 1))
            assert await shown(page) == (3400, states[3400])

    asyncio.run(watch())


def test_it_plays_to_the_end_and_shows_it(run: Run) -> None:
    directory, collected, states = run
    last = len(collected.merged)

    async def watch() -> None:
        async with looking(directory, "&recording=run&at=10") as (page, _):
            assert await shown(page) == (10, states[10])
            await page.press(" ")
            await page.until("raftzmq.player.playing && raftzmq.player.position > 10")
            await page.press(" ")
            await page.until("!raftzmq.player.playing")
            position, state = await shown(page)
            assert 10 < position < last
            assert state == states[position]
            await page.value("raftzmq.player.play(100)")
            await page.until(f"!raftzmq.player.playing && raftzmq.player.position === {last}")
            assert await shown(page) == (last, states[last])
            time_ms = json.loads(states[last])["time_ms"]
            assert await page.value("Math.trunc(raftzmq.player.now)") == time_ms

    asyncio.run(watch())


def test_the_timeline_leads_to_what_happened(run: Run) -> None:
    directory, collected, _ = run
    elected = [m.position for m in collected.merged if m.event["type"] == "role" and m.event["role"] == "leader"]

    async def drag(page: Tab, *parts: float) -> None:
        box = await page.value(
            "(({ x, y, width }) => [x, y, width])(document.getElementById('strip').getBoundingClientRect())"
        )
        x, y, width = box
        kinds = ["mousePressed", *["mouseMoved"] * (len(parts) - 2), "mouseReleased"]
        for kind, part in zip(kinds, parts, strict=True):
            where = {"x": x + part * width, "y": y + 30, "button": "left", "buttons": 1, "clickCount": 1}
            await page.call("Input.dispatchMouseEvent", type=kind, **where)

    async def watch() -> None:
        async with looking(directory) as (page, one):
            await page.until(f"{TIMELINE}.outline.complete && {TIMELINE}.outline.length > 0")
            found = await page.value(
                f"{TIMELINE}.outline.ticks.filter((tick) => tick.kind === 'leader').map((tick) => tick.position)"
            )
            assert found == elected
            await page.value("raftzmq.player.goTo({ position: 0 })")
            for position in sorted(m.position for m in collected.merged if m.event["type"] in ("boot", "role")):
                event = collected.merged[position - 1].event
                if event.get("role") in (None, "leader", "candidate"):
                    await page.value("raftzmq.player.stepNotable(1)")
                    break
            assert await page.value("raftzmq.player.position") == position
            await drag(page, 0.2, 0.3, 0.45, 0.6, 0.6)
            place = f"{TIMELINE}.outline.xOf(raftzmq.player.position + 1) / {TIMELINE}.outline.length"
            await page.until(f"Math.abs({place} - 0.6) < 0.03")
            assert await page.text(".time-moment b") != "–"
            await page.press("b")
            await page.until("document.activeElement.matches('.time-marks input')")
            await page.call("Input.insertText", text="<b>here</b>")
            await page.value("document.activeElement.blur()")
            marked = await page.value("raftzmq.player.position")
            kept = await page.value(f"localStorage.getItem(`raftzmq.bookmarks.run.${{{TIMELINE}.told.name}}`)")
            assert [(one["position"], one["name"]) for one in json.loads(kept)] == [(marked, "<b>here</b>")]
            await page.value("raftzmq.player.goTo({ position: 5 })")
            await page.value("document.querySelector('.time-marks .go').click()")
            await page.until(f"raftzmq.player.position === {marked}")
            await page.value("navigator.clipboard.writeText = async (text) => void (window.copied = text)")
            await page.value("document.getElementById('time-link').click()")
            await page.until("window.copied")
            link = await page.value("window.copied")
            assert link == f"http://127.0.0.1:{one.address[1]}/#recording=run&at={marked}"
            await page.value("raftzmq.player.goTo({ position: 5 })")
            await page.open(link)
            await page.until(f"window.raftzmq?.player?.position === {marked} && !raftzmq.player.live")

    asyncio.run(watch())


def test_a_torn_recording_shows_what_is_whole(run: Run, tmp_path: Path) -> None:
    directory, collected, states = run
    torn = tmp_path / "torn.events.jsonl.zst"
    data = bytearray(recorded_files(directory)[0].read_bytes())
    data[len(data) // 3 : len(data) // 3 + 900] = bytes(900)
    torn.write_bytes(data[:-50])

    async def watch() -> None:
        async with looking(torn) as (page, one):
            there = [position for position, _ in one.get("/v1/recordings/run/events?after=0").json]
            hole = next(b for a, b in pairwise(there) if b > a + 1)
            mended = next(m.position for m in collected.merged if m.position > hole and m.event["type"] == "checkpoint")
            await page.until("document.querySelector('.toast')?.textContent.includes('damaged')")
            await page.value("raftzmq.player.goTo({ position: 1 })")
            await page.value("raftzmq.player.play(100)")
            await page.until("!raftzmq.player.playing")
            position, state = await shown(page)
            assert (position, state) == (there[-1], states[there[-1]])
            for place in (mended, mended + 50):
                await page.value(f"raftzmq.player.goTo({{ position: {place} }})")
                assert await shown(page) == (place, states[place])

    asyncio.run(watch())


def test_a_file_is_opened_from_the_page(run: Run) -> None:
    directory, collected, states = run
    last = len(collected.merged)
    data = base64.b64encode(recorded_files(directory)[0].read_bytes()).decode()
    drop = """
    (async () => {
      const bytes = Uint8Array.from(atob("%s"), (letter) => letter.charCodeAt(0));
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([bytes], "<i>shared</i>.events.jsonl.zst"));
      document.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
    })()
    """

    async def watch() -> None:
        with serving(live=False) as one:
            async with tab() as page:
                await page.open(f"http://127.0.0.1:{one.address[1]}/?language=en")
                await page.until("window.raftzmq?.slots.get('timeline')")
                await page.value(drop % data)
                await page.until("document.querySelector('.toast.bad')")
                assert one.get("/v1/recordings").json == []
                await page.value(f"location.hash = 'token={one.web.token.text}'")
                await page.until("raftzmq.control.allowed")
                await page.value(drop % data)
                await page.until("raftzmq.player.recording.startsWith('opened-')")
                await page.value(f"raftzmq.player.goTo({{ position: {last} }})")
                assert await shown(page) == (last, states[last])
                assert await page.value("document.querySelectorAll('#timeline i').length") == 0
                assert page.errors == []

    asyncio.run(watch())


def test_what_comes_live_is_kept_while_somebody_stands_still(tmp_path: Path) -> None:
    ts = time.time()  # of all of them: however slow the machine is, nobody falls silent

    def commits(first: int, end: int) -> list[dict[str, Any]]:
        return [{"index": number, "ts": ts} for number in range(first, end)]

    async def watch() -> None:
        with serving(directory=tmp_path) as one:
            one.offer({**leads("n2", 7), "ts": ts}, *commits(1, 50))
            async with tab() as page:
                await page.open(f"http://127.0.0.1:{one.address[1]}/?language=en")
                await page.until("window.raftzmq?.player.live && raftzmq.player.position === 50")
                one.offer(*commits(50, 100))
                await page.until("raftzmq.player.position === 100")
                await page.press(" ")
                await page.until("!raftzmq.player.live")
                one.offer({**leads("n3", 8), "ts": ts})
                await page.until("raftzmq.player.behind.events === 1")
                assert await page.text("h1") == "n2 leads"
                await page.value("raftzmq.player.step(-1)")
                assert await page.value("raftzmq.player.state.all.nodes.n1.commit_index") == 98
                for _ in range(2):
                    await page.value("raftzmq.player.step(1)")
                await page.until("document.querySelector('h1').textContent === 'n3 leads'")
                await page.value("raftzmq.player.goTo({ position: 20 })")
                assert await page.value("raftzmq.player.state.all.nodes.n1.commit_index") == 19
                one.offer(*commits(300, 301))
                await page.press("End")
                await page.until("raftzmq.player.live && raftzmq.player.state.all.nodes.n1.commit_index === 300")
                assert page.errors == []

    asyncio.run(watch())


def test_a_recording_without_a_cluster_is_not_asked_what_is_stored(run: Run) -> None:
    """Whoever opened it may control it; there is nothing that could answer, and the page says so."""
    directory, _, _ = run

    async def watch() -> None:
        async with looking(directory) as (page, _):
            await page.until("raftzmq.control.allowed")
            await page.value("raftzmq.panels.show('keys')")
            for position in (500, 3000, 3900):  # the store goes on, which a list of its keys would follow
                await page.value(f"raftzmq.player.goTo({{ position: {position} }})")
                await page.value(DRAWN)
            assert "not what was stored" in await page.text(".data-locked")
            assert await page.value("document.querySelector('.data-body').hidden")
            asked = "performance.getEntriesByType('resource').filter((one) => one.name.includes('/v1/keys')).length"
            assert await page.value(asked) == 0

    asyncio.run(watch())
