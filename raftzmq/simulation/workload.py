"""What simulated clients ask for: few keys, so that they meet, and values that nobody else writes."""

from __future__ import annotations

from random import Random

from raftzmq.kv.commands import Command, CompareAndSwap, Delete, Get, Put, Query, Range

LARGE_BYTES = 30_000


class Workload:
    """Draws commands and queries for one client. ``learned`` tells it what a key held: a basis for comparing."""

    def __init__(self, rng: Random, client: str, keys: int) -> None:
        self._rng = rng
        self._client = client
        self._keys = [b"key-%d" % number for number in range(keys)]
        self._known: dict[bytes, tuple[bytes, int]] = {}
        self._made = 0

    def learned(self, key: bytes, value: bytes | None, mod_revision: int) -> None:
        """``key`` was seen with ``value``, or without one."""
        if value is None:
            self._known.pop(key, None)
        else:
            self._known[key] = (value, mod_revision)

    def queries(self) -> list[Query]:
        """One request's queries."""
        rng = self._rng
        if rng.random() < 0.2:
            return [Range(b"", None, rng.choice((1, 2, 100)))]
        return [Get(rng.choice(self._keys)) for _ in range(rng.choice((1, 1, 1, 2, 3)))]

    def commands(self) -> list[Command]:
        """One parcel's commands."""
        return [self._command() for _ in range(self._rng.choice((1, 1, 1, 2, 5)))]

    def _value(self) -> bytes:
        self._made += 1
        value = f"{self._client}.{self._made}".encode()
        return value.ljust(LARGE_BYTES, b".") if self._rng.random() < 0.01 else value

    def _command(self) -> Command:
        rng = self._rng
        key = rng.choice(self._keys)
        kind = rng.random()
        if kind < 0.6:
            return Put(key, self._value())
        if kind < 0.75:
            return Delete(key)
        value, revision = self._known.get(key, (None, 0))
        if rng.random() < 0.5:
            return CompareAndSwap(key, self._value(), expected=value)
        return CompareAndSwap(key, self._value(), mod_revision=revision)
