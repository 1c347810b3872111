"""Somebody who follows the stream: what is wanted, how far it was read, and how the next part is fetched."""

from __future__ import annotations

import asyncio
from types import TracebackType

from raftzmq.collector.web.backlog import Kept
from raftzmq.collector.web.hub import Hub
from raftzmq.collector.web.refusal import Refusal
from raftzmq.collector.web.selection import Selection

READERS_MAX = 64
"""Browsers and curls that follow the stream at once: each costs a look at every event."""
BATCH_BYTES_MAX = 256 * 1024
"""What is handed to a socket at once."""
SEND_S = 10.0
"""A reader that doesn't take what was sent for so long is let go: it has died, or is stopped."""


class Reader:
    """A place in the hub's backlog. Use as a context manager, for as long as the stream is followed.

    Entering raises Refusal if there are too many readers already.
    """

    def __init__(self, hub: Hub, wanted: Selection) -> None:
        self._hub = hub
        self.wanted = wanted
        self.position = 0

    def __enter__(self) -> Reader:
        if self._hub.readers >= READERS_MAX:
            raise Refusal(
                503,
                f"{READERS_MAX} readers follow the events already: close one and try again, or subscribe to the "
                f"collector at {self._hub.config.collector}",
                {"Retry-After": "5"},
            )
        self._hub.follow(self, self.wanted)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hub.leave(self)

    def want(self, wanted: Selection) -> None:
        """Other events from now on."""
        self.wanted = wanted
        self._hub.follow(self, wanted)

    def has_lost(self) -> bool:
        """Has what comes next left the backlog?"""
        return self.position + 1 < self._hub.backlog.oldest

    def behind(self) -> int:
        """Events that aren't looked at yet."""
        return self._hub.backlog.newest - self.position

    def next(self) -> list[Kept]:
        """The wanted events of the next part; none if there are none yet."""
        found, self.position = self._hub.backlog.after(self.position, self.wanted, BATCH_BYTES_MAX)
        return found

    async def wait(self, seconds: float) -> None:
        """Return when there may be more, or after ``seconds``."""
        changed = self._hub.changed
        if self.behind() > 0:
            return
        try:
            async with asyncio.timeout(seconds):
                await changed.wait()
        except TimeoutError:
            return
