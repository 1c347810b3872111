"""Which runtime runs a node, chosen by name. Nothing is imported before it is needed: a command's help names them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from raftzmq.errors import ConfigurationError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from raftzmq.node import Node
    from raftzmq.node.work import NodeStorage
    from raftzmq.runtime.rounds import OnFacts
    from raftzmq.runtime.wires import Wires

THREADS = "threads"
COROUTINES = "coroutines"
COROUTINES_BLOCKING = "coroutines-blocking"
RUNTIMES = (THREADS, COROUTINES, COROUTINES_BLOCKING)


class Runtime(Protocol):
    """What runs a node."""

    def run(self) -> None:
        """Run it; return after `stop`, with the state committed. Raises the NodeError (or the bug) that ended it."""

    def stop(self) -> None:
        """End `run`; may be called from a signal handler or another thread."""


@dataclass(frozen=True, slots=True)
class RuntimeChoice:
    """A runtime of `RUNTIMES`, and whether its event loop is uvloop's.

    Raises ConfigurationError if there is no event loop to choose, or no uvloop.
    """

    name: str = THREADS
    uvloop: bool = False

    def __post_init__(self) -> None:
        if self.uvloop:
            if self.name == THREADS:
                raise ConfigurationError(
                    "--uvloop is an event loop, and --runtime threads has none: leave it out, or add "
                    f"--runtime {COROUTINES}"
                )
            _uvloop_factory()

    @property
    def about(self) -> dict[str, str]:
        """For the node's log and its status."""
        if self.name == THREADS:
            return {"runtime": self.name}
        return {"runtime": self.name, "event_loop": "uvloop" if self.uvloop else "asyncio"}

    def make(self, node: Node, storage: NodeStorage, wires: Wires, on_facts: OnFacts) -> Runtime:
        """The runtime for ``node``, not yet running."""
        if self.name == THREADS:
            from raftzmq.runtime.threads import ThreadsRuntime

            return ThreadsRuntime(node, storage, wires, on_facts)
        import asyncio

        from raftzmq.runtime.coroutines import CoroutinesRuntime

        loop_factory = _uvloop_factory() if self.uvloop else asyncio.new_event_loop
        blocking = self.name == COROUTINES_BLOCKING
        return CoroutinesRuntime(node, storage, wires, on_facts, loop_factory=loop_factory, blocking=blocking)


def _uvloop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:
        raise ConfigurationError(
            "--uvloop needs uvloop, which isn't installed: pip install 'raftzmq[uvloop]', or leave --uvloop out to run "
            "on asyncio's own event loop"
        ) from None
    return uvloop.new_event_loop
