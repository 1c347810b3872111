"""A leader that stands still and goes on: it must not answer reads from the past (thesis 6.4)."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import pytest

from raftzmq import Client
from raftzmq.errors import RequestError
from raftzmq.kv.commands import Get
from tests.live import firewall
from tests.live.harness import LiveCluster, eventually, pause
from tests.live.wire import Connection, NoAnswer

pytestmark = pytest.mark.live

REGISTER = "register"
PAUSE_SECONDS = 3.0


class Writer:
    """Puts 1, 2, 3 … into the register; ``acknowledged`` is the last one that the cluster confirmed."""

    def __init__(self, endpoints: list[str]) -> None:
        self.acknowledged = 0
        self._ended = threading.Event()
        self._client = Client(endpoints, timeout=5.0)
        self._thread = threading.Thread(target=self._write, daemon=True)

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._client.close()

    def _write(self) -> None:
        number = 0
        while not self._ended.is_set():
            number += 1
            try:
                self._client.put(REGISTER, str(number))
            except RequestError:
                continue
            self.acknowledged = number


class Reader:
    """Asks one node again and again, without waiting for answers, so that questions pile up while it stands still."""

    def __init__(self, connection: Connection, writer: Writer) -> None:
        self._connection = connection
        self._writer = writer
        self._ended = threading.Event()
        self._asked: dict[int, tuple[int, bool]] = {}
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self.paused = False
        self.answered = 0
        self.heard_of_the_pause = 0
        self.stale: list[str] = []

    def __enter__(self) -> Reader:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._ended.is_set():
            floor = self._writer.acknowledged
            self._asked[self._connection.send_read(Get(REGISTER.encode()))] = floor, self.paused
            while (heard := self._connection.receive(0.01)) is not None:
                self._judge(*heard)

    def _judge(self, request: int, results: list[object] | NoAnswer) -> None:
        if request not in self._asked:  # the handshake's own refusal
            return
        floor, paused = self._asked.pop(request)
        self.heard_of_the_pause += paused
        if isinstance(results, NoAnswer):
            return
        self.answered += 1
        row = results[0]
        value = int(row[1]) if isinstance(row, list) else 0
        if value < floor:
            self.stale.append(f"read {value} after {floor} had been acknowledged, asked in the pause: {paused}")


@pytest.mark.timeout(240)
def test_a_paused_leader_serves_no_stale_read_and_steps_down(tmp_path: Path, runtime: str) -> None:
    with LiveCluster(tmp_path, runtime=runtime) as cluster:
        cluster.start()
        heard_of_the_pause = 0
        # libzmq may take the connection down during a long pause, and the questions with it: then try again.
        for attempt in range(5):
            if attempt and heard_of_the_pause:
                break
            heard_of_the_pause += pause_the_leader(cluster, PAUSE_SECONDS if attempt == 0 else 1.0)
        assert heard_of_the_pause, "no question that was asked during a pause was ever answered: this proves nothing"
        cluster.agreement()
        assert len(cluster.state_hashes()) == 1


def pause_the_leader(cluster: LiveCluster, seconds: float) -> int:
    """One pause, with readers at the old leader all along; how many questions of the pause it answered or refused."""
    old = cluster.leader()
    others = cluster.others(old)
    term = cluster.agreed_term(old)
    endpoints = [cluster.nodes[name].address.client for name in others]
    with cluster.connection(old) as connection, Writer(endpoints) as writer, Reader(connection, writer) as reader:
        eventually(lambda: reader.answered >= 20 and writer.acknowledged >= 20, "reads and writes before the pause")
        resume_at = time.monotonic() + seconds
        cluster.nodes[old].signal(signal.SIGSTOP)
        try:
            reader.paused = True
            before = writer.acknowledged
            cluster.leader(among=others, above_term=term)
            eventually(lambda: writer.acknowledged >= before + 20, "writes under the new leader")
            while time.monotonic() < resume_at:
                pause()
        finally:
            cluster.nodes[old].signal(signal.SIGCONT)
            reader.paused = False

        def stepped_down() -> bool:
            row = cluster.status(old)
            return row is not None and row["term"] > term and row["leader"] not in (None, "")

        eventually(stepped_down, "the old leader follows a later term")
        since = reader.answered
        eventually(lambda: reader.answered >= since + 20 or reader.stale, "reads at the old leader after the pause")
        print(f"{reader.answered} reads answered, {reader.heard_of_the_pause} of those asked in the pause heard of")
        assert not reader.stale, reader.stale[:5]
        return reader.heard_of_the_pause


@pytest.mark.timeout(240)
def test_a_paused_leader_that_hears_nobody_finds_out_by_itself(tmp_path: Path, runtime: str) -> None:
    """As above, but no node can tell it that it was deposed: CheckQuorum and ReadIndex alone must stop it."""
    firewall.require()
    with LiveCluster(tmp_path, runtime=runtime) as cluster:
        cluster.start()
        old = cluster.leader()
        others = cluster.others(old)
        term = cluster.agreed_term(old)
        endpoints = [cluster.nodes[name].address.client for name in others]
        with cluster.connection(old) as connection, Writer(endpoints) as writer, Reader(connection, writer) as reader:
            eventually(lambda: reader.answered >= 20 and writer.acknowledged >= 20, "reads and writes before the pause")
            cluster.nodes[old].signal(signal.SIGSTOP)
            with firewall.Firewall() as wall:
                try:
                    wall.drop_to(cluster.nodes[old].address.peer)
                    reader.paused = True
                    before = writer.acknowledged
                    cluster.leader(among=others, above_term=term)
                    eventually(lambda: writer.acknowledged >= before + 20, "writes under the new leader")
                finally:
                    cluster.nodes[old].signal(signal.SIGCONT)
                    reader.paused = False
                eventually(lambda: reader.heard_of_the_pause, "an answer to a question of the pause, whatever it says")
                eventually(
                    lambda: (cluster.status(old) or {}).get("role") in ("follower", "pre-candidate"), "it steps down"
                )
                assert not reader.stale, reader.stale[:5]
            since = reader.answered
            eventually(lambda: reader.answered >= since + 20, "reads at the old leader once it hears the others")
            assert not reader.stale, reader.stale[:5]
        cluster.agreement()
        assert len(cluster.state_hashes()) == 1
