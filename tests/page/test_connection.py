"""What the page says when the collector goes and comes back, and of names that would like to be more than text."""

from __future__ import annotations

import asyncio
import io

from raftzmq.collector.web.server import Web
from raftzmq.events.logs import json_log
from tests.collector.web.support import leads, serving
from tests.page.chromium import tab


def test_a_lost_connection_is_said_and_found_again() -> None:
    async def watch() -> None:
        with serving(3) as one:
            one.offer(leads("n2", 7), {"node": "n2", "term": 7, "index": 1234, "previous": 11})
            async with tab() as page:
                await page.open(f"http://127.0.0.1:{one.address[1]}/?language=en")
                await page.until("document.getElementById('committed')?.textContent === '1,234'")
                assert await page.text("h1") == "n2 leads"
                assert await page.text("#term") == "7"
                assert await page.text("#link") == "live"
                one.web.close()
                await page.until("document.getElementById('link').textContent.startsWith('connection lost')")
                again = Web(*one.address, json_log(io.BytesIO()), config=one.config, boot="other")
                try:
                    again.start()
                    one.web = again
                    one.offer(leads("n3", 8))
                    await page.until("document.getElementById('link').textContent === 'live'")
                    await page.until("document.getElementById('term').textContent === '8'")
                    assert page.hosts == {f"127.0.0.1:{one.address[1]}"}
                finally:
                    again.close()

    asyncio.run(watch())


def test_names_and_reasons_are_text() -> None:
    async def watch() -> None:
        evil = "<img src=x onerror=alert(1)>"
        with serving(3) as one:
            async with tab() as page:
                await page.open(f"http://127.0.0.1:{one.address[1]}/?language=en")
                await page.until(
                    "window.raftzmq?.player.position === 0 && document.getElementById('link').textContent === 'live'"
                )
                one.offer({**leads(evil, 9), "reason": evil}, {"node": "__proto__", "type": "room", "has_room": False})
                await page.until("document.body.dataset.leader")
                assert await page.text("h1") == f"{evil} leads"
                assert await page.text("#feed .role-leader .why") == evil
                assert await page.value("document.querySelectorAll('main img').length") == 0
                await page.until("document.querySelector('[data-node=__proto__]')")
                assert page.errors == []

    asyncio.run(watch())
