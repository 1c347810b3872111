"""Who committed what first: nodes say so in events, which they make for those who listen."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Mapping
from contextlib import closing
from typing import Any, Self, cast

import orjson

from raftzmq.collector.follow import follow
from raftzmq.events.maker import topic_of


class Commits:
    """Listens to the ``commit`` events of some nodes while its block runs.

    ``endpoints``: each node's events endpoint. Times are seconds of this process's monotonic clock.
    """

    def __init__(self, endpoints: Mapping[str, str]) -> None:
        self._endpoints = dict(endpoints)
        self._ended = threading.Event()
        self._first: dict[tuple[str, int], float] = {}
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        for node, endpoint in self._endpoints.items():
            thread = threading.Thread(target=self._listen, args=(node, endpoint), daemon=True)
            self._threads.append(thread)
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def first(self, node: str, term: int) -> float | None:
        """When ``node`` first told of a commit in ``term``; None if it didn't."""
        return self._first.get((node, term))

    def _listen(self, node: str, endpoint: str) -> None:
        # Events have the wall clock, measurements the monotonic one. Meanwhile nobody sets a clock.
        offset = time.monotonic() - time.time()
        lists = follow(endpoint, [topic_of(node, "commit")], lambda _: None)
        with closing(cast("Generator[list[tuple[bytes, bytes]], None, None]", lists)):
            for events in lists:
                for _, payload in events:
                    event: dict[str, Any] = orjson.loads(payload)
                    self._first.setdefault((node, event["term"]), event["ts"] + offset)
                if self._ended.is_set():
                    return
