"""A recording as judges look at it: what happened, in the order of the merged stream, with a few questions to ask.

Nothing here knows what a script did. That a node was killed shows in its silence, that it came back in a new boot.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from typing import Any, NamedTuple

from raftzmq.labs.words import Words

Event = dict[str, Any]

COLLECTOR = "collector"
"""The name under which the collector itself speaks."""
END = 2**63


class Moment(NamedTuple):
    """An event and its position in the merged stream."""

    position: int
    event: Event

    @property
    def node(self) -> str:
        """Who speaks."""
        return str(self.event["node"])

    @property
    def term(self) -> int:
        """The term that it speaks in."""
        return int(self.event["term"])

    @property
    def ts(self) -> float:
        """Its wall clock, in seconds since 1970: all nodes of a lab have the same."""
        return float(self.event["ts"])


class Reign(NamedTuple):
    """Somebody became leader of a term."""

    position: int
    node: str
    term: int
    ts: float

    @property
    def words(self) -> Words:
        """Who, and when."""
        return Words("{node}, term {term}", "{node}、任期{term}").fill(node=self.node, term=self.term)


class Life(NamedTuple):
    """One boot of a node, from its first event to its last."""

    node: str
    boot: str
    first: Moment
    last: Moment


class History:
    """The events of a recording; ``moments`` may be anything that gives (position, event) pairs in order."""

    def __init__(self, moments: Iterable[tuple[int, Event]]) -> None:
        self.moments: list[Moment] = [Moment(position, event) for position, event in moments]
        self._by_kind: dict[str, list[Moment]] = {}
        for moment in self.moments:
            self._by_kind.setdefault(moment.event["type"], []).append(moment)

    def of(
        self,
        kind: str,
        node: str | Container[str] | None = None,
        /,
        *,
        after: int = 0,
        before: int = END,
        **fields: Any,
    ) -> list[Moment]:
        """The events of a type between two positions, of a node (or of several), with these values in their fields."""
        nodes = (node,) if isinstance(node, str) else node
        return [
            moment
            for moment in self._by_kind.get(kind, ())
            if after < moment.position < before
            and (nodes is None or moment.event["node"] in nodes)
            and all(moment.event.get(name) == value for name, value in fields.items())
        ]

    def first(self, kind: str, node: str | None = None, /, *, after: int = 0, **fields: Any) -> Moment | None:
        """The first such event, None if there is none."""
        return next(iter(self.of(kind, node, after=after, **fields)), None)

    def last(self, kind: str, node: str | None = None, /, *, before: int = END, **fields: Any) -> Moment | None:
        """The last such event, None if there is none."""
        found = self.of(kind, node, before=before, **fields)
        return found[-1] if found else None

    @property
    def nodes(self) -> list[str]:
        """Who spoke, in the order of their names, and those that are said to be voters."""
        named = {moment.node for moment in self.moments} - {COLLECTOR}
        for moment in self._by_kind.get("boot", ()):
            named.update(moment.event.get("voters") or ())
        return sorted(named, key=lambda name: (len(name), name))

    @property
    def majority(self) -> int:
        """How many nodes are a majority."""
        return len(self.nodes) // 2 + 1

    @property
    def end(self) -> Moment:
        """The last event; without any, one at position 0 in term 0 of nobody."""
        return self.moments[-1] if self.moments else Moment(0, {"node": "", "type": "", "term": 0, "ts": 0.0})

    @property
    def heard_from(self) -> int:
        """The position from which on every node told all that it did, in its first boot.

        A node says where it stands as soon as somebody listens, which is a moment after it began to run.
        """
        firsts = [self.first("standing", node) for node in self.nodes]
        return max((END if moment is None else moment.position for moment in firsts), default=END)

    def reigns(self, *, after: int = 0, before: int = END) -> list[Reign]:
        """Who became leader, in order: the first event of each (node, term)."""
        found: dict[tuple[str, int], Reign] = {}
        for moment in self.of("role", after=after, before=before, role="leader"):
            reign = Reign(moment.position, moment.node, moment.term, moment.ts)
            found.setdefault((reign.node, reign.term), reign)
        return list(found.values())

    def lives(self, node: str | None = None) -> list[Life]:
        """The boots of a node, or of all, in the order of their beginnings."""
        found: dict[tuple[str, str], Life] = {}
        for moment in self.moments:
            if moment.node == COLLECTOR or node not in (None, moment.node):
                continue
            key = (moment.node, str(moment.event["boot"]))
            known = found.get(key)
            found[key] = Life(*key, moment, moment) if known is None else known._replace(last=moment)
        return list(found.values())

    def ended(self, *, silence_s: float = 1.0) -> list[Life]:
        """The boots that fell silent: while others were heard for so long after, or the node came back in another."""
        lives = self.lives()
        latest = max((life.last.ts for life in lives), default=0.0)
        found = []
        for life in lives:
            again = any(other.node == life.node and other.first.position > life.last.position for other in lives)
            if again or latest - life.last.ts >= silence_s:
                found.append(life)
        return found

    def others_went_on(self, life: Life, *, for_s: float = 1.0) -> bool:
        """Did other nodes speak on for so long after the last event of a boot?"""
        return any(
            moment.ts >= life.last.ts + for_s and moment.node not in (life.node, COLLECTOR)
            for moment in reversed(self.moments)
        )

    def commits(self, node: str | Container[str] | None = None, *, after: int = 0, before: int = END) -> list[Moment]:
        """When commit indexes rose."""
        return self.of("commit", node, after=after, before=before)

    def told_committed(self, node: str, index: int, *, after: int = 0) -> Moment | None:
        """The first event after a position by which a node tells that it has committed the entry at ``index``."""
        commits = [moment for moment in self.commits(node, after=after) if int(moment.event["index"]) >= index]
        stands = [m for m in self.of("standing", node, after=after) if int(m.event["commit_index"]) >= index]
        return min([*commits, *stands], default=None)

    def commit_index(self, *, before: int = END, node: str | None = None) -> int:
        """The highest commit index that a node, or any, had told of before a position; 0 if none did."""
        return max((int(m.event["index"]) for m in self.commits(node, before=before)), default=0)

    def __iter__(self) -> Iterator[Moment]:
        return iter(self.moments)
