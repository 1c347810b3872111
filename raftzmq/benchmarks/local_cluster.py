"""Real node processes on free ports of loopback, without a supervisor: what is killed here stays dead until started."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

from raftzmq.benchmarks.launching import LAUNCHER, own_environment
from raftzmq.benchmarks.program import note, undisturbed
from raftzmq.client.sync import Client
from raftzmq.config import Address, ClusterConfig
from raftzmq.errors import RaftzmqError, RequestError

T = TypeVar("T")

PATIENCE_S = 60.0
"""How long a cluster may take to do what it should do within a second or two."""
LOG_LINES = 15
"""Of a node's log, when it ended by itself."""
_KEPT_MAX = 200
"""Ports kept from others at a time: of the last dozen clusters."""
PORTS_PART = (0, 2)
"""Which part of the ports this process gives out, of how many: whoever tests in several processes at once parts the
other half, since a port that is given out and not yet listened on looks free to another process."""
_LOWEST_PORT = 19_200
"""Above the ports of the local cluster of `bin/up`, however many nodes that has."""


class ClusterFailed(RaftzmqError):
    """A node ended by itself, or the cluster did not become what was waited for."""


_kept: deque[int] = deque()
"""File descriptors of sockets that are bound to ports given out and do nothing else."""


def free_cluster(count: int, name: str = "bench") -> ClusterConfig:
    """A configuration of ``count`` nodes on free ports, which whoever looks for some meanwhile finds taken.

    The cluster's id begins with ``name``.
    """
    ports = [f"tcp://127.0.0.1:{port}" for port in free_ports(3 * count + 1, kept=True)]
    nodes = tuple(Address(f"n{k + 1}", *ports[3 * k : 3 * k + 3]) for k in range(count))
    return ClusterConfig(f"{name}-{os.getpid()}-{random.randrange(10**6)}", nodes, ports[-1])


def free_ports(count: int, *, kept: bool = False) -> list[int]:
    """Ports that nobody holds, below those that outgoing connections are given: a node must find its own again.

    ``kept``: for those who listen as libzmq does, with SO_REUSEADDR; to others they are taken for as long as this
    process has not been given many more.
    """
    found: list[int] = []
    highest = _first_outgoing_port()
    if highest < _LOWEST_PORT + 1000:  # a machine that hands out nearly all ports: then the risk must be taken
        highest = 60_000
    part, parts = PORTS_PART
    width = (highest - _LOWEST_PORT) // parts
    lowest = _LOWEST_PORT + part * width
    while len(found) < count:
        port = random.randrange(lowest, lowest + width)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            if kept:
                _keep(probe)
        if port not in found:
            found.append(port)
    return found


def _keep(probe: socket.socket) -> None:
    """Let a bound socket live: who says SO_REUSEADDR may bind the same port, since nothing listens here."""
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _kept.append(probe.detach())
    while len(_kept) > _KEPT_MAX:
        os.close(_kept.popleft())


def made_directory(prefix: str, directory: Path | None) -> Path:
    """A fresh directory below ``directory``. Raises ClusterFailed where there cannot be one."""
    try:
        return Path(tempfile.mkdtemp(prefix=prefix, dir=directory))
    except OSError as error:
        where = tempfile.gettempdir() if directory is None else directory
        raise ClusterFailed(
            f"no directory for the nodes' data can be made in {where} ({error.strerror}): choose another --directory"
        ) from None


def _first_outgoing_port() -> int:
    try:
        return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except OSError:
        # not Linux: the first port that RFC 6335 leaves to outgoing connections
        return 49_152


