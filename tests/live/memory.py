"""How much memory nodes take, while something happens to them."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from tests.live.harness import LiveCluster

MIB = 1 << 20
LOOK_EVERY_S = 0.01


def anonymous_bytes(pid: int) -> int:
    """What a process holds of its own. Its resident size also counts LMDB's map, which the kernel may take back."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    return 0


class Growth:
    """The most that nodes took while the context lasted, above what they had before. Nodes that end are left out."""

    def __init__(self, cluster: LiveCluster, names: Iterable[str] | None = None) -> None:
        self._pids = {}
        for name in names if names is not None else cluster.nodes:
            process = cluster.nodes[name].process
            assert process is not None, f"{name} was never started"
            self._pids[name] = process.pid
        self._before = {name: anonymous_bytes(pid) for name, pid in self._pids.items()}
        self._most = dict(self._before)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._ended.wait(LOOK_EVERY_S):
            self._look()

    def _look(self) -> None:
        for name, pid in self._pids.items():
            try:
                self._most[name] = max(self._most[name], anonymous_bytes(pid))
            except (FileNotFoundError, ProcessLookupError):
                continue

    def check(self, mib: int) -> None:
        """Fail if a node took over ``mib`` MiB more than before, if only for a moment."""
        grown = {name: (most - self._before[name]) / MIB for name, most in self._most.items()}
        print("memory: " + ", ".join(f"{name} +{more:.1f} MiB" for name, more in grown.items()))
        assert max(grown.values()) <= mib, f"memory grew by more than {mib} MiB: {grown}"
