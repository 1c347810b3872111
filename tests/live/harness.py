"""Real node processes on free ports, without a supervisor: what is killed here stays dead until it is started again."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from raftzmq.benchmarks.launching import LAUNCHER as LAUNCHER
from raftzmq.benchmarks.launching import own_environment
from raftzmq.benchmarks.local_cluster import free_cluster
from raftzmq.config import Address
from tests.live.runtimes import runtime_options
from tests.live.wire import Connection, NoAnswer

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds that a condition gets: far more than it needs, so that a slow machine is no failure."""
ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = own_environment()


def pause(seconds: float = 0.02) -> None:
    """Let others run, between two looks at a condition."""
    threading.Event().wait(seconds)


def eventually(look: Callable[[], T | None], what: str, *, seconds: float = PATIENCE) -> T:
    """The first value of ``look()`` that counts as true; fails after ``seconds``, saying ``what``."""
    deadline = time.monotonic() + seconds
    while True:
        value = look()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        pause()


class NodeProcess:
    """One node: its address, its directory, and the process while there is one."""

    def __init__(self, address: Address, command: Sequence[str], log: Path) -> None:
        self.address = address
        self.name = address.node
        self.command = list(command)
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Is there a live process?"""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start the process; its output is appended to the log."""
        assert not self.running, f"{self.name} runs already"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=ENVIRONMENT
            )

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the live process."""
        assert self.process is not None
        self.process.send_signal(number)

    def wait(self, seconds: float = PATIENCE) -> int:
        """Wait for the end; the exit code."""
        assert self.process is not None
        return self.process.wait(seconds)

    def kill(self) -> None:
        """SIGKILL, and wait until the process is gone. A stopped process dies of it as well."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(PATIENCE)

    def tail(self, lines: int = 25) -> str:
        """The end of the log."""
        text = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(text[-lines:])


class LiveCluster:
    """Nodes n1, n2, … that share a configuration. Use as a context manager: nothing outlives it.

    ``runtime``: the name of one, from the fixture of that name, which runs the test under each; `MIXED`; or `EITHER`.
    """

    def __init__(
        self,
        directory: Path,
        count: int = 5,
        *,
        runtime: str,
        data: Path | None = None,
        launcher: Sequence[str] = LAUNCHER,
    ) -> None:
        self.configuration = free_cluster(count)
        self.data = data if data is not None else directory
        path = directory / "cluster.toml"
        path.write_text(self.configuration.to_toml())
        self.nodes = {
            address.node: NodeProcess(
                address,
                [
                    *launcher,
                    *("node", "--node", address.node, "--config", str(path)),
                    *("--data", str(self.data / address.node)),
                    # A process that is killed forgets nothing on any file system; only the power cut needs more.
                    *(() if data is not None else ("--any-file-system",)),
                    *options,
                ],
                directory / f"{address.node}.log",
            )
            for address, options in zip(self.configuration.nodes, runtime_options(runtime, count), strict=True)
        }

    def __enter__(self) -> LiveCluster:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill_all()
        for node in self.nodes.values():
            # pytest shows this only if the test failed
            print(f"--- {node.name} ({node.address.client}) ended with {node.process and node.process.returncode}")
            print(node.tail())

    @property
    def endpoints(self) -> list[str]:
        """Where clients knock."""
        return [address.client for address in self.configuration.nodes]

    def start(self, names: Iterable[str] | None = None) -> None:
        """Start nodes; all of them without ``names``."""
        for name in names if names is not None else self.nodes:
            self.nodes[name].start()

    def kill_all(self) -> None:
        """SIGKILL every node at once, then wait for all."""
        for node in self.nodes.values():
            if node.process is not None:
                node.process.kill()
        for node in self.nodes.values():
            node.kill()

    def stop_all(self) -> dict[str, int]:
        """SIGTERM every node that runs; the exit codes."""
        running = [node for node in self.nodes.values() if node.running]
        for node in running:
            node.signal(signal.SIGTERM)
        return {node.name: node.wait() for node in running}

    def others(self, *names: str) -> list[str]:
        """All names but these."""
        return [name for name in self.nodes if name not in names]

    def connection(self, name: str, *, timeout: float = 5.0) -> Connection:
        """A bare connection to one node."""
        return Connection(self.nodes[name].address.client, timeout=timeout)

    def status(self, name: str, *, timeout: float = 1.0) -> dict[str, Any] | None:
        """What the node says of itself; None if it doesn't answer."""
        if not self.nodes[name].running:
            return None
        try:
            with self.connection(name, timeout=timeout) as connection:
                return connection.status()
        except NoAnswer:
            return None

    def leader(self, *, among: Iterable[str] | None = None, above_term: int = 0, seconds: float = PATIENCE) -> str:
        """Wait until one node leads in a term above ``above_term`` and all of ``among`` that run follow it."""

        def look() -> str | None:
            self.check_running()
            rows = [self.status(name) for name in (among or self.nodes) if self.nodes[name].running]
            if any(row is None for row in rows):
                return None
            views = {(row["leader"], row["term"]) for row in rows if row is not None}
            leads = {(row["node"], row["term"]) for row in rows if row is not None and row["role"] == "leader"}
            if len(views) == 1 and views == leads and views.copy().pop()[1] > above_term:
                return str(views.pop()[0])
            return None

        return eventually(look, f"a leader of a term above {above_term} that all running nodes follow", seconds=seconds)

    def agreed_term(self, leader: str) -> int:
        """The term that a leader leads in, by its own word."""
        return int(eventually(lambda: self.status(leader), f"{leader} answers")["term"])

    def check_running(self) -> None:
        """Fail if a node ended by itself: it then says why in its log."""
        for node in self.nodes.values():
            if node.process is not None and (code := node.process.poll()) not in (None, -signal.SIGKILL):
                raise AssertionError(f"{node.name} ended by itself with {code}:\n{node.tail()}")

    def agreement(self, *, seconds: float = PATIENCE) -> dict[str, dict[str, Any]]:
        """Wait until all nodes have the same term, leader, log end, commit and applied index; their rows by name."""

        def look() -> dict[str, dict[str, Any]] | None:
            self.check_running()
            rows = {name: self.status(name) for name in self.nodes}
            seen = {tuple(row[key] for key in AGREED) if row is not None else None for row in rows.values()}
            (first, *rest) = seen
            settled = not rest and first is not None and len(set(first[2:])) == 1
            return {name: row for name, row in rows.items() if row is not None} if settled else None

        return eventually(look, f"all nodes agree on {', '.join(AGREED)}", seconds=seconds)

    def state_hashes(self) -> set[tuple[int, int, str]]:
        """What every node stores, as (last_applied, revision, digest); one element if all agree."""
        found = set()
        for name in self.nodes:
            # Behind all that others have asked before, however much that is.
            with self.connection(name, timeout=PATIENCE) as connection:
                found.add(connection.state_hash())
        return found


AGREED = ("term", "leader", "last_log_index", "commit_index", "last_applied")


def command_line(cluster: LiveCluster, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the command line against the cluster, as a user would."""
    environment = {**ENVIRONMENT, "RAFTZMQ_ENDPOINTS": ",".join(cluster.endpoints)}
    return subprocess.run(
        [*LAUNCHER, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
