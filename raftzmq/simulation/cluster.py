"""One seed: a cluster of real nodes, its clients and its misfortunes, from the first event to the last check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from raftzmq.config import MICROSECONDS, local_cluster
from raftzmq.kv.commands import Put, Query, Range, StateHash
from raftzmq.simulation.audit import Audit, Audited
from raftzmq.simulation.clients import Request, SimulatedClient
from raftzmq.simulation.conditions import Conditions, draw
from raftzmq.simulation.coverage import Coverage
from raftzmq.simulation.faults import Faults
from raftzmq.simulation.host import Host
from raftzmq.simulation.judge import Judge
from raftzmq.simulation.network import Network
from raftzmq.simulation.observer import Observer
from raftzmq.simulation.scenario import WHOLE, Scenario, without
from raftzmq.simulation.schedule import Schedule
from raftzmq.simulation.transcript import Transcript
from raftzmq.simulation.workload import Workload
from raftzmq.verify import LogTime, Violations

RECOVERY_US = 30 * MICROSECONDS
"""Virtual time that a healed cluster has to agree: a hundred elections' worth."""

DRAWN = ("conditions", "fault/", "work/")
"""What a scenario names parts of: other luck leaves it as it is."""


@dataclass(frozen=True, slots=True)
class Found:
    """A violation, and where in the run of ``seed`` it was seen: ``step`` counts events, ``time_us`` is virtual."""

    seed: int
    events: int
    name: str
    step: int
    time_us: int
    nodes: tuple[str, ...]
    explanation: str
    scenario: Scenario = WHOLE
    audited: bool = False

    @property
    def replay(self) -> str:
        """The command that shows it again."""
        only = f" --only '{self.scenario}'" if str(self.scenario) else ""
        audit = " --audit" if self.audited else ""
        return f"raftzmq simulate --seed {self.seed} --events {self.events}{only}{audit} --verbose"

    def to_json(self) -> dict[str, Any]:
        """As ``simulate --json`` has it."""
        return {
            "seed": self.seed,
            "property": self.name,
            "step": self.step,
            "time_us": self.time_us,
            "nodes": list(self.nodes),
            "explanation": self.explanation,
            "replay": self.replay,
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run of ``seed`` came to, after ``events`` events and the recovery that follows them.

    ``time_us`` of virtual time have passed. ``audited`` is None if nobody listened to the nodes.
    """

    seed: int
    events: int
    found: tuple[Found, ...]
    coverage: dict[str, int]
    time_us: int = 0
    audited: Audited | None = None


class Cluster:
    """The world of one seed; see `World` for what its parts see of it."""

    def __init__(
        self,
        seed: int,
        events: int,
        sink: Callable[[str], None] | None = None,
        scenario: Scenario = WHOLE,
        audit: Audit | None = None,
    ) -> None:
        self.seed = seed
        self.audit = audit
        self.scenario = scenario
        self._wanted = events
        self.events = 0
        self.damaged: dict[str, str] = {}
        self.requests: list[str] = []
        self._jumped_us = 0
        self.schedule = Schedule()
        self.coverage = Coverage()
        self.transcript = Transcript(self.schedule, sink)
        self.violations = Violations()
        self.conditions = self._character()
        self.config = local_cluster(self.conditions.nodes, "simulated")
        names = [address.node for address in self.config.nodes]
        self.network = Network(self.schedule, self.chance, self.conditions, self.coverage)
        self.network.connect(names)
        log_time = LogTime(self.violations, self._clocks_us)
        self.observer = Observer(names, self.conditions, self.violations, self.coverage, self.transcript, log_time)
        self.judge = Judge(self.observer.model, self.observer.realtime, self.violations, self.damaged)
        self._hosts = {name: Host(self, name) for name in names}
        self._clients: dict[str, SimulatedClient] = {}
        for number in range(1, self.conditions.clients + 1):
            workload = Workload(self.chance(f"work/c{number}"), f"c{number}", self.conditions.keys)
            self._add_client(f"c{number}", workload)
        self.faults = Faults(self, list(self._hosts.values()), list(self._clients.values()))

    def _character(self) -> Conditions:
        """What this world is like: drawn. A test that wants a particular one says so here."""
        return without(draw(self.chance("conditions")), self.scenario.without)

    def _add_client(self, name: str, workload: Workload | None) -> SimulatedClient:
        client = SimulatedClient(self, self.judge, name, workload)
        self._clients[name] = client
        self.network.connect_client(name, list(self._hosts))
        return client

    # ---- the world

    def chance(self, concern: str) -> Random:
        """A stream of chance that no other concern disturbs."""
        luck = self.scenario.luck
        if luck and not concern.startswith(DRAWN):
            concern = f"{concern}/{luck}"
        return Random(f"{self.seed}/{concern}")

    def ahead(self, jump_us: int) -> None:
        """Some monotonic clock leapt ahead by so much."""
        self._jumped_us += jump_us

    def _clocks_us(self) -> int:
        """How far clocks could have brought log time by now: the fastest all the time, and every leap."""
        now = self.schedule.now_us
        return now + now * self.conditions.drift_ppm // MICROSECONDS + self._jumped_us + len(self._hosts)

    def count(self) -> None:
        """One event has happened."""
        self.events += 1

    def to_peer(self, source: str, target: str, frames: list[bytes]) -> bool:
        """Send a message from a node to a node; False if it is lost already."""
        return self.network.send(source, target, self._hosts[target].from_peer, source, frames)

    def to_client(self, source: str, routing: bytes, frames: list[bytes]) -> None:
        """Send an answer from a node to the client with this routing id."""
        for client in self._clients.values():
            if client.routing == routing:
                self.network.send(source, client.name, client.receive, source, routing, frames)

    def to_node(self, client: str, routing: bytes, target: str, frames: list[bytes]) -> None:
        """Send a request from a client to a node."""
        self.network.send(client, target, self._hosts[target].from_client, client, routing, frames)

    # ---- the run

    def run(self) -> Outcome:
        """Let it all happen; stops at the first violation."""
        if self.transcript.on:
            self.transcript.line("*", f"seed {self.seed}: {self.conditions}")
        for host in self._hosts.values():
            host.start()
        for client in self._clients.values():
            client.start()
        self.faults.start()
        found = self.violations.found
        while self.events < self._wanted and not found:
            self.schedule.step()
        events = self.events
        if not found:
            self._recover()
        if not found:
            self.judge.check_given_up()
        audited = None if self.audit is None else self.audit.audited
        return Outcome(self.seed, events, self._found(), self.coverage.counts, self.schedule.now_us, audited)

    def _found(self) -> tuple[Found, ...]:
        return tuple(
            Found(
                self.seed,
                self._wanted,
                v.name,
                self.events,
                self.schedule.now_us,
                v.nodes,
                v.explanation,
                self.scenario,
                self.audit is not None,
            )
            for v in self.violations.found
        )

    def _until(self, reached: Callable[[], bool], deadline_us: int) -> bool:
        """Go on until ``reached``; False if a violation or the deadline came first."""
        found = self.violations.found
        while not reached():
            if found or self.schedule.now_us > deadline_us or not self.schedule.step():
                return False
        return not found

    def _recover(self) -> None:
        """Heal everything, then demand that a write is acknowledged and that the nodes come to the same state.

        A node whose disk has lost a bit may end at any time, and then stays away; nothing is demanded of it.
        """
        self.transcript.line("*", "everything is whole again")
        self.faults.stop()
        for client in self._clients.values():
            client.stop()
        deadline_us = self.schedule.now_us + RECOVERY_US
        probe = self._add_client("probe", None)
        probe.start()
        write = Request(self.observer.realtime.floor, commands=[Put(b"probe", b"at the end")], insisted=True)
        probe.ask(write)
        if not self._until(lambda: write.done, deadline_us):
            self._no_progress("no write was acknowledged")
            return
        if not self._until(self._agree, deadline_us):
            self._no_progress("the nodes did not come to the same applied index")
            return
        queries: list[Query] = [StateHash(), Range(b"")]
        floor = self.observer.realtime.floor
        sound = [name for name in self._hosts if name not in self.damaged]
        reads = [Request(floor, queries=queries, pinned=name, insisted=True) for name in sound]
        for read in reads:
            probe.ask(read)
        if not self._until(lambda: all(read.done for read in reads), deadline_us):
            self._no_progress("not every node answered a read")

    def _agree(self) -> bool:
        """Whether all nodes with sound disks have committed and applied everything that is in the leader's log."""
        wanted = self.observer.invariants.committed.last
        for host in self._hosts.values():
            node = host.node
            if host.name in self.damaged:
                continue
            if node is None:
                return False
            raft = node.raft
            if not wanted == raft.log.last_index == raft.commit_index == raft.last_applied:
                return False
        return True

    def _no_progress(self, what: str) -> None:
        if self.violations.found:
            return
        states = ", ".join(
            f"{name}: down"
            if host.node is None
            else f"{name}: {host.node.raft.role} of term {host.node.raft.current_term}, log to "
            f"{host.node.raft.log.last_index}, committed {host.node.raft.commit_index}, applied "
            f"{host.node.raft.last_applied}"
            for name, host in self._hosts.items()
        )
        self.violations.report(
            "progress",
            tuple(self._hosts),
            f"{what} within {RECOVERY_US // MICROSECONDS} s of virtual time after all was mended ({states})",
        )


def simulate(
    seed: int,
    events: int,
    sink: Callable[[str], None] | None = None,
    scenario: Scenario = WHOLE,
    *,
    audited: bool = False,
) -> Outcome:
    """Run one seed for ``events`` events and its recovery; ``sink`` gets the lines of the transcript.

    ``scenario`` says what of it takes place. ``audited``: what the nodes say is held to the rules, too.
    """
    return Cluster(seed, events, sink, scenario, Audit() if audited else None).run()
