"""Revisions that were acknowledged, a bit each: five million of them take 600 kB."""

from __future__ import annotations

_STEP = 65_536
"""Bytes that it grows by."""


class RevisionSet:
    """A set of revisions, which are dense: they count the writes of a store."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def add(self, revision: int) -> None:
        """Put a revision in; it may be in already."""
        place = revision >> 3
        try:
            self._bits[place] |= 1 << (revision & 7)
        except IndexError:
            self._bits += bytes(place - len(self._bits) + _STEP)
            self._bits[place] |= 1 << (revision & 7)

    def update(self, other: RevisionSet) -> None:
        """Put all of another set in."""
        size = max(len(self._bits), len(other._bits))
        both = int.from_bytes(self._bits, "little") | int.from_bytes(other._bits, "little")
        self._bits = bytearray(both.to_bytes(size, "little"))

    def __len__(self) -> int:
        return int.from_bytes(self._bits, "little").bit_count()
