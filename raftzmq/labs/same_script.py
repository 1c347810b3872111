"""One script for a cluster, the same every time: some writes one by one, then a burst; and what it leaves behind."""

from __future__ import annotations

import random
from collections import deque
from concurrent.futures import Future
from hashlib import blake2b

from raftzmq.client.results import PutResult
from raftzmq.client.sync import Client

PREFIX = "script/"
KEYS = 20
WRITES = 60
BURST = 1500
IN_FLIGHT = 64
_SEED = 7


def write(client: Client) -> None:
    """Clear what stands there, then put, delete and compare-and-swap in an order and with values that never change."""
    for row in client.range(PREFIX).items:
        client.delete(row.key)
    rng = random.Random(_SEED)
    for number in range(WRITES):
        key = f"{PREFIX}{rng.randrange(KEYS):02d}"
        kind = rng.choice(("put", "put", "delete", "swap"))
        if kind == "put":
            client.put(key, f"value {number}")
        elif kind == "delete":
            client.delete(key)
        else:
            client.compare_and_swap(key, None, f"first {number}")


def burst(client: Client) -> None:
    """As many puts as fit into `IN_FLIGHT` at a time, until there were `BURST`."""
    waiting: deque[Future[PutResult]] = deque()
    for number in range(BURST):
        if len(waiting) >= IN_FLIGHT:
            waiting.popleft().result()
        waiting.append(client.put_async(f"{PREFIX}burst/{number % 100:03d}", f"value {number}"))
    while waiting:
        waiting.popleft().result()


def content(client: Client) -> str:
    """A hash of all keys and values that the script has left."""
    digest = blake2b(digest_size=6)
    for row in client.range(PREFIX).items:
        for part in (row.key, row.value):
            digest.update(b"%d:" % len(part) + part)
    return digest.hexdigest()
