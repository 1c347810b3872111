"""The network between nodes and clients: each direction of each pair loses, doubles and delays as it likes.

Nothing is in order, and what was sent to a node before it crashed may reach it after its restart: harsher than
ZeroMQ, whose connections die with a process, but no promise of Raft may rest on that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from raftzmq.simulation.conditions import STRAGGLE_US, Conditions, Link
from raftzmq.simulation.coverage import Coverage
from raftzmq.simulation.schedule import Schedule


class Network:
    """Carries calls from one name to another. `cut` and `heal` nest: a link works while nothing cuts it."""

    def __init__(
        self, schedule: Schedule, chance: Callable[[str], Random], conditions: Conditions, coverage: Coverage
    ) -> None:
        """``chance`` gives the stream of a name: each sender has its own."""
        self._schedule = schedule
        self._chance = chance
        self._senders: dict[str, Random] = {}
        self._conditions = conditions
        self._coverage = coverage
        self._links: dict[tuple[str, str], Link] = {}
        self._cuts: dict[tuple[str, str], int] = {}
        self._calm = False

    def connect(self, nodes: Sequence[str]) -> None:
        """Draw the quality of every link between ``nodes``, in both directions."""
        for source in nodes:
            rng = self._senders[source] = self._chance(f"network/{source}")
            for target in nodes:
                if source != target:
                    self._links[source, target] = self._conditions.link(rng)

    def connect_client(self, client: str, nodes: Sequence[str]) -> None:
        """Draw the quality of the links of ``client``: a connection, so it loses but doesn't double."""
        rng = self._senders[client] = self._chance(f"network/{client}")
        for node in nodes:
            for pair in ((client, node), (node, client)):
                drawn = self._conditions.link(rng)
                self._links[pair] = Link(drawn.delay_min_us, drawn.delay_max_us, drawn.loss / 3, 0.0, drawn.straggling)

    def cut(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Nothing passes from the first to the second of each pair until `heal`; what is on its way is lost too."""
        for pair in pairs:
            self._cuts[pair] = self._cuts.get(pair, 0) + 1

    def heal(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Undo one `cut` of the same pairs."""
        for pair in pairs:
            left = self._cuts.get(pair, 0) - 1
            if left > 0:
                self._cuts[pair] = left
            else:
                self._cuts.pop(pair, None)

    def calm(self) -> None:
        """From here on nothing is lost, doubled or held up, and no cut holds."""
        self._cuts.clear()
        self._calm = True

    def send(self, source: str, target: str, deliver: Callable[..., None], *arguments: Any) -> bool:
        """Call ``deliver(*arguments)`` later: once, twice, or never; False if it is lost already."""
        link, rng = self._links[source, target], self._senders[source]
        self._coverage.add("messages")
        if self._calm:
            self._schedule.after(link.delay_min_us, deliver, *arguments)
            return True
        pair = (source, target)
        if pair in self._cuts or (link.loss and rng.random() < link.loss):
            self._coverage.add("messages_dropped")
            return False
        self._carry(pair, link, deliver, arguments)
        if link.duplication and rng.random() < link.duplication:
            self._coverage.add("messages_duplicated")
            self._carry(pair, link, deliver, arguments)
        return True

    def _carry(
        self, pair: tuple[str, str], link: Link, deliver: Callable[..., None], arguments: tuple[Any, ...]
    ) -> None:
        rng = self._senders[pair[0]]
        delay = rng.randint(link.delay_min_us, link.delay_max_us)
        if link.straggling and rng.random() < link.straggling:
            delay += rng.randint(0, STRAGGLE_US)
            self._coverage.add("messages_delayed")
        self._schedule.after(delay, self._arrive, pair, deliver, arguments)

    def _arrive(self, pair: tuple[str, str], deliver: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        if pair in self._cuts:
            self._coverage.add("messages_dropped")
        else:
            deliver(*arguments)
