"""What is done to the nodes of a cluster while clients use it: a seed decides to whom, what and for how long."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from raftzmq.benchmarks.local_cluster import ClusterFailed, LocalCluster

KINDS: Final = ("kill", "pause", "restart")
"""SIGKILL, and started again later; SIGSTOP, and SIGCONT later; SIGTERM, and started again at once."""
_DURATION_S: Final = (0.2, 3.0)
"""From a blink, which no election notices, to ten of the longest election timeouts."""


@dataclass(frozen=True, slots=True)
class Fault:
    """``node`` is killed, paused or restarted ``after_s`` seconds after the fault before, for ``for_s`` seconds."""

    after_s: float
    node: str
    kind: str
    for_s: float


def schedule(nodes: Sequence[str], seed: int, seconds: float, every_s: float) -> list[Fault]:
    """The faults of ``seconds``, one every ``every_s`` on average. Same arguments, same faults."""
    rng = random.Random(f"faults {seed}")
    faults: list[Fault] = []
    passed = 0.0
    while True:
        after_s = rng.uniform(0.3, 1.7) * every_s
        passed += after_s
        if passed >= seconds:
            return faults
        faults.append(Fault(after_s, rng.choice(nodes), rng.choice(KINDS), rng.uniform(*_DURATION_S)))


class Faults:
    """Does them. A fault of a node that still has one is passed over, and so is one that would leave no majority."""

    def __init__(self, cluster: LocalCluster) -> None:
        self.done: Counter[str] = Counter()
        self._cluster = cluster
        self._away: dict[str, str] = {}
        self._minority = (len(cluster.nodes) - 1) // 2

    async def run(self, faults: Sequence[Fault]) -> None:
        """All of them, and heal: then every node runs. Raises ClusterFailed for a node that ended by itself."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for fault in faults:
                    await asyncio.sleep(fault.after_s)
                    if fault.node not in self._away and len(self._away) < self._minority:
                        self._away[fault.node] = fault.kind
                        self.done[fault.kind] += 1
                        tasks.create_task(self._one(fault))
        finally:
            self.heal()

    async def _one(self, fault: Fault) -> None:
        node, cluster = fault.node, self._cluster
        if fault.kind == "kill":
            await asyncio.to_thread(cluster.kill, node)
            await asyncio.sleep(fault.for_s)
        elif fault.kind == "pause":
            cluster.signal(node, signal.SIGSTOP)
            await asyncio.sleep(fault.for_s)
        else:
            code = await asyncio.to_thread(cluster.stop, node)
            # Whoever is told to stop before it has learned to listen just ends.
            if code not in (0, -signal.SIGTERM):
                raise ClusterFailed(f"{node} was told to stop and ended with exit code {code}")
        self._back(node)

    def _back(self, node: str) -> None:
        if self._away.pop(node) == "pause":
            self._cluster.signal(node, signal.SIGCONT)
        else:
            self._cluster.start(node)

    def heal(self) -> None:
        """End all faults that haven't ended."""
        for node in list(self._away):
            self._back(node)
