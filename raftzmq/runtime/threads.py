"""The thread-pool runtime: one loop thread owns every socket and the Node, a pool does what blocks.

The loop waits in `Doorbells.wait`, one system call, and nowhere else.
"""

from __future__ import annotations

from raftzmq.node import Node
from raftzmq.node.work import NodeStorage
from raftzmq.runtime.rounds import OnFacts, Rounds
from raftzmq.runtime.wires import Wires


class ThreadsRuntime:
    """Runs one node until `stop` is called or something fatal happens."""

    def __init__(self, node: Node, storage: NodeStorage, wires: Wires, on_facts: OnFacts) -> None:
        self._rounds = Rounds(node, storage, wires, on_facts)

    def stop(self) -> None:
        """Ask the loop to end; may be called from a signal handler or another thread."""
        self._rounds.stop()

    def run(self) -> None:
        """The loop; after `stop` it commits the state and returns. Raises the NodeError (or the bug) that ended it."""
        with self._rounds as rounds:
            bells = rounds.bells
            while not rounds.stopping:
                rounds.take(bells.wait(rounds.patience_us()))
