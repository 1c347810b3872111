"""Puts that a script keeps under way, several at a time."""

from __future__ import annotations

import time
from concurrent.futures import FIRST_COMPLETED, Future, wait

from raftzmq.client.results import PutResult
from raftzmq.client.sync import Client

PATIENCE_S = 15.0


class Load:
    """Puts of new keys, ``in_flight`` of them at a time; ``acknowledged`` are the keys of those that were answered."""

    def __init__(self, client: Client, prefix: str, in_flight: int) -> None:
        self.acknowledged: list[str] = []
        self._client = client
        self._prefix = prefix
        self._in_flight = in_flight
        self._made = 0
        self._waiting: dict[Future[PutResult], str] = {}

    def run(self, seconds: float, least: int = 0, patience_s: float = PATIENCE_S) -> None:
        """Go on for so long, and until ``least`` were answered, but no longer than ``patience_s`` for that.

        What is under way then stays so.
        """
        begun = time.monotonic()
        while (passed := time.monotonic() - begun) < seconds or (
            len(self.acknowledged) < least and passed < patience_s
        ):
            while len(self._waiting) < self._in_flight:
                key = f"{self._prefix}/{self._made:06}"
                self._waiting[self._client.put_async(key, b"x" * 64)] = key
                self._made += 1
            wait(self._waiting, timeout=0.05, return_when=FIRST_COMPLETED)
            self._take()

    def finish(self) -> None:
        """Wait for all that is under way: each ends by its timeout."""
        wait(self._waiting)
        self._take()

    def _take(self) -> None:
        for future in [future for future in self._waiting if future.done()]:
            key = self._waiting.pop(future)
            if future.exception() is None:
                self.acknowledged.append(key)
