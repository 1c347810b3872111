"""A recording that is written by hand: events as nodes make them, as far as judges look at them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from raftzmq.labs.history import Event, History

BEGAN_S = 1_700_000_000.0
Said = dict[str, Any]


class Chronicle:
    """Events in the order in which they are told; `at` moves the clock that all nodes share."""

    def __init__(self, nodes: Iterable[str] = ("n1", "n2", "n3")) -> None:
        self.nodes = list(nodes)
        self.events: list[Event] = []
        self.ms = 0.0
        self._boots = dict.fromkeys(self.nodes, 0)
        self._mids = 0

    def at(self, ms: float) -> None:
        """From now on it is so many milliseconds after the beginning."""
        self.ms = ms

    def say(self, node: str, kind: str, term: int = 1, **fields: Any) -> Event:
        """A node tells of something."""
        boot = f"{node}-{self._boots.get(node, 0)}"
        event: Event = {"node": node, "boot": boot, "type": kind, "term": term}
        event |= {"ts": BEGAN_S + self.ms / 1000, "mono_ns": int(self.ms * 1_000_000), **fields}
        self.events.append(event)
        return event

    def boot(self, node: str, **fields: Any) -> None:
        """A node starts, again if it was there before."""
        self._boots[node] += 1
        self.say(node, "boot", 1, voters=self.nodes, **({"last_index": 0} | fields))

    def role(self, node: str, role: str, term: int, previous: str = "follower", reason: str = "") -> None:
        """A node's role changes."""
        self.say(node, "role", term, role=role, previous=previous, reason=reason)

    def lead(self, node: str, term: int) -> None:
        """A node becomes leader."""
        self.role(node, "leader", term, "candidate")

    def election(self, node: str, term: int, *, pre_vote: bool = False) -> None:
        """A node campaigns."""
        self.say(node, "election", term, pre_vote=pre_vote, last_log_index=0)

    def fault(self, node: str, peer: str, what: str = "set", *, cut: bool = True, term: int = 1) -> None:
        """A link is cut, or whole again (``what`` is `healed`)."""
        self.say(node, "fault", term, what=what, peer=peer, cut=cut and what != "healed")

    def message(
        self, sender: str, to: str, message: str, body: Said, *, arrives: bool = True, beat: bool = False
    ) -> None:
        """A message leaves, and arrives or not."""
        self._mids += 1
        fields: Said = {"mid": f"{sender}:{self._mids}", "message": message, "body": {"term": 1, **body}}
        self.say(sender, "heartbeat_sent" if beat else "sent", peer=to, **fields)
        if arrives:
            self.say(to, "heartbeat_received" if beat else "received", peer=sender, **fields)

    def append(self, node: str, *indexes: int, term: int = 1) -> None:
        """Entries join a node's log; their chain values follow from their indexes."""
        self.say(node, "append", term, first=indexes[0], last=indexes[-1], chains=[7 * index for index in indexes])

    def commit(self, node: str, index: int, term: int = 1) -> None:
        """A node's commit index rises."""
        self.say(node, "commit", term, index=index, chain=7 * index)

    def history(self, keep: Callable[[Event], bool] = lambda _: True) -> History:
        """All of it, or what ``keep`` keeps; positions are those of the whole."""
        return History((number, event) for number, event in enumerate(self.events, 1) if keep(event))
