"""A cluster of real nodes on virtual time that obeys a test: who is connected, who is up, what is proposed where.

It is the simulator's cluster without its misfortunes and its clients, and with all that watches it: any broken
property of `raftzmq.verify` ends the test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from functools import partial
from random import Random
from typing import Any

from raftzmq.codec import PROTOCOL_MAX, PROTOCOL_MIN
from raftzmq.codec.clients import (
    Answer,
    Execute,
    Failure,
    Hello,
    Read,
    decode_node_header,
    decode_results,
    encode_header,
)
from raftzmq.codec.peers import decode_envelope
from raftzmq.config import MICROSECONDS, SESSION_IDLE_US, SESSIONS_MAX, Retention, Timing
from raftzmq.core import Role
from raftzmq.kv.commands import OpenSession, Parcel, Put, encode_parcel
from raftzmq.node import Node
from raftzmq.node.proposals import Waiting
from raftzmq.node.work import LogJob, Timed
from raftzmq.simulation.cluster import Cluster
from raftzmq.simulation.conditions import Conditions, Link, draw
from raftzmq.simulation.host import Host
from raftzmq.simulation.network import Network
from raftzmq.storage.memory import MemoryDisk, open_memory_node

SECOND = MICROSECONDS
ELECTION = SECOND
"""What the course gives an election, and what its tests wait for where they wait for one."""
RESULTS_KEPT = 64
"""Results that the state remembers of the commands that tests start: states, and so snapshots, stay small."""
REQUESTS = (1, 3)
"""The kinds of RequestVote and AppendEntries in an envelope: the calls of RPC; what is left answers them."""


class Weather(Conditions):
    """Conditions under which all links are alike."""

    __slots__ = ()

    def link(self, rng: Random) -> Link:
        """A link with the loss, duplication and straggling that the conditions say, no better and no worse."""
        return Link(200, self.delay_max_us, self.loss, self.duplication, self.straggling)


def weather(voters: int) -> Weather:
    """Fair weather for ``voters`` nodes: messages take up to a millisecond, and none is lost."""
    drawn = draw(Random(0))
    fair = Weather(**{field.name: getattr(drawn, field.name) for field in fields(Conditions)})
    return replace(
        fair,
        nodes=voters,
        clients=0,
        timing=Timing(),
        delay_max_us=1_000,
        loss=0.0,
        duplication=0.0,
        straggling=0.0,
        disk_us=400,
        round_us=0,
        drain=1_000,
        drift_ppm=0,
        sessions_max=SESSIONS_MAX,
        idle_us=SESSION_IDLE_US,
        retention=Retention(),
    )


@dataclass(frozen=True, slots=True)
class Started:
    """A command that a leader took: where it stands in that leader's log."""

    value: bytes
    index: int
    term: int
    chain: int


