"""A follower of n2, and what it is sent: the beginning of most tests of the design's rules."""

from __future__ import annotations

from collections.abc import Sequence

from raftzmq.core.messages import AppendEntriesResponse
from raftzmq.core.types import Entry
from tests.core.support import Core, entries_to, heartbeat, of


def following(*terms: int) -> Core:
    """A follower of n2 in term 1 that has stored this term."""
    core = Core(terms=terms, term=1)
    core.step(heartbeat(core, sender="n2"))
    return core


def answers(messages: Sequence[object]) -> list[tuple[bool, int]]:
    """(success, match_index) of the answers to AppendEntries."""
    return [(a.success, a.match_index) for a in of(AppendEntriesResponse, messages)]


def took(core: Core, entries: tuple[Entry, ...], *, term: int = 1, sender: str = "n2") -> list[tuple[bool, int]]:
    """Let the leader send entries that lie behind what the core has; the answers that leave at once."""
    first = entries[0].index
    before = core.raft.log.entry(first - 1) if first > 1 else core.mark
    return answers(core.step(entries_to(core, entries, after=before, term=term, sender=sender)))
