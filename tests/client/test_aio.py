"""What only the client for asyncio promises."""

from __future__ import annotations

import asyncio

import pytest

import raftzmq
from raftzmq import ClientClosed, InvalidRequest, OutcomeUnknown, PutResult
from tests.client.both import nodes, until


def test_calls_of_one_turn_of_the_loop_travel_as_one_parcel() -> None:
    with nodes(1) as (decree, (node,)):

        async def main() -> None:
            async with raftzmq.aio.Client(node.endpoint) as client:
                await client.put("first", "x")
                await asyncio.gather(*(client.put(f"k{n}", "v") for n in range(100)))

        asyncio.run(main())
        assert decree.parcels == [1, 1, 100]


def test_a_call_is_under_way_before_it_is_awaited() -> None:
    with nodes(1) as (_, (node,)):

        async def main() -> None:
            async with raftzmq.aio.Client(node.endpoint) as client:
                future = client.put("k", "v")
                assert isinstance(future, asyncio.Future)
                while (item := await client.get("k")) is None:
                    pass
                assert item.value == b"v"
                assert await future == PutResult(1)

        asyncio.run(main())


def test_a_cancelled_call_is_only_not_waited_for() -> None:
    with nodes(1) as (_, (node,)):

        async def main() -> None:
            async with raftzmq.aio.Client(node.endpoint) as client:
                await client.put("k", "v")
                node.silent = True
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(client.put("k", "w"), 0.05)
                node.silent = False
                assert await client.put("k", "x", timeout=30) in (PutResult(2), PutResult(3))

        asyncio.run(main())


def test_tasks_wait_for_answers_without_holding_up_others() -> None:
    with nodes(1) as (_, (node,)):

        async def main() -> None:
            async with raftzmq.aio.Client(node.endpoint) as client:
                await client.put("k", "v")
                node.silent = True
                waiting = client.put("k", "w", timeout=0.3)
                turns = 0
                while not waiting.done():
                    await asyncio.sleep(0.001)
                    turns += 1
                assert turns > 20
                with pytest.raises(OutcomeUnknown):
                    await waiting

        asyncio.run(main())


def test_another_event_loop_needs_another_client() -> None:
    with nodes(1) as (_, (node,)):
        client = raftzmq.aio.Client(node.endpoint)

        async def first() -> None:
            await client.put("k", "v")

        async def second() -> None:
            with pytest.raises(InvalidRequest, match="another event loop"):
                await client.put("k", "v")
            with pytest.raises(InvalidRequest, match="event loop"):
                await client.close()

        loop = asyncio.new_event_loop()
        loop.run_until_complete(first())
        asyncio.run(second())
        loop.run_until_complete(client.close())
        loop.close()


def test_outside_of_a_loop_nothing_can_be_called() -> None:
    client = raftzmq.aio.Client("tcp://127.0.0.1:1")
    with pytest.raises(RuntimeError, match="no running event loop"):
        client.put("k", "v")


def test_a_closed_client_says_so() -> None:
    with nodes(1) as (_, (node,)):

        async def main() -> None:
            client = raftzmq.aio.Client(node.endpoint)
            await client.put("k", "v")
            await client.close()
            await client.close()
            with pytest.raises(ClientClosed):
                client.put("k", "v")
            with pytest.raises(ClientClosed):
                client.status()

        asyncio.run(main())


def test_a_client_that_was_closed_in_the_turn_of_a_call_says_so() -> None:
    with nodes(1) as (_, (node,)):

        async def main() -> None:
            client = raftzmq.aio.Client(node.endpoint)
            await client.put("k", "v")
            last = client.put("k", "w")
            await client.close()
            with pytest.raises(ClientClosed):
                await last
            for call in (lambda: client.put(b"k", b"x"), lambda: client.get(b"k")):
                with pytest.raises(ClientClosed):
                    call()

        asyncio.run(main())


def test_two_clients_in_one_loop() -> None:
    with nodes(1) as (_, (node,)):

        async def main() -> None:
            async with raftzmq.aio.Client(node.endpoint) as one, raftzmq.aio.Client(node.endpoint) as two:
                results = await asyncio.gather(*(client.put("k", "v") for client in (one, two, one, two)))
                assert sorted(result.revision for result in results) == [1, 2, 3, 4]

        asyncio.run(main())


def test_hundreds_of_tasks_through_a_leader_that_loses_answers() -> None:
    with nodes(3) as (decree, running):

        async def main() -> None:
            async with raftzmq.aio.Client([node.endpoint for node in running], timeout=60) as client:

                async def work(task: int) -> None:
                    for n in range(20):
                        await client.put(f"{task}/{n}", "v")

                await work(200)
                tasks = asyncio.gather(*(work(task) for task in range(200)))
                for leader in ("n2", "n3"):
                    node = running[int(decree.leader[1]) - 1]
                    node.swallow = 1
                    await until(lambda: not node.swallow, "an answer is lost")  # noqa: B023 - awaited at once
                    decree.leader = leader
                await tasks
                found = await client.range("", limit=10_000)
                assert len(found.items) == 4020
                assert all(item.version == 1 for item in found.items)
                assert decree.machine.suppressed > 0

        asyncio.run(main())
