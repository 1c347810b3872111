"""One browser with the page of a collector that has heard nothing, for all tests of a file: a page anew for each."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any

from tests.collector.web.support import Serving, serving
from tests.page.chromium import Tab, tab
from tests.page.story import Event

HEIGHT = 900
DRAWN = """
(async () => {
  raftzmq.changed();
  await raftzmq.frames.drawn();
  await new Promise(requestAnimationFrame);
})()
"""
_FEED = """
(() => {
  const events = JSON.parse(%s);
  for (const event of events) raftzmq.player.state.fold(event);
  raftzmq.panels.take(events.map((event, i) => [i, event]));
  raftzmq.changed();
})()
"""
_LINES = """
[...document.querySelectorAll(".panel:not([hidden]) aside [data-field]")].map(
  (line) => [line.dataset.field, line.querySelector("dd").textContent])
"""


class OnePage:
    """A tab; ``panel`` is in front."""

    def __init__(self, runner: asyncio.Runner, page: Tab, server: Serving, panel: str) -> None:
        self._runner = runner
        self.page = page
        self.serving = server
        self._url = f"http://127.0.0.1:{server.address[1]}/?language=en&theme=light"
        self._panel = panel

    def run(self, what: Callable[[OnePage], Awaitable[None]], width: int = 1280) -> None:
        """Do it with a new page of this width; fails on anything that the page complains of."""

        async def anew() -> None:
            page = self.page
            await page.resize(width, HEIGHT)
            await page.open("about:blank")
            await page.until("location.href === 'about:blank'")
            page.errors.clear()
            await page.open(self._url)
            # The collector's own state comes first, and would take the place of what tests feed.
            await page.until("window.raftzmq?.panels && document.getElementById('link').dataset.standing === 'live'")
            await page.value(f"raftzmq.panels.show('{self._panel}')")
            await what(self)
            assert page.errors == []

        self._runner.run(anew())

    async def feed(self, events: list[Event]) -> None:
        """Fold events into the page's state and hand them to its panels, as the stream does."""
        await self.page.value(_FEED % json.dumps(json.dumps(events)))
        await self.page.value(DRAWN)

    async def data(self) -> dict[str, str]:
        """What the panel says of itself in attributes."""
        await self.page.value(DRAWN)
        found: dict[str, str] = await self.page.value(
            f"({{...document.getElementById('panel-{self._panel}').dataset}})"
        )
        return found

    async def card(self) -> dict[str, str]:
        """What the panel says of the chosen thing, by field."""
        await self.page.value(DRAWN)
        return dict(await self.page.value(_LINES))

    async def click(self, canvas: str, point: str) -> None:
        """Press at a point of a canvas: an expression for ``[x, y]`` in its pixels."""
        await self.page.value(f"document.getElementById('{canvas}').scrollIntoView()")
        await self.page.value(DRAWN)
        x, y = await self.page.value(
            f"(() => {{ const box = document.getElementById('{canvas}').getBoundingClientRect();"
            f"const [x, y] = {point}; return [box.left + x, box.top + y]; }})()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            await self.page.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    async def press(self, key: str) -> None:
        """A key, also one that makes no letter."""
        for kind in ("rawKeyDown", "keyUp"):
            await self.page.call("Input.dispatchKeyEvent", type=kind, key=key)


@contextmanager
def one_page(panel: str, **options: Any) -> Iterator[OnePage]:
    """With this panel in front, until the end; ``options`` are those of the serving side."""
    with asyncio.Runner() as runner, serving(5, **options) as one:
        stack = AsyncExitStack()

        async def begin() -> Tab:
            return await stack.enter_async_context(tab(1280, HEIGHT))

        page = runner.run(begin())
        try:
            yield OnePage(runner, page, one, panel)
        finally:
            runner.run(stack.aclose())
