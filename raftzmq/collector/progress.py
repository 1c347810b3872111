"""How far the merged stream has come, node by node: what a collector that restarts goes on from."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from raftzmq.collector.envelope import COLLECTOR_NODE


@dataclass(slots=True)
class NodeProgress:
    """One node: its newest boot, the highest ``order`` and Lamport time that were passed on, and by type the last
    ``seq`` and how many events were lost."""

    boot: str = ""
    order: int = 0
    key: int = 0
    seqs: dict[str, int] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)


class Progress:
    """All nodes, by what the merged stream contains: whoever folds the same events knows the same.

    ``key`` is the highest Lamport time passed on. A ``checkpoint`` carries all of it as ``streams``, so that a
    collector that restarts reads no further back.
    """

    def __init__(self) -> None:
        self.nodes: dict[str, NodeProgress] = {}
        self.key = 0

    def fold(self, event: dict[str, Any]) -> None:
        """The next event of the merged stream, of a node or of the collector."""
        node = event["node"]
        if node == COLLECTOR_NODE:
            if event["type"] == "gap":
                self._fold_gap(event)
            return
        known = self.nodes.get(node)
        if known is None or known.boot != event["boot"]:
            known = self._begin(node, event["boot"])
        known.seqs[event["type"]] = event["seq"]
        if event["order"] > known.order:
            known.order = event["order"]
        key = event["lamport"]
        if key > known.key:
            known.key = key
            if key > self.key:
                self.key = key

    def _fold_gap(self, gap: dict[str, Any]) -> None:
        """What was lost isn't to be asked for again."""
        if not gap["missing"]:
            return
        known = self.nodes.get(gap["source"])
        if known is None or known.boot != gap["source_boot"]:
            known = self._begin(gap["source"], gap["source_boot"])
        kind = gap["topic"].rpartition(".")[2]
        known.seqs[kind] = gap["received"] - 1
        known.lost[kind] = gap["total"]

    def _begin(self, node: str, boot: str) -> NodeProgress:
        before = self.nodes.get(node)
        known = self.nodes[node] = NodeProgress(boot, key=before.key if before else 0)
        return known

    def to_json(self) -> dict[str, Any]:
        """What a checkpoint carries."""
        return {"key": self.key, "nodes": {node: asdict(known) for node, known in self.nodes.items()}}

    @classmethod
    def from_json(cls, streams: dict[str, Any]) -> Progress:
        """The same back; raises KeyError or TypeError for what is none."""
        progress = cls()
        progress.key = streams["key"]
        progress.nodes = {node: NodeProgress(**known) for node, known in streams["nodes"].items()}
        return progress
