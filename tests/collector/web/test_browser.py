"""``/ws`` with a real client: the state first, then batches; filters; who falls behind is shown the state anew."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import pytest

from raftzmq.collector.web import browser, reader
from tests.collector.support import PATIENCE_S
from tests.collector.web.support import BOOT, Serving, leads, serving, wait_until


class Tab:
    """A browser's side of a WebSocket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def next(self) -> Any:
        """The next message, read."""
        return json.loads(await self.socket.receive_str(timeout=PATIENCE_S))

    async def events(self, count: int) -> list[list[Any]]:
        """The next events with their positions."""
        found: list[list[Any]] = []
        while len(found) < count:
            message = await self.next()
            assert message["position"] == message["events"][-1][0]
            found += message["events"]
        return found

    async def say(self, message: Any) -> Any:
        """Send a message; the answer."""
        await self.socket.send_str(message if isinstance(message, str) else json.dumps(message))
        return await self.next()


@asynccontextmanager
async def tab(one: Serving, query: str = "", **options: Any) -> AsyncIterator[Tab]:
    url = f"http://{one.address[0]}:{one.address[1]}/ws{query}"
    async with aiohttp.ClientSession() as session, session.ws_connect(url, **options) as socket:
        yield Tab(socket)


def with_one(scene: Callable[[Serving], Awaitable[None]]) -> None:
    """Play a scene with a web side of its own."""
    with serving() as one:
        asyncio.run(asyncio.wait_for(scene(one), 2 * PATIENCE_S))


def test_the_state_comes_first_and_then_what_happens_after_it() -> None:
    async def scene(one: Serving) -> None:
        one.offer(leads("n2", 3))
        async with tab(one) as opened:
            first = await opened.next()
            assert (first["position"], first["boot"], first["state"]["leader"]) == (1, BOOT, "n2")
            assert "reset" not in first
            one.offer({"index": 1}, {"index": 2})
            events = await opened.events(2)
            assert [(position, event["index"]) for position, event in events] == [(2, 1), (3, 2)]

    with_one(scene)


def test_nothing_is_missing_between_the_state_and_the_first_event() -> None:
    """The state may be older than the newest events: those between are sent."""

    async def scene(one: Serving) -> None:
        one.offer({"index": 1})
        one.offer({"index": 2}, {"index": 3}, state=False)
        wait_until(lambda: one.web._hub.backlog.newest == 3, "the events are there")
        async with tab(one) as opened:
            assert (await opened.next())["position"] == 1
            assert [position for position, _ in await opened.events(2)] == [2, 3]

    with_one(scene)


def test_filters_by_query_and_by_message() -> None:
    async def scene(one: Serving) -> None:
        async with tab(one, "?type=role") as opened:
            await opened.next()
            one.offer({"index": 1}, leads("n1"))
            assert [position for position, _ in await opened.events(1)] == [2]
            told = await opened.say({"filter": {"types": ["commit"], "nodes": ["n2"]}})
            assert told == {"filter": {"types": ["commit"], "nodes": ["n2"]}}
            one.offer(leads("n2"), {"node": "n1"}, {"node": "n2"})
            assert [position for position, _ in await opened.events(1)] == [5]
            assert await opened.say({"filter": {}}) == {"filter": {"types": None, "nodes": None}}
            one.offer({"node": "n1"})
            assert [position for position, _ in await opened.events(1)] == [6]

    with_one(scene)


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ("{", "not JSON"),
        ("[]", "messages are like"),
        ('{"filter": 1}', "messages are like"),
        ('{"filter": {"kinds": []}}', "messages are like"),
        ('{"filter": {"types": "role"}}', "lists of names"),
        ('{"filter": {"types": ["x"]}}', "no type of event"),
        ('{"filter": {"nodes": ["a.b"]}}', "no node's name"),
        ('{"drop": "tables"}', "messages are like"),
    ],
)
def test_a_message_that_is_not_understood_is_answered_and_changes_nothing(message: str, sentence: str) -> None:
    async def scene(one: Serving) -> None:
        async with tab(one, "?type=role") as opened:
            await opened.next()
            assert sentence in (await opened.say(message))["error"]["message"]
            one.offer({"index": 1}, leads("n1"))
            assert [position for position, _ in await opened.events(1)] == [2]

    with_one(scene)


def test_bytes_are_not_understood_and_too_large_a_message_ends_it() -> None:
    async def scene(one: Serving) -> None:
        async with tab(one) as opened:
            await opened.next()
            await opened.socket.send_bytes(b"{}")
            assert "JSON text" in (await opened.next())["error"]["message"]
            await opened.socket.send_str(" " * 20_000)
            assert (await opened.socket.receive(timeout=PATIENCE_S)).type is aiohttp.WSMsgType.CLOSE
            assert opened.socket.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG

    with_one(scene)


