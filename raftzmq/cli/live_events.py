"""The collector's stream as events: what is published, in lists, as it comes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

POLL_MS = 100

Event = dict[str, Any]
Found = list[tuple[bytes, Event]]
"""Payloads as they were published, each with the event in it."""


def live_events(
    endpoint: str, prefixes: Sequence[bytes], on_connection: Callable[[bool], None], *, poll_ms: int = POLL_MS
) -> Generator[Found, None, None]:
    """The events that are published under ``prefixes``, which may grow; a list every ``poll_ms`` at the latest.

    What is no event is left out. Raises ConfigurationError for what is no endpoint.
    """
    from raftzmq.collector.follow import follow

    for messages in follow(endpoint, prefixes, on_connection, poll_ms=poll_ms):
        yield [(payload, event) for _, payload in messages if (event := read_event(payload)) is not None]


def read_event(payload: bytes) -> Event | None:
    """The event in a payload, or None if it is none."""
    import orjson

    try:
        event = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(event, dict) or not isinstance(event.get("ts"), (int, float)):
        return None
    return event if all(isinstance(event.get(name), str) for name in ("node", "type")) else None
