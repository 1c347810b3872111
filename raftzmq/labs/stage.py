"""Where a lab happens: real processes on free ports, in lab mode, a collector that records them, and clients."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self, TypeVar

from raftzmq.benchmarks.local_cluster import LocalCluster
from raftzmq.client.lab import ask_nodes
from raftzmq.client.sync import Client
from raftzmq.codec.clients import ChaosRequest
from raftzmq.config import MICROSECONDS
from raftzmq.errors import RaftzmqError
from raftzmq.labs.collector_process import CollectorProcess
from raftzmq.labs.hearing import Hearing
from raftzmq.labs.narration import Step, Told

T = TypeVar("T")
Row = dict[str, Any]
Narrate = Callable[[Told], None]
"""Is called at every step, when it begins."""

PATIENCE_S = 15.0
"""How long a script waits for what takes a second or two."""
START_FACTOR = 4
"""For nodes that have just been started it waits so many times as long: a busy machine takes its time."""
ASK_S = 3.0
"""How long a node may take to answer about a fault."""
LAST_WORDS_S = 0.7
"""Before the end: some clock events of every node, behind which nothing older is still under way to the collector."""


class NotSeen(RaftzmqError):
    """What the script waited for didn't come. The judge will have an opinion on that."""


class Stage:
    """A cluster that isn't started yet, and what scripts do with it. A context manager; nothing outlives it.

    Entering starts the collector, leaving lets it write to the end (unless by an exception) and kills all processes.
    """

    def __init__(
        self,
        count: int,
        directory: Path,
        *,
        runtime: str = "threads",
        options: Sequence[str] = (),
        details: Sequence[str] = (),
        web: str = "",
        narrate: Narrate = lambda _: None,
        patience_s: float = PATIENCE_S,
        name: str = "lab",
    ) -> None:
        """``directory`` gets the recording and, while it lasts, the nodes' data. ``runtime`` is the nodes' own.

        ``name`` is what the cluster's id begins with."""
        self.runtime = runtime
        self.patience_s = patience_s
        self.told: list[Told] = []
        self._narrate = narrate
        self._stack = ExitStack()
        self.cluster = LocalCluster(count, directory, runtime=runtime, node_options=("--lab", *options), name=name)
        self.collector = CollectorProcess(
            self.cluster.configuration, directory, self.cluster.path, details=details, web=web
        )
        self._running: set[str] = set()
        self._starting = False
        self._client: Client | None = None

    def __enter__(self) -> Self:
        self._stack.push(self.cluster.__exit__)
        self._stack.callback(self.collector.end)
        try:
            self.collector.start()
            self._hearing = Hearing(self.cluster.configuration)
            self._stack.callback(self._hearing.close)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: Any) -> None:
        with self._stack:
            if error is None or isinstance(error, Exception):
                self.rest(LAST_WORDS_S)
                self.collector.stop()

    # --- telling

    def tell(self, step: Step, **values: object) -> None:
        """Say what comes now, with values in the places of the step's texts."""
        told = Told(len(self.told) + 1, time.time_ns() // 1_000_000, step.fill(**values))
        self.told.append(told)
        self._narrate(told)

    # --- who is there

    @property
    def nodes(self) -> list[str]:
        """All names."""
        return self.cluster.nodes

    @property
    def running(self) -> list[str]:
        """Those that were started and neither killed nor stopped since; a paused one counts."""
        return [name for name in self.nodes if name in self._running]

    def others(self, *names: str) -> list[str]:
        """All names but these."""
        return [name for name in self.nodes if name not in names]

    def endpoint(self, node: str) -> str:
        """Where its clients knock."""
        return self.cluster.configuration.address(node).client

    def client(self, *nodes: str, trace: str = "", timeout: float = 5.0) -> Client:
        """A client that knows these nodes to begin with, by default all; closed at the end of the lab.

        ``trace`` tags its requests: a `trace` event tells of each that was answered.
        """
        endpoints = [self.endpoint(name) for name in nodes or self.nodes]
        return self._stack.enter_context(Client(endpoints, timeout=timeout, trace=trace))

    # --- acting on processes

    def start(self, *nodes: str, options: Sequence[str] = (), launcher: Sequence[str] | None = None) -> None:
        """Start those of these nodes, by default of all, that don't run.

        ``options`` and ``launcher`` are for this start alone.
        """
        for name in nodes or self.nodes:
            if name not in self._running:
                self._hearing.expect(name)
                self.cluster.start(name, options, launcher)
                self._running.add(name)
                self._starting = True

    def kill(self, *nodes: str) -> None:
        """SIGKILL: the processes are gone when this returns, all of them at once."""
        for name in nodes:
            self.cluster.signal(name, signal.SIGKILL)
        for name in nodes:
            self.cluster.kill(name)
            self._gone(name)

    def stop(self, *nodes: str) -> None:
        """SIGTERM, and wait for the end."""
        for name in nodes:
            self.cluster.stop(name)
            self._gone(name)

    def _gone(self, name: str) -> None:
        self._running.discard(name)
        self._hearing.give_up(name)

    def pause(self, *nodes: str) -> None:
        """SIGSTOP: the processes do nothing, and don't know it."""
        for name in nodes:
            self.cluster.signal(name, signal.SIGSTOP)

    def resume(self, *nodes: str) -> None:
        """SIGCONT."""
        for name in nodes:
            self.cluster.signal(name, signal.SIGCONT)

    # --- acting on links, as `raftzmq chaos` does

    def partition(self, *groups: Sequence[str], for_s: float = 0.0) -> None:
        """Cut all links between groups, both ways, for so long or until `heal`."""
        everybody = [name for group in groups for name in group]
        self._ask(
            {
                name: ChaosRequest(1, "link", [o for o in everybody if o not in group], cut=True, for_us=_us(for_s))
                for group in groups
                for name in group
            }
        )

    def link(
        self,
        sources: str | Sequence[str],
        targets: str | Sequence[str],
        *,
        drop: float = 0.0,
        delay_s: float = 0.0,
        jitter_s: float = 0.0,
        duplicate: float = 0.0,
        cut: bool = False,
        for_s: float = 0.0,
    ) -> None:
        """Spoil what sources send to targets, for so long or until `heal`; the way back stays as it is."""
        senders = [sources] if isinstance(sources, str) else sources
        receivers = [targets] if isinstance(targets, str) else targets
        delays = _us(delay_s), _us(jitter_s)
        self._ask(
            {
                name: ChaosRequest(
                    1, "link", [o for o in receivers if o != name], drop, *delays, duplicate, cut, _us(for_s)
                )
                for name in senders
            }
        )

    def heal(self) -> None:
        """End all faults of links."""
        self._ask({name: ChaosRequest(1, "heal") for name in self.running})

    def elect(self, node: str) -> None:
        """Have a node campaign now."""
        self._ask({node: ChaosRequest(1, "elect")})

    def _ask(self, requests: Mapping[str, ChaosRequest]) -> None:
        """Ask all at once; raises what the first of them answered, if that is a refusal or silence."""
        for outcome in ask_nodes({self.endpoint(name): asked for name, asked in requests.items()}, ASK_S).values():
            if isinstance(outcome, Exception):
                raise outcome

    # --- waiting

    def rest(self, seconds: float) -> None:
        """Let things go on for a while: that something doesn't happen takes time to see."""
        time.sleep(seconds)

    def rows(self, among: Iterable[str] | None = None) -> dict[str, Row]:
        """The rows of ``status`` of the nodes that answer."""
        if self._client is None:
            self._client = self.client()
        chosen = set(self.nodes if among is None else among)
        return {
            str(row["node"]): row for row in self._client.status() if row["reachable"] and str(row["node"]) in chosen
        }

    def wait(self, look: Callable[[], T | None], what: str) -> T:
        """The first value of ``look()`` that isn't None. Raises NotSeen, ClusterFailed if a node ended by itself."""
        patience_s = self.patience_s * (START_FACTOR if self._starting else 1)
        deadline = time.monotonic() + patience_s
        while True:
            self.cluster.check_running()
            value = look()
            if value is not None:
                return value
            if time.monotonic() > deadline:
                raise NotSeen(f"not within {patience_s:g} s: {what}")
            time.sleep(0.02)

    def leader(self, among: Sequence[str] | None = None, above_term: int = 0) -> tuple[str, int]:
        """Wait until nodes (by default those that run) follow one leader among them; its name and term.

        And until the collector hears all that were started, so that nothing is missing of what happens from now on.
        """

        def look() -> tuple[str, int] | None:
            chosen = self.running if among is None else list(among)
            rows = self.rows(chosen).values()
            views = {(str(row["leader"]), int(row["term"])) for row in rows}
            if len(rows) < len(chosen) or len(views) != 1:
                return None
            ((name, term),) = views
            return (name, term) if name in chosen and term > above_term else None

        found = self.wait(look, f"a leader of a term above {above_term}")
        self.wait(lambda: None if self._hearing.unheard else True, "the collector hears every node")
        self._starting = False
        return found

    def settle(self, among: Sequence[str] | None = None) -> None:
        """Wait until nodes (by default those that run) have the same log, and have committed and applied all of it."""

        def look() -> bool | None:
            chosen = self.running if among is None else list(among)
            rows = self.rows(chosen).values()
            ends = {row[field] for row in rows for field in ("last_log_index", "commit_index", "last_applied")}
            return True if len(rows) == len(chosen) and len(ends) == 1 else None

        self.wait(look, "all nodes have committed and applied the same log")


def _us(seconds: float) -> int:
    return round(seconds * MICROSECONDS)
