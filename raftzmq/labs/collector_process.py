"""The collector of a lab: a process that records all that the nodes say."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import orjson

from raftzmq.benchmarks.launching import LAUNCHER, own_environment
from raftzmq.config import ClusterConfig
from raftzmq.errors import RaftzmqError
from raftzmq.events import USUAL_TYPES

PATIENCE_S = 20.0
_LOG_LINES = 10


class CollectorFailed(RaftzmqError):
    """The collector didn't start, or didn't end in order: there is no whole recording to judge."""


class CollectorProcess:
    """`raftzmq collector` for a cluster, recording in ``directory``; ``details`` are recorded beside what is usual.

    ``web`` is where it serves its page meanwhile, empty for nowhere. ``workshop`` is for its configuration and log.
    """

    def __init__(
        self, config: ClusterConfig, directory: Path, workshop: Path, *, details: Sequence[str] = (), web: str = ""
    ) -> None:
        file = workshop / "collector.toml"
        file.write_text(config.to_toml())
        self._log = workshop / "collector.log"
        self._command = [*LAUNCHER, "collector", "--config", str(file), "--directory", str(directory)]
        self._command += ["--web", web or "none", "--supervisor", "none"]
        if details:
            self._command += ["--topics", ",".join(sorted({*USUAL_TYPES, *details}))]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process that was started."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Return when it listens, so that nothing is lost of nodes that start from now on. Raises CollectorFailed."""
        with self._log.open("ab") as log:
            # A process group of its own: Ctrl-C is for the lab, which then ends it itself.
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=own_environment(), process_group=0
            )
        deadline = time.monotonic() + PATIENCE_S
        while b"collector started" not in self._log.read_bytes():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise CollectorFailed(f"the collector did not start: {self._tail()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Let it write what it has, and end. Raises CollectorFailed if it doesn't, or ended before."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise CollectorFailed(f"the collector was told to stop and runs on:\n{self._tail()}") from None
        if code:
            raise CollectorFailed(f"the collector ended with exit code {code}:\n{self._tail()}")

    def end(self) -> None:
        """Kill it, if it still runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _tail(self) -> str:
        """What it said last: the error that ended it, or the end of its log."""
        lines = self._log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
        with suppress(IndexError, ValueError, KeyError, TypeError):
            return str(orjson.loads(lines[-1])["error"])
        return "\n".join(lines)
