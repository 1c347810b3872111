"""The Lamport diagram in a browser: causes before effects, arrows for messages, and the way of one entry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.collector.streams import event
from tests.page.one_page import DRAWN, OnePage, one_page
from tests.page.story import Story, minority_leader

pytestmark = pytest.mark.timeout(120)
DIAGRAM = "raftzmq.panels.view('lamport')"
SETTLED = f"{DIAGRAM}._frame.left === {DIAGRAM}._frame._end"
PLACES = f"""{DIAGRAM}._slots.places.map(({{event, at}}) => ({{at, node: event.node, type: event.type, ts: event.ts,
  mid: event.mid ?? null, lamport: event.lamport, peer: event.peer ?? null, message: event.message ?? null}}))"""


@pytest.fixture(scope="module", name="diagram")
def _diagram() -> Iterator[OnePage]:
    with one_page("lamport") as found:
        yield found


async def places(opened: OnePage) -> list[dict[str, Any]]:
    """The events that are shown, with their places."""
    await opened.page.value(DRAWN)
    found: list[dict[str, Any]] = await opened.page.value(PLACES)
    return found


async def click_arrow(opened: OnePage, condition: str) -> None:
    """Click the middle of the first arrow whose `event` fulfils the condition, once nothing moves."""
    await opened.page.until(SETTLED)
    found = f"{DIAGRAM}._painter.arrows.find(({{event}}) => {condition})"
    await opened.click("lamport-canvas", f"(({{a, b}}) => [a.x * 0.4 + b.x * 0.6, a.y * 0.4 + b.y * 0.6])({found})")
    await opened.page.until(f"{DIAGRAM}._chosen !== null")


def with_a_loss() -> Story:
    """Three nodes; the fourth entry is lost on its way to n3, and two seconds pass."""
    story = Story(3)
    story.elect("n1")
    story.write(2)
    story.write(1, lost=["n3"])
    story.now_ms += 2000
    story.standing("n1")
    return story


def test_an_effect_stands_behind_its_cause_and_a_nodes_events_in_their_order(diagram: OnePage) -> None:
    async def watch(opened: OnePage) -> None:
        story = minority_leader()
        story.write(1)
        # A clock that is wrong by minutes changes nothing in the order of causes.
        for one in story.events:
            one["ts"] -= 300 if one["node"] == "n3" else 0
        await opened.feed(story.events)
        await opened.page.value(f"{DIAGRAM}.toggle('beats')")
        found = await places(opened)
        kept = [one for one in story.events if one["type"] not in ("standing", "leader", "term")]
        assert len(found) == len(kept)
        for node in story.names:
            told = [(one["type"], one["lamport"]) for one in kept if one["node"] == node]
            assert [(one["type"], one["lamport"]) for one in found if one["node"] == node] == told
            line = [one["at"] for one in found if one["node"] == node]
            assert line == sorted(set(line))
        sent = {one["mid"]: one["at"] for one in found if one["type"].endswith("sent")}
        received = [one for one in found if one["type"].endswith("received")]
        assert len(received) == len(sent) > 20
        assert all(sent[one["mid"]] < one["at"] for one in received)
        await opened.page.value(f"{DIAGRAM}.orderBy('clock')")
        assert (await opened.data())["order"] == "clock"
        backwards = [one for one in await places(opened) if one["type"] == "received" and one["node"] == "n3"]
        clocked = {one["mid"]: one["at"] for one in await places(opened) if one["type"] == "sent"}
        assert any(one["at"] < clocked[one["mid"]] for one in backwards)

    diagram.run(watch)


def test_a_message_that_never_came_ends_in_a_cross_and_others_do_not(diagram: OnePage) -> None:
    async def watch(opened: OnePage) -> None:
        story = with_a_loss()
        await opened.feed(story.events[:-1])
        await opened.page.until(SETTLED)
        assert (await opened.data())["lost"] == "0"  # it may still come
        await opened.feed(story.events[-1:])
        assert (await opened.data())["lost"] == "1"
        await click_arrow(opened, "event.peer === 'n3' && event.body.entries?.[0] === 4")
        said = await opened.card()
        assert said["took"] == "lost: no receipt within a second"
        assert said["entries"] == "4, 4"
        assert await opened.page.text(".lamport-card h3") == "AppendEntries: n1 → n3"

    diagram.run(watch)


def test_the_way_of_an_entry_is_what_carried_it_and_what_followed(diagram: OnePage) -> None:
    async def watch(opened: OnePage) -> None:
        story = with_a_loss()
        story.write(1)
        trace = {"tag": "mine", "kind": "execute", "request": 1, "commands": 1, "index": 4, "replied_us": 900}
        story.say("n1", "trace", **trace)
        await opened.feed(story.events)
        await opened.page.until("!document.getElementById('lamport-traces').disabled")
        await opened.page.value("document.getElementById('lamport-traces').value = '4'")
        await opened.page.value("document.getElementById('lamport-traces').onchange()")
        assert (await opened.data())["only"] == "4"
        found = await places(opened)
        told = [(one["node"], one["type"], one["peer"]) for one in found if one["node"] == "n1"]
        assert ("n1", "append", None) in told
        assert told.count(("n1", "sent", "n3")) == 2  # lost, and again with the next entry
        assert ("n1", "received", "n2") in told
        assert ("n1", "commit", None) in told
        assert ("n1", "reply", None) in told
        on_n2 = [one["type"] for one in found if one["node"] == "n2"]
        assert on_n2 == ["received", "append", "storage", "sent", "heartbeat_received", "commit", "apply"]
        assert not [one for one in found if one["type"] in ("vote", "role", "request")]
        await opened.page.value("document.getElementById('lamport-clear').click()")
        assert int((await opened.data())["shown"]) > len(found)

    diagram.run(watch)


def test_what_has_nothing_to_do_with_the_chosen_event_fades(diagram: OnePage) -> None:
    async def watch(opened: OnePage) -> None:
        story = Story(3)
        story.elect("n1")
        story.write(1, to=["n2"], commit=False)
        await opened.feed(story.events)
        found = f"{DIAGRAM}._slots.places.map((place) => place.event)"
        joined = f"{found}.find((event) => event.node === 'n2' && event.type === 'append' && event.first === 2)"
        await opened.page.value(f"{DIAGRAM}._choose({joined})")
        cone = f"{DIAGRAM}._cone"
        of = f"{found}.filter((event) => SET.has(event)).map((event) => event.node + ' ' + event.type)"
        before = await opened.page.value(of.replace("SET", f"{cone}.before"))
        after = await opened.page.value(of.replace("SET", f"{cone}.after"))
        assert before[:2] == ["n1 boot", "n2 boot"]
        assert "n1 role" in before
        assert after == ["n2 append", "n2 storage", "n2 sent", "n1 received"]
        neither = f"{found}.filter((event) => !{cone}.before.has(event) && !{cone}.after.has(event))"
        assert "n3 commit" in await opened.page.value(f"{neither}.map((event) => event.node + ' ' + event.type)")

    diagram.run(watch)


def test_a_pause_stands_still_while_events_go_on_coming(diagram: OnePage) -> None:
    async def watch(opened: OnePage) -> None:
        story = Story(3)
        story.elect("n1")
        story.write(3)
        await opened.feed(story.events)
        await opened.page.value("document.getElementById('lamport-pause').click()")
        before = await opened.data()
        assert before["paused"] == "true"
        told = len(story.events)
        story.write(5)
        await opened.feed(story.events[told:])
        assert (await opened.data())["shown"] == before["shown"]
        await opened.page.value("document.getElementById('lamport-follow').click()")
        assert int((await opened.data())["shown"]) > int(before["shown"])

    diagram.run(watch)


def test_the_oldest_events_go_and_what_is_in_view_stays_in_its_place(diagram: OnePage) -> None:
    async def watch(opened: OnePage) -> None:
        story = Story(3)
        story.elect("n1")
        for _ in range(400):
            story.write(1)
        for begin in range(0, len(story.events), 1500):
            await opened.feed(story.events[begin : begin + 1500])
        assert len(story.events) > 10_000
        assert await opened.page.value(f"{DIAGRAM}._store.events.length") <= 8000
        assert await opened.page.value(f"{DIAGRAM}._store.last().length") == 4000
        assert int((await opened.data())["shown"]) <= 4000
        await opened.page.until(SETTLED)
        last = story.events[-1]
        point = (
            f"{DIAGRAM}._painter.points.find(({{event}}) => event.type === 'apply' && event.last === {last['last']})"
        )
        assert await opened.page.value(f"{point}.x > {DIAGRAM}._frame.width / 2")

    diagram.run(watch)


def test_heartbeats_are_asked_for_only_when_they_are_wanted(diagram: OnePage) -> None:
    async def watch(opened: OnePage) -> None:
        assert await opened.page.value(f"{DIAGRAM}.types") == ["sent", "received"]
        await opened.page.value("document.getElementById('lamport-beats').click()")
        assert len(await opened.page.value(f"{DIAGRAM}.types")) == 4
        await opened.page.until("document.getElementById('lamport-beats').ariaPressed === 'true'")

    diagram.run(watch)


def test_another_moment_shows_what_led_there(diagram: OnePage) -> None:
    async def watch(opened: OnePage) -> None:
        story = with_a_loss()
        await opened.feed(story.events)
        early = [[number, one] for number, one in enumerate(story.events[:12])]
        await opened.page.value(f"{DIAGRAM}.begin(raftzmq.player.state, JSON.parse({json.dumps(json.dumps(early))}))")
        assert {one["lamport"] for one in await places(opened)} <= {one["lamport"] for one in story.events[:12]}

    diagram.run(watch)


def test_hostile_and_malformed_events_are_shown_as_text_or_not_at_all(diagram: OnePage) -> None:
    async def watch(opened: OnePage) -> None:
        story = Story(3)
        story.elect("n1")
        evil = "<img src=x onerror=alert(1)>\x00\u202e" + "y" * 1000
        body = {"term": 1, "entries": [], evil: evil}
        story.say("n1", "sent", mid="n1:77", peer="n2", message=evil, bytes=1, body=body)
        odd = [event("sent", "n1", mid=5), event("append", "n1", first="x"), event("process", "collector", name=7)]
        odd += [event("received", "n1", mid="n9:1", peer="n9", message="AppendEntries", body=None)]
        await opened.feed(story.events + odd)
        await opened.page.value(
            f"{DIAGRAM}._choose({DIAGRAM}._slots.places.find(({{event}}) => event.mid === 'n1:77').event)"
        )
        await opened.page.value(DRAWN)
        shown = await opened.page.value("document.querySelector('.lamport-card').textContent")
        assert "<img src=x onerror=alert(1)>␀\\u{202e}yyy" in shown
        assert "(1,030 characters)" in shown
        assert await opened.page.value("document.querySelectorAll('.lamport-card img').length") == 0

    diagram.run(watch)


def test_time_goes_down_on_a_narrow_screen_and_nothing_is_wider_than_it(diagram: OnePage) -> None:
    async def watch(opened: OnePage) -> None:
        await opened.feed(minority_leader().events)
        assert (await opened.data())["direction"] == "tall"
        tools = "document.querySelector('.lamport-tools')"
        assert await opened.page.value(f"{tools}.clientHeight >= {tools}.firstElementChild.offsetHeight")
        assert await opened.page.value("document.documentElement.scrollWidth") <= 390
        points = await opened.page.value(
            f"{DIAGRAM}._painter.points.filter(({{event}}) => event.node === 'n3').map(({{x}}) => x)"
        )
        assert len(set(points)) == 1

    diagram.run(watch, 390)


def test_a_node_that_was_away_has_no_line_until_it_starts(diagram: OnePage) -> None:
    async def watch(opened: OnePage) -> None:
        story = Story(3)
        story.elect("n1")
        story.write(1, to=["n2"])
        story.boot("n3", "b2")
        await opened.feed(story.events)
        found = await places(opened)
        line = [(one["type"], one["at"]) for one in found if one["node"] == "n3"]
        assert [kind for kind, _ in line][-1] == "boot"
        away = await opened.page.value(f"{DIAGRAM}._slots.absences.filter(({{node}}) => node === 'n3')")
        assert away[-1] == {"node": "n3", "from": line[-2][1], "to": line[-1][1]}
        assert [one["to"] for one in away[:-1]] == [line[0][1]]

    diagram.run(watch)
