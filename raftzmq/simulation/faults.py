"""What goes wrong, one thing after another, and that it is put right again.

Every fault has a number and a stream of chance of its own: one can be left out, and the others stay what they were.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from random import Random

from raftzmq.config import MICROSECONDS
from raftzmq.core import Role
from raftzmq.simulation.clients import SimulatedClient
from raftzmq.simulation.conditions import FAULTS
from raftzmq.simulation.host import Host
from raftzmq.simulation.partitions import Partitions
from raftzmq.simulation.world import World

LASTING_US = ((0, 20_000), (50_000, 400_000), (300_000, 1_500_000), (300_000, 1_500_000))
"""How long a fault may last: below a heartbeat, about an election timeout, far beyond it."""
JUMPS_US = (20_000, 100_000, 1_000_000, 3_600 * MICROSECONDS)
"""How far a clock may leap: within a heartbeat, into an election, across one, past all that expires."""
WALL_STEP_US = 3_600 * MICROSECONDS


class Faults:
    """Starts a fault now and then and ends it after a while; `stop` ends them all. ``begun`` are their numbers."""

    def __init__(self, world: World, hosts: Sequence[Host], clients: Sequence[SimulatedClient]) -> None:
        self._world = world
        self._hosts = hosts
        self._clients = clients
        self._stopped = False
        self.begun: list[int] = []
        cuts = Partitions(world, [host.name for host in hosts], self._later)
        names = [client.name for client in clients]
        any_one, leader = self._any, self._leader
        self._kinds: dict[str, Callable[[Random], None]] = {
            "crash": lambda rng: self._crash(rng, [any_one(rng)]),
            "crash_leader": lambda rng: self._crash(rng, [leader(rng)]),
            "crash_writing": lambda rng: self._trap(rng, any_one(rng), lambda host: self._crash(rng, [host])),
            "crash_installing": self._crash_installing,
            "crash_majority": lambda rng: self._crash(rng, rng.sample(hosts, len(hosts) // 2 + 1)),
            "power_cut": self._power_cut,
            "split": lambda rng: cuts.split(rng, names),
            "isolate_leader": lambda rng: cuts.isolate(rng, leader(rng).name),
            "isolate_writing": lambda rng: self._trap(rng, leader(rng), lambda host: cuts.isolate(rng, host.name)),
            "one_way": lambda rng: cuts.one_way(rng, rng.choice((any_one(rng), leader(rng))).name),
            "bridge": cuts.bridge,
            "cut_links": cuts.links,
            "pause": lambda rng: self._pause(rng, any_one(rng)),
            "pause_leader": lambda rng: self._pause(rng, leader(rng)),
            "clock_jump": self._clock_jump,
            "slow_disk": self._slow_disk,
            "little_room": self._little_room,
            "full_disk": self._full_disk,
            "failed_sync": self._failed_sync,
            "flipped_bit": self._flipped_bit,
            "client_restart": self._client_restart,
        }
        assert tuple(self._kinds) == tuple(FAULTS)

    def start(self) -> None:
        """Let the first fault come."""
        self._plan(1)

    def stop(self) -> None:
        """No more faults; those that last end now, but for bits that were turned over."""
        self._stopped = True
        self._world.network.calm()
        for host in self._hosts:
            self._mend(host)
            host.on_write = host.on_install = None
            host.disk.slow = False
            host.room(True)
            host.resume()

    # ---- one after another

    def _plan(self, number: int) -> None:
        """Draw when fault ``number`` comes."""
        scenario = self._world.scenario
        waits = scenario.waits
        last = scenario.last_fault
        if last is not None and number > max(last, *(waits or (0,)), 0):
            return
        rng = self._world.chance(f"fault/{number}")
        gap = self._gap(rng)
        self._world.schedule.after(gap if waits is None or number in waits else 1, self._begin, number, rng)

    def _gap(self, rng: Random) -> int:
        return rng.randint(1, 2 * self._world.conditions.fault_every_us)

    def _begin(self, number: int, rng: Random) -> None:
        if self._stopped:
            return
        scenario = self._world.scenario
        if scenario.faults is None or number in scenario.faults:
            if not self._leaders() and rng.random() < 0.7:
                # Mostly wait until the last one is overcome: misfortune teaches more where something is at stake.
                self._world.schedule.after(self._gap(rng) // 2, self._begin, number, rng)
                return
            rng = self._world.chance(f"fault/{number}/course")
            self._world.count()
            self.begun.append(number)
            kind = rng.choices(tuple(self._kinds), self._world.conditions.weights)[0]
            self._say(f"fault {number}: {kind.replace('_', ' ')}")
            self._kinds[kind](rng)
        self._plan(number + 1)

    def _later(self, rng: Random, undo: Callable[[], None]) -> None:
        lasting = rng.randint(*rng.choice(LASTING_US))
        self._world.schedule.after(lasting, self._undo, undo)

    def _undo(self, undo: Callable[[], None]) -> None:
        if not self._stopped:
            undo()

    def _say(self, text: str) -> None:
        if self._world.transcript.on:
            self._world.transcript.line("*", text)

    # ---- choosing

    def _any(self, rng: Random) -> Host:
        return rng.choice(self._hosts)

    def _leaders(self) -> list[Host]:
        return [host for host in self._hosts if host.node is not None and host.node.raft.role is Role.LEADER]

    def _leader(self, rng: Random) -> Host:
        return rng.choice(self._leaders() or self._hosts)

    def _trap(self, rng: Random, host: Host, strike: Callable[[Host], None]) -> None:
        """Strike while the host's next write is on its way to the disk, or right after."""
        delay = rng.randint(0, 2 * self._world.conditions.disk_us)
        host.on_write = lambda: self._world.schedule.after(delay, self._undo, lambda: strike(host))

    # ---- processes

    def _crash(self, rng: Random, hosts: Sequence[Host]) -> None:
        for host in hosts:
            host.crash()
            self._later(rng, host.start)

    def _crash_installing(self, rng: Random) -> None:
        """Whoever installs a snapshot next crashes: before it is in place, before the log follows it, or after."""
        delay = rng.randint(0, 4 * self._world.conditions.disk_us)

        def strike(host: Host) -> None:
            self._world.coverage.add("crashes_installing")
            self._crash(rng, [host])

        for host in self._hosts:
            host.on_install = partial(self._world.schedule.after, delay, self._undo, partial(strike, host))

    def _power_cut(self, rng: Random) -> None:
        self._world.coverage.add("power_cuts")
        self._say("the power fails")
        for host in self._hosts:
            host.crash()
        for host in self._hosts:
            host.clock.restart()
            self._later(rng, host.start)

    def _pause(self, rng: Random, host: Host) -> None:
        if host.node is not None and not host.paused:
            self._world.coverage.add("pauses")
            host.pause()
            self._later(rng, host.resume)

    def _clock_jump(self, rng: Random) -> None:
        host = rng.choice((self._any(rng), self._leader(rng)))
        ahead_us = rng.randint(1, rng.choice(JUMPS_US))
        self._world.coverage.add("clock_jumps")
        self._say(f"{host.name}'s clock leaps ahead by {ahead_us // 1000} ms")
        host.clock.set_wall(rng.randint(-WALL_STEP_US, WALL_STEP_US))
        host.jump(ahead_us)

    def _client_restart(self, rng: Random) -> None:
        self._world.coverage.add("client_restarts")
        rng.choice(self._clients).restart()

    # ---- disks

    def _slow_disk(self, rng: Random) -> None:
        host = self._any(rng)
        self._world.coverage.add("slow_disks")
        self._say(f"the disk of {host.name} becomes slow")
        host.disk.slow = True
        self._later(rng, lambda: self._fast_disk(host))

    def _fast_disk(self, host: Host) -> None:
        host.disk.slow = False

    def _little_room(self, rng: Random) -> None:
        """File systems come near their end: seen before it is met, it lets nothing new in and ends by itself."""
        hosts = rng.choice(([self._leader(rng)], rng.sample(self._hosts, rng.randint(1, len(self._hosts)))))
        self._world.coverage.add("little_room")
        self._say(f"little room is left for {', '.join(host.name for host in hosts)}")
        for host in hosts:
            host.room(False)
            self._later(rng, partial(self._more_room, host))

    def _more_room(self, host: Host) -> None:
        self._say(f"there is room again for {host.name}")
        host.room(True)

    def _full_disk(self, rng: Random) -> None:
        host = rng.choice((self._any(rng), self._leader(rng)))
        self._world.coverage.add("full_disks")
        self._say(f"the disk of {host.name} is full")
        host.disk.full = True
        # Once it is tried too soon, as a supervisor would.
        self._later(rng, host.start)
        self._later(rng, lambda: self._mend(host))

    def _failed_sync(self, rng: Random) -> None:
        host = rng.choice((self._any(rng), self._leader(rng)))
        self._say(f"the next sync of {host.name} will fail")
        host.disk.sync_fails = True
        self._later(rng, lambda: self._mend(host))

    def _mend(self, host: Host) -> None:
        host.disk.full = host.disk.sync_fails = False
        host.start()

    def _flipped_bit(self, rng: Random) -> None:
        """Only a minority may be damaged: of what a majority has lost, nobody can tell what it was."""
        damaged = self._world.damaged
        sound = [host for host in self._hosts if host.name not in damaged]
        if len(damaged) < (len(self._hosts) - 1) // 2:
            host = rng.choice(sound)
            self._world.coverage.add("flipped_bits")
            host.damage(rng)
            self._later(rng, host.start)
