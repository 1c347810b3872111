"""Which single-message events somebody asks for by name: nodes make these only as long as they are subscribed to."""

from __future__ import annotations

from collections.abc import Sequence

from raftzmq.events import EVENT_TYPES, Level, topic_of

DETAIL_TYPES = tuple(kind for kind, event in EVENT_TYPES.items() if event.level is Level.DETAIL)


class Details:
    """The subscriptions of the collector's subscribers, as far as they name such types.

    A prefix that ends with a node's name or before it means whatever there is, and asks for nothing: it is in the
    nature of most subscribers to say it. ``kinds`` are types that the collector takes anyway.
    """

    def __init__(self, nodes: Sequence[str], kinds: frozenset[str]) -> None:
        self._topics = {
            (node, kind): topic_of(node, kind) for node in nodes for kind in DETAIL_TYPES if kind not in kinds
        }
        self._stems = {node: topic_of(node, "") for node in nodes}
        self._prefixes: dict[bytes, frozenset[tuple[str, str]]] = {}

    def subscribe(self, prefix: bytes) -> None:
        """Somebody subscribed. Only what asks for something is kept, and there is a bounded number of such prefixes."""
        named = frozenset(
            (node, kind)
            for (node, kind), topic in self._topics.items()
            if topic.startswith(prefix) and len(prefix) > len(self._stems[node])
        )
        if named:
            self._prefixes[prefix] = named

    def unsubscribe(self, prefix: bytes) -> None:
        """The last subscriber to a prefix left."""
        self._prefixes.pop(prefix, None)

    def wanted(self, everywhere: frozenset[str] = frozenset()) -> frozenset[tuple[str, str]]:
        """(node, type) of all that is asked for; ``everywhere``: types asked for of every node, by other ways."""
        named = [pair for pairs in self._prefixes.values() for pair in pairs]
        return frozenset(named).union(pair for pair in self._topics if pair[1] in everywhere)
