"""What only the client for threads promises."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from typing import Any

import pytest

from raftzmq import Client, ClientClosed, InvalidRequest, PutResult
from tests.client.both import nodes
from tests.client.server import Decree
from tests.live.harness import eventually


def client_threads() -> int:
    """How many background threads of clients run in this process."""
    return sum(thread.name == "raftzmq-client" for thread in threading.enumerate())


def test_eight_threads_share_a_client() -> None:
    with nodes(1) as (decree, (node,)), Client(node.endpoint) as client:

        def work(thread: int) -> list[int]:
            revisions = []
            for n in range(200):
                key = f"{thread}/{n}"
                revisions.append(client.put(key, key).revision)
                item = client.get(key)
                assert item is not None
                assert item.value == key.encode()
            return revisions

        with ThreadPoolExecutor(8) as pool:
            revisions = [revision for done in pool.map(work, range(8)) for revision in done]
        assert sorted(revisions) == list(range(1, 1601))
        assert len(decree.parcels) < 1601, "calls of several threads travel together"


def test_futures_work_with_the_standard_tools() -> None:
    with nodes(1) as (_, (node,)), Client(node.endpoint) as client:
        futures = [client.put_async(f"k{n}", "v") for n in range(20)]
        done, pending = wait(futures, 30)
        assert (len(done), len(pending)) == (20, 0)
        assert {future.result() for future in as_completed(futures)} == {PutResult(n) for n in range(1, 21)}
        called: list[PutResult] = []
        event = threading.Event()
        future = client.put_async("k", "v")
        future.add_done_callback(lambda f: (called.append(f.result()), event.set()))  # type: ignore[func-returns-value]
        assert event.wait(30)
        assert called == [PutResult(21)]


def test_a_callback_may_make_calls() -> None:
    with nodes(1) as (_, (node,)), Client(node.endpoint) as client:
        second: list[object] = []
        event = threading.Event()

        def again(_: object) -> None:
            second.append(client.put_async("b", "2"))
            event.set()

        client.put_async("a", "1").add_done_callback(again)
        assert event.wait(30)
        assert second[0].result(30) == PutResult(2)  # type: ignore[attr-defined]


WAITS: dict[str, Callable[[Client, str], object]] = {
    "put": lambda client, _: client.put("k", "v"),
    "get": lambda client, _: client.get("k"),
    "get_from": lambda client, endpoint: client.get_from(endpoint, "k"),
    "delete": lambda client, _: client.delete("k"),
    "range": lambda client, _: client.range("k"),
    "compare_and_swap": lambda client, _: client.compare_and_swap("k", None, "v"),
    "status": lambda client, _: client.status(),
    "state_hash": lambda client, _: client.state_hash(),
}


def in_a_callback(decree: Decree, client: Client, call: Callable[[], object]) -> BaseException:
    """What ``call`` raises in a callback, once the client has been asked something."""
    raised: list[BaseException] = []
    ended = threading.Event()

    def callback(_: object) -> None:
        try:
            call()
        except (InvalidRequest, RuntimeError) as error:
            raised.append(error)
        ended.set()

    with decree.lock:  # nobody answers before the callback is there, so it surely runs on the client's thread
        client.put_async("first", "1").add_done_callback(callback)
    assert ended.wait(30), "the callback waits for ever"
    (error,) = raised
    return error


@pytest.mark.parametrize("name", WAITS)
def test_a_callback_may_not_wait_for_a_call(name: str) -> None:
    with nodes(1) as (decree, (node,)), Client(node.endpoint) as client:
        error = in_a_callback(decree, client, lambda: WAITS[name](client, node.endpoint))
        assert isinstance(error, InvalidRequest)
        assert error.definite
        assert client.put("second", "2") == PutResult(2), "the client goes on, and nothing of that call was sent"


@pytest.mark.parametrize("what", ["result", "exception"])
def test_a_callback_may_not_wait_for_a_future(what: str) -> None:
    with nodes(1) as (decree, (node,)), Client(node.endpoint) as client:
        error = in_a_callback(decree, client, lambda: getattr(client.put_async("second", "2"), what)(30))
        assert isinstance(error, RuntimeError)
        assert client.put("third", "3") == PutResult(3), "the call of the callback was made"


class Interrupted:
    """A lock in whose midst ``handler`` is called, once, by the thread that holds it, as a signal's handler is."""

    def __init__(self, lock: Any, handler: Callable[[], None]) -> None:
        self._lock = lock
        self._handlers = [handler]

    def __enter__(self) -> None:
        self._lock.__enter__()
        if self._handlers:
            self._handlers.pop()()

    def __exit__(self, *error: object) -> None:
        self._lock.__exit__(*error)


def test_a_signal_handler_may_make_calls_in_the_midst_of_another() -> None:
    with nodes(1) as (_, (node,)), Client(node.endpoint) as client:
        client.put("k", "1")
        handled: list[PutResult] = []
        worker = client._worker
        worker._lock = Interrupted(worker._lock, lambda: handled.append(client.put("k", "2")))  # type: ignore[assignment]
        at_once = threading.Thread(target=client.put, args=("k", "3"), daemon=True)
        at_once.start()
        at_once.join(30)
        assert not at_once.is_alive(), "one waits for the other for ever"
        assert handled == [PutResult(3)], "the interrupted call was queued before"


