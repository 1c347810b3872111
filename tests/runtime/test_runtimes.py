"""What every runtime does with one node, on real sockets and disks: it serves, and it ends, in order or on an error."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
import zmq

from raftzmq.client.sync import Client
from raftzmq.errors import ConfigurationError, RequestError, StorageError
from raftzmq.runtime import rounds
from raftzmq.runtime.choice import COROUTINES, COROUTINES_BLOCKING, RUNTIMES, THREADS, RuntimeChoice
from raftzmq.runtime.inbox import ROUND_MESSAGES_MAX
from tests.live.harness import eventually
from tests.runtime.host import PATIENCE_S, Host, Parts


@pytest.fixture(params=[*RUNTIMES, "uvloop"])
def choice(request: pytest.FixtureRequest) -> RuntimeChoice:
    """Each of them."""
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
        return RuntimeChoice(COROUTINES, uvloop=True)
    return RuntimeChoice(request.param)


def test_what_was_put_is_there_and_committed_after_a_stop(choice: RuntimeChoice, tmp_path: Path) -> None:
    with Host(tmp_path, choice) as host, Client(host.endpoints, timeout=PATIENCE_S) as client:
        for future in [client.put_async(f"k/{number}", "v") for number in range(500)]:
            future.result()
        # The last commit of the state lies behind: this one is still only in its open transaction.
        client.put("last", "word")
        host.runtime.stop()
        host.join()
        applied = host.parts.node.raft.last_applied
    assert host.error is None
    assert host.storage.state.closed
    with (
        Host(tmp_path, choice, host.parts.configuration) as again,
        Client(again.endpoints, timeout=PATIENCE_S) as client,
    ):
        assert again.parts.loaded.applied_index == applied, "what was applied is applied again: it was not committed"
        row = client.get("last")
        assert row is not None
        assert row.value == b"word"


def test_an_error_of_a_job_of_the_log_ends_the_run_with_it(choice: RuntimeChoice, tmp_path: Path) -> None:
    def fail() -> None:
        raise StorageError("planted: the disk is gone")

    with Host(tmp_path, choice) as host, Client(host.endpoints, timeout=PATIENCE_S) as client:
        client.put("k", "v")
        host.storage.log.before_write = fail
        writes = host.storage.log.writes
        with pytest.raises(RequestError):
            client.put("k", "w", timeout=0.2)
        host.join()
    assert str(host.error) == "planted: the disk is gone"
    assert isinstance(host.error, StorageError)
    assert host.storage.log.writes == writes
    assert not host.storage.state.closed, "after a failed sync nothing may be written any more"


def test_an_error_of_a_job_of_the_state_ends_the_run_with_it(choice: RuntimeChoice, tmp_path: Path) -> None:
    def fail() -> None:
        raise KeyError("planted: a bug")

    with Host(tmp_path, choice) as host, Client(host.endpoints, timeout=PATIENCE_S) as client:
        client.put("k", "v")
        host.storage.state.before_apply = fail
        with pytest.raises(RequestError):
            client.put("k", "w", timeout=0.2)
        host.join()
    assert repr(host.error) == "KeyError('planted: a bug')"


def test_the_disk_is_waited_for_elsewhere_except_where_that_is_the_point(choice: RuntimeChoice, tmp_path: Path) -> None:
    with Host(tmp_path, choice) as host, Client(host.endpoints, timeout=PATIENCE_S) as client:
        for number in range(50):
            client.put("k", str(number))
        host.runtime.stop()
        host.join()
        loop = host.thread.ident
    log, state = host.storage.log.threads, host.storage.state.threads
    assert host.storage.state.commits
    # LMDB binds a write transaction to its thread.
    assert len(log) == len(state) == 1
    if choice.name == COROUTINES_BLOCKING:
        assert log == state == {loop}
    else:
        assert not {loop} & (log | state)
        assert log != state


def test_a_disk_that_hangs_holds_up_the_loop_only_where_that_is_the_point(
    choice: RuntimeChoice, tmp_path: Path
) -> None:
    hanging, go_on = threading.Event(), threading.Event()

    def hang() -> None:
        hanging.set()
        assert go_on.wait(PATIENCE_S)

    with Host(tmp_path, choice) as host, Client(host.endpoints, timeout=PATIENCE_S) as client:
        client.put("k", "v")
        host.storage.log.before_write = hang
        put = client.put_async("k", "w")
        assert hanging.wait(PATIENCE_S)
        (row,) = client.status(timeout=0.5)
        go_on.set()
        assert put.result(PATIENCE_S).revision == 2
    assert row["reachable"] is (choice.name != COROUTINES_BLOCKING)


@pytest.mark.parametrize("lane", ["log", "state"])
@pytest.mark.parametrize("name", [THREADS, COROUTINES])
def test_a_disk_that_hangs_doesnt_keep_a_node_that_is_to_stop(
    name: str, lane: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "END_S", 0.2)
    hanging, go_on = threading.Event(), threading.Event()

    def hang() -> None:
        hanging.set()
        assert go_on.wait(PATIENCE_S)

    with Host(tmp_path, RuntimeChoice(name)) as host, Client(host.endpoints, timeout=PATIENCE_S) as client:
        client.put("k", "v")
        if lane == "log":
            host.storage.log.before_write = hang
        else:
            host.storage.state.before_apply = hang
        client.put_async("k", "w")
        assert hanging.wait(PATIENCE_S)
        host.runtime.stop()
        host.join()
        go_on.set()
        eventually(lambda: host.storage.state.closed, "what hung goes on, for a test that has no process to end")
    assert isinstance(host.error, StorageError)
    what = "a write to the log" if lane == "log" else "a commit of the state"
    assert f"has not finished {what} within 0.2 s of the stop" in str(host.error)


def test_a_stop_that_comes_before_the_run_ends_it(choice: RuntimeChoice, tmp_path: Path) -> None:
    host = Host(tmp_path, choice)
    host.runtime.stop()
    with host:
        host.join()
    assert host.error is None


def test_of_more_than_a_round_takes_nothing_is_left_lying(choice: RuntimeChoice, tmp_path: Path) -> None:
    """Subscriptions ring once and have no answer, so nothing else makes the node look for the last of them."""
    with Host(tmp_path, choice) as host, Client(host.endpoints, timeout=PATIENCE_S) as client:
        client.put("k", "v")
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        subscriber = context.socket(zmq.SUB)
        try:
            for number in range(5 * ROUND_MESSAGES_MAX):
                subscriber.subscribe(b"nothing.%d" % number)
            subscriber.subscribe(b"raftzmq.n1.")
            subscriber.connect(host.parts.address.events)
            eventually(lambda: (client.put("k", "w"), subscriber.poll(10))[1], "an event, once the node heard of it")
        finally:
            context.destroy(0)


def test_answers_and_questions_cross(choice: RuntimeChoice, tmp_path: Path) -> None:
    """What arrives while an answer is sent rings for nobody: it is heard all the same."""
    with Host(tmp_path, choice) as host:
        clients = [Client(host.endpoints, timeout=PATIENCE_S) for _ in range(4)]
        try:
            clients[0].put("k", "v")
            for _ in range(20):
                for future in [client.get_async("k") for client in clients for _ in range(200)]:
                    assert future.result() is not None
        finally:
            for client in clients:
                client.close()


def test_what_the_loop_did_itself_is_told_at_once(tmp_path: Path) -> None:
    with Parts(tmp_path) as parts, parts.rounds(blocking=True) as rounds:
        deadline = time.monotonic() + PATIENCE_S
        while not parts.storage.log.writes:
            assert time.monotonic() < deadline, "nobody is elected"
            rounds.take(rounds.bells.wait(rounds.patience_us()))
        assert rounds.patience_us() == 0, "nobody will ring for what was written"


def test_there_is_no_event_loop_for_threads_to_run_on() -> None:
    with pytest.raises(ConfigurationError, match=r"--runtime threads has none.*--runtime coroutines"):
        RuntimeChoice(THREADS, uvloop=True)


def test_what_is_told_of_a_runtime() -> None:
    assert RuntimeChoice().about == {"runtime": "threads"}
    assert RuntimeChoice(COROUTINES_BLOCKING).about == {"runtime": "coroutines-blocking", "event_loop": "asyncio"}
