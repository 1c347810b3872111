"""A real cluster with a collector, and its page in a browser: with the control token, or without."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.collector.support import Running, free_endpoints
from tests.live.harness import LAUNCHER, LiveCluster
from tests.page.chromium import Tab, tab


@dataclass
class Shown:
    """The cluster, its collector's address, the token, and the tab."""

    cluster: LiveCluster
    address: str
    token: str
    page: Tab

    async def open(self, *, control: bool = True, language: str = "en") -> None:
        """Open the page, from nothing; wait until it knows the leader."""
        await self.page.open("about:blank")
        await self.page.value("0")
        part = f"#token={self.token}" if control else ""
        await self.page.open(f"{self.address}/?language={language}&theme=light{part}")
        await self.page.until("window.raftzmq?.control && document.body.dataset.leader")
        if control:
            await self.page.until("raftzmq.control.allowed")

    async def panel(self, name: str) -> None:
        """Bring a panel to the front by its tab."""
        await self.click(f"#tab-{name}")
        await self.page.until(f"!document.getElementById('panel-{name}').hidden")

    async def click(self, selector: str, text: str | None = None) -> None:
        """Click the first element there, or the first with this text in it."""
        has = "true" if text is None else f"one.textContent.includes({json.dumps(text)})"
        found = f"[...document.querySelectorAll({json.dumps(selector)})].find((one) => {has})"
        await self.page.until(found)
        await self.page.value(f"{found}.dispatchEvent(new MouseEvent('click', {{ bubbles: true }}))")

    async def type(self, selector: str, text: str) -> None:
        """Put text into a field, as an input method does."""
        await self.page.value(
            f"(() => {{ const field = document.querySelector({json.dumps(selector)}); "
            "field.focus(); field.select(); })()"
        )
        if text:
            await self.page.call("Input.insertText", text=text)
        else:
            await self.page.value(f"document.querySelector({json.dumps(selector)}).value = ''")

    async def texts(self, selector: str) -> list[str]:
        """The texts of all elements there."""
        found: list[str] = await self.page.value(
            f"[...document.querySelectorAll({json.dumps(selector)})].map((one) => one.textContent)"
        )
        return found


@asynccontextmanager
async def shown(directory: Path, nodes: int = 3, *, launcher: Sequence[str] = LAUNCHER) -> AsyncIterator[Shown]:
    """All of it, ended at the end."""
    with LiveCluster(directory, nodes, runtime="threads", launcher=launcher) as cluster:
        cluster.start()
        web = free_endpoints(1)[0].replace("tcp", "http")
        running = Running(replace(cluster.configuration, web=web), directory / "recorded")
        try:
            assert running.collector.web is not None
            await asyncio.to_thread(cluster.leader)
            async with tab() as page:
                yield Shown(cluster, web, running.collector.web.token.text, page)
        finally:
            running.close()
