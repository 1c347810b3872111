"""Does the collector hear the nodes? What a node does before it is heard is told in its standing alone."""

from __future__ import annotations

import orjson

from raftzmq.config import ClusterConfig
from raftzmq.events import topic_of
from raftzmq.transport.bare_subscriber import BareSubscriber


class Hearing:
    """Listens to the collector of a cluster, for the standings of nodes that have been started."""

    def __init__(self, config: ClusterConfig) -> None:
        nodes = [address.node for address in config.nodes]
        self._subscriber = BareSubscriber([config.collector], [topic_of(node, "standing") for node in nodes])
        self._boots: dict[str, set[str]] = {node: set() for node in nodes}
        self._expected: set[str] = set()

    def close(self) -> None:
        """Leave."""
        self._subscriber.close()

    def expect(self, node: str) -> None:
        """A node begins another boot now."""
        self._take()
        self._expected.add(node)

    def give_up(self, node: str) -> None:
        """A node has ended."""
        self._expected.discard(node)

    @property
    def unheard(self) -> set[str]:
        """Those whose newest boot has not been heard yet."""
        self._take()
        return set(self._expected)

    def _take(self) -> None:
        while found := self._subscriber.receive(0):
            for _, payload in found:
                event = orjson.loads(payload)
                boots = self._boots[event["node"]]
                if event["boot"] not in boots:
                    boots.add(event["boot"])
                    self._expected.discard(event["node"])
