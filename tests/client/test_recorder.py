"""Recording a history: what stands in the file, when, and what happens if it can't be written."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from raftzmq import ClientClosed, OutcomeUnknown, RecordingFailed, RequestError, TooLarge
from raftzmq.client import aio, recorder, sync
from raftzmq.verify.formats import read_history
from raftzmq.verify.linearizability import check
from tests.client.both import BOTH, NAMES, Client, nodes
from tests.client.server import Decree
from tests.live.harness import ENVIRONMENT, eventually

Make = Callable[..., Client]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines() if line]


def verified(path: Path, *, empty: bool = True) -> tuple[int, bool]:
    """How many operations a file has, and whether they are linearizable."""
    verdict = check(read_history(path, empty=empty))
    return verdict.operations, verdict.linearizable


@pytest.mark.parametrize("make", BOTH, ids=NAMES)
def test_every_operation_with_its_result(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "h"
    with nodes(1) as (_, (node,)), make(node.endpoint, record=path) as client:
        client.put("a", "x")
        client.put(b"a", b"\xff")
        client.get("a")
        client.get("b")
        client.get("a", revision=1)
        client.compare_and_swap("a", b"\xff", "y")
        client.compare_and_swap("b", None, "z", mod_revision=7)
        client.range("a")
        client.delete("a")
        client.delete("a")
        client.status()
        client.state_hash()
        client.get_from(node.endpoint, "a")
    opened, *rest = lines(path)
    assert (opened["type"], opened["version"], opened["pid"]) == ("open", 1, os.getpid())
    assert {item["client"] for item in rest} == {opened["client"]}
    row = {"value": {"b64": "/w=="}, "create_revision": 1, "mod_revision": 2, "version": 2, "lease": 0}
    first = {"value": "x", "create_revision": 1, "mod_revision": 1, "version": 1, "lease": 0}
    last = {"key": "a", "value": "y", "create_revision": 1, "mod_revision": 3, "version": 3, "lease": 0}
    assert [item["operation"] for item in rest if item["type"] == "call"] == [
        {"op": "put", "key": "a", "value": "x"},
        {"op": "put", "key": "a", "value": {"b64": "/w=="}},
        {"op": "get", "key": "a"},
        {"op": "get", "key": "b"},
        {"op": "get", "key": "a", "revision": 1},
        {"op": "cas", "key": "a", "value": "y", "expected": {"b64": "/w=="}},
        {"op": "cas", "key": "b", "value": "z", "mod_revision": 7},
        {"op": "range", "start": "a", "end": "b", "limit": 10000, "revision": 0},
        {"op": "delete", "key": "a"},
        {"op": "delete", "key": "a"},
        {"op": "get", "key": "a"},
    ]
    assert [item["result"] for item in rest if item["type"] == "return"] == [
        {"revision": 1},
        {"revision": 2},
        row,
        None,
        first,
        {"succeeded": True, "revision": 3},
        {"succeeded": False, "revision": 0},
        {"revision": 3, "more": False, "resume_key": None, "items": [last]},
        {"deleted": True, "revision": 4},
        {"deleted": False, "revision": 4},
        None,
    ]
    times = [item["at_us"] for item in rest]
    assert times == sorted(times)
    assert verified(path) == (11, True)


@pytest.mark.parametrize("make", BOTH, ids=NAMES)
def test_many_at_once_of_several_clients_in_one_file(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "h"
    with nodes(1) as (_, (node,)):

        def work(number: int) -> None:
            with make(node.endpoint, record=path) as client:
                calls = []
                for n in range(40):
                    calls.append(client.put_async(f"k{n % 3}", f"{number}-{n}"))
                    calls.append(client.get_async(f"k{n % 3}"))
                    calls.append(client.compare_and_swap_async(f"k{n % 3}", f"{number}-{n}", f"{number}-{n}!"))
                for call in calls:
                    call.result()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(4)))
    assert verified(path) == (480, True)
    before, seen, after = path.read_text().rpartition('"result":{"value":"')
    assert seen
    path.write_text(f"{before}{seen}nobody wrote {after}")
    assert verified(path) == (480, False)


def test_a_signal_handler_may_make_calls_while_another_is_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, write = tmp_path / "h", recorder._write_all

    def handler() -> None:
        client.put("k", "2")

    def interrupted(file: int, data: bytes) -> None:
        monkeypatch.setattr(recorder, "_write_all", write)
        handler()
        write(file, data)

    def calls(client: sync.Client) -> None:
        client.get("k")  # its return waits for the next call to be written
        monkeypatch.setattr(recorder, "_write_all", interrupted)
        client.put("k", "1")

    with nodes(1) as (_, (node,)), sync.Client(node.endpoint, record=path) as client:
        calling = threading.Thread(target=calls, args=(client,), daemon=True)
        calling.start()
        calling.join(30)
        assert not calling.is_alive(), "one waits for the other for ever"
    _, *rest = lines(path)
    assert sorted((item["id"], item["type"]) for item in rest) == [
        (number, kind) for number in (1, 2, 3) for kind in ("call", "return")
    ]
    assert verified(path) == (3, True)


@pytest.mark.parametrize("make", BOTH, ids=NAMES)
def test_outcomes_that_are_no_results(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "h"
    with nodes(1) as (_, (node,)), make(node.endpoint, timeout=0.4, record=path) as client:
        with pytest.raises(TooLarge):
            client.put("a" * 500, "never asked for")
        client.put("a", "x")
        with pytest.raises(RequestError):
            client.get("a", revision=99)
        node.swallow = 100
        with pytest.raises(OutcomeUnknown):
            client.put("a", "y")
    returns = [item for item in lines(path) if item["type"] == "return"]
    assert [next(iter(item.keys() - {"type", "client", "id", "at_us"})) for item in returns] == [
        "result",
        "failed",
        "unknown",
    ]
    assert [returns[1]["failed"], returns[2]["unknown"]] == ["invalid", "outcome_unknown"]
    history = read_history(path)
    assert (len(history.operations), history.failed) == (2, 1)


@pytest.mark.parametrize("make", BOTH, ids=NAMES)
def test_calls_that_wait_when_the_client_is_closed_are_written_down(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "h"
    with nodes(1) as (_, (node,)):
        node.silent = True
        client = make(node.endpoint, record=path)
        future = client.put_async("a", "x")
        client.close()
        with pytest.raises(ClientClosed):
            future.result()
    assert [item.get("failed") for item in lines(path)] == [None, None, "closed"]


def test_a_closed_client_says_that_it_is_closed(tmp_path: Path) -> None:
    client = sync.Client("127.0.0.1:1", record=tmp_path / "h")
    client.close()
    client.close()
    with pytest.raises(ClientClosed):
        client.put("a", "x")
    assert len(lines(tmp_path / "h")) == 1


def test_a_cancelled_call_may_have_been_executed(tmp_path: Path) -> None:
    async def cancel(endpoint: str) -> None:
        async with aio.Client(endpoint, record=tmp_path / "h") as client:
            future = client.put("a", "x")
            await asyncio.sleep(0)
            future.cancel()
            await client.get("a")

    with nodes(1) as (_, (node,)):
        asyncio.run(cancel(node.endpoint))
    assert {"cancelled"} == {item["unknown"] for item in lines(tmp_path / "h") if "unknown" in item}


@pytest.mark.parametrize("make", BOTH, ids=NAMES)
def test_what_cannot_be_written_down_is_not_sent(make: Make, tmp_path: Path) -> None:
    with pytest.raises(RecordingFailed, match="none/h can't be written: No such file or directory"):
        make("127.0.0.1:1", record=tmp_path / "none" / "h")
    with pytest.raises(RecordingFailed, match="/dev/full can't be written: No space left on device"):
        make("127.0.0.1:1", record="/dev/full")


LIMITED = """
import resource, signal, sys
import raftzmq
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
client = raftzmq.Client(sys.argv[1], record=sys.argv[2])
client.put("a", "x")
resource.setrlimit(resource.RLIMIT_FSIZE, (700, 700))
sent = 0
for number in range(100):
    try:
        client.put("a", str(number))
        sent += 1
    except raftzmq.RecordingFailed as error:
        assert error.definite
        break