def test_a_flood_of_messages_ends_it() -> None:
    async def scene(one: Serving) -> None:
        async with tab(one) as opened:
            with suppress(ConnectionError):  # it may be ended before all are sent
                for _ in range(200):
                    await opened.socket.send_str('{"filter": {}}')
            while (message := await opened.socket.receive(timeout=PATIENCE_S)).type is aiohttp.WSMsgType.TEXT:
                pass
            assert message.type is aiohttp.WSMsgType.CLOSE
            assert opened.socket.close_code == aiohttp.WSCloseCode.POLICY_VIOLATION
        await left(one)

    with_one(scene)


async def left(one: Serving) -> None:
    """Wait until nobody follows any more."""
    await asyncio.to_thread(wait_until, lambda: one.web._hub.readers == 0, "nobody follows any more")


@pytest.mark.parametrize(
    ("origin", "host", "status"),
    [
        (None, None, 101),
        ("http://127.0.0.1:{port}", None, 101),
        ("http://localhost:{port}", "localhost:{port}", 101),
        ("http://localhost:8080", "localhost:8080", 101),  # through a tunnel
        ("http://evil.example", None, 403),
        ("http://127.0.0.1:1", None, 403),
        ("https://127.0.0.1:{port}", None, 403),
        ("null", None, 403),
        ("http://evil.example:{port}", "evil.example:{port}", 403),  # DNS rebinding: the page's own name leads here
        (None, "evil.example", 403),
    ],
)
def test_only_pages_of_its_own_may_open_one(origin: str | None, host: str | None, status: int) -> None:
    async def scene(one: Serving) -> None:
        port = one.address[1]
        headers = {"Origin": origin.format(port=port)} if origin else {}
        if host:
            headers["Host"] = host.format(port=port)
        try:
            async with tab(one, headers=headers) as opened:
                await opened.next()
                assert status == 101
        except aiohttp.WSServerHandshakeError as error:
            assert error.status == status  # noqa: PT017  # there need not be one

    with_one(scene)


def test_who_falls_behind_is_shown_the_state_instead_of_all_that_was_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "BEHIND_EVENTS_MAX", 100)
    monkeypatch.setattr(browser, "SEND_S", 10 * PATIENCE_S)  # a slow machine must not take it for dead

    async def scene(one: Serving) -> None:
        async with tab(one, max_msg_size=0) as opened:
            await opened.next()
            transport = opened.socket._response.connection.transport  # type: ignore[union-attr]
            transport.pause_reading()  # type: ignore[union-attr]
            # More than all buffers between the two hold, offered while the browser stands still.
            for _ in range(60):
                one.offer(*({"text": "x" * 10_000} for _ in range(100)))
                await asyncio.sleep(0.04)
            transport.resume_reading()  # type: ignore[union-attr]
            seen, last = 0, 0
            while last < one.position:
                message = await opened.next()
                if "state" in message:
                    assert message["reset"] == "behind"
                    assert message["position"] > last
                    seen += 1
                last = message["position"]
            assert seen, "it was brought up to date"
            one.offer({"index": 7})
            assert [event["index"] for _, event in await opened.events(1)] == [7]
        assert one.metric("raftzmq_collector_reader_resets_total") >= 1

    with_one(scene)


def test_who_takes_nothing_any_more_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "SEND_S", 0.2)

    async def scene(one: Serving) -> None:
        async with tab(one, max_msg_size=0) as opened:
            await opened.next()
            transport = opened.socket._response.connection.transport  # type: ignore[union-attr]
            transport.pause_reading()  # type: ignore[union-attr]
            while one.web._hub.readers:
                one.offer(*({"text": "x" * 10_000} for _ in range(100)))
                await asyncio.sleep(0.04)
            transport.resume_reading()  # type: ignore[union-attr]  # to see that it has ended
        assert one.metric("raftzmq_collector_slow_readers_total") == 1

    with_one(scene)


def test_there_are_at_most_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "READERS_MAX", 1)

    async def scene(one: Serving) -> None:
        async with tab(one) as first:
            await first.next()
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                async with tab(one):
                    pass
            assert refused.value.status == 503
            assert one.get("/events").status == 503
            one.offer({"index": 1})
            assert len(await first.events(1)) == 1
        await left(one)
        async with tab(one) as second:
            assert "state" in await second.next()

    with_one(scene)
