"""The feed: what happened, why and by which rule; chosen by node and kind; and what comes disturbs no reader."""

from __future__ import annotations

import asyncio

from tests.page.chromium import Tab
from tests.page.planted import elected, shown

_CHOOSE = """
(() => {
  const choice = document.getElementById("ID");
  choice.value = "VALUE";
  choice.dispatchEvent(new Event("change"));
})()
"""


async def choose(page: Tab, choice: str, value: str) -> list[str]:
    """Choose, and what the lines then say."""
    await page.value(_CHOOSE.replace("ID", choice).replace("VALUE", value))
    found = await page.value("[...document.querySelectorAll('#feed .what')].map((line) => line.textContent)")
    assert isinstance(found, list)
    return found


def test_a_line_says_what_and_why_and_by_which_rule() -> None:
    async def watch() -> None:
        async with shown() as (_, page):
            await page.until("document.querySelector('#feed .role-candidate')")
            assert await page.text("#feed .role-candidate .what") == "n2 stands for election in term 7"
            assert await page.text("#feed .role-candidate .why") == "a majority would vote for this node"
            assert (await page.text("#feed .role-candidate .rule")).startswith("Raft §5.1")
            await page.press("l")
            await page.until("document.documentElement.lang === 'ja'")
            assert await page.text("#feed .role-candidate .why") == "過半数が投票する見込み"

    asyncio.run(watch())


def test_what_many_do_alike_is_one_line() -> None:
    async def watch() -> None:
        async with shown() as (one, page):
            await page.until("document.querySelector('#feed .role-leader')")
            ask = {"type": "vote", "candidate": "n4", "pre_vote": False, "term": 8}
            for node, granted, reason in (
                ("n1", True, "voted"),
                ("n2", False, "its log is behind"),
                ("n3", True, "voted"),
            ):
                one.offer({**ask, "node": node, "granted": granted, "reason": reason})
            one.offer({**ask, "node": "n5", "granted": True, "reason": "voted", "term": 9})
            await page.until("document.querySelectorAll('#feed .vote').length === 3")
            await page.until("document.querySelectorAll('#feed .vote')[2].textContent.includes('n1, n3')")
            found = await page.value(
                "[...document.querySelectorAll('#feed .vote .what')].map((line) => line.textContent)"
            )
            assert found == [
                "n5 votes for n4 in term 9",
                "n2 refuses its vote to n4 in term 8",
                "n1, n3 vote for n4 in term 8",
            ]
            cut = {
                "type": "fault",
                "what": "set",
                "cut": True,
                "drop": 0,
                "duplicate": 0,
                "delay_us": 0,
                "jitter_us": 0,
            }
            one.offer(*({**cut, "node": node, "peer": peer, "for_us": None} for node in "abcd" for peer in "ef"))
            one.offer({**cut, "node": "a", "peer": "e", "cut": False, "what": "healed", "for_us": None})
            await page.until("document.querySelectorAll('#feed .fault').length === 2")
            assert await page.text("#feed .fault + .fault .what") == (
                "links a → e, a → f, b → e, b → f, c → e, c → f and 2 more: cut"
            )
            assert await page.text("#feed .fault .what") == "link a → e is sound again"

    asyncio.run(watch())


def test_lines_are_chosen_by_node_and_kind() -> None:
    async def watch() -> None:
        async with shown() as (one, page):
            one.offer({"node": "n3", "type": "truncate", "first": 5, "last": 9, "leader": "n2", "term": 7})
            one.offer({"node": "n4", "type": "room", "has_room": False, "term": 7})
            await page.until("document.querySelector('#feed .room')")
            assert await choose(page, "feed-kind", "logs") == [
                "n4's disk is full: it takes no entries",
                "n3 drops entries 5–9 that conflict with n2's",
            ]
            assert await choose(page, "feed-node", "n4") == ["n4's disk is full: it takes no entries"]
            assert await choose(page, "feed-node", "n5") == []
            assert await page.text("#feed .quiet") == "Nothing of this kind has happened lately."
            one.offer({"node": "n5", "type": "room", "has_room": True, "term": 7})
            await page.until("document.querySelector('#feed .what')")
            assert await page.text("#feed .what") == "n5 has room on its disk again"
            assert any(
                line.startswith("n2 leads")
                for line in (await choose(page, "feed-node", "")) + (await choose(page, "feed-kind", ""))
            )

    asyncio.run(watch())


def test_what_is_read_stays_where_it_is() -> None:
    async def watch() -> None:
        async with shown() as (one, page):
            for term in range(8, 14):
                one.offer(*elected("n2", term))
            await page.until("document.querySelector('#feed .what').textContent === 'n2 leads term 13'")
            await page.value("document.getElementById('feed').scrollTop = 200")
            lines = "[...document.querySelectorAll('#feed li')]"
            at = f"{lines}.find((line) => line.textContent.includes('n2 leads term 12'))"
            before = await page.value(f"{at}.getBoundingClientRect().top")
            one.offer(*elected("n3", 14))
            await page.until("!document.getElementById('feed-new').hidden")
            assert abs(await page.value(f"{at}.getBoundingClientRect().top") - before) < 1
            await page.value("document.getElementById('feed-new').click()")
            await page.until(
                "document.getElementById('feed').scrollTop === 0 && document.getElementById('feed-new').hidden"
            )
            assert await page.text("#feed .what") == "n3 leads term 14"

    asyncio.run(watch())


def test_a_line_leads_to_its_moment() -> None:
    async def watch() -> None:
        async with shown() as (one, page):
            one.offer({"node": "n4", "type": "room", "has_room": False, "term": 7})
            await page.until("document.querySelector('#feed .room[data-position]')")
            position = await page.value("Number(document.querySelector('#feed .room').dataset.position)")
            assert position == one.position
            await page.value("raftzmq.player.goTo = (moment) => (window.asked = moment)")
            await page.value("document.querySelector('#feed .room .what').click()")
            assert await page.value("window.asked") == {"position": position}

    asyncio.run(watch())
