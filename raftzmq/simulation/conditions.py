"""What a seed's world is like, drawn once at its start.

Each seed gets a character of its own (a clean network with a bad disk, many crashes and no partition, …): a mixture
of everything in every run would drown the rare interplay of a few (Groce et al. 2012, "Swarm testing").
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from raftzmq.config import HISTORY_REVISIONS_MAX, MICROSECONDS, SESSION_IDLE_US, SESSIONS_MAX, Retention, Timing

FAULTS = {
    "crash": 4,
    "crash_leader": 4,
    "crash_writing": 8,
    "crash_installing": 12,
    "crash_majority": 2,
    "power_cut": 2,
    "split": 8,
    "isolate_leader": 16,
    "isolate_writing": 8,
    "one_way": 4,
    "bridge": 4,
    "cut_links": 4,
    "pause": 2,
    "pause_leader": 8,
    "clock_jump": 4,
    "slow_disk": 4,
    "little_room": 4,
    "full_disk": 2,
    "failed_sync": 4,
    "flipped_bit": 1,
    "client_restart": 4,
}
"""What can happen to a cluster, and how often beside the others; `raftzmq.simulation.faults` does it."""

TIMINGS = (
    Timing(),
    Timing(30_000, 100_000, 200_000),
    Timing(50_000, 100_000, 700_000),
    Timing(100_000, 200_000, 1_200_000),
    Timing(100_000, 200_000, 1_200_000),
)
"""The last ones spread far: a deposed leader then believes in itself for long after another was elected."""


@dataclass(frozen=True, slots=True)
class Link:
    """One direction between two: delays in microseconds, and how often (of 1) something happens to a message."""

    delay_min_us: int
    delay_max_us: int
    loss: float
    duplication: float
    straggling: float
    """How often a message takes up to `STRAGGLE_US` longer, and so arrives behind later ones."""


STRAGGLE_US = 400_000
"""Longer than an election timeout, so that messages arrive from terms gone by."""


RETENTIONS = (
    Retention(keep_bytes=1, bound_bytes=1_500, step_bytes=1, entries_max=100, chunk_bytes=300),
    Retention(keep_bytes=1, bound_bytes=4_000, step_bytes=1, entries_max=3, chunk_bytes=100),
    Retention(keep_bytes=2_000, bound_bytes=10_000, step_bytes=500, entries_max=8, chunk_bytes=1_000),
    Retention(keep_bytes=4_000, bound_bytes=20_000, step_bytes=1_000, entries_max=100, chunk_bytes=100_000),
)
"""Logs of a few dozen entries (one costs about 300 bytes), so that runs are full of snapshots."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """The character of one seed. Times in microseconds; ``weights`` has one per fault of `FAULTS`.

    ``back_off_us``: how long a client waits at most, times the number of tries, before it tries again what was refused.
    ``drift_ppm``: the most that a clock runs fast or slow, in millionths. ``sessions_max`` and ``idle_us`` bound the
    sessions that the state keeps.
    """

    nodes: int
    clients: int
    keys: int
    depth: int
    timing: Timing
    delay_max_us: int
    loss: float
    duplication: float
    straggling: float
    disk_us: int
    round_us: int
    drain: int
    fault_every_us: int
    weights: tuple[int, ...]
    impatience: float
    back_off_us: int
    drift_ppm: int
    sessions_max: int
    idle_us: int
    retention: Retention
    revisions_max: int

    def link(self, rng: Random) -> Link:
        """The quality of one more directed link between nodes."""
        delay = rng.randint(30, self.delay_max_us)
        return Link(
            delay,
            delay + rng.randint(10, self.delay_max_us),
            self.loss * rng.random(),
            self.duplication * rng.random(),
            self.straggling * rng.random(),
        )


def draw(rng: Random) -> Conditions:
    """The conditions of a run."""
    weights = [weight if rng.random() < 0.6 else 0 for weight in FAULTS.values()]
    if not any(weights):
        weights[0] = 1
    clients = rng.randint(1, 4)
    return Conditions(
        nodes=rng.choices((1, 2, 3, 4, 5, 7), (2, 2, 20, 4, 20, 2))[0],
        clients=clients,
        keys=rng.randint(1, 4),
        depth=rng.randint(1, 3),
        timing=rng.choice(TIMINGS),
        delay_max_us=rng.choice((200, 500, 2_000, 10_000, 40_000)),
        loss=rng.choice((0.0, 0.0, 0.05, 0.3, 0.6)) / 2,
        duplication=rng.choice((0.0, 0.05, 0.3)),
        straggling=rng.choice((0.0, 0.0, 0.02, 0.1, 0.3)),
        disk_us=rng.choice((100, 400, 2_000, 10_000, 30_000)),
        round_us=rng.choice((0, 50, 500, 3_000)),
        drain=rng.choice((1, 4, 1_000)),
        fault_every_us=rng.choice((100_000, 250_000, 500_000, 1_000_000)),
        weights=tuple(weights),
        impatience=rng.choice((0.0, 0.1, 0.4)),
        back_off_us=50_000,
        drift_ppm=rng.choice((0, 100, 10_000, 50_000)),
        sessions_max=rng.choice((SESSIONS_MAX, SESSIONS_MAX, clients + 2, max(2, clients))),
        idle_us=rng.choice((SESSION_IDLE_US, SESSION_IDLE_US, 5 * MICROSECONDS, MICROSECONDS // 2)),
        retention=rng.choice((Retention(), *RETENTIONS)),
        revisions_max=rng.choice((HISTORY_REVISIONS_MAX, 20, 3)),
    )
