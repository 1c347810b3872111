"""The log grid in a browser: what it shows of each entry, and what drawing costs, however long the logs are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.collector.streams import event
from tests.page.one_page import DRAWN, OnePage, one_page
from tests.page.story import Event, Story, minority_leader

pytestmark = pytest.mark.timeout(120)
GRID = "raftzmq.panels.view('grid')"
NODES = ["n1", "n2", "n3", "n4", "n5"]
MILLION = 1_000_000
COUNT = """
(() => {
  window.operations = 0;
  const pen = CanvasRenderingContext2D.prototype;
  for (const name of ["fillRect", "strokeRect", "fillText", "fill", "stroke", "lineTo", "rect", "drawImage"]) {
    const plain = pen[name];
    pen[name] = function (...given) {
      if (this.canvas.id === "grid-canvas") window.operations += 1;
      return plain.apply(this, given);
    };
  }
})()
"""
ONE_FRAME = """
new Promise((done) => {
  window.operations = 0;
  raftzmq.changed();
  raftzmq.frames.drawn().then(() => done([window.operations, document.getElementById("grid-canvas").clientWidth]));
})
"""
COLOUR = """
(() => {
  const canvas = document.getElementById("grid-canvas");
  const ratio = canvas.width / canvas.clientWidth;
  const cell = raftzmq.panels.view("grid").cell(%s, %d);
  const [x, y] = [(cell.x + cell.width * %s) * ratio, (cell.y + %s) * ratio];
  return [...canvas.getContext("2d").getImageData(Math.floor(x), Math.floor(y), 1, 1).data].slice(0, 3);
})()
"""


@pytest.fixture(scope="module", name="grid")
def _grid() -> Iterator[OnePage]:
    with one_page("grid") as found:
        yield found


async def colour(opened: OnePage, node: str, index: int, *, across: float = 0.2, down: float = 7) -> list[int]:
    """The colour in an entry's cell, at a part of its width, so many pixels below the top of its row."""
    found: list[int] = await opened.page.value(COLOUR % (json.dumps(node), index, across, down))
    return found


async def chosen(opened: OnePage, node: str, index: int) -> dict[str, str]:
    """What is said of an entry after a click on its cell."""
    cell = f"{GRID}.cell({json.dumps(node)}, {index})"
    await opened.click("grid-canvas", f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])({cell})")
    await opened.page.until(f"document.getElementById('panel-grid').dataset.entry === '{node}:{index}'")
    return await opened.card()


def test_an_entry_is_told_in_words(grid: OnePage) -> None:
    async def watch(opened: OnePage) -> None:
        await opened.feed(minority_leader().events)
        tail = await chosen(opened, "n2", 8)
        assert tail["term"] == "1"
        assert tail["committed"] == "not yet: no node says so"
        assert tail["holders"] == "n1, n2; another entry there: n3 (term 2), n4 (term 2), n5 (term 2)"
        assert tail["disks"] == "n1, n2: 2 of 5"
        assert tail["applied"] == "nobody"
        firm = await chosen(opened, "n3", 8)
        assert firm["committed"] == "yes; known to n3, n4, n5"
        assert firm["chain"].endswith("on n3, n4, n5")
        old = await chosen(opened, "n1", 3)
        assert old["holders"] == "n1, n2, n3, n5; in a snapshot: n4"
        assert old["disks"] == "n1, n2, n3, n5, n4: 5 of 5"

    grid.run(watch)


def test_committed_entries_look_other_than_those_that_are_not_and_terms_differ(grid: OnePage) -> None:
    async def watch(opened: OnePage) -> None:
        story = minority_leader()
        await opened.feed(story.events)
        firm, loose, later = [
            await colour(opened, "n1", 7),
            await colour(opened, "n1", 8),
            await colour(opened, "n3", 8),
        ]
        assert firm == [0x00, 0x72, 0xB2]
        assert loose != firm
        assert later == [0xE6, 0x9F, 0x00]
        prefix, behind = await colour(opened, "n4", 3), await colour(opened, "n1", 12)
        assert prefix not in (firm, loose, later, behind)

    grid.run(watch)


def test_what_gives_way_to_another_leaders_entries_is_seen_going_and_is_replaced(grid: OnePage) -> None:
    async def watch(opened: OnePage) -> None:
        story = minority_leader()
        story.write(1)
        before = story.events[:]
        await opened.feed(before)
        assert await opened.page.value(f"{GRID}._logs.get('n1').dropped.map(({{first, last}}) => [first, last])") == [
            [8, 10]
        ]
        assert await colour(opened, "n1", 8) == [0xE6, 0x9F, 0x00]
        assert (await chosen(opened, "n1", 8))["term"] == "2"

    grid.run(watch)


def test_what_was_only_in_memory_is_gone_after_a_restart(grid: OnePage) -> None:
    async def watch(opened: OnePage) -> None:
        story = Story(3)
        story.elect("n1")
        story.write(3)
        story.append("n1", 2, disk=False)
        await opened.feed(story.events)
        assert (await chosen(opened, "n1", 6))["disks"] == "nobody: 0 of 5"
        told = len(story.events)
        story.boot("n1", "b2")
        await opened.feed(story.events[told:])
        assert (await opened.data())["last"] == "4"
        assert await opened.page.value(f"{GRID}._logs.get('n1').dropped.map(({{first, last}}) => [first, last])") == [
            [5, 6]
        ]

    grid.run(watch)


