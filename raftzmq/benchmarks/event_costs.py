"""What making events costs a leader: the same node with and without, a moment apart, for each kind of subscriber.

One cluster is loaded without a pause. Its leader makes events in one stretch of time and none in the next
(`raftzmq.benchmarks.event_switch`), and the processor time of all its threads is divided by the puts acknowledged
meanwhile. Who begins alternates from pair to pair, so that what changes slowly favours nobody.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from raftzmq.benchmarks.event_listener import EventListener, Wish
from raftzmq.benchmarks.event_switch import OFF, ON, launcher
from raftzmq.benchmarks.footprint import anonymous_bytes
from raftzmq.benchmarks.load import run_load
from raftzmq.benchmarks.local_cluster import LocalCluster
from raftzmq.benchmarks.plan import Plan
from raftzmq.benchmarks.process_costs import KINDS, spent, take_costs
from raftzmq.benchmarks.steady_load import ENDLESS, SteadyLoad, make_ledger
from raftzmq.benchmarks.verification import verify
from raftzmq.errors import RaftzmqError

Situation = Literal["nobody", "usual", "everything", "stopped", "gone"]
SITUATIONS: tuple[Situation, ...] = ("nobody", "usual", "everything", "stopped", "gone")
"""Who listens: nobody; a subscriber to what the collector usually wants, or to everything; that one stopped; killed."""
_SETTLE_S = 0.15
"""After a switch, before anything counts."""
_LOOK_S = 0.25
_WARM_IN_FLIGHT = 256
_ATTEMPTS = 3


class LeaderChanged(RaftzmqError):
    """No stretch of time was long enough for a comparison without an election in it."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How costs are measured. ``seconds`` is one stretch; ``rest_s`` is how long a node may go on for who has left.

    ``rest_s`` covers what it takes to notice a subscriber that stands still, and the time for which events are made
    after the last subscriber left. ``warm_up`` puts come first: until its log is as long as it gets, a node grows.
    """

    situations: tuple[Situation, ...]
    pairs: int
    seconds: float
    rest_s: float
    warm_up: int
    nodes: int
    runtime: str
    value_size: int
    keys: int
    seed: int
    directory: Path | None

    @property
    def steps(self) -> int:
        """Pairs that are measured for each number of puts in flight."""
        return self.pairs * len(self.situations)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A leader for a while, making events or not."""

    situation: Situation
    in_flight: int
    pair: int
    made: bool
    operations: int
    seconds: float
    cpu_us: float
    anonymous_bytes: int

    @property
    def cpu_us_per_operation(self) -> float:
        """Of all threads of the leader."""
        return self.cpu_us / self.operations


@dataclass(slots=True)
class Memory:
    """RssAnon of a leader with a subscriber that stands still: seconds since it does, and bytes."""

    in_flight: int
    looks: list[tuple[float, int]] = field(default_factory=list)


@dataclass(slots=True)
class Costs:
    """All that was seen."""

    stretches: list[Stretch] = field(default_factory=list)
    memory: list[Memory] = field(default_factory=list)
    keys_read_back: int = 0

    def ratios(self, situation: Situation, in_flight: int) -> list[float]:
        """Of each pair: the cost of an operation with events, by that without."""
        mine = [s for s in self.stretches if (s.situation, s.in_flight) == (situation, in_flight)]
        made = {s.pair: s.cpu_us_per_operation for s in mine if s.made}
        none = {s.pair: s.cpu_us_per_operation for s in mine if not s.made}
        return [made[pair] / none[pair] for pair in sorted(made.keys() & none.keys())]


def measure_costs(setting: Setting, in_flight: int, costs: Costs, step: Callable[[], None]) -> None:
    """Every situation, one after another, on one cluster; what was acknowledged is read back at the end.

    Raises LeaderChanged, ListenerFailed, LoadFailed, ClusterFailed, VerificationFailed, RequestError.
    """
    with LocalCluster(setting.nodes, setting.directory, runtime=setting.runtime, launcher=launcher()) as cluster:
        # Each load has a seed of its own, so that no two values are equal.
        endpoints, size, keys, seed = tuple(cluster.endpoints), setting.value_size, setting.keys, 2 * setting.seed
        warmed = run_load([Plan(0, endpoints, setting.warm_up, _WARM_IN_FLIGHT, size, keys, seed)], lambda done: None)
        with SteadyLoad([Plan(0, endpoints, ENDLESS, in_flight, size, keys, seed + 1)]) as load:
            load.begin()
            _Comparison(cluster, load, setting, in_flight, costs, step).run()
            ledger = make_ledger(load.stop())
        ledger.add(warmed)
        cluster.leader()
        costs.keys_read_back += verify(cluster.endpoints, ledger).keys_read_back


