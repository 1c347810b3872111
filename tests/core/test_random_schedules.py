"""Raft's promises (figure 3) on cores that run in any order, with loss, repetition, delay, slow disks and crashes.

Every failure names its seed: ``Chaos(seed, voters).run(steps)`` does the same again.
"""

from __future__ import annotations

import random

import pytest

from raftzmq.core import Role
from raftzmq.core.messages import AppendEntries, AppendEntriesResponse, Message, RequestVoteResponse
from raftzmq.core.types import Entry
from tests.core.support import ELECTION_MAX, HEARTBEAT, Core, Highest, empty_mark, entries_of


class Chaos:
    """A cluster in which everything that may happen does; every step is checked against all that was seen before."""

    def __init__(self, seed: int, voters: int) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        self.now = 0
        self.cores = {f"n{k}": Core(f"n{k}", voters=voters, rng=self.rng) for k in range(1, voters + 1)}
        self.wire: list[Message] = []
        self.cut: set[str] = set()
        self.leaders: dict[int, str] = {}
        self.votes: dict[tuple[str, int], str] = {}
        self.entries: dict[tuple[int, int], Entry] = {}
        self.committed: list[Entry] = []
        self.seen: dict[str, int] = dict.fromkeys(self.cores, 0)
        self.contexts = 0
        self.asked: dict[int, int] = {}
        self.reads = 0

    def fail(self, what: str) -> None:
        raise AssertionError(f"seed {self.seed}, {len(self.cores)} voters: {what}")

    # --- what may happen ---

    def run(self, steps: int) -> None:
        actions = [self.deliver] * 120 + [self.tick] * 60 + [self.write] * 70 + [self.propose] * 12 + [self.read] * 10
        actions += [self.drop] * 4 + [self.repeat] * 4 + [self.partition, self.heal, self.crash]
        for _ in range(steps):
            self.rng.choice(actions)()

    def some(self) -> Core:
        return self.cores[self.rng.choice(list(self.cores))]

    def take(self, core: Core) -> None:
        """Look at what a core has done, then put its messages on the wire."""
        core.take()
        self.check(core)
        self.wire += core.outbox
        core.outbox.clear()

    def deliver(self) -> None:
        if self.wire:
            # Mostly in order, at times from anywhere: connections are in order, several of them are not.
            at = 0 if self.rng.random() < 0.7 else self.rng.randrange(len(self.wire))
            self.pass_on(self.wire.pop(at))

    def pass_on(self, message: Message) -> None:
        if (message.sender in self.cut) == (message.to in self.cut):
            core = self.cores[message.to]
            core.raft.tick(self.now)
            core.raft.step(message)
            self.take(core)

    def drop(self) -> None:
        if self.wire:
            self.wire.pop(self.rng.randrange(len(self.wire)))

    def repeat(self) -> None:
        if self.wire:
            self.wire.append(self.rng.choice(self.wire))

    def tick(self) -> None:
        """Time passes; some nodes don't notice: their processes are paused."""
        self.now += self.rng.randrange(HEARTBEAT // 2)
        for core in self.cores.values():
            if self.rng.random() < 0.8:
                core.tick(self.now)
                self.take(core)

    def write(self) -> None:
        core = self.some()
        if core.append is not None:
            core.write()
            self.take(core)

    def propose(self) -> None:
        for core in self.cores.values():
            if core.raft.role is Role.LEADER:
                core.propose(b"%d" % self.rng.getrandbits(30))
                self.take(core)

    def read(self) -> None:
        core = self.some()
        self.contexts += 1
        self.asked[self.contexts] = max(c.raft.commit_index for c in self.cores.values())
        core.read(self.contexts)
        self.take(core)

    def partition(self) -> None:
        """Leaders are cut off more often: what they propose then is what others must replace."""
        leading = {name for name, core in self.cores.items() if core.raft.role is Role.LEADER}
        self.cut = {name for name in self.cores if self.rng.random() < (0.7 if name in leading else 0.3)}

    def heal(self) -> None:
        self.cut = set()

    def crash(self) -> None:
        """What was not durable is gone; what it sent may still arrive."""
        core = self.some()
        core.now = self.now
        self.seen[core.name] = 0
        self.cores[core.name] = core.restarted(rng=self.rng)

    # --- what must hold ---

    def check(self, core: Core) -> None:
        raft = core.raft
        if raft.role is Role.LEADER and self.leaders.setdefault(raft.current_term, core.name) != core.name:
            self.fail(f"Election Safety: {core.name} and {self.leaders[raft.current_term]} lead {raft.current_term}")
        if raft.role is Role.LEADER:
            self.check_completeness(core)
        for message in core.outbox:
            self.check_message(core, message)
        for entry in core.committed[self.seen[core.name] :]:
            self.check_committed(core, entry)
        self.seen[core.name] = len(core.committed)
        for state in core.reads:
            self.reads += 1
            if state.index < self.asked[state.context]:
                self.fail(f"a stale read: {state} where {self.asked[state.context]} was committed when it was asked")
        core.reads.clear()

    def check_completeness(self, core: Core) -> None:
        last = self.committed[-1] if self.committed else None
        if last is not None and last.term < core.raft.current_term:
            found = core.raft.log.term_at(last.index)
            if found != last.term:
                self.fail(f"Leader Completeness: {core.name} leads without the committed entry {last.index}")

    def check_message(self, core: Core, message: Message) -> None:
        if isinstance(message, AppendEntries):
            for entry in message.entries:
                if self.entries.setdefault((entry.index, entry.term), entry) != entry:
                    self.fail(f"Log Matching: two entries {entry.index} of term {entry.term}")
        elif isinstance(message, RequestVoteResponse) and message.granted and not message.pre_vote:
            if self.votes.setdefault((core.name, message.term), message.to) != message.to:
                self.fail(f"{core.name} votes twice in term {message.term}")
            if core.hard_state.current_term < message.term:
                self.fail(f"{core.name} gives a vote in term {message.term} that isn't durable")
        elif isinstance(message, AppendEntriesResponse) and message.success:
            durable = [entry.chain for entry in core.disk[: message.match_index]]
            log = [core.raft.log.chain_at(index) for index in range(1, message.match_index + 1)]
            if durable != log:
                self.fail(f"{core.name} says that it has {message.match_index}; its disk hasn't")

    def check_committed(self, core: Core, entry: Entry) -> None:
        if entry.index <= len(self.committed):
            if self.committed[entry.index - 1] != entry:
                self.fail(f"State Machine Safety: {core.name} applies another entry {entry.index}")
        elif entry.index == len(self.committed) + 1:
            self.committed.append(entry)
        else:
            self.fail(f"{core.name} skips entries before {entry.index}")
        if core.disk[entry.index - 1] != entry:
            self.fail(f"{core.name} applies entry {entry.index} that its own disk doesn't have")

    def calm(self) -> None:
        """With everything in order again, a leader is found, and all logs become equal."""
        self.heal()
        end = self.now + 20 * ELECTION_MAX
        while self.now < end:
            self.now += 10_000
            for core in self.cores.values():
                core.tick(self.now)
                self.take(core)
            for _ in range(40):
                for core in self.cores.values():
                    if core.append is not None:
                        core.write()
                        self.take(core)
                wire, self.wire = self.wire, []
                for message in wire:
                    self.pass_on(message)
                if not self.wire and all(core.append is None for core in self.cores.values()):
                    break
        if len({tuple(core.disk) for core in self.cores.values()}) > 1:
            self.fail("the logs don't become equal")
        commits = {core.raft.commit_index for core in self.cores.values()}
        if commits != {len(self.committed)} or not self.committed:
            self.fail(f"the commit indices don't become equal: {commits}, {len(self.committed)} committed")


@pytest.mark.parametrize("voters", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("seed", range(10))
def test_no_schedule_breaks_a_promise(seed: int, voters: int) -> None:
    """Figure 3: Election Safety, Log Matching, Leader Completeness, State Machine Safety; and no stale read."""
    chaos = Chaos(seed, voters)
    chaos.run(2000)
    chaos.calm()


def test_schedules_reach_what_they_are_meant_to_test() -> None:
    """Elections, truncations, commits and reads happen, or the test above proves nothing."""
    terms = truncations = committed = reads = 0
    for seed in range(8):
        chaos = Chaos(seed, 3)
        chaos.run(2000)
        terms += len(chaos.leaders)
        truncations += sum(fact.kind == "truncate" for core in chaos.cores.values() for fact in core.facts)
        committed += len(chaos.committed)
        reads += chaos.reads
    assert min(terms, truncations, committed, reads) > 0, (terms, truncations, committed, reads)


def test_the_checks_of_a_schedule_can_fail() -> None:
    chaos = Chaos(1, 3)
    core = Core("n1", terms=[1], rng=Highest())
    chaos.committed = list(entries_of([1], after=empty_mark(3), tag="another"))
    with pytest.raises(AssertionError, match="seed 1, 3 voters: State Machine Safety"):
        chaos.check_committed(core, core.disk[0])