print(sent)
for again in (lambda: client.put("a", "x"), lambda: client.get("a"), client.close):
    try:
        again()
    except raftzmq.RecordingFailed as error:
        print(error)
"""


def test_a_file_that_becomes_full_is_told_at_every_call(tmp_path: Path) -> None:
    path = tmp_path / "h"
    with nodes(1) as (_, (node,)):
        command = [sys.executable, "-c", LIMITED, node.endpoint, str(path)]
        done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=True)
        sent, *told = done.stdout.splitlines()
        assert told == [f"the history in {path} can't be written: File too large"] * 3
        with sync.Client(node.endpoint) as client:
            item = client.get("a")
            assert item is not None
            assert item.version == int(sent) + 1, "what wasn't written down was sent"
    assert read_history(path).operations, "what was written is readable"


FOR_EVER = """
import sys
import raftzmq
client = raftzmq.Client(sys.argv[1], record=sys.argv[2])
number = 0
while True:
    number += 1
    client.put(f"k{number}", "x" * 3000)
"""


def beyond(decree: Decree, aim: int) -> bool:
    return decree.index > aim


def test_a_killed_process_has_written_nothing_that_is_not_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "h"
    with nodes(1) as (decree, (node,)):
        for _ in range(3):
            aim = decree.index + 50
            command = [sys.executable, "-c", FOR_EVER, node.endpoint, str(path)]
            process = subprocess.Popen(command, env=ENVIRONMENT)
            try:
                eventually(partial(beyond, decree, aim), "some writes")
            finally:
                process.send_signal(signal.SIGKILL)
                process.wait()
        with sync.Client(node.endpoint) as client:
            stored = {item.key for item in client.range().items}
    history = read_history(path)
    assert stored <= {operation.key for operation in history.operations}
    assert check(history).linearizable


def test_a_client_goes_on_where_another_was_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "h"
    with nodes(1) as (_, (node,)):
        with sync.Client(node.endpoint, record=path) as client:
            client.put("a", "x")
        path.write_bytes(path.read_bytes()[:-9])
        with sync.Client(node.endpoint, record=path) as client:
            assert client.put("a", "y").revision == 2
    assert verified(path) == (2, True)


def test_a_client_that_is_dropped_loses_no_return(tmp_path: Path) -> None:
    with nodes(1) as (_, (node,)):
        client = sync.Client(node.endpoint, record=tmp_path / "h")
        client.put("a", "x")
        del client
        gc.collect()
        eventually(lambda: len(lines(tmp_path / "h")) == 3, "the return is in the file")


def test_a_forked_child_writes_nothing_of_its_parent(tmp_path: Path) -> None:
    with nodes(1) as (_, (node,)):
        program = (
            "import os, sys, raftzmq\n"
            "client = raftzmq.Client(sys.argv[1], record=sys.argv[2])\n"
            "client.put('a', 'x')\n"
            "if os.fork() == 0:\n"
            "    sys.exit()\n"
            "os.wait()\n"
            "client.close()\n"
        )
        command = [sys.executable, "-c", program, node.endpoint, str(tmp_path / "h")]
        subprocess.run(command, env=ENVIRONMENT, timeout=60, check=True)
    assert [item["type"] for item in lines(tmp_path / "h")] == ["open", "call", "return"]


def test_a_client_that_records_nothing_pays_nothing() -> None:
    program = (
        "import sys, asyncio, raftzmq.aio\n"
        "client = raftzmq.aio.Client('127.0.0.1:1')\n"
        "assert client._add_write == client._protocol.parcels.queue.add\n"
        "assert client._add_read == client._protocol.reads.queue.add\n"
        "client = raftzmq.Client('127.0.0.1:1')\n"
        "assert client._ask_write == client._worker.write\n"
        "assert client._ask_read == client._worker.read\n"
        "assert 'raftzmq.client.recorder' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], env=ENVIRONMENT, timeout=60, check=True)
