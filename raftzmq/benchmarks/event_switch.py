"""`raftzmq` whose making of events can be replaced by a function that does nothing, and put back: for experiments.

``python -m raftzmq.benchmarks.event_switch node --node n1 …``

Nothing in what is shipped can switch events off. This replaces the two functions through which every event is made, in
the one process that it starts, when that gets `OFF`, and puts the shipped ones back when it gets `ON`. Meanwhile
subscriptions are taken and Lamport time is kept as always: a subscriber just hears nothing. So one node is compared
with itself, a second apart, on the same connections, with the same data.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import Any

from raftzmq.benchmarks.slow_disk import start
from raftzmq.events import NODE_TYPES, EventMaker, Level
from raftzmq.node import Node

OFF, ON = signal.SIGUSR1, signal.SIGUSR2
"""What a node is sent so that it makes no events, and so that it makes them again."""
_DETAILS = [event.kind for event in NODE_TYPES if event.level is Level.DETAIL]


def launcher() -> tuple[str, ...]:
    """The command that stands in for ``raftzmq``: it makes events until it is told not to."""
    return (sys.executable, "-P", "-m", "raftzmq.benchmarks.event_switch")


def nothing(_self: object, *_: object) -> None:
    """Stands for both functions: no type of event is wanted, and none is made."""


def plant() -> None:
    """Let the two signals switch the making of events in this process."""
    functions = (EventMaker.wanted, EventMaker.emit)
    shipped = [function.__code__ for function in functions]
    makers: list[EventMaker] = []
    nodes: list[Node] = []
    _remember(EventMaker, makers)
    _remember(Node, nodes)

    def switch(number: int, _: FrameType | None) -> None:
        # Inside the functions, not in their places: a node may have taken them from there long before.
        for function, code in zip(functions, shipped, strict=True):
            function.__code__ = nothing.__code__ if number == OFF else code
        for maker in makers:
            maker.details = any(map(maker.wanted, _DETAILS))
        for node in nodes:
            # Nobody leaves: it is a reason to plan anew when the events are due that come by themselves.
            node.on_subscription(b"nobody", False, 0)

    signal.signal(OFF, switch)
    signal.signal(ON, switch)


def _remember(kind: type[Any], found: list[Any]) -> None:
    """Put every object of a class that is made from now on into a list."""
    make = kind.__init__

    def make_and_remember(self: Any, *arguments: Any, **named: Any) -> None:
        make(self, *arguments, **named)
        found.append(self)

    kind.__init__ = make_and_remember


if __name__ == "__main__":
    plant()
    start(sys.argv[1:])
