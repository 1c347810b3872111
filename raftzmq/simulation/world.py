"""What processes and clients know of the world that they live in."""

from __future__ import annotations

from random import Random
from typing import Protocol

from raftzmq.config import ClusterConfig
from raftzmq.simulation.audit import Audit
from raftzmq.simulation.conditions import Conditions
from raftzmq.simulation.coverage import Coverage
from raftzmq.simulation.network import Network
from raftzmq.simulation.observer import Observer
from raftzmq.simulation.scenario import Scenario
from raftzmq.simulation.schedule import Schedule
from raftzmq.simulation.transcript import Transcript
from raftzmq.verify import Violations


class World(Protocol):
    """Time, chance, the network, and those who watch.

    ``audit`` listens to what nodes say, if it is there. ``damaged``: nodes whose disks have a bit turned over, and in
    which table. ``requests``: what clients asked for.
    """

    schedule: Schedule
    scenario: Scenario
    conditions: Conditions
    config: ClusterConfig
    network: Network
    coverage: Coverage
    transcript: Transcript
    violations: Violations
    observer: Observer
    audit: Audit | None
    damaged: dict[str, str]
    requests: list[str]

    def chance(self, concern: str) -> Random:
        """The stream of chance of one concern: leaving another out doesn't disturb it."""

    def ahead(self, jump_us: int) -> None:
        """Some monotonic clock leapt ahead by so much."""

    def count(self) -> None:
        """One event has happened."""

    def to_peer(self, source: str, target: str, frames: list[bytes]) -> bool:
        """Send a message from a node to a node; False if it is lost already."""

    def to_client(self, source: str, routing: bytes, frames: list[bytes]) -> None:
        """Send an answer from a node to the client with this routing id."""

    def to_node(self, client: str, routing: bytes, target: str, frames: list[bytes]) -> None:
        """Send a request from a client to a node."""