class _Comparison:
    """A cluster under load, and its leader being compared with itself."""

    def __init__(
        self,
        cluster: LocalCluster,
        load: SteadyLoad,
        setting: Setting,
        in_flight: int,
        costs: Costs,
        step: Callable[[], None],
    ) -> None:
        self._cluster = cluster
        self._load = load
        self._setting = setting
        self._in_flight = in_flight
        self._costs = costs
        self._step = step
        self._leader, self._term = cluster.leader()

    def run(self) -> None:
        """Each situation in the order in which one leads to the next."""
        wanted = self._setting.situations
        if "nobody" in wanted:
            self._wait(_SETTLE_S)
            self._compare("nobody")
        if "usual" in wanted:
            with self._listening("usual"):
                self._compare("usual")
            self._wait(self._setting.rest_s)
        if not {"everything", "stopped", "gone"} & set(wanted):
            return
        with ExitStack() as stack:
            listener = stack.enter_context(self._listening("everything"))
            if "everything" in wanted:
                self._compare("everything")
            if "stopped" in wanted:
                listener.stop()
                self._watch_memory()
        if "gone" in wanted:
            self._wait(self._setting.rest_s)
            self._compare("gone")

    def _listening(self, wish: Wish) -> EventListener:
        return EventListener(self._cluster.configuration, wish)

    def _watch_memory(self) -> None:
        """From the moment at which the subscriber stopped until the pairs are measured."""
        memory = Memory(self._in_flight)
        begun = time.monotonic()

        def look() -> None:
            memory.looks.append((time.monotonic() - begun, anonymous_bytes(self._cluster.pid(self._leader))))

        self._wait(self._setting.rest_s, look)
        self._compare("stopped", look)
        self._costs.memory.append(memory)

    def _compare(self, situation: Situation, look: Callable[[], None] = lambda: None) -> None:
        """All pairs of one situation, again if an election came between them."""
        for _ in range(_ATTEMPTS):
            stretches = list(self._stretches(situation, look))
            before, (self._leader, self._term) = (self._leader, self._term), self._cluster.leader()
            if (self._leader, self._term) == before:
                self._costs.stretches += stretches
                return
        raise LeaderChanged(f"the leader changed in each of {_ATTEMPTS} comparisons ({situation})")

    def _stretches(self, situation: Situation, look: Callable[[], None]) -> Iterator[Stretch]:
        for pair in range(1, self._setting.pairs + 1):
            for made in (True, False) if pair % 2 else (False, True):
                self._switch(ON if made else OFF)
                self._wait(_SETTLE_S, look)
                yield self._stretch(situation, pair, made, look)
            self._switch(ON)
            self._step()

    def _switch(self, number: signal.Signals) -> None:
        self._cluster.signal(self._leader, number)

    def _stretch(self, situation: Situation, pair: int, made: bool, look: Callable[[], None]) -> Stretch:
        pid = self._cluster.pid(self._leader)
        done, at_s, threads = self._load.acknowledged, time.monotonic(), take_costs([pid])
        self._wait(self._setting.seconds, look)
        costs = spent(threads, take_costs([pid]), [pid])
        return Stretch(
            situation,
            self._in_flight,
            pair,
            made,
            # One that waits for an election makes no sense of the figures, but must not end the program.
            max(1, self._load.acknowledged - done),
            time.monotonic() - at_s,
            sum(costs[kind].cpu_ns for kind in KINDS) / 1000,
            anonymous_bytes(pid),
        )

    def _wait(self, seconds: float, look: Callable[[], None] = lambda: None) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK_S))
            look()
            self._load.look()
            self._cluster.check_running()
