"""A node run by a runtime in a thread of the test's own process: real sockets, real LMDB, and a look into both."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from raftzmq.benchmarks.local_cluster import free_cluster
from raftzmq.config import ClusterConfig, Timing
from raftzmq.core.types import Mark
from raftzmq.node import Node
from raftzmq.node.work import LogJob, Space, StateJob, StateResult
from raftzmq.runtime.choice import RuntimeChoice
from raftzmq.runtime.jobs import now_us
from raftzmq.runtime.rounds import Rounds
from raftzmq.runtime.wires import Wires
from raftzmq.storage import OpenedNode, open_node

PATIENCE_S = 30.0
TIMING = Timing(50_000, 200_000, 400_000)


class WatchedLog:
    """The log, remembering who wrote to it; ``before_write`` is called first and may raise."""

    def __init__(self, opened: OpenedNode) -> None:
        self._log = opened.log
        self.threads: set[int] = set()
        self.writes = 0
        self.before_write: Callable[[], object] = lambda: None

    def write(self, job: LogJob) -> None:
        self.threads.add(threading.get_ident())
        self.before_write()
        self._log.write(job)
        self.writes += 1

    def close(self) -> None:
        self._log.close()


class WatchedState:
    """The state, remembering who applied to it and who committed it."""

    def __init__(self, opened: OpenedNode) -> None:
        self._state = opened.state
        self.threads: set[int] = set()
        self.commits = 0
        self.closed = False
        self.before_apply: Callable[[], object] = lambda: None

    def apply(self, job: StateJob) -> StateResult:
        self.threads.add(threading.get_ident())
        self.before_apply()
        return self._state.apply(job)

    def commit(self) -> Mark:
        self.threads.add(threading.get_ident())
        self.commits += 1
        return self._state.commit()

    def install(self, mark: Mark) -> StateResult:
        return self._state.install(mark)

    def close(self) -> None:
        self.threads.add(threading.get_ident())
        self._state.close()
        self.closed = True


class WatchedStorage:
    """All of a node's storage."""

    def __init__(self, opened: OpenedNode) -> None:
        self._opened = opened
        self.log = WatchedLog(opened)
        self.state = WatchedState(opened)
        self.snapshots = opened.snapshots

    def space(self) -> Space:
        return self._opened.space()


class Parts:
    """What a runtime of the only node of a cluster is given; its data is below ``directory``. A context manager."""

    def __init__(self, directory: Path, configuration: ClusterConfig | None = None) -> None:
        self.configuration = configuration or free_cluster(1)
        (self.address,) = self.configuration.nodes
        self._opened = open_node(directory / "n1", self.configuration, "n1", allow_any_filesystem=True)
        self.loaded = self._opened.loaded
        self.storage = WatchedStorage(self._opened)
        self.wires = Wires(self.address, [self.address])
        self.node = Node(
            self.loaded, timing=TIMING, rng=random.Random(1), boot="b", now_us=now_us(), wall_ns=time.time_ns
        )

    def rounds(self, *, blocking: bool) -> Rounds:
        """The rounds of this node, for a test that runs them itself."""
        return Rounds(self.node, self.storage, self.wires, lambda facts: None, blocking=blocking)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.wires.close()
        if not self.storage.state.closed:
            # The thread whose transaction it was has ended, so nobody can commit it any more.
            self._opened.log.close()
        self._opened.lock.release()


class Host:
    """A node that runs in a thread while the block of this context manager does.

    ``error`` is what the run ended with, ``thread`` where the loop is.
    """

    def __init__(self, directory: Path, choice: RuntimeChoice, configuration: ClusterConfig | None = None) -> None:
        self.parts = parts = Parts(directory, configuration)
        self.endpoints = [parts.address.client]
        self.storage = parts.storage
        self.runtime = choice.make(parts.node, parts.storage, parts.wires, lambda facts: None)
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            self.runtime.run()
        except BaseException as error:  # noqa: BLE001  the test looks at it
            self.error = error

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.runtime.stop()
        self.join()
        self.parts.__exit__()

    def join(self) -> None:
        """Wait for the end of the run."""
        self.thread.join(PATIENCE_S)
        assert not self.thread.is_alive(), "the loop goes on"
