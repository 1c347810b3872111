"""A node's process is seen to be paused, to go on, and to be gone; somebody else's is nobody's business."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from raftzmq.collector.local_watch import LocalWatch, Watched
from tests.collector.support import wait_until

LISTENS = "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); input()"


@contextmanager
def process() -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """One that listens, and where."""
    found = subprocess.Popen([sys.executable, "-c", LISTENS], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert found.stdout is not None
    try:
        yield found, f"tcp://127.0.0.1:{int(found.stdout.readline())}"
    finally:
        found.kill()
        found.communicate()


class Told:
    """What a watch has said, gathered."""

    def __init__(self, watch: LocalWatch) -> None:
        self._watch = watch
        self.rows: list[dict[str, Any]] = []

    def comes(self, *states: str) -> None:
        """Wait until these, and nothing else, have been told."""

        def look() -> bool:
            self.rows += self._watch.take()
            return len(self.rows) >= len(states)

        wait_until(look, f"{states} are told")
        assert [row["state"] for row in self.rows] == list(states)


def test_what_becomes_of_a_process_is_told_once() -> None:
    with process() as (node, endpoint), closing(LocalWatch(look_s=0.01)) as watch:
        told = Told(watch)
        watch.want({"n1": Watched(endpoint, node.pid, False)})
        wait_until(lambda: bool(watch._known), "it has been looked at")
        node.send_signal(signal.SIGSTOP)
        told.comes("PAUSED")
        node.send_signal(signal.SIGCONT)
        told.comes("PAUSED", "RESUMED")
        node.kill()
        told.comes("PAUSED", "RESUMED", "GONE")  # though nobody has waited for it yet
        assert {row["name"] for row in told.rows} == {"n1"}
        assert {row["pid"] for row in told.rows} == {node.pid}
        node.wait()
        with process() as (again, place):
            watch.want({"n1": Watched(place, again.pid, False)})
            wait_until(lambda: watch._known["n1"][0] == again.pid, "its next life has been looked at")
            again.kill()
            told.comes("PAUSED", "RESUMED", "GONE", "GONE")


def test_who_was_known_to_be_paused_and_is_not_any_more_is_told_of() -> None:
    with process() as (node, endpoint), closing(LocalWatch(look_s=0.01)) as watch:
        watch.want({"n1": Watched(endpoint, node.pid, True)})
        Told(watch).comes("RESUMED")


def test_a_process_that_is_not_the_node_is_not_watched() -> None:
    with (
        process() as (node, _),
        closing(LocalWatch(look_s=0.01)) as watch,
        socket.create_server(("127.0.0.1", 0)) as ours,
    ):
        endpoint = f"tcp://127.0.0.1:{ours.getsockname()[1]}"
        assert os.getpid() != node.pid
        watch.want({"n1": Watched(endpoint, node.pid, False), "n2": Watched("tcp://10.1.2.3:7201", node.pid, False)})
        wait_until(lambda: len(watch._known) == 2, "both have been looked at")
        node.kill()
        node.wait()
        looked = watch._known
        assert looked["n1"] == (node.pid, None)
        assert looked["n2"] == (node.pid, None)
        assert watch.take() == []
