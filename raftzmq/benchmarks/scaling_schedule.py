"""In which order a sweep is measured: by rounds, each in an order of its own, so that a drift looks like noise."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def interleaved(points: Sequence[T], repeats: int, seed: object) -> Iterator[T]:
    """Every point once in each of ``repeats`` rounds. Same seed, same order.

    A machine that becomes slower meanwhile slows all points alike; measured in ascending order, it would slow those
    with many workers, and look like a law.
    """
    rng = random.Random(f"schedule {seed}")
    for _ in range(repeats):
        yield from rng.sample(points, len(points))
