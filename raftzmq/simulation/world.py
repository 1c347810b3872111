"""What processes and clients know of the world that they live in."""

from __future__ import annotations

from random import Random
from typing import Protocol

from raftzmq.config import ClusterConfig
from raftzmq.simulation.conditions import Conditions
from raftzmq.simulation.coverage import Coverage
from raftzmq.simulation.network import Network
from raftzmq.simulation.observer import Observer
from raftzmq.simulation.schedule import Schedule
from raftzmq.simulation.transcript import Transcript
from raftzmq.verify import Violations


class World(Protocol):
    """Time, chance, the network, and those who watch."""

    schedule: Schedule
    rng: Random
    conditions: Conditions
    config: ClusterConfig
    network: Network
    coverage: Coverage
    transcript: Transcript
    violations: Violations
    observer: Observer

    def count(self) -> None:
        """One event has happened."""

    def to_peer(self, source: str, target: str, frames: list[bytes]) -> None:
        """Send a message from a node to a node."""

    def to_client(self, source: str, routing: bytes, frames: list[bytes]) -> None:
        """Send an answer from a node to the client with this routing id."""

    def to_node(self, client: str, routing: bytes, target: str, frames: list[bytes]) -> None:
        """Send a request from a client to a node."""
