"""The scenarios of MIT's course 6.5840 on Raft, part C: crashes, Figure 8, networks that lose and churn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from raftzmq.core.log import Log
from raftzmq.core.quorum import agreed
from raftzmq.core.replication import Leadership
from raftzmq.storage.memory import MemoryLog
from tests.rules.planted import Bug, fails_with
from tests.scenarios.harness import ELECTION, SECOND, Lab, Started

write = MemoryLog.write

LEADERS = 300
"""Leaders that each of the Figure 8 scenarios sees fail. The course counts its looks at the cluster: a thousand."""


def forget_term_and_vote(self: MemoryLog, job: Any) -> None:
    if job.append is not None:
        job = replace(job, append=replace(job.append, hard_state=None))
    write(self, job)


@fails_with(Bug("term and vote don't reach the disk", MemoryLog, "write", forget_term_and_vote))
def test_persist_1() -> None:
    """Crashes of everybody, of the leader (twice), of a follower: what was agreed stays."""
    lab = Lab(3)
    lab.one(3)
    lab.crash(*lab.names)
    lab.restart(*lab.names)
    lab.one(3)
    lab.restart(lab.one_leader())
    lab.one(3)
    second = lab.one_leader()
    lab.crash(second)
    last = lab.one(2)
    lab.restart(second)
    assert lab.until(lambda: lab.node(second).raft.last_applied >= last, 2 * ELECTION)
    third = lab.after(lab.one_leader(), 1)
    lab.crash(third)
    lab.one(2)
    lab.restart(third)
    lab.one(3)


@fails_with(Bug("term and vote don't reach the disk", MemoryLog, "write", forget_term_and_vote))
def test_persist_2() -> None:
    """Five times: two crash, then the other three; the first two come back alone, and one of the three joins them."""
    lab = Lab(5)
    for _ in range(5):
        lab.one(5)
        leader = lab.one_leader()
        two = [lab.after(leader, 1), lab.after(leader, 2)]
        lab.crash(*two)
        lab.one(3)
        lab.crash(leader, lab.after(leader, 3), lab.after(leader, 4))
        lab.restart(*two)
        lab.wait(ELECTION)
        lab.restart(lab.after(leader, 3))
        lab.one(3)
        lab.restart(lab.after(leader, 4), leader)
    lab.one(5)


@fails_with(Bug("any log will do", Log, "up_to_date", lambda self, index, term: True))
def test_persist_3() -> None:
    """A leader cut off with one follower commits; both crash; the leader returns to the one who knows nothing of it.

    Which of the two then campaigns first is chance: it is tried several times.
    """
    for seed in range(1, 5):
        lab = Lab(3, seed=seed)
        lab.one(3)
        leader = lab.one_leader()
        lab.disconnect(lab.after(leader, 2))
        lab.one(2)
        lab.crash(leader, lab.after(leader, 1))
        lab.connect(lab.after(leader, 2))
        lab.restart(leader)
        lab.one(2)
        lab.restart(lab.after(leader, 1))
        lab.one(3)


def propose(lab: Lab) -> list[str]:
    """Let time pass until somebody leads who can be heard; whoever takes itself for a leader gets a command."""
    for _ in range(2_000):
        leaders = [name for name in lab.names if lab.start(name) is not None]
        if set(leaders) - lab.disconnected:
            return leaders
        lab.wait(13_000)
        alive = [name for name in lab.names if lab.up(name) and name not in lab.disconnected]
        if len(alive) < 3:
            name = lab.rng.choice([name for name in lab.names if name not in alive])
            if not lab.up(name):
                lab.restart(name)
            lab.connect(name)
    raise AssertionError("nobody is elected any more")


def pause(lab: Lab, message_us: int) -> None:
    """Mostly about as long as a message takes, rarely half an election: before, or after, entries are committed."""
    lab.wait(lab.rng.randrange(ELECTION // 2 if lab.rng.randrange(10) == 0 else message_us))


def any_term(self: Leadership, commit_index: int) -> int:
    match = {peer: progress.match_index for peer, progress in self.peers.items()}
    return max(commit_index, agreed(self._per_voter(self.log.stable, match)))


@fails_with(Bug("an old term's entry is committed by counting", Leadership, "commit_index", any_term))
def test_figure_8() -> None:
    """Raft §5.4.2: leaders crash right after proposing, or later, again and again; what is committed stays.

    Old terms' entries come to lie on majorities, which is where counting them goes wrong.
    """
    lab = Lab(5, seed=2)
    lab.one(1)
    for _ in range(LEADERS):
        leaders = propose(lab)
        pause(lab, 600)
        lab.crash(*leaders)
    for name in lab.names:
        if not lab.up(name):
            lab.restart(name)
    lab.one(5)
    assert lab.coverage.counts["truncations"] > 5
    assert lab.coverage.counts["crashes"] >= LEADERS


def test_unreliable_agree() -> None:
    """A network that loses every tenth message: 250 commands, five at a time, are agreed on all the same."""
    lab = Lab(5, unreliable=True)
    lab.one(1)
    for _ in range(49):
        for _ in range(4):
            for name in lab.names:
                lab.start(name)
        lab.one(1)
    lab.change_weather(loss=0.0, delay_max_us=1_000)
    lab.one(5)


@fails_with(Bug("an old term's entry is committed by counting", Leadership, "commit_index", any_term))
def test_figure_8_unreliable() -> None:
    """Figure 8 by cuts instead of crashes, in a network that loses a tenth and, later, holds many back."""
    lab = Lab(5, unreliable=True)
    lab.one(1)
    for leader in range(LEADERS):
        if leader == LEADERS // 5:
            lab.change_weather(straggling=0.1)
        leaders = propose(lab)
        pause(lab, 27_000)
        if lab.rng.randrange(2):
            lab.disconnect(*leaders)
    lab.connect(*lab.names)
    lab.change_weather(loss=0.1, straggling=0.0)
    lab.one(5)
    assert lab.coverage.counts["truncations"] > 5
    assert lab.coverage.counts["messages_delayed"] > 300


class Churner:
    """A client that proposes again and again, and remembers what it saw committed."""

    def __init__(self, lab: Lab, number: int) -> None:
        self._lab = lab
        self._number = number
        self._working = True
        self.seen: list[Started] = []

    def work(self) -> None:
        """Propose to whoever takes itself for the leader, or try again in a while."""
        if not self._working:
            return
        taken = [command for command in map(self._lab.start, self._lab.names) if command is not None]
        if taken:
            self._look(taken[-1], [10_000, 20_000, 50_000, 100_000, 200_000])
        else:
            self._lab.schedule.after(79_000 + 17_000 * self._number, self.work)

    def _look(self, command: Started, waits: list[int]) -> None:
        if self._lab.committed(command):
            self.seen.append(command)
        if self.seen[-1:] == [command] or not waits:
            self._lab.schedule.after(0, self.work)
        else:
            self._lab.schedule.after(waits[0], self._look, command, waits[1:])

    def stop(self) -> None:
        """Propose nothing new."""
        self._working = False


@pytest.mark.parametrize("unreliable", [False, True], ids=["reliable", "unreliable"])
def test_churn(unreliable: bool) -> None:
    """Nodes are cut off, crash and come back all the time; whatever a client saw committed is there in the end."""
    lab = Lab(5, unreliable=unreliable)
    lab.one(5)
    clients = [Churner(lab, number) for number in range(3)]
    for client in clients:
        lab.schedule.after(0, client.work)
    for _ in range(20):
        if lab.rng.randrange(1000) < 200:
            lab.disconnect(lab.rng.choice(lab.names))
        if lab.rng.randrange(1000) < 500:
            name = lab.rng.choice(lab.names)
            if not lab.up(name):
                lab.restart(name)
            lab.connect(name)
        if lab.rng.randrange(1000) < 200:
            lab.crash(lab.rng.choice(lab.names))
        lab.wait(7 * ELECTION // 10)
    lab.change_weather(loss=0.0, delay_max_us=1_000)
    for name in lab.names:
        if not lab.up(name):
            lab.restart(name)
    lab.connect(*lab.names)
    for client in clients:
        client.stop()
    lab.wait(SECOND)
    lab.one(5)
    seen = [command for client in clients for command in client.seen]
    assert len(seen) > 50
    assert [lab.committed(command) for command in seen] == [5] * len(seen)
