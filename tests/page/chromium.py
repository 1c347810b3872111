"""Headless Chromium for tests, driven over the DevTools protocol: a page, what it says, and whom it asked."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.collector.support import wait_until

PATIENCE_S = 60.0
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
NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium_path() -> str:
    """Where Chromium is; skips the test where it isn't installed."""
    for name in NAMES:
        found = shutil.which(name)
        if found is not None:
            return found
    pytest.skip("chromium is not installed")


class Tab:
    """A tab and all that went wrong in it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._number = 0
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.errors: list[str] = []
        self.hosts: set[str] = set()
        """Whom requests went to, with their ports."""

    async def listen(self) -> None:
        """Take the browser's messages until it leaves."""
        async for message in self._socket:
            document = json.loads(message.data)
            if "id" in document:
                self._answers.pop(document["id"]).set_result(document)
            else:
                self._hear(document["method"], document["params"])

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
        """One command of the protocol."""
        self._number += 1
        answer = self._answers[self._number] = asyncio.get_running_loop().create_future()
        await self._socket.send_str(json.dumps({"id": self._number, "method": method, "params": params}))
        document = await asyncio.wait_for(answer, PATIENCE_S)
        assert "error" not in document, document
        result: dict[str, Any] = document["result"]
        return result

    async def open(self, url: str) -> None:
        """Go there."""
        await self.call("Page.navigate", url=url)

    async def value(self, expression: str) -> Any:
        """What an expression, or its promise, comes to."""
        answer = await self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, f"{expression}: {answer['exceptionDetails']}"
        return answer["result"].get("value")

    async def until(self, expression: str) -> None:
        """Wait for it to be true."""
        try:
            await self.value(_UNTIL.replace("CONDITION", expression))
        except AssertionError:
            raise AssertionError(f"waited in vain until {expression}; errors of the page: {self.errors}") from None

    async def text(self, selector: str) -> str:
        """The text of the first element there."""
        found = await self.value(f"document.querySelector({json.dumps(selector)}).textContent")
        assert isinstance(found, str)
        return found

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


@contextmanager
def browser() -> Iterator[str]:
    """A browser of its own; where its DevTools listen."""
    home = Path(tempfile.mkdtemp(prefix="raftzmq-page-"))
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-extensions", "--lang=en"]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [chromium_path(), *options, *quiet, "--remote-debugging-port=0", f"--user-data-dir={home}", "about:blank"],
            stdout=log,
            stderr=log,
        )
    told = home / "DevToolsActivePort"

    def serves() -> bool:
        assert process.poll() is None, (home / "log").read_text()
        return told.exists() and "\n" in told.read_text()

    try:
        wait_until(serves, "the browser has started")
        yield f"http://127.0.0.1:{told.read_text().split()[0]}"
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
        shutil.rmtree(home, ignore_errors=True)


@asynccontextmanager
async def tab(width: int = 1280, height: int = 900) -> AsyncIterator[Tab]:
    """A tab of a browser of its own."""
    with browser() as tools:
        async with aiohttp.ClientSession() as session:
            async with session.put(f"{tools}/json/new?about:blank") as answer:
                url = (await answer.json())["webSocketDebuggerUrl"]
            async with session.ws_connect(url, max_msg_size=0) as socket:
                found = Tab(socket)
                listening = asyncio.create_task(found.listen())
                for domain in ("Page", "Runtime", "Log", "Network"):
                    await found.call(f"{domain}.enable")
                await found.resize(width, height)
                yield found
                listening.cancel()
                with suppress(asyncio.CancelledError):
                    await listening