class LocalCluster:
    """Nodes n1, n2, … in a fresh directory below ``directory`` (default: the system's for temporary files).

    A context manager: entering starts the nodes and waits until a leader serves; leaving kills them, by pid, and
    removes the directory, unless an error other than an interruption leaves through it: logs and data are kept then.
    """

    def __init__(
        self,
        count: int,
        directory: Path | None = None,
        *,
        runtime: str = "threads",
        node_options: Sequence[str] = (),
        launcher: Sequence[str] | None = None,
        name: str = "bench",
    ) -> None:
        """``runtime`` is the nodes' ``--runtime``; ``node_options`` come after what ``raftzmq node`` is given anyway.

        ``launcher`` is a command that stands in for ``raftzmq``: for nodes to which something is done on purpose.
        ``name`` is what the cluster's id and its directory begin with.
        """
        self.configuration = free_cluster(count, name)
        self._launcher = tuple(LAUNCHER if launcher is None else launcher)
        self._options = ("--runtime", runtime, *node_options)
        self.keep = False
        text = self.configuration.to_toml()
        self.path = made_directory(f"raftzmq-{name}-", directory)
        self._file = self.path / "cluster.toml"
        try:
            self._file.write_text(text)
        except BaseException:
            shutil.rmtree(self.path, ignore_errors=True)
            raise
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def nodes(self) -> list[str]:
        """Names of all nodes."""
        return [address.node for address in self.configuration.nodes]

    @property
    def endpoints(self) -> list[str]:
        """Where clients knock."""
        return [address.client for address in self.configuration.nodes]

    def __enter__(self) -> Self:
        try:
            for node in self.nodes:
                self.start(node)
            self.leader()
        except BaseException as error:
            self._end(error)
            raise
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self._end(error)

    def _end(self, error: BaseException | None) -> None:
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            process.wait()
        if self.keep or isinstance(error, Exception):
            note(f"logs and data of the nodes are kept in {self.path}")
        else:
            shutil.rmtree(self.path, ignore_errors=True)

    def log(self, node: str) -> Path:
        """Where a node's log is."""
        return self.path / f"{node}.log"

    def pid(self, node: str) -> int:
        """The process of a node."""
        return self._processes[node].pid

    def start(self, node: str, options: Sequence[str] = (), launcher: Sequence[str] | None = None) -> None:
        """Start a node that doesn't run; its output is appended to its log.

        ``options`` come after those of the cluster, and ``launcher`` stands in for its own, for this start alone.
        """
        command = [*(self._launcher if launcher is None else launcher), "node", "--node", node]
        command += ["--config", str(self._file), "--data", str(self.path / node), *self._options, *options]
        with self.log(node).open("ab") as log:
            # A process group of its own: Ctrl-C is for this program, which then ends its nodes itself.
            environment = own_environment()
            with undisturbed():
                self._processes[node] = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, process_group=0
                )

    def kill(self, node: str) -> None:
        """SIGKILL; the process is gone when this returns."""
        self._processes[node].kill()
        self._processes[node].wait()

    def signal(self, node: str, number: signal.Signals) -> None:
        """Send a signal to a node; nothing if it is gone."""
        self._processes[node].send_signal(number)

    def stop(self, node: str) -> int:
        """SIGTERM, as an operator does it; the exit code. Raises ClusterFailed if the node doesn't end."""
        self._processes[node].terminate()
        try:
            return self._processes[node].wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise ClusterFailed(f"{node} was told to stop and still runs after {PATIENCE_S:g} s") from None

    def check_running(self) -> None:
        """Raise ClusterFailed if a node ended by itself, with the end of its log, which says why."""
        for node, process in self._processes.items():
            code = process.poll()
            if code not in (None, -signal.SIGKILL):
                tail = self.log(node).read_text(errors="replace").splitlines()[-LOG_LINES:]
                raise ClusterFailed(f"{node} ended by itself with exit code {code}:{self._reason(tail)}")

    def _reason(self, tail: Sequence[str]) -> str:
        """Why a node ended: the sentence that it ends its log with, or else the end of the log."""
        try:
            sentence = str(json.loads(tail[-1])["error"])
        except (IndexError, ValueError, KeyError, TypeError):
            return "\n" + "\n".join(tail)
        hint = "; --directory says where the nodes' data go" if str(self.path) in sentence else ""
        return f" {sentence}{hint}"

    def wait(self, look: Callable[[], T | None], what: str, patience_s: float = PATIENCE_S) -> T:
        """The first value of ``look()`` that isn't None; raises ClusterFailed after ``patience_s``, saying ``what``."""
        deadline = time.monotonic() + patience_s
        while True:
            self.check_running()
            value = look()
            if value is not None:
                return value
            if time.monotonic() > deadline:
                raise ClusterFailed(f"not within {patience_s:g} s: {what}")
            time.sleep(0.02)

    def statuses(self, client: Client) -> dict[str, dict[str, Any]]:
        """The rows of the nodes that answer, by name."""
        return {row["node"]: row for row in client.status() if row["reachable"]}

    def leader(self, above_term: int = 0) -> tuple[str, int]:
        """Wait until all nodes follow one leader of a term above ``above_term``, and it serves; its name and term.

        It serves once it has committed in its term: a linearizable read tells (thesis 6.4).
        """

        with Client(self.endpoints) as client:

            def look() -> tuple[str, int] | None:
                rows = self.statuses(client).values()
                leaders = {(str(row["leader"]), int(row["term"])) for row in rows}
                if len(rows) < len(self.nodes) or len(leaders) != 1:
                    return None
                ((name, term),) = leaders
                return (name, term) if name in self.nodes and term > above_term else None

            found = self.wait(look, f"a leader that all {len(self.nodes)} nodes follow")
            try:
                client.get(b"is anybody there?", timeout=PATIENCE_S)
            except RequestError:
                # A node that ended by itself says more than the client, who only saw the silence.
                self.check_running()
                raise
        return found