def test_next_and_match_index_follow_single_messages_and_the_leaders_own_word(grid: OnePage) -> None:
    async def watch(opened: OnePage) -> None:
        story = Story(3)
        story.elect("n1")
        story.write(3, lost=["n3"], commit=False)
        await opened.feed(story.events)
        rows = f"{GRID}._rows.slice(0, 3).map(({{name, next, match}}) => [name, next, match])"
        assert await opened.page.value(rows) == [["n1", None, None], ["n2", 5, 4], ["n3", 5, 1]]
        told = len(story.events)
        story.matches["n3"] = 2
        story.standing("n1")
        await opened.feed(story.events[told:])
        assert await opened.page.value(rows) == [["n1", None, None], ["n2", 5, 4], ["n3", 5, 2]]

    grid.run(watch)


def test_entries_from_before_the_page_have_no_known_term(grid: OnePage) -> None:
    async def watch(opened: OnePage) -> None:
        story = Story(3)
        story.elect("n1")
        story.write(20)
        first = len(story.events)
        story.standing("n1")
        story.write(1)
        await opened.feed([one for one in story.events if one["type"] in ("boot", "role")] + story.events[first:])
        assert await opened.page.value(f"[20, 21, 22].map((index) => {GRID}._logs.get('n1').terms.at(index))") == [
            None,
            1,
            1,
        ]
        assert (await chosen(opened, "n1", 20))["term"].startswith("not known")
        plain = await colour(opened, "n1", 22)
        assert await colour(opened, "n1", 20) != plain

    grid.run(watch)


