"""The whole product in one process and on virtual time: real nodes, real bytes, and a world that is out to get them.

Everything that happens follows from one seed: a `random.Random` of its own for each concern, integer microseconds, a
heap of actions with a settled order, and nothing that depends on clocks, hashes or threads. So a run that breaks a
property can be replayed, message by message, as often as it takes to understand it, and parts of it can be left out
(`scenario`) until only what matters is left (`shrink`).

What is simulated is what surrounds a node (`host`, `clock`, `disk`, `network`, `clients`, `faults`); what watches is
`observer`, `model` and `judge`, on top of `raftzmq.verify`, and `audit`, which hears only what nodes say.
"""

from raftzmq.simulation.audit import Audited
from raftzmq.simulation.cluster import Found, Outcome, simulate
from raftzmq.simulation.coverage import COUNTERS, Coverage
from raftzmq.simulation.runner import run_seeds
from raftzmq.simulation.scenario import WHOLE, Scenario, parse_scenario
from raftzmq.simulation.shrink import Shrunk, length, shrink

__all__ = [
    "COUNTERS",
    "WHOLE",
    "Audited",
    "Coverage",
    "Found",
    "Outcome",
    "Scenario",
    "Shrunk",
    "length",
    "parse_scenario",
    "run_seeds",
    "shrink",
    "simulate",
]
