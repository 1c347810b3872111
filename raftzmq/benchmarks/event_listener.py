"""A program that listens to the events of nodes and does nothing with them: what a subscriber costs those who speak.

``python -m raftzmq.benchmarks.event_listener usual ENDPOINT…`` prints a line when it hears its first event.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Literal, Self

from raftzmq.benchmarks.launching import own_environment
from raftzmq.config import ClusterConfig
from raftzmq.errors import RaftzmqError
from raftzmq.events import USUAL_TYPES, topic_of
from raftzmq.transport.bare_subscriber import BareSubscriber

Wish = Literal["usual", "everything"]
"""What the collector subscribes to unless somebody asks it for more; or single messages too."""
_PATIENCE_S = 30.0
_ROUND_MS = 1000


class ListenerFailed(RaftzmqError):
    """The listener heard nothing, or ended by itself."""


def prefixes_of(wish: Wish, nodes: Sequence[str]) -> list[bytes]:
    """The topics that such a subscriber asks every node for."""
    if wish == "everything":
        return [topic_of(node, "") for node in nodes]
    return [topic_of(node, kind) for node in nodes for kind in USUAL_TYPES]


class EventListener:
    """Such a program, listening to all nodes of a cluster. A context manager; entering waits until it hears them."""

    def __init__(self, configuration: ClusterConfig, wish: Wish) -> None:
        nodes = ",".join(address.node for address in configuration.nodes)
        ends = [address.events for address in configuration.nodes]
        self._command = [sys.executable, "-P", "-m", "raftzmq.benchmarks.event_listener", wish, nodes, *ends]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        # A process group of its own: Ctrl-C is for the program that started it.
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=own_environment(), process_group=0
        )
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], _PATIENCE_S)
        if not ready or not self._process.stdout.readline():
            self.leave()
            raise ListenerFailed(f"the listener heard no event within {_PATIENCE_S:g} s")
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    @property
    def pid(self) -> int:
        """The process."""
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        """SIGSTOP: it is there, and takes nothing any more."""
        os.kill(self.pid, signal.SIGSTOP)

    def leave(self) -> None:
        """SIGKILL: its connections are gone with it. Nothing if it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()


def listen(wish: Wish, nodes: Sequence[str], endpoints: Sequence[str]) -> None:
    """Listen for ever; say so on standard output after the first event."""
    with BareSubscriber(endpoints, prefixes_of(wish, nodes)) as subscriber:
        while not subscriber.receive(_ROUND_MS):
            pass
        print("listening", flush=True)
        while True:
            subscriber.receive(_ROUND_MS)


if __name__ == "__main__":
    listen("everything" if sys.argv[1] == "everything" else "usual", sys.argv[2].split(","), sys.argv[3:])
