"""What the player asks for: one frame at a time, and of the collector what memory can't say; and what it is named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.page.one_page import OnePage, one_page

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def opened() -> Iterator[OnePage]:
    with one_page("table") as found:
        yield found


def at(opened: OnePage, script: str) -> Any:
    """What an async script comes to, in a new page."""
    found: list[Any] = []

    async def look(one: OnePage) -> None:
        found.append(await one.page.value(f"(async () => {{ const {{ player }} = raftzmq; {script} }})()"))

    opened.run(look)
    return found[0]


def test_changes_of_speed_and_pauses_begin_no_second_loop(opened: OnePage) -> None:
    script = """
    player.pause();
    let drawn = 0;
    const plain = player._frame;
    player._frame = function (now) { drawn += 1; return plain.call(this, now); };
    for (const speed of [0.5, 0.25, 0.1, 0.5]) await player.play(speed);
    for (let i = 0; i < 4; i++) { player.pause(); await player.play(0.5); }
    drawn = 0;
    for (let i = 0; i < 20; i++) await new Promise(requestAnimationFrame);
    return [player.playing, drawn];
    """
    playing, drawn = at(opened, script)
    assert playing
    assert 19 <= drawn <= 21


def test_the_next_happening_of_a_moment_that_memory_lost_is_asked_for(opened: OnePage) -> None:
    script = """
    const { History } = await import("/static/history.js");
    const { ClusterState } = await import("/static/state.js");
    player.pause();
    player._window = new History(100);
    player._window.begin(new ClusterState(), 5000);
    const role = { v: 1, node: "n1", boot: "b", ts: 1, term: 1, type: "role", role: "leader", reason: "votes" };
    player._window.take([[5001, role]]);
    const went = [];
    player._look = async ({ position }) => void went.push(position);
    window.fetch = async () => new Response('{"position": 12}');
    for (const position of [10, 5000]) {
      player._position = position;
      await player.stepNotable(1);
    }
    return went;
    """
    assert at(opened, script) == [12, 5001]


def test_the_address_names_the_moment_that_is_shown_or_none(opened: OnePage) -> None:
    script = """
    const named = async () => {
      await new Promise((done) => setTimeout(done, 500));
      return location.hash;
    };
    const found = [];
    player.pause();
    found.push(await named());
    history.replaceState(null, "", "#recording=live&at=77&more=1");
    player._changed();
    found.push(await named());
    player.goLive();
    found.push(await named());
    return found;
    """
    assert at(opened, script) == ["", "#recording=live&at=0&more=1", "#more=1"]
