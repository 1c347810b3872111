"""What one client process does in a measurement: how much of what, to which keys, with which client."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

ClientKind = Literal["asyncio", "sync"]
"""`raftzmq.aio.Client`, or `raftzmq.Client`, whose calls are kept in flight by its ``_async`` twins."""

HEAD: Final = struct.Struct(">II")
"""Every value begins with its client and sequence, so that no two are equal."""
_FILLERS: Final = 64


@dataclass(frozen=True, slots=True)
class Plan:
    """What one client process does. Same seed, same keys and values.

    ``read_share``: that part of the operations are linearizable gets. ``preload``: the numbers of keys, first and one
    past the last, that this process puts once before the clock runs. ``seconds``: end after so long, even if fewer than
    ``operations`` were done. ``rate``: operations per second that are due by a Poisson process, whether or not the
    earlier ones were answered, but with at most ``in_flight`` under way; 0: as fast as they are answered.
    """

    client: int
    endpoints: tuple[str, ...]
    operations: int
    in_flight: int
    value_size: int
    keys: int
    seed: int
    read_share: float = 0.0
    client_kind: ClientKind = "asyncio"
    preload: tuple[int, int] = (0, 0)
    seconds: float | None = None
    rate: float = 0.0

    @property
    def first_sequence(self) -> int:
        """Of the operations that are timed: before come the one that warms up, and those that preload."""
        return 1 + self.preload[1] - self.preload[0]

    def values(self) -> Callable[[int], bytes]:
        """Makes the value of a sequence number: incompressible, and unlike every other."""
        rng = random.Random(f"values {self.seed} {self.client}")
        fillers = [rng.randbytes(self.value_size - HEAD.size) for _ in range(_FILLERS)]
        client, head = self.client, HEAD.pack
        return lambda sequence: head(client, sequence) + fillers[sequence % _FILLERS]


def key_name(number: int) -> bytes:
    """The key of a number: 8 bytes."""
    return b"%08d" % number
