"""One thing that a measurement varies while everything else stays as it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from raftzmq.benchmarks.point import Point

Level = int | float | str
"""What a factor is set to."""


@dataclass(frozen=True, slots=True)
class Factor:
    """``field`` is the field of `Point` that is varied; ``name`` is how figures, tables and charts call it."""

    name: str
    field: str
    title: str
    axis: str
    levels: tuple[Level, ...]
    log: bool = True

    def points(self, base: Point) -> list[Point]:
        """The base with each level, in their order; with fewer client processes where there are fewer calls."""
        changes: list[dict[str, Any]] = [{self.field: level} for level in self.levels]
        points = [replace(base, **change) for change in changes]
        return [replace(point, clients=min(point.clients, point.in_flight)) for point in points]

    @property
    def is_named(self) -> bool:
        """Are its levels names rather than numbers?"""
        return isinstance(self.levels[0], str)


def factors(
    in_flight: tuple[int, ...],
    value_sizes: tuple[int, ...],
    nodes: tuple[int, ...],
    read_shares: tuple[float, ...],
    clients: tuple[str, ...],
) -> tuple[Factor, ...]:
    """Those of the throughput sweep."""
    return (
        Factor("in_flight", "in_flight", "calls in flight", "calls in flight", in_flight),
        Factor("value_size_bytes", "value_size", "the size of a value", "bytes of a value", value_sizes),
        Factor("nodes", "nodes", "the number of nodes", "nodes", nodes, log=False),
        Factor(
            "read_share",
            "read_share",
            "the share of reads",
            "linearizable gets, share of the calls",
            read_shares,
            log=False,
        ),
        Factor("client", "client", "the client", "client", clients),
    )
