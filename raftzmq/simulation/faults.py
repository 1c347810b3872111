"""What goes wrong, and that it is put right again: crashes, partitions, pauses, slow disks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from raftzmq.core import Role
from raftzmq.simulation.clients import SimulatedClient
from raftzmq.simulation.conditions import FAULTS
from raftzmq.simulation.host import Host
from raftzmq.simulation.world import World

LASTING_US = ((0, 20_000), (50_000, 400_000), (300_000, 1_500_000), (300_000, 1_500_000))
"""How long a fault may last: below a heartbeat, about an election timeout, far beyond it."""


class Faults:
    """Starts a fault now and then and ends it after a while; `stop` ends them all."""

    def __init__(self, world: World, hosts: Sequence[Host], clients: Sequence[SimulatedClient]) -> None:
        self._world = world
        self._hosts = hosts
        self._clients = clients
        self._names = [host.name for host in hosts]
        self._stopped = False
        self._kinds: dict[str, Callable[[], None]] = {
            "crash": lambda: self._crash([self._any()]),
            "crash_leader": lambda: self._crash([self._leader()]),
            "crash_writing": lambda: self._trap(self._any(), lambda host: self._crash([host])),
            "crash_majority": lambda: self._crash(self._some(len(hosts) // 2 + 1)),
            "power_cut": self._power_cut,
            "split": self._split,
            "isolate_leader": lambda: self._isolate(self._leader()),
            "isolate_writing": lambda: self._trap(self._leader(), self._isolate),
            "one_way": self._one_way,
            "cut_links": self._cut_links,
            "pause": lambda: self._pause(self._any()),
            "pause_leader": lambda: self._pause(self._leader()),
            "slow_disk": self._slow_disk,
            "client_restart": self._client_restart,
        }
        assert tuple(self._kinds) == tuple(FAULTS)

    def start(self) -> None:
        """Let the first fault come."""
        self._world.schedule.after(self._gap(), self._next)

    def stop(self) -> None:
        """No more faults; those that last end now."""
        self._stopped = True
        self._world.network.calm()
        for host in self._hosts:
            host.on_write = None
            host.disk.slow = False
            host.resume()
            host.start()

    def _gap(self) -> int:
        return int(self._world.rng.expovariate(1 / self._world.conditions.fault_every_us)) + 1

    def _next(self) -> None:
        if self._stopped:
            return
        if not self._leaders() and self._world.rng.random() < 0.7:
            # Mostly wait until the last one is overcome: misfortune teaches more where something is at stake.
            self._world.schedule.after(self._gap() // 2, self._next)
            return
        self._world.count()
        self._kinds[self._world.rng.choices(tuple(self._kinds), self._world.conditions.weights)[0]]()
        self._world.schedule.after(self._gap(), self._next)

    # ---- choosing

    def _lasting(self) -> int:
        return self._world.rng.randint(*self._world.rng.choice(LASTING_US))

    def _any(self) -> Host:
        return self._world.rng.choice(self._hosts)

    def _some(self, count: int) -> list[Host]:
        return self._world.rng.sample(self._hosts, count)

    def _leaders(self) -> list[Host]:
        return [host for host in self._hosts if host.node is not None and host.node.raft.role is Role.LEADER]

    def _leader(self) -> Host:
        leaders = self._leaders()
        return self._world.rng.choice(leaders) if leaders else self._any()

    def _later(self, undo: Callable[..., None], *arguments: Any) -> None:
        self._world.schedule.after(self._lasting(), self._undo, undo, arguments)

    def _undo(self, undo: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        if not self._stopped:
            undo(*arguments)

    def _say(self, text: str) -> None:
        if self._world.transcript.on:
            self._world.transcript.line("*", text)

    def _trap(self, host: Host, strike: Callable[[Host], None]) -> None:
        """Strike while the host's next write is on its way to the disk, or right after."""
        host.on_write = lambda: self._world.schedule.after(
            self._world.rng.randint(0, 2 * self._world.conditions.disk_us), self._undo, strike, (host,)
        )

    # ---- processes and disks

    def _crash(self, hosts: Sequence[Host]) -> None:
        for host in hosts:
            host.crash()
            self._later(host.start)

    def _power_cut(self) -> None:
        self._world.coverage.add("power_cuts")
        self._say("the power fails")
        for host in self._hosts:
            host.crash()
        for host in self._hosts:
            self._later(host.start)

    def _pause(self, host: Host) -> None:
        if host.node is not None and not host.paused:
            self._world.coverage.add("pauses")
            host.pause()
            self._later(host.resume)

    def _slow_disk(self) -> None:
        host = self._any()
        self._world.coverage.add("slow_disks")
        self._say(f"the disk of {host.name} becomes slow")
        host.disk.slow = True
        self._later(self._fast_disk, host)

    def _fast_disk(self, host: Host) -> None:
        host.disk.slow = False

    def _client_restart(self) -> None:
        self._world.coverage.add("client_restarts")
        self._world.rng.choice(self._clients).restart()

    # ---- the network

    def _cut(self, pairs: list[tuple[str, str]], text: str) -> None:
        if pairs:
            self._world.coverage.add("partitions")
            self._say(text)
            self._world.network.cut(pairs)
            self._later(self._heal, pairs, text)

    def _heal(self, pairs: list[tuple[str, str]], text: str) -> None:
        self._say(f"no longer: {text}")
        self._world.network.heal(pairs)

    def _between(self, one: Sequence[str], other: Sequence[str]) -> list[tuple[str, str]]:
        return [pair for a in one for b in other for pair in ((a, b), (b, a))]

    def _split(self) -> None:
        rng = self._world.rng
        names = rng.sample(self._names, len(self._names))
        at = rng.randint(1, len(names) - 1) if len(names) > 1 else 0
        one, other = names[:at], names[at:]
        if rng.random() < 0.5:
            # A client stays on one side, so that the other's leader, deposed or not, is asked as well.
            one = [*one, rng.choice(self._clients).name]
        self._cut(self._between(one, other), f"{', '.join(one)} and {', '.join(other)} are apart")

    def _isolate(self, host: Host) -> None:
        others = [name for name in self._names if name != host.name]
        self._cut(self._between([host.name], others), f"{host.name} is apart from all other nodes")

    def _one_way(self) -> None:
        name = self._world.rng.choice((self._any(), self._leader())).name
        others = [other for other in self._names if other != name]
        if self._world.rng.random() < 0.5:
            self._cut([(name, other) for other in others], f"{name} isn't heard")
        else:
            self._cut([(other, name) for other in others], f"{name} hears nobody")

    def _cut_links(self) -> None:
        links = [(a, b) for a in self._names for b in self._names if a != b]
        if links:
            chosen = self._world.rng.sample(links, self._world.rng.randint(1, len(links)))
            self._cut(chosen, "cut: " + ", ".join(f"{a}→{b}" for a, b in chosen))