class Lab(Cluster):
    """``voters`` nodes n1, n2 … that start at once. Times are microseconds of virtual time.

    ``changes`` are conditions that differ from fair `weather` from the beginning.
    """

    def __init__(self, voters: int = 3, *, seed: int = 1, unreliable: bool = False, **changes: Any) -> None:
        self._weather = replace(weather(voters), **changes)
        super().__init__(seed, 0)
        self.names = list(self._hosts)
        self.disconnected: set[str] = set()
        self.requests_sent = 0
        self.bytes_sent = 0
        self.answers: dict[int, list[tuple[str, Any, Answer | Failure]]] = {}
        self._greeted: set[tuple[str, int]] = set()
        self.rng = self.chance("test")
        self.session = 0
        self.sequence = 0
        if unreliable:
            self.change_weather(loss=0.1, delay_max_us=27_000)
        for host in self._hosts.values():
            host.start()

    def _character(self) -> Conditions:
        return self._weather

    # ---- the world

    def change_weather(self, **changes: Any) -> None:
        """From here on the network has other qualities; what is under way arrives as it would have."""
        self.conditions = self._weather = replace(self._weather, **changes)
        self.network = Network(self.schedule, self.chance, self.conditions, self.coverage)
        self.network.connect(self.names)
        for name in self.names:
            if name in self.disconnected:
                self.network.cut(self._pairs(name))

    def to_peer(self, source: str, target: str, frames: list[bytes]) -> bool:
        """Send a message from a node to a node, and count it."""
        self.requests_sent += decode_envelope(frames[0]).kind in REQUESTS
        self.bytes_sent += sum(map(len, frames))
        return super().to_peer(source, target, frames)

    def to_client(self, source: str, routing: bytes, frames: list[bytes]) -> None:
        """Keep what a node answers to `ask`."""
        header = decode_node_header(frames[0])
        if routing == b"caller" and isinstance(header, Answer | Failure):
            results = decode_results(frames[1]) if isinstance(header, Answer) else None
            self.answers.setdefault(header.request, []).append((source, results, header))

    def ask(self, name: str, request: Execute | Read, payload: bytes) -> None:
        """Send a request to a node, as a client does that has greeted it; the `answers` are kept by its number."""
        host = self._hosts[name]
        if (name, host.boots) not in self._greeted:
            self._greeted.add((name, host.boots))
            host.from_client("caller", b"caller", [encode_header(Hello(PROTOCOL_MIN, PROTOCOL_MAX, "", b"caller"))])
        host.from_client("caller", b"caller", [encode_header(request), payload])

    def _pairs(self, name: str) -> list[tuple[str, str]]:
        return self._between([name], [other for other in self.names if other != name])

    @staticmethod
    def _between(one: list[str], other: list[str]) -> list[tuple[str, str]]:
        return [pair for a in one for b in other for pair in ((a, b), (b, a))]

    def disconnect(self, *names: str) -> None:
        """Cut these nodes off from every other."""
        for name in names:
            if name not in self.disconnected:
                self.disconnected.add(name)
                self.network.cut(self._pairs(name))

    def connect(self, *names: str) -> None:
        """Undo `disconnect`: nodes reach each other if neither is disconnected."""
        for name in names:
            if name in self.disconnected:
                self.disconnected.remove(name)
                self.network.heal(self._pairs(name))

    @contextmanager
    def cut(self, *pairs: tuple[str, str]) -> Iterator[None]:
        """Nothing passes from the first to the second of these pairs for as long as it lasts."""
        self.network.cut(pairs)
        yield
        self.network.heal(pairs)

    # ---- nodes

    def host(self, name: str) -> Host:
        """The process of a node."""
        return self._hosts[name]

    def node(self, name: str) -> Node:
        """A node that is up."""
        node = self._hosts[name].node
        assert node is not None, f"{name} is down"
        return node

    def up(self, name: str) -> bool:
        """Is this node running?"""
        return self._hosts[name].node is not None

    def after(self, name: str, count: int) -> str:
        """The node ``count`` places behind ``name``."""
        return self.names[(self.names.index(name) + count) % len(self.names)]

    def crash(self, *names: str) -> None:
        """End these processes, with the loss of what their disks have not finished."""
        for name in names:
            self._hosts[name].crash()

    def restart(self, *names: str) -> None:
        """Start these processes from what their disks have."""
        for name in names:
            self._hosts[name].crash()
            self._hosts[name].start()

    def hang(self, name: str, *, for_us: int | None = None) -> None:
        """Each write of this node's log takes so long from now on; None: for ever."""
        disk = self._hosts[name].disk
        write = disk._write_log

        def slowly(
            job: LogJob, written: Callable[[LogJob], None], report: Callable[[LogJob, Timed], None], *more: Any
        ) -> None:
            disk._writing = True
            if for_us is not None:
                self.schedule.after(for_us, write, disk._life, job, for_us, written, report, *more)

        disk.write_log = slowly  # type: ignore[method-assign]

    def hang_state(self, name: str) -> None:
        """This node's state does nothing of what it is given any more."""
        self._hosts[name].disk.run_state = lambda *_: None  # type: ignore[method-assign]

    def wipe(self, name: str) -> None:
        """Crash a node, and put an empty disk in the place of its own."""
        self.crash(name)
        disk = self._hosts[name].disk
        disk._disk = MemoryDisk()
        open_memory_node(disk._disk, self.config, name, "another life")

    def installs(self) -> int:
        """How many snapshots have been installed so far."""
        return self.coverage.counts["snapshots_installed"]

    def leads(self, name: str) -> bool:
        """Does this node take itself for the leader?"""
        return self.up(name) and self.node(name).raft.role is Role.LEADER

    # ---- time

    def sound(self) -> None:
        """Fail if a property of `raftzmq.verify` is broken."""
        assert self.violations.found == []

    def wait(self, microseconds: int) -> None:
        """Let time pass."""
        ended: list[bool] = []
        self.schedule.after(microseconds, ended.append, True)
        while not ended:
            self.schedule.step()
            self.sound()

    def until(self, reached: Callable[[], bool], microseconds: int) -> bool:
        """Let time pass until ``reached``; False if it took longer than that."""
        deadline = self.schedule.now_us + microseconds
        while not reached():
            if self.schedule.now_us > deadline:
                return False
            self.schedule.step()
            self.sound()
        return True

    # ---- what the course's tests ask

    def one_leader(self) -> str:
        """Wait until a connected node leads, as long as five elections; the leader of the newest term."""
        assert self.until(lambda: bool(self._leaders()), 5 * ELECTION), "nobody leads"
        leaders = self._leaders()
        return leaders[max(leaders)]

    def _leaders(self) -> dict[int, str]:
        """Connected nodes that lead, by term; that a term has one alone is watched by `sound`."""
        names = [name for name in self.names if name not in self.disconnected and self.leads(name)]
        return {self.node(name).raft.current_term: name for name in names}

    def no_leader(self) -> None:
        """Fail if a connected node leads."""
        assert self._leaders() == {}

    def term(self) -> int:
        """The term that all connected nodes are in."""
        terms = {self.node(n).raft.current_term for n in self.names if n not in self.disconnected and self.up(n)}
        assert len(terms) == 1, f"terms {terms}"
        return terms.pop()

    def start(self, name: str, value: bytes | None = None) -> Started | None:
        """Give a command to a node, whatever else waits there; None if it doesn't lead."""
        if not self.leads(name):
            return None
        host, node = self._hosts[name], self.node(name)
        self.sequence += 1
        if value is None:
            value = b"value %d" % self.sequence
        if self.session:
            lowest = max(0, self.sequence - RESULTS_KEPT)
            parcel = Parcel(self.session, lowest, self.sequence, [Put(b"key", value)])
        else:
            parcel = Parcel(0, 0, 0, [OpenSession(b"lab")])
        waiting = Waiting(b"lab", self.sequence, encode_parcel(parcel), 1, 2**62, not self.session)
        node.proposals.add(waiting)
        data, taken, _ = node.proposals.take_batch(host.clock.now_us)
        assert taken == [waiting]
        index = node.raft.propose(data)
        node.proposals.proposed(index, node.raft.current_term, len(data), taken)
        host._want_round()
        entry = node.raft.log.entry(index)
        return Started(value, index, entry.term, entry.chain)

    def committed(self, started: Started) -> int:
        """How many nodes that are up have applied this command; 0 if another stands in its place."""
        committed = self.observer.invariants.committed
        if committed.get(started.index) != (started.term, started.chain):
            return 0
        return sum(self.up(name) and self.node(name).raft.last_applied >= started.index for name in self.names)

    def _has(self, started: Started, voters: int) -> bool:
        return self.committed(started) >= voters

    def one(self, voters: int, value: bytes | None = None, *, retry: bool = True) -> int:
        """Have a command committed and applied by at least so many nodes, within ten seconds; its index.

        With ``retry`` another leader may be asked, if the first one doesn't manage it in two seconds.
        """
        if not self.session:
            self.session = -1
            self.session = self._decide(1, None, retry=True)
        return self._decide(voters, value, retry=retry)

    def _decide(self, voters: int, value: bytes | None, *, retry: bool) -> int:
        began = self.schedule.now_us
        place = self.rng.randrange(len(self.names))
        while self.schedule.now_us < began + 10 * SECOND:
            started = None
            for _ in self.names:
                place = (place + 1) % len(self.names)
                if self.names[place] not in self.disconnected:
                    started = self._start(self.names[place], value)
                if started is not None:
                    break
            if started is None:
                self.wait(50_000)
                continue
            if self.until(partial(self._has, started, voters), 2 * SECOND):
                return started.index
            assert retry, f"entry {started.index} was not applied by {voters} nodes"
        raise AssertionError(f"no agreement of {voters} nodes")

    def _start(self, name: str, value: bytes | None) -> Started | None:
        session, self.session = self.session, max(0, self.session)
        started = self.start(name, value)
        self.session = session
        return started
