"""Headless Chromium, driven over the DevTools protocol: a page, what it says, whom it asks, and what it costs.

The protocol is Chromium's own; its domains are named as in its documentation.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from raftzmq.benchmarks.program import undisturbed
from raftzmq.errors import RaftzmqError

PATIENCE_S = 60.0
END_S = 10.0
"""How long the browser may take to end when it is told to."""
NAMES = ("chromium", "chromium-browser", "google-chrome")
_UNTIL = f"""
new Promise((done, fail) => {{
  const end = performance.now() + {PATIENCE_S * 900};
  const look = () => {{
    if (CONDITION) done();
    else if (performance.now() > end) fail(new Error("waited in vain"));
    else setTimeout(look, 20);
  }};
  look();
}})
"""
_OPTIONS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--lang=en"),
    *("--disable-background-networking", "--disable-component-update", "--disable-extensions"),
    # Pages of the browser's own, two for each window: they took a core for seconds after ten windows were opened.
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup",
)


class ChromiumMissing(RaftzmqError):
    """No Chromium is installed."""


_LEFT = "navigated or closed", "context was destroyed"
"""What the browser says of a page that left while something was asked of it."""


class PageFailed(RaftzmqError):
    """The browser didn't start, or the page didn't do what it should."""


def chromium_path() -> str:
    """Where Chromium is; raises ChromiumMissing."""
    for name in NAMES:
        found = shutil.which(name)
        if found is not None:
            return found
    raise ChromiumMissing(
        f"no Chromium is installed ({', '.join(NAMES)} were looked for on the PATH), and the page is looked at with "
        "it: install the package 'chromium' and try again"
    )


class Tab:
    """A tab and all that went wrong in it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._number = 0
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._left = False
        self.errors: list[str] = []
        self.hosts: set[str] = set()
        """Whom requests went to, with their ports."""

    async def listen(self) -> None:
        """Take the browser's messages until it leaves."""
        try:
            async for message in self._socket:
                document = json.loads(message.data)
                if "id" in document:
                    self._answers.pop(document["id"]).set_result(document)
                else:
                    self._hear(document["method"], document["params"])
        finally:
            # Nobody will answer any more: whoever waits must not wait in vain.
            self._left = True
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(PageFailed("the browser has left"))

    def _hear(self, method: str, told: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            details = told["exceptionDetails"]
            self.errors.append(f"{details['text']} {details.get('exception', {}).get('description', '')}")
        elif method == "Log.entryAdded" and told["entry"]["level"] == "error":
            self.errors.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")
        elif method == "Runtime.consoleAPICalled" and told["type"] == "error":
            self.errors.append(str(told["args"]))
        elif method == "Network.requestWillBeSent":
            self.hosts.add(urlsplit(told["request"]["url"]).netloc)
        elif method == "Network.webSocketCreated":
            self.hosts.add(urlsplit(told["url"]).netloc)

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of the protocol; raises PageFailed for what the browser refuses, or if it doesn't answer."""
        if self._left:
            raise PageFailed("the browser has left")
        self._number += 1
        answer = self._answers[self._number] = asyncio.get_running_loop().create_future()
        await self._socket.send_str(json.dumps({"id": self._number, "method": method, "params": params}))
        try:
            document = await asyncio.wait_for(answer, PATIENCE_S)
        except TimeoutError:
            raise PageFailed(f"the browser did not answer {method} within {PATIENCE_S:g} s") from None
        if "error" in document:
            raise PageFailed(f"the browser refuses {method}: {document['error']}")
        result: dict[str, Any] = document["result"]
        return result

    async def open(self, url: str) -> None:
        """Go there."""
        await self.call("Page.navigate", url=url)

    async def value(self, expression: str) -> Any:
        """What an expression, or its promise, comes to; raises PageFailed if it throws."""
        answer = await self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise PageFailed(f"{expression}: {answer['exceptionDetails']}; errors of the page: {self.errors}")
        return answer["result"].get("value")

    async def until(self, expression: str) -> None:
        """Wait for it to be true, of the page that comes if this one is about to leave.

        Raises PageFailed if it never is.
        """
        while True:
            try:
                await self.value(_UNTIL.replace("CONDITION", expression))
            except PageFailed as failure:
                if any(reason in str(failure) for reason in _LEFT):
                    continue
                if "waited in vain" not in str(failure):
                    raise
                raise PageFailed(f"waited in vain until {expression}; errors of the page: {self.errors}") from None
            return

    async def text(self, selector: str) -> str:
        """The text of the first element there."""
        return str(await self.value(f"document.querySelector({json.dumps(selector)}).textContent"))

    async def press(self, key: str) -> None:
        """A key that makes a letter."""
        await self.call("Input.dispatchKeyEvent", type="keyDown", key=key, text=key)
        await self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    async def resize(self, width: int, height: int) -> None:
        """The size of what is shown, in pixels."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        await self.call("Emulation.setDeviceMetricsOverride", **size)

    async def picture(self) -> bytes:
        """What is shown, as a PNG."""
        answer = await self.call("Page.captureScreenshot", format="png")
        return base64.b64decode(answer["data"])

    async def costs(self) -> dict[str, float]:
        """Chromium's own counts of this page; durations are of the main thread, in seconds of its processor time."""
        answer = await self.call("Performance.getMetrics")
        return {one["name"]: one["value"] for one in answer["metrics"]}


class Browser:
    """A browser that runs; ``tools`` is where its DevTools listen."""

    def __init__(self, tools: str, session: aiohttp.ClientSession) -> None:
        self.tools = tools
        self._session = session

    @asynccontextmanager
    async def tab(self, width: int = 1280, height: int = 900) -> AsyncIterator[Tab]:
        """Another tab of it, in a window of its own: behind another one it would not be drawn."""
        async with self._session.get(f"{self.tools}/json/version") as answer:
            steering = (await answer.json())["webSocketDebuggerUrl"]
        async with self._session.ws_connect(steering) as control:
            params = {"url": "about:blank", "newWindow": True}
            await control.send_json({"id": 1, "method": "Target.createTarget", "params": params})
            target = (await control.receive_json(timeout=PATIENCE_S))["result"]["targetId"]
        url = f"{self.tools.replace('http', 'ws', 1)}/devtools/page/{target}"
        async with self._session.ws_connect(url, max_msg_size=0) as socket:
            found = Tab(socket)
            listening = asyncio.create_task(found.listen())
            for domain in ("Page", "Runtime", "Log", "Network"):
                await found.call(f"{domain}.enable")
            # Not of the wall clock: what another process takes of the machine is none of the page's costs.
            await found.call("Performance.enable", timeDomain="threadTicks")
            await found.resize(width, height)
            try:
                yield found
            finally:
                with suppress(PageFailed, ConnectionError):
                    await found.call("Page.close")
                listening.cancel()
                with suppress(asyncio.CancelledError):
                    await listening


@contextmanager
def _process() -> Iterator[str]:
    home = Path(tempfile.mkdtemp(prefix="raftzmq-page-"))
    with (home / "log").open("wb") as log:
        command = [chromium_path(), *_OPTIONS, "--remote-debugging-port=0", f"--user-data-dir={home}", "about:blank"]
        # What it makes for itself goes where it is removed; its helpers are in its group, and end with it.
        environment = {**os.environ, "TMPDIR": str(home)}
        with undisturbed():
            process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, process_group=0)
    told = home / "DevToolsActivePort"
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not (told.exists() and "\n" in told.read_text()):
            if process.poll() is not None or time.monotonic() > deadline:
                raise PageFailed(f"Chromium didn't start: {(home / 'log').read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)
        yield f"http://127.0.0.1:{told.read_text().split()[0]}"
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(END_S)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        shutil.rmtree(home, ignore_errors=True)


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """A browser of its own, ended at the end; raises ChromiumMissing and PageFailed."""
    with _process() as tools:
        async with aiohttp.ClientSession() as session:
            yield Browser(tools, session)


@asynccontextmanager
async def tab(width: int = 1280, height: int = 900) -> AsyncIterator[Tab]:
    """A tab of a browser of its own."""
    async with browser() as one, one.tab(width, height) as found:
        yield found