def long_logs() -> list[Event]:
    """Five logs of a million entries, in four thousand terms, told in batches; n5's begins after 300,000."""
    said: list[Event] = []
    for node in NODES:
        fields: dict[str, Any] = {
            "cluster": "c",
            "incarnation": "i",
            "voted_for": None,
            "mark_chain": 0,
            "last_chain": 0,
        }
        fields |= {"mark_index": 0, "first_index": 1, "last_index": 0, "last_term": 0, "applied_index": 0}
        said.append(event("boot", node, **fields, digest=0, revision=0, voters=NODES))
    batch = 500
    for first in range(1, MILLION, batch):
        terms = [1 + first // 250] * 250 + [2 + first // 250] * 250
        told: dict[str, Any] = {"first": first, "last": first + batch - 1, "terms": terms, "chains": [], "bytes": 1}
        said += [event("append", node, **told, batch=batch, waited_us=0, role="follower") for node in NODES]
    commit: dict[str, Any] = {"index": MILLION - 100, "previous": 0, "entry_term": 4000, "chain": 1}
    said += [event("commit", node, term=4000, **commit) for node in NODES]
    return [*said, event("compact", "n5", term=4000, index=300_000, bytes=0)]


def test_a_million_entries_cost_as_much_to_draw_as_a_screenful(grid: OnePage) -> None:
    async def watch(opened: OnePage) -> None:
        events = long_logs()
        for begin in range(0, len(events), 1000):
            await opened.feed(events[begin : begin + 1000])
        runs = await opened.page.value(f"[...{GRID}._logs.values()].map((log) => log.terms.runs.length)")
        assert runs == [4000, 4000, 4000, 4000, 2800]
        await opened.page.value(COUNT)
        spans: dict[str, tuple[int, int]] = {}
        for name, act in {"end": "follow()", "all": "all()", "some": "zoom(40, 300)", "one": "goTo(500000)"}.items():
            await opened.page.value(f"{GRID}.{act}")
            await opened.page.value(DRAWN)
            operations, width = await opened.page.value(ONE_FRAME)
            assert 0 < operations < 8 * width, name  # five rows and the bar, a few for a pixel
            found = await opened.data()
            spans[name] = (int(found["first"]), int(found["last"]))
        assert spans["all"] == (1, MILLION)
        assert spans["end"][1] == MILLION
        assert spans["end"][0] > MILLION - 100
        assert 20_000 < spans["some"][1] - spans["some"][0] < 30_000
        assert spans["one"][0] < 500_000 < spans["one"][1] < spans["one"][0] + 100

    grid.run(watch)


def test_keys_buttons_and_the_wheel_move_what_is_in_view(grid: OnePage) -> None:
    async def watch(opened: OnePage) -> None:
        story = Story(3)
        story.elect("n1")
        story.write(400)
        await opened.feed(story.events)
        await opened.page.value("document.getElementById('grid-canvas').focus()")
        assert (await opened.data())["follows"] == "true"
        await opened.press("0")
        await opened.page.until("document.getElementById('panel-grid').dataset.first === '1'")
        assert (await opened.data())["last"] == "401"
        await opened.page.value("document.getElementById('grid-follow').click()")
        await opened.page.until("Number(document.getElementById('panel-grid').dataset.first) > 300")
        await opened.press("PageUp")
        await opened.page.until("document.getElementById('panel-grid').dataset.follows === 'false'")
        kept = await opened.data()
        told = len(story.events)
        story.write(50)
        await opened.feed(story.events[told:])
        assert (await opened.data())["first"] == kept["first"]
        await opened.press("End")
        await opened.page.until("document.getElementById('panel-grid').dataset.last === '451'")
        await opened.page.value("document.getElementById('grid-index').value = '77'")
        await opened.page.value("document.getElementById('grid-go').click()")
        await opened.page.until("document.getElementById('panel-grid').dataset.entry === 'n1:77'")
        assert await opened.page.text(".grid-card h3") == "Entry 77 of n1"
        scale = float((await opened.data())["scale"])
        box = await opened.page.value(
            "(({x, y}) => [x, y])(document.getElementById('grid-canvas').getBoundingClientRect())"
        )
        where = {"x": box[0] + 200, "y": box[1] + 60}
        await opened.page.call("Input.dispatchMouseEvent", type="mouseWheel", **where, deltaX=0, deltaY=-200)
        await opened.page.until(f"Number(document.getElementById('panel-grid').dataset.scale) > {scale}")
        before = await opened.data()
        drag = [("mousePressed", 0), ("mouseMoved", 40), ("mouseMoved", 300), ("mouseReleased", 300)]
        for kind, by in drag:
            at = {"x": box[0] + 100 + by, "y": box[1] + 60, "button": "left", "buttons": 1, "clickCount": 1}
            await opened.page.call("Input.dispatchMouseEvent", type=kind, **at)
        after = await opened.data()
        assert int(after["first"]) < int(before["first"])
        assert after["entry"] == before["entry"]

    grid.run(watch)


def test_nine_nodes_fit_and_more_scroll(grid: OnePage) -> None:
    async def watch(opened: OnePage) -> None:
        story = Story(30)
        story.elect("n1")
        await opened.feed(story.events)
        assert await opened.page.value("document.querySelectorAll('.grid-name').length") == 30
        log = "document.querySelector('.grid-log')"
        assert await opened.page.value(f"{log}.scrollHeight > {log}.clientHeight")
        await opened.page.value(f"{log}.scrollTop = 100000")
        await opened.page.value(DRAWN)
        assert await colour(opened, "n30", 1) == [0x00, 0x72, 0xB2]
        assert await opened.page.value("document.querySelector('[data-node=n30].grid-name').textContent") == "n301–1"

    grid.run(watch)


def test_nothing_is_wider_than_a_narrow_screen(grid: OnePage) -> None:
    async def watch(opened: OnePage) -> None:
        await opened.feed(minority_leader().events)
        await opened.page.value("document.documentElement.style.overflow = 'visible'")
        assert await opened.page.value("document.documentElement.scrollWidth") <= 390
        assert await opened.page.value("document.getElementById('grid-canvas').clientWidth") > 200
        tools = "document.querySelector('.panel-grid .grid-tools')"
        assert await opened.page.value(f"{tools}.clientHeight >= {tools}.firstElementChild.offsetHeight")

    grid.run(watch, 390)


def test_another_moment_forgets_what_was_known(grid: OnePage) -> None:
    async def watch(opened: OnePage) -> None:
        story = minority_leader()
        await opened.feed(story.events)
        early = [[number, one] for number, one in enumerate(story.events[: len(story.events) // 3])]
        await opened.page.value(f"{GRID}.begin(raftzmq.player.state, JSON.parse({json.dumps(json.dumps(early))}))")
        assert await opened.page.value(f"{GRID}._logs.get('n3').terms.end") <= 7
        assert await opened.page.value(f"[...{GRID}._logs.values()].every((log) => log.dropped.length === 0)")

    grid.run(watch)


def test_malformed_events_tell_nothing(grid: OnePage) -> None:
    async def watch(opened: OnePage) -> None:
        odd: list[Event] = [
            event(kind, "n1") for kind in ("append", "truncate", "boot", "standing", "commit", "compact")
        ]
        odd += [event("sent", "n1", message="AppendEntries", peer="n2", body={"entries": ["x", "y"]})]
        odd += [event("append", "n1", first=1, last=3, terms=[1], chains=None)]
        odd += [event("append", "n1", first=-5, last="9", terms={}, chains=[])]
        await opened.feed(odd)
        assert await opened.page.value(f"{GRID}._logs.get('n1').terms.runs.length") == 0

    grid.run(watch)


def test_terms_from_before_the_page_come_from_the_recording(tmp_path: Path) -> None:
    story = minority_leader()
    story.write(2)
    with one_page("grid", directory=tmp_path) as grid:
        grid.serving.offer(*story.events)

        async def watch(opened: OnePage) -> None:
            terms = f"{GRID}._logs.get('n1')?.terms.runs.map(({{first, last, term}}) => [first, last, term])"
            await opened.page.until(f"JSON.stringify({terms}) === '[[1,7,1],[8,12,2]]'")
            await opened.page.value(DRAWN)
            assert await colour(opened, "n1", 3) == [0x00, 0x72, 0xB2]

        grid.run(watch)
