"""Whether there is room to go on writing: looked at before a disk or a map is full, never met.

A commit that finds no room ends the node, and what was in flight is unknown. So a reserve is kept: below it nothing
new is taken, while terms, votes and compaction still have room (see `Raft.set_room`).
"""

from __future__ import annotations

from raftzmq.config import MIB
from raftzmq.node.work import Space

RESERVE_BYTES = 256 * MIB
"""Free bytes below which nothing new is taken: more than the node can write until it looks again."""
RESERVE_SHARE = 10
"""On a small file system the reserve is this part of it: a tenth."""
MAP_USED_MAX = 0.8
"""How much of an LMDB map may be used."""
RETURN = 1.25
"""There is room again only when there is this much more of it than the reserve: no flutter at the edge."""


def _reserve(space: Space) -> int:
    return min(RESERVE_BYTES, space.total_bytes // RESERVE_SHARE)


def spare_bytes(space: Space) -> int:
    """How much may be written at once, as a copy of a state is, so that the reserve is left."""
    return space.free_bytes - _reserve(space)


def has_room(space: Space, had_room: bool) -> bool:
    """Is there room for more, given whether there was before?"""
    reserve = _reserve(space)
    free = 1 - MAP_USED_MAX
    if not had_room:
        reserve, free = int(reserve * RETURN), free * RETURN
    return space.free_bytes >= reserve and 1 - max(space.log_used, space.state_used) >= free
