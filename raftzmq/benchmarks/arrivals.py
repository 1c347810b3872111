"""When calls are due that nobody waits with until the last one is answered: a Poisson process of a given rate."""

from __future__ import annotations

import random
from array import array


def arrivals(rate: float, count: int, seed: str) -> array[float]:
    """Seconds from the beginning on at which each of ``count`` calls is due, ``rate`` of them per second on average.

    The gaps are exponentially distributed, as those between the requests of many users who don't know of one another
    are; the sum of several such processes is another one. Same seed, same times.
    """
    gap, at = random.Random(f"arrivals {seed}").expovariate, 0.0
    times = array("d")
    for _ in range(count):
        at += gap(rate)
        times.append(at)
    return times
