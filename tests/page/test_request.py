"""Where the time of a request went, on a real cluster: a waterfall that adds up, and a slow disk by its name."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from raftzmq.client.sync import Client
from tests.live.with_slow_log import DELAY_SECONDS, slow_file
from tests.page.shown import Shown, shown

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]

LAUNCHER = (sys.executable, "-P", str(Path(__file__).parents[1] / "live" / "with_slow_log.py"))
FALLS = """
[...document.querySelectorAll('.fall')].map((fall) => ({
  total: Number(fall.querySelector('.fall-total').dataset.us),
  parts: [...fall.querySelectorAll('[data-step]')].map(({ dataset: of }) => [of.step, of.node, Number(of.us)]),
  beside: [...fall.querySelectorAll('[data-beside]')].map((row) => row.dataset.beside),
  slowest: fall.querySelector('.fall-slowest')?.dataset.node ?? null,
  text: fall.textContent,
  inside: [...fall.querySelectorAll('.fall-track i')].every((bar) => {
    const [of, track] = [bar.getBoundingClientRect(), bar.parentElement.getBoundingClientRect()];
    return of.left >= track.left - 1 && of.right <= track.right + 4;
  }),
}))
"""


async def explain_last(one: Shown, op: str, key: str, value: str) -> list[dict[str, Any]]:
    """Do a command in the box, and one click further: its waterfalls."""
    await one.panel("keys")
    await one.click(".box-op", op)
    await one.type("#box-key", key)
    await one.type("#box-value", value)
    await one.page.value("document.querySelector('#box-log').replaceChildren()")
    await one.click("#box-send")
    await one.page.until("document.querySelector('#box-log li.good')")
    await one.click("#box-log .box-explain")
    await one.page.until(
        "document.querySelector('.fall') && document.querySelector('.request-main').ariaBusy === 'false'"
    )
    found: list[dict[str, Any]] = await one.page.value(FALLS)
    return found


async def check_command(one: Shown, leader: str) -> None:
    """The parts of a write add up to what its client measured; an append is a read and a write."""
    (put,) = await explain_last(one, "put", "colour", "blue")
    assert sum(us for *_, us in put["parts"]) == put["total"] > 0
    assert put["parts"][0][:2] == ["client", leader]
    assert {"disk", "apply"} <= {step for step, *_ in put["parts"]}
    decided = {node for step, node, _ in put["parts"] if step == "disk"}
    assert {*put["beside"], *decided, leader} == set(one.cluster.nodes)
    assert "as its client measured it" in put["text"]
    assert put["inside"]
    read, write = await explain_last(one, "append", "colour", ", green")
    assert [fall["parts"][0][0] for fall in (read, write)] == ["client", "client"]
    assert {"read", "confirm"} <= {step for step, *_ in read["parts"]}
    assert "apply" in {step for step, *_ in write["parts"]}
    assert "request 2 of 2" in write["text"]
    index = (await one.page.text(".fall:last-child .fall-head")).split("entry ")[1].split(" ")[0]
    await one.click(".fall-follow")
    await one.page.until(f"document.querySelector('#panel-lamport:not([hidden]) input')?.value === '{index}'")
    await one.panel("request")


async def check_list(one: Shown) -> None:
    """What nodes told of can be chosen; the box's commands have their names there."""
    page = one.page
    await page.until("document.querySelectorAll('#request-list li').length >= 3")
    assert any("append colour" in text for text in await one.texts("#request-list .request-tag"))
    await one.click("#request-list li", "put colour")
    await page.until("document.querySelectorAll('.fall').length === 1")
    await page.value(
        "(() => { const sort = document.getElementById('request-order'); sort.value = 'slowest'; sort.onchange(); })()"
    )
    widths = "[...document.querySelectorAll('#request-list .request-bar-of')].map((bar) => parseFloat(bar.style.width))"
    falling = "found.length >= 3 && found[0] === 100 && found.every((width, i) => !i || width <= found[i - 1])"
    await page.until(f"((found) => {falling})({widths})")


async def check_slow_disk(one: Shown, leader: str) -> None:
    """Of a follower that a majority waits for, and of one that it doesn't."""
    slow, quick = one.cluster.others(leader)
    file = slow_file(one.cluster.data / slow)
    file.touch()
    (beside,) = await explain_last(one, "put", "colour", "grey")
    assert slow in beside["beside"]
    assert not [step for step, node, _ in beside["parts"] if node == slow]
    one.cluster.nodes[quick].kill()
    (waited,) = await explain_last(one, "put", "colour", "black")
    step, node, us = max(waited["parts"], key=lambda part: part[2])
    assert (step, node) == ("disk", slow)
    assert us >= DELAY_SECONDS * 1_000_000
    assert waited["slowest"] == slow
    assert f"The slowest disk was {slow}'s" in waited["text"]
    assert f"of {quick} nothing was heard" in waited["text"]
    await one.page.press("l")
    await one.page.until("document.documentElement.lang === 'ja'")
    await one.page.until(
        f"document.querySelector('.fall-slowest')?.textContent.includes('もっとも遅いディスクは {slow}')"
    )
    japanese = await one.page.value(FALLS)
    assert japanese[0]["parts"] == waited["parts"]
    assert f"{slow} のディスク" in japanese[0]["text"]
    assert "disk" not in japanese[0]["text"]
    file.unlink()


def test_a_command_is_explained_by_one_click_and_a_slow_disk_is_named(tmp_path: Path) -> None:
    async def watch() -> None:
        async with shown(tmp_path, launcher=LAUNCHER) as one:
            leader = await asyncio.to_thread(one.cluster.leader)
            await one.open()
            await check_command(one, leader)
            await check_list(one)
            await check_slow_disk(one, leader)
            assert one.page.errors == []

    asyncio.run(watch())


def test_who_only_looks_sees_where_time_went_too(tmp_path: Path) -> None:
    async def watch() -> None:
        async with shown(tmp_path) as one:
            await one.open(control=False)
            await one.panel("request")
            assert "None yet" in await one.page.text(".request-side .data-empty")

            def put() -> None:
                evil = "<img src=x onerror=alert(1)>\u202e"
                with Client(one.cluster.endpoints, trace=evil) as client:
                    client.put("k", "v")

            await asyncio.to_thread(put)
            await one.page.until("document.querySelector('#request-list li')")
            await one.page.until("document.querySelector('.fall')")  # the slowest is chosen by itself
            assert any(
                text.endswith(r"<img src=x onerror=alert(1)>\u202e")
                for text in await one.texts("#request-list .request-tag")
            )
            assert await one.page.value("document.querySelectorAll('.panel-request img').length") == 0
            assert one.page.errors == []

    asyncio.run(watch())