def test_a_signal_handler_may_make_the_first_call_in_the_midst_of_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    made, handled = threading.Thread, []

    def interrupted(*arguments: Any, **options: Any) -> threading.Thread:
        monkeypatch.setattr(threading, "Thread", made)
        handled.append(client.put("k", "1"))
        return made(*arguments, **options)

    with nodes(1) as (_, (node,)), Client(node.endpoint) as client:
        monkeypatch.setattr(threading, "Thread", interrupted)
        assert client.put("k", "2") == PutResult(1), "it was queued before it was interrupted"
        assert handled == [PutResult(2)]
        eventually(lambda: client_threads() == 1, "one of the two threads ends")


def test_a_signal_handler_may_close_the_client_in_the_midst_of_its_first_call(monkeypatch: pytest.MonkeyPatch) -> None:
    made = threading.Thread

    def interrupted(*arguments: Any, **options: Any) -> threading.Thread:
        monkeypatch.setattr(threading, "Thread", made)
        client.close()
        return made(*arguments, **options)

    with nodes(1) as (_, (node,)):
        client = Client(node.endpoint)
        monkeypatch.setattr(threading, "Thread", interrupted)
        with pytest.raises(ClientClosed) as closed:
            client.put("k", "1")
        assert closed.value.definite


def test_a_callback_that_wants_to_end_the_program_doesnt_end_the_client(caplog: pytest.LogCaptureFixture) -> None:
    with nodes(1) as (decree, (node,)), Client(node.endpoint) as client:
        with decree.lock:
            futures = [client.put_async("k", "v") for _ in range(3)]
            futures[0].add_done_callback(lambda _: sys.exit(3))
        assert [future.result(30) for future in futures] == [PutResult(n) for n in (1, 2, 3)]
        assert client.put("k", "v") == PutResult(4)
        assert "exception calling callback" in caplog.text


def test_a_call_cannot_be_cancelled() -> None:
    with nodes(1) as (_, (node,)), Client(node.endpoint) as client:
        future = client.put_async("k", "v")
        assert not future.cancel()
        assert future.result() == PutResult(1)


def test_a_closed_client_says_so() -> None:
    with nodes(1) as (_, (node,)):
        client = Client(node.endpoint)
        client.put("k", "v")
        client.close()
        client.close()
        with pytest.raises(ClientClosed):
            client.put("k", "v")
        with pytest.raises(ClientClosed):
            client.get_async("k")
        with pytest.raises(ClientClosed):
            client.status()


def test_closing_while_threads_call_leaves_nobody_waiting() -> None:
    with nodes(1) as (_, (node,)):
        client = Client(node.endpoint, timeout=60)
        client.put("k", "v")
        ended: list[BaseException] = []

        def work() -> None:
            while True:
                try:
                    client.put("k", "v")
                except ClientClosed as error:
                    ended.append(error)
                    return

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        eventually(lambda: node.executed > 50, "the threads put")
        client.close()
        for thread in threads:
            thread.join(30)
        assert len(ended) == 8


def test_a_call_that_slips_in_while_the_thread_ends_is_not_left_waiting() -> None:
    with nodes(1) as (_, (node,)):
        client = Client(node.endpoint)
        client.put("k", "v")
        client.close()
        # As if the caller had looked just before the client was closed.
        client._worker._unusable = None
        for future in (client.put_async("k", "v"), client.get_async("k"), client.status_async()):
            assert isinstance(future.exception(30), ClientClosed)


def test_a_client_that_was_never_used_closes() -> None:
    before = client_threads()
    Client("tcp://127.0.0.1:1").close()
    assert client_threads() == before


def test_the_thread_of_a_client_that_was_dropped_ends() -> None:
    with nodes(1) as (_, (node,)):
        before = client_threads()
        client = Client(node.endpoint)
        client.put("k", "v")
        assert client_threads() == before + 1
        del client
        gc.collect()
        eventually(lambda: client_threads() == before, "the thread ends")


def test_a_forked_process_must_make_a_client_of_its_own() -> None:
    with nodes(1) as (_, (node,)), Client(node.endpoint) as client:
        client.put("k", "v")
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            signal.alarm(30)
            try:
                client.put("k", "w")
            except InvalidRequest as error:
                os.write(write, str(error).encode())
            client.close()
            with Client(node.endpoint) as own:
                os.write(write, b"|%d" % own.put("k", "x").revision)
            os._exit(0)
        os.close(write)
        os.waitpid(child, 0)
        said = os.read(read, 1000).decode()
        os.close(read)
        assert "fork" in said
        assert said.endswith("|2")
        assert client.put("k", "y") == PutResult(3), "the parent goes on"


def test_a_program_that_forgets_to_close_ends_all_the_same() -> None:
    with nodes(1) as (_, (node,)):
        program = f"import raftzmq; c = raftzmq.Client({node.endpoint!r}); print(c.put('k', 'v'))"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout.strip() == "PutResult(revision=1)"
        assert done.stderr == ""


def test_importing_raftzmq_loads_no_socket_library() -> None:
    program = (
        "import sys, raftzmq; loaded = {'zmq', 'msgspec', 'lmdb', 'asyncio'} & set(sys.modules); "
        "assert not loaded, loaded; assert raftzmq.Client and raftzmq.aio.Client and raftzmq.NoLeader; "
        "assert set(raftzmq.__all__) <= set(dir(raftzmq))"
    )
    subprocess.run([sys.executable, "-c", program], timeout=60, check=True)
