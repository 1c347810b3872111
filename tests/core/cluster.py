"""Several cores that talk over a list: no loss but what a test cuts, virtual time, disks that obey."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from raftzmq.core import Role
from raftzmq.core.messages import Message
from tests.core.support import TIMING, Core


class Favouring:
    """Randomness that lets one node of the cluster time out first, the others much later and one by one."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self._cluster = cluster
        self._name = name

    def randrange(self, start: int, stop: int, /) -> int:
        return start if self._cluster.favourite == self._name else stop - 1 - 20_000 * int(self._name[1:])


class Cluster:
    """``logs`` gives the terms of the entries that a node's log begins with; entries of one index and term are equal.

    Messages pass at once, in the order in which they were sent; nodes in ``down`` and pairs in ``cut`` lose theirs.
    Disks write at once, except those of nodes in ``stuck``.
    """

    def __init__(
        self, voters: int, *, logs: Mapping[str, Sequence[int]] | None = None, term: int | None = None
    ) -> None:
        self.favourite = "n1"
        self.now = 0
        self.cut: set[tuple[str, str]] = set()
        self.down: set[str] = set()
        self.stuck: set[str] = set()
        self.lose: Callable[[Message], bool] = lambda message: False
        self.cores: dict[str, Core] = {}
        for name in (f"n{k}" for k in range(1, voters + 1)):
            terms = (logs or {}).get(name, ())
            self.cores[name] = Core(name, voters=voters, terms=terms, term=term, rng=Favouring(self, name))

    def __getitem__(self, name: str) -> Core:
        return self.cores[name]

    @property
    def up(self) -> list[Core]:
        return [core for name, core in self.cores.items() if name not in self.down]

    def isolate(self, *names: str) -> None:
        """Cut these nodes off from all others (they still reach one another)."""
        others = [name for name in self.cores if name not in names]
        self.cut |= {(a, b) for a in names for b in others} | {(b, a) for a in names for b in others}

    def heal(self) -> None:
        self.cut.clear()
        self.lose = lambda message: False

    def restart(self, name: str) -> None:
        """Crash a node; it comes back with what was durable."""
        self.cores[name].now = self.now
        self.cores[name] = self.cores[name].restarted(rng=Favouring(self, name))
        self.down.discard(name)

    def passes(self, message: Message) -> bool:
        """Does the network carry this message?"""
        pair = (message.sender, message.to)
        return not {*pair} & self.down and pair not in self.cut and not self.lose(message)

    def settle(self) -> None:
        """Pass messages and write appends until nothing moves."""
        for _ in range(10_000):
            moved = False
            for core in self.up:
                core.take()
                if core.append is not None and core.name not in self.stuck:
                    core.write()
                    moved = True
            for core in self.up:
                outbox, core.outbox = core.outbox, []
                for message in outbox:
                    if self.passes(message):
                        receiver = self.cores[message.to]
                        receiver.tick(self.now)
                        receiver.step(message)
                    moved = True
            if not moved:
                return
        raise AssertionError("the cluster never comes to rest")

    def wake(self, name: str) -> None:
        """Tick one node at its deadline (time passes up to there for it), then let all settle."""
        core = self.cores[name]
        self.now = max(self.now, core.raft.deadline)
        core.tick(self.now)
        self.settle()

    def pass_time(self, microseconds: int) -> None:
        """Tick every node that is up at each of its deadlines."""
        end = self.now + microseconds
        while True:
            core = min(self.up, key=lambda core: core.raft.deadline)
            if core.raft.deadline > end:
                break
            self.now = max(self.now, core.raft.deadline)
            core.tick(self.now)
            self.settle()
        self.now = end

    def elect(self, name: str) -> Core:
        """Let a node become the leader: the others are slow to time out, and a leader that there is falls silent."""
        self.favourite = name
        old = self.leader if self.leader is not self.cores[name] else None
        if old is not None:
            old.tick_at_deadline()
            self.settle()
            self.down.add(old.name)
        self.pass_time(TIMING.election_min_us + 1)
        for _ in range(20):
            if self.cores[name].raft.role is Role.LEADER:
                break
            self.pass_time(TIMING.heartbeat_us)
        if old is not None:
            self.down.discard(old.name)
        core = self.cores[name]
        assert core.raft.role is Role.LEADER, f"{name} was not elected"
        return core

    @property
    def leader(self) -> Core | None:
        """The leader of the highest term among the nodes that are up."""
        leaders = [core for core in self.up if core.raft.role is Role.LEADER]
        return max(leaders, key=lambda core: core.raft.current_term, default=None)

    def heartbeats(self, count: int = 1) -> None:
        """Let the leader send heartbeats, and all that follows from the answers."""
        for _ in range(count):
            leader = self.leader
            assert leader is not None
            self.wake(leader.name)
