"""What the core asks its driver to do: one frozen value, taken after a round of inputs."""

from __future__ import annotations

from typing import Any

from raftzmq.core.messages import Message
from raftzmq.core.types import Entry, HardState, Mark
from raftzmq.core.value import value


@value
class Append:
    """One transaction of the log: make it durable whole, then call ``appended``.

    ``entries`` replace everything from ``entries[0].index`` on; ``hard_state`` is None when it hasn't changed. With
    ``snapshot`` the log drops all it had before that and begins after this mark; with ``compact_to`` it drops the
    entries up to this mark alone. Never both.
    """

    hard_state: HardState | None = None
    entries: tuple[Entry, ...] = ()
    snapshot: Mark | None = None
    compact_to: Mark | None = None

    @property
    def only_entries(self) -> bool:
        """Nothing but entries: neither term and vote nor a mark."""
        return self.hard_state is None and self.snapshot is None and self.compact_to is None


@value
class ReadState:
    """A read of ``context`` is linearizable once the state has applied ``index``."""

    context: int
    index: int


@value
class Fact:
    """Something that happened in the core and that people want to see: the raw material of events.

    ``kind`` is one of the event types of the catalogue, ``term`` the term after it, ``fields`` plain JSON values.
    """

    kind: str
    term: int
    fields: dict[str, Any]


@value
class Ready:
    """All that is to be done after the inputs so far, in any order; only ``committed`` is ordered in itself.

    ``install``: put the snapshot that ends at this mark in the place of the state, durably, then call
    ``snapshot_installed``; until then no entries are committed here.
    """

    messages: tuple[Message, ...] = ()
    append: Append | None = None
    committed: tuple[Entry, ...] = ()
    reads: tuple[ReadState, ...] = ()
    facts: tuple[Fact, ...] = ()
    install: Mark | None = None
