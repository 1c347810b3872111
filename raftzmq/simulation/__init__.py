"""The whole product in one process and on virtual time: real nodes, real bytes, and a world that is out to get them.

Everything that happens follows from one seed: a `random.Random` for all chance, integer microseconds, a heap of
actions with a settled order, and nothing that depends on clocks, hashes or threads. So a run that breaks a property
can be replayed, message by message, as often as it takes to understand it.

What is simulated is what surrounds a node (`host`, `disk`, `network`, `clients`, `faults`); what watches is
`observer`, `model` and `judge`, on top of `raftzmq.verify`.
"""

from raftzmq.simulation.cluster import Found, Outcome, simulate
from raftzmq.simulation.coverage import COUNTERS, Coverage
from raftzmq.simulation.runner import run_seeds

__all__ = ["COUNTERS", "Coverage", "Found", "Outcome", "run_seeds", "simulate"]
