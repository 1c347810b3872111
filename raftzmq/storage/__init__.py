"""The disk of a node: a durable log and the state that it builds, in LMDB or in the simulator's memory.

`open_node` does the whole start of a real node; `raftzmq.storage.memory` is the same over a disk that forgets, when
it crashes, what was not synced. Both write the same bytes.
"""

from raftzmq.storage.opening import OpenedNode, open_node

__all__ = ["OpenedNode", "open_node"]
