"""One simulated process: a real `Node`, its disk, and the queue of inputs in front of it.

Inputs wait in a queue for each of the sockets and one for completions. A round takes a few of each, in any order of the
queues, as a driver drains its sockets. A paused process (stopped, swapped out, starved) handles nothing; its inputs
wait and its timers come late. A process whose disk fails ends; one whose disk has lost a bit ends, too, as soon as it
reads that, and nobody starts it again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any

from raftzmq.core.types import Mark
from raftzmq.errors import CorruptionError, RaftzmqError
from raftzmq.node import Node
from raftzmq.node.transfers import SnapshotOutcome
from raftzmq.node.work import LogJob, SnapshotJob, Space, StateJob, StateResult, Timed
from raftzmq.simulation import describe
from raftzmq.simulation.clock import Clock
from raftzmq.simulation.disk import READ_LATER, SimulatedDisk
from raftzmq.simulation.world import World

GIB = 1 << 30
Queue = deque[tuple[Any, ...]]
PEERS, CLIENTS, COMPLETIONS = 0, 1, 2
PLENTY, LITTLE = Space(GIB, 2 * GIB, 0.0, 0.0), Space(1, 2 * GIB, 0.0, 0.0)
SPINS_MAX = 100
"""Rounds in a row that leave a deadline in the past, before they count as spinning."""


class Host:
    """A process that can be started, crashed, paused and resumed. ``node`` is None while it is down.

    ``on_write`` is called once, when the next write is given to the disk; ``on_install`` when the next snapshot is to
    be put in the place of the state. ``halted``: it has ended for good.
    """

    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self.name = name
        self.node: Node | None = None
        self.boots = 0
        self.paused = False
        self.halted = False
        self.has_room = True
        self.on_write: Callable[[], None] | None = None
        self.on_install: Callable[[], None] | None = None
        self._rng = world.chance(f"process/{name}")
        drift = world.conditions.drift_ppm
        self.clock = Clock(world.schedule, self._rng, self._rng.randint(-drift, drift))
        self.disk = SimulatedDisk(
            world.schedule,
            world.chance(f"disk/{name}"),
            world.conditions,
            world.coverage,
            world.config,
            name,
            self._broke,
        )
        self._queues: tuple[Queue, Queue, Queue] = (deque(), deque(), deque())
        self._round_due = False
        self._wake_us = -1
        self._spins = 0

    # ---- life

    def start(self) -> None:
        """Start the process from what its disk has; nothing happens if it runs, or has halted."""
        if self.node is not None or self.halted:
            return
        world = self._world
        self.boots += 1
        if self.boots > 1:
            world.coverage.add("restarts")
        try:
            loaded = self.disk.open()
            self._check_damage()
            world.observer.loaded(loaded)
            self.node = Node(
                loaded,
                timing=world.conditions.timing,
                retention=world.conditions.retention,
                rng=world.chance(f"node/{self.name}/{self.boots}"),
                boot=f"{self.name}-{self.boots}",
                now_us=self.clock.now_us,
                wall_ns=self.clock.wall_ns,
            )
        except RaftzmqError as error:
            self._broke(error)
            return
        if world.audit is not None:
            world.audit.listen(self.node, world.violations, self.clock.now_us)
        if world.transcript.on:
            world.transcript.line(
                self.name,
                f"starts: term {loaded.current_term}, vote {loaded.voted_for}, "
                f"{len(loaded.entries)} entries, state at {loaded.applied_index}",
            )
        self._clear()
        self.paused = False
        if not self.has_room:
            self.node.on_space(LITTLE)
        self._round_due = True
        self._round(self.boots)

    def _check_damage(self) -> None:
        """What a start reads whole was just read: it must not have passed if it is damaged."""
        place = self._world.damaged.get(self.name)
        if place is not None and place not in READ_LATER:
            text = f"a bit of {self.name}'s {place} was turned over, and it starts as if nothing were wrong"
            self._world.violations.report("corruption_halts", (self.name,), text)

    def crash(self) -> None:
        """End the process as a power cut does: what was not synced is gone; nothing happens if it is down."""
        if self.node is None:
            return
        world = self._world
        lost = self.disk.crash()
        self.node = None
        self._clear()
        self._round_due = False
        self._wake_us = -1
        world.coverage.add("crashes")
        world.coverage.add("crashes_that_lost_writes", int(lost))
        if world.transcript.on:
            world.transcript.line(self.name, "crashes" + (", losing what was on its way to the disk" if lost else ""))
        world.observer.stopped(self.name)

    def pause(self) -> None:
        """Stop handling anything."""
        self.paused = True
        if self._world.transcript.on:
            self._world.transcript.line(self.name, "stands still")

    def resume(self) -> None:
        """Go on, with everything that has piled up."""
        if not self.paused:
            return
        self.paused = False
        if self._world.transcript.on:
            self._world.transcript.line(self.name, "goes on")
        if self.node is not None:
            self._want_round()

    def jump(self, ahead_us: int) -> None:
        """The machine's monotonic clock leaps ahead: timers that this makes due fire at once."""
        self.clock.jump(ahead_us)
        self._world.ahead(ahead_us)
        if self.node is not None:
            self._want_round()

    def room(self, has_room: bool) -> None:
        """From now on its file system has enough room, or too little, and the process finds out."""
        self.has_room = has_room
        if self.node is not None:
            self._input(COMPLETIONS, self._look_at_room, self.node)

    def _look_at_room(self, node: Node, now: int) -> None:
        node.on_space(PLENTY if self.has_room else LITTLE)

    def damage(self, rng: Random) -> None:
        """End the process and turn a bit of its disk over, for good."""
        self.crash()
        self._world.damaged[self.name] = place = self.disk.flip_bit(rng)
        if self._world.transcript.on:
            self._world.transcript.line(self.name, f"a bit of its {place} turns over")

    # ---- inputs

    def from_peer(self, source: str, frames: list[bytes]) -> None:
        """A message has arrived from another node."""
        if self.node is not None:
            self._world.count()
            self._input(PEERS, source, frames)

    def from_client(self, client: str, routing: bytes, frames: list[bytes]) -> None:
        """A message has arrived from a client."""
        if self.node is not None:
            self._world.count()
            self._input(CLIENTS, client, routing, frames)

    def _input(self, queue: int, *arguments: Any) -> None:
        self._queues[queue].append(arguments)
        self._want_round()

    def _clear(self) -> None:
        for queue in self._queues:
            queue.clear()

    def _want_round(self) -> None:
        if not self._round_due and not self.paused:
            self._round_due = True
            delay = self._world.conditions.round_us
            self._world.schedule.after(self._rng.randint(0, delay) if delay else 0, self._round, self.boots)

    def _wake(self, boot: int, when_us: int) -> None:
        if boot == self.boots and when_us == self._wake_us and self.node is not None:
            self._wake_us = -1
            self._want_round()

    # ---- a round

    def _round(self, boot: int) -> None:
        node = self.node
        if boot != self.boots or node is None:
            return
        self._round_due = False
        if self.paused:
            return
        now = self.clock.now_us
        try:
            node.on_tick(now)
            self._drain(node, now)
            work = node.work(now)
        except Exception as error:  # noqa: BLE001 - whatever ends a node's process is a finding, not an end of the run
            self._broke(error)
            return
        world = self._world
        world.observer.looked(self.name, node)
        if world.audit is not None:
            world.audit.take(work.events, world.violations)
        for target, frames in work.peers:
            world.observer.sent(self.name, frames)
            world.to_peer(self.name, target, frames)
        for target, frames in work.bulk:
            world.coverage.add("snapshot_chunks")
            world.coverage.add("snapshot_chunks_lost", int(not world.to_peer(self.name, target, frames)))
        for routing, frames in work.clients:
            world.to_client(self.name, routing, frames)
        for job in work.snapshots:
            self.disk.run_snapshot(job, self._snapshot_reported)
        if work.log is not None:
            if world.transcript.on:
                world.transcript.line(self.name, f"→ disk: {describe.log_job(work.log)}")
            self.disk.write_log(work.log, self._log_written, self._log_reported)
            if self.on_write is not None:
                struck, self.on_write = self.on_write, None
                struck()
        if work.state is not None:
            self.disk.run_state(work.state, self._state_applied, self._state_reported, self._state_durable)
            if work.state.install is not None and self.on_install is not None:
                struck, self.on_install = self.on_install, None
                struck()
        deadline = node.deadline_us
        if deadline <= now:
            self._spins += 1
            if self._spins > SPINS_MAX:
                text = f"{self.name} has asked {self._spins} times in a row to be woken at a time that had passed"
                world.violations.report("patience", (self.name,), text)
            deadline = now + 1
        else:
            self._spins = 0
        wake = self.clock.when_us(deadline)
        if not 0 <= self._wake_us <= wake:
            self._wake_us = wake
            world.schedule.at(wake, self._wake, boot, wake)

    def _drain(self, node: Node, now: int) -> None:
        """Hand over a few inputs of each queue; what is left waits for another round."""
        drain = self._world.conditions.drain
        order = (COMPLETIONS, PEERS, CLIENTS) if self._rng.random() < 0.5 else (CLIENTS, COMPLETIONS, PEERS)
        for number in order:
            queue = self._queues[number]
            for _ in range(min(len(queue), drain)):
                arguments = queue.popleft()
                if number == PEERS:
                    self._from_peer(node, arguments, now)
                elif number == CLIENTS:
                    self._from_client(node, arguments, now)
                else:
                    arguments[0](*arguments[1:], now)
        if any(self._queues):
            self._want_round()

    def _from_peer(self, node: Node, arguments: tuple[Any, ...], now: int) -> None:
        source, frames = arguments
        if self._world.transcript.on:
            self._world.transcript.line(self.name, f"← {source}: {describe.peer_frames(frames)}")
        observer = self._world.observer
        observer.receives(self.name, node, frames, now)
        node.on_peer(source.encode(), frames, now)
        observer.received(self.name, node, frames, now)

    def _from_client(self, node: Node, arguments: tuple[Any, ...], now: int) -> None:
        client, routing, frames = arguments
        if self._world.transcript.on:
            self._world.transcript.line(self.name, f"← {client}: {describe.client_frames(frames)}")
        node.on_client(routing, frames, now)

    def _broke(self, error: Exception) -> None:
        """The process has ended by itself: as it must if its disk failed it, and for no other reason."""
        damaged = self.name in self._world.damaged
        if error is self.disk.fault or (damaged and isinstance(error, CorruptionError)):
            self.halted = damaged
            self._world.coverage.add("halts")
            if self._world.transcript.on:
                self._world.transcript.line(self.name, f"ends by itself: {error}")
            self.crash()
            return
        where = error.__traceback__
        while where is not None and where.tb_next is not None:
            where = where.tb_next
        place = f"{where.tb_frame.f_code.co_qualname}, line {where.tb_lineno}" if where is not None else "?"
        self._world.violations.report(
            "running", (self.name,), f"{self.name} ended with {type(error).__name__}: {error} (in {place})"
        )
        self.crash()

    # ---- the disk's answers

    def _log_written(self, job: LogJob) -> None:
        world = self._world
        world.count()
        world.observer.wrote(self.name, job)
        if world.transcript.on:
            world.transcript.line(self.name, f"has on disk: {describe.log_job(job)}")

    def _log_reported(self, job: LogJob, timed: Timed) -> None:
        if self.node is not None:
            self._input(COMPLETIONS, self.node.on_logged, job, timed)

    def _state_applied(self, job: StateJob, result: StateResult) -> None:
        world = self._world
        world.count()
        world.observer.applied(self.name, job, result)
        if job.install is not None:
            damage = self.disk.damaged_row()
            if damage is not None:
                text = f"{self.name} installs a snapshot in which {damage}"
                world.violations.report("corruption_halts", (self.name,), text)
        if world.transcript.on and job.entries:
            world.transcript.line(self.name, f"has applied up to {result.applied_index}, revision {result.revision}")

    def _state_reported(self, job: StateJob, result: StateResult, timed: Timed) -> None:
        if self.node is not None:
            self._input(COMPLETIONS, self.node.on_applied, job, result, timed)

    def _state_durable(self, mark: Mark, timed: Timed) -> None:
        world = self._world
        world.count()
        if world.transcript.on:
            world.transcript.line(self.name, f"has its state on disk up to {mark.index}")
        world.observer.invariants.state_stored(self.name, mark.index)
        if self.node is not None:
            self._input(COMPLETIONS, self.node.on_state_durable, mark, timed)

    def _snapshot_reported(self, job: SnapshotJob, outcome: SnapshotOutcome) -> None:
        if self.node is not None:
            self._input(COMPLETIONS, self.node.on_snapshot, job, outcome)
