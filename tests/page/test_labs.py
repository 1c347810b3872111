"""The labs on the page: what each shows, its verdict with the events that show it, its steps as places to look at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from raftzmq.labs.syllabus import SYLLABUS
from tests.collector.web.support import serving
from tests.labs.histories import recorded, without
from tests.labs.kept_run import keep_run
from tests.page.chromium import Tab, tab

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

CARD = """
(() => {
  const of = (selector) => [...document.querySelectorAll(`#lab ${selector}`)];
  return {
    title: of('h3')[0].textContent,
    badge: of('.lab-badge')[0].textContent,
    command: of('.lab-command code')[0].textContent,
    checks: of('.lab-checks li').map((one) => [one.dataset.held, one.querySelector('p').firstChild.textContent]),
    places: of('.lab-places button').length,
    steps: of('.lab-step').map((one) => one.textContent),
    now: of('.lab-steps li').findIndex((one) => one.ariaCurrent === 'step'),
    ran: !of('.lab-ran')[0].hidden,
  };
})()
"""


@asynccontextmanager
async def page_of(home: Path, language: str = "en") -> AsyncIterator[Tab]:
    """The page of a collector beside whose recordings the runs of labs lie."""
    with serving(directory=home / "collector") as one:
        async with tab() as page:
            await page.open(f"http://{one.address[0]}:{one.address[1]}/?panel=labs&language={language}&theme=light")
            await page.until(f"document.querySelectorAll('#labs-list button').length === {len(SYLLABUS)}")
            yield page
            assert not page.errors, page.errors


async def choose(page: Tab, name: str) -> dict[str, Any]:
    await page.value(f"document.querySelector('[data-lab={name}]').click()")
    await page.until(f"document.querySelector('#lab .lab').dataset.lab === '{name}'")
    card: dict[str, Any] = await page.value(CARD)
    return card


async def look_at(page: Tab, selector: str) -> tuple[int, int]:
    """Click a place to look at: where it says, and the position that the page then shows."""
    wanted = int(await page.value(f"document.querySelector('{selector}').dataset.position"))
    await page.value(f"document.querySelector('{selector}').click()")
    await page.until(f"!raftzmq.player.live && raftzmq.player.position === {wanted}")
    return wanted, int(await page.value("raftzmq.player.position"))


def test_a_lab_shows_its_verdict_and_its_recording_opens_at_its_steps(tmp_path: Path) -> None:
    run = keep_run(tmp_path / "labs" / "good", "leader-dies")
    keep_run(tmp_path / "labs" / "bad", "clean-election", moments=without("vote")(recorded("clean-election")))

    async def scenario() -> None:
        async with page_of(tmp_path) as page:
            card = await choose(page, "leader-dies")
            assert card["title"] == SYLLABUS["leader-dies"].title.en
            assert card["command"] == "bin/raftzmq lab run leader-dies"
            assert card["badge"] == f"✓ all {len(run.verdict.checks)} checks hold"
            assert card["checks"] == [["true", check.sentence.en] for check in run.verdict.checks]
            assert card["steps"] == [told.step.what.en for told in run.steps]
            assert card["places"] > 5
            assert card["now"] == -1

            await page.value("document.getElementById('lab-open').click()")
            await page.until(f"raftzmq.player.position === {run.steps[0].position}")
            await page.until("document.getElementById('lab-open').ariaPressed === 'true'")
            await look_at(page, "#lab .lab-steps li:nth-child(3) button")
            await page.until(f"({CARD}).now === 2")
            await look_at(page, "#lab .lab-places button")
            await page.until(f"({CARD}).now === -1")  # before its first step
            state = await page.value("Object.keys(raftzmq.player.state.all.nodes).sort()")
            assert state
            assert set(state) <= {"n1", "n2", "n3", "n4", "n5"}

            red = await choose(page, "clean-election")
            assert red["badge"].startswith("✗ ")
            assert ["false"] * 2 == [held for held, _ in red["checks"] if held == "false"]
            assert red["now"] == -1, "the recording that is open is another lab's"
            never = await choose(page, "three-of-five")
            assert not never["ran"]

    asyncio.run(scenario())


def test_a_lab_speaks_japanese(tmp_path: Path) -> None:
    run = keep_run(tmp_path / "labs" / "one", "leader-dies")

    async def scenario() -> None:
        async with page_of(tmp_path, "ja") as page:
            card = await choose(page, "leader-dies")
            assert card["title"] == SYLLABUS["leader-dies"].title.ja
            assert [sentence for _, sentence in card["checks"]] == [c.sentence.ja for c in run.verdict.checks]
            assert card["steps"] == [told.step.what.ja for told in run.steps]

    asyncio.run(scenario())


def test_a_run_that_ends_while_one_looks_appears(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with page_of(tmp_path) as page:
            assert not (await choose(page, "clean-election"))["ran"]
            await asyncio.to_thread(keep_run, tmp_path / "labs" / "one", "clean-election")
            await page.until(f"({CARD}).ran")

    asyncio.run(scenario())


def test_the_lab_whose_recording_is_opened_comes_up_by_itself(tmp_path: Path) -> None:
    keep_run(tmp_path / "labs" / "one", "leader-dies", began_ms=1)
    keep_run(tmp_path / "labs" / "two", "clean-election")

    async def scenario() -> None:
        async with page_of(tmp_path) as page:
            await page.until(f"({CARD}).title === {SYLLABUS['clean-election'].title.en!r}")
            await page.value("raftzmq.player.goTo({ recording: 'one', position: 100 })")
            await page.until(f"({CARD}).title === {SYLLABUS['leader-dies'].title.en!r}")

    asyncio.run(scenario())


def test_whatever_a_run_says_is_shown_as_text(tmp_path: Path) -> None:
    hostile = "<img src=x onerror='document.title=1'><script>document.title=2</script>\u0000\u202e"
    run = keep_run(tmp_path / "labs" / "one", "leader-dies")
    document = run.to_json()
    words = {"en": hostile, "ja": hostile}
    document["note"] = hostile
    document["steps"][0] |= {"what": words, "watch": words, "rule": words}
    document["verdict"]["checks"][0] |= {"sentence": words, "seen": words}
    document["verdict"]["exhibits"] = [{"title": words, "lines": [hostile]}]
    (run.directory / "lab.json").write_bytes(orjson.dumps(document))

    async def scenario() -> None:
        async with page_of(tmp_path) as page:
            card = await choose(page, "leader-dies")
            assert card["steps"][0] == hostile
            assert card["checks"][0][1] == hostile
            assert await page.value("document.querySelectorAll('#lab img, #lab script').length") == 0
            assert "1" != await page.value("document.title") != "2"

    asyncio.run(scenario())
