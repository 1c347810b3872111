"""When the page draws: with each frame where the machine keeps up, and less often where it doesn't."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.page.one_page import OnePage, one_page

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

MACHINE = """
(async () => {
  const { Frames } = await import("/static/frames.js");
  const real = [requestAnimationFrame, setTimeout, clearTimeout];
  let now = 1000;
  const [frames, timers] = [[], []];
  window.requestAnimationFrame = (call) => void frames.push(call);
  window.setTimeout = (call, ms) => timers.push([now + ms, call]);
  window.clearTimeout = (number) => number && timers.splice(number - 1, 1);
  performance.now = () => now;
  const pulse = new Frames();
  // Waits as long as the page wants to, and then `late` until the machine has made the frame.
  const pass = (late) => {
    const begun = now;
    for (const [due, call] of timers.splice(0)) {
      now = due;
      call();
    }
    const waited = now - begun;
    now += late;
    for (const call of frames.splice(0)) call(now);
    return waited;
  };
  try {
    return (() => { %s })();
  } finally {
    [window.requestAnimationFrame, window.setTimeout, window.clearTimeout] = real;
    delete performance.now;
  }
})()
"""


@pytest.fixture(scope="module")
def opened() -> Iterator[OnePage]:
    with one_page("table") as found:
        yield found


def at(opened: OnePage, script: str) -> Any:
    """What a script comes to, on a machine whose clock and frames are the script's."""
    found: list[Any] = []

    async def look(one: OnePage) -> None:
        found.append(await one.page.value(MACHINE % script))

    opened.run(look)
    return found[0]


def draws(late: list[int]) -> str:
    """Draw once after the other; each frame comes so many ms late. Gives the pauses before each."""
    return f"return {json.dumps(late)}.map((late) => {{ pulse.pace(() => 0); return pass(late); }});"


def test_every_frame_is_drawn_while_they_come_in_time(opened: OnePage) -> None:
    assert at(opened, draws([16, 16, 33, 35, 16, 1])) == [0] * 6


def test_late_frames_double_the_pause_and_frames_in_time_shorten_it(opened: OnePage) -> None:
    assert at(opened, draws([16, 60, 60, 60, 16, 16, 16])) == [0, 0, 20, 40, 80, 76, 72]
    assert max(at(opened, draws([500] * 20))) == 200
    assert at(opened, draws([500] * 5 + [16] * 60))[-1] == 0, "and in the end there is none"


def test_what_the_viewer_does_waits_for_no_pause(opened: OnePage) -> None:
    script = """
    const drawn = [];
    for (let i = 0; i < 5; i++) { pulse.pace(() => 0); pass(100); }
    pulse.pace(() => drawn.push("moves"));
    pulse.ask(() => drawn.push("pressed"));
    return [pulse.pause > 100, pass(16), drawn, timers.length + frames.length];
    """
    assert at(opened, script) == [True, 0, ["moves", "pressed"], 0]


def test_what_asks_is_drawn_once_with_the_others_and_again_only_if_it_asks_again(opened: OnePage) -> None:
    script = """
    const drawn = [];
    const [one, two] = [() => drawn.push("one") < 2 && pulse.ask(one), () => drawn.push("two")];
    for (const draw of [one, two, one]) pulse.ask(draw);
    for (let i = 0; i < 3; i++) pass(16);
    return drawn;
    """
    assert at(opened, script) == ["one", "two", "one"]


def test_who_waits_for_a_frame_is_told_after_it(opened: OnePage) -> None:
    async def look(one: OnePage) -> None:
        told = "new Promise((done) => { let drawn = 0; raftzmq.frames.ask(() => (drawn = 1)); %s })"
        assert await one.page.value(told % "raftzmq.frames.drawn().then(() => done(drawn))") == 1

    opened.run(look)


def test_words_rest_between_live_events_and_come_all_the_same(opened: OnePage) -> None:
    """Many batches in a row: few drawings, the last of which has the last of them."""
    script = """
    (async () => {
      let drawings = 0;
      const plain = raftzmq._draw;
      raftzmq._draw = function (now) { drawings += 1; return plain.call(this, now); };
      await new Promise((done) => setTimeout(done, 120));
      drawings = 0;
      const begun = performance.now();
      while (performance.now() - begun < 400) {
        raftzmq._took([]);
        await new Promise((done) => setTimeout(done, 4));
      }
      const seen = [drawings, performance.now() - begun];
      raftzmq.player.state.all.term = 7777;
      raftzmq._took([]);
      while (document.getElementById("term").textContent !== "7,777") await new Promise(requestAnimationFrame);
      return seen;
    })()
    """
    found: list[list[float]] = []

    async def look(one: OnePage) -> None:
        found.append(await one.page.value(script))

    opened.run(look)
    [drawings, ms] = found[0]
    assert 0 < drawings <= ms / 50 + 3, "a rest of 50 ms between two, and the page's own clock asks now and then"
