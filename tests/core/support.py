"""A core on virtual time, alone with its disk and with peers that a test plays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from raftzmq.config import Timing, local_cluster
from raftzmq.core import Raft, Role
from raftzmq.core.elections import Randomness
from raftzmq.core.messages import (
    AppendEntries,
    AppendEntriesResponse,
    Message,
    RequestVoteResponse,
)
from raftzmq.core.ready import Append, Fact, ReadState
from raftzmq.core.types import Configuration, Entry, EntryKind, HardState, Mark, make_entry

M = TypeVar("M")

TIMING = Timing()
HEARTBEAT = TIMING.heartbeat_us
ELECTION_MIN = TIMING.election_min_us
ELECTION_MAX = TIMING.election_max_us
BEGINNING = Mark()


class Lowest:
    """The randomness of a core whose deadlines a test wants to know: always the start of the span."""

    def randrange(self, start: int, stop: int, /) -> int:
        assert start < stop
        return start


class Highest:
    """Always the end of the span: for a core that shall not campaign while others are at their minimum."""

    def randrange(self, start: int, stop: int, /) -> int:
        assert start < stop
        return stop - 1


def configuration(voters: int) -> Configuration:
    """Voters n1, n2, …"""
    return Configuration(local_cluster(voters).nodes)


def empty_mark(voters: int) -> Mark:
    """Before entry 1, with the voters in it, so that an entry of a test stands at the index its place says."""
    return Mark(configuration=configuration(voters))


def entries_of(terms: Sequence[int], *, after: Mark | Entry = BEGINNING, tag: str = "") -> tuple[Entry, ...]:
    """Entries of these terms that continue ``after``; equal index, term and ``tag`` give equal entries."""
    made: list[Entry] = []
    index, chain = after.index, after.chain
    for term in terms:
        index += 1
        entry = make_entry(chain, index, term, EntryKind.COMMANDS, f"{tag}{term}.{index}".encode())
        chain = entry.chain
        made.append(entry)
    return tuple(made)


def terms_of(raft: Raft) -> list[int]:
    """The terms of the entries in the log."""
    return [raft.log.entry(index).term for index in range(raft.log.first_index, raft.log.last_index + 1)]


class Core:
    """One core and its disk. Entries of ``terms`` lie in its log, durable, from index 1 on.

    ``step`` and ``tick`` take the outputs at once; an append stays under way until `write`. ``outbox`` is for a
    cluster to empty; ``sent`` has everything that ever left.
    """

    def __init__(
        self,
        name: str = "n1",
        *,
        voters: int = 3,
        terms: Sequence[int] = (),
        term: int | None = None,
        voted_for: str | None = None,
        applied: int = 0,
        mark: Mark | None = None,
        entries: Sequence[Entry] | None = None,
        rng: Randomness | None = None,
        now: int = 0,
    ) -> None:
        self.name = name
        self.mark = empty_mark(voters) if mark is None else mark
        self.disk = list(entries_of(terms, after=self.mark) if entries is None else entries)
        last_term = self.disk[-1].term if self.disk else self.mark.term
        self.hard_state = HardState(last_term if term is None else term, voted_for)
        self.now = now
        self.append: Append | None = None
        self.install: Mark | None = None
        self.sent: list[Message] = []
        self.outbox: list[Message] = []
        self.committed: list[Entry] = []
        self.reads: list[ReadState] = []
        self.facts: list[Fact] = []
        self.raft = Raft(name, TIMING, Lowest() if rng is None else rng)
        self.raft.load(self.hard_state, self.mark, self.disk, max(applied, self.mark.index), now)

    @property
    def peers(self) -> list[str]:
        return [voter for voter in self.raft.voters if voter != self.name]

    def leads(self) -> bool:
        return self.raft.role is Role.LEADER

    @property
    def committed_indices(self) -> list[int]:
        return [entry.index for entry in self.committed]

    def take(self) -> list[Message]:
        """Take what the core wants done; the messages that leave."""
        ready = self.raft.ready()
        if ready.append is not None:
            assert self.append is None, "two appends under way"
            self.append = ready.append
        if ready.install is not None:
            assert self.install is None, "two snapshots to be installed"
            self.install = ready.install
        assert [e.index for e in ready.committed] == list(
            range(self.raft.last_applied + 1, self.raft.last_applied + 1 + len(ready.committed))
        ), "committed entries come once, in order"
        self.committed += ready.committed
        if ready.committed:
            self.raft.applied(ready.committed[-1].index)
        self.reads += ready.reads
        self.facts += ready.facts
        self.sent += ready.messages
        self.outbox += ready.messages
        return list(ready.messages)

    def step(self, *messages: Message) -> list[Message]:
        """Deliver messages, then take what leaves."""
        for message in messages:
            self.raft.step(message)
        return self.take()

    def tick(self, now: int) -> list[Message]:
        """Let it be ``now``."""
        self.now = now
        self.raft.tick(now)
        return self.take()

    def tick_at_deadline(self) -> list[Message]:
        """Let it be exactly when the core wants to be woken."""
        return self.tick(self.raft.deadline)

    def propose(self, data: bytes = b"x") -> list[Message]:
        self.raft.propose(data)
        return self.take()

    def read(self, context: int) -> list[Message]:
        self.raft.read_index(context)
        return self.take()

    def write(self) -> list[Message]:
        """The append under way becomes durable."""
        append, self.append = self.append, None
        assert append is not None, "nothing is under way"
        if append.hard_state is not None:
            self.hard_state = append.hard_state
        if append.snapshot is not None:
            self.mark, self.disk = append.snapshot, []
        if append.compact_to is not None:
            del self.disk[: append.compact_to.index - self.mark.index]
            self.mark = append.compact_to
        if append.entries:
            keep = append.entries[0].index - self.mark.index - 1
            assert keep <= len(self.disk), "storage was given a gap"
            self.disk[keep:] = append.entries
        self.raft.appended(append)
        return self.take()

    def installed(self) -> list[Message]:
        """The state has become the snapshot that was to be installed."""
        mark, self.install = self.install, None
        assert mark is not None, "no snapshot is to be installed"
        self.raft.snapshot_installed(mark)
        return self.take()

    def flush(self) -> list[Message]:
        """Write until nothing is under way; the messages that this let go."""
        left: list[Message] = []
        while self.append is not None:
            left += self.write()
        return left

    def restarted(self, *, rng: Randomness | None = None) -> Core:
        """The node after a crash: it has what is durable in its log, and a state that lost everything."""
        return Core(
            self.name,
            mark=self.mark,
            entries=self.disk,
            term=self.hard_state.current_term,
            voted_for=self.hard_state.voted_for,
            rng=rng,
            now=self.now,
        )

    def fact(self, kind: str) -> Fact:
        """The latest fact of a kind."""
        return [fact for fact in self.facts if fact.kind == kind][-1]


def pre_candidate(core: Core) -> Core:
    """Let the election timer run out."""
    core.tick_at_deadline()
    assert core.raft.role is Role.PRE_CANDIDATE or not core.peers
    return core


def candidate(core: Core) -> Core:
    """Time out, and be told by everybody that they would vote; the vote for itself is durable."""
    pre_candidate(core)
    for peer in core.peers:
        core.step(RequestVoteResponse(peer, core.name, core.raft.current_term + 1, True, True))
        if core.raft.role is Role.CANDIDATE:
            break
    core.flush()
    assert core.raft.role is Role.CANDIDATE or not core.peers
    return core


def leader(core: Core, *, flush: bool = True) -> Core:
    """Be elected. Its no-op has left; with ``flush`` it is durable here as well, but nowhere else."""
    candidate(core)
    for peer in core.peers:
        core.step(vote(core, peer))
        if core.raft.role is Role.LEADER:
            break
    assert core.raft.role is Role.LEADER
    if flush:
        core.flush()
    return core


def vote(core: Core, peer: str, *, granted: bool = True) -> RequestVoteResponse:
    """A vote for ``core`` in its term."""
    return RequestVoteResponse(peer, core.name, core.raft.current_term, granted, False)


def matched(core: Core, peer: str, index: int, *, read_round: int = 0) -> AppendEntriesResponse:
    """``peer`` tells the leader ``core`` that it has everything up to ``index`` durably."""
    return AppendEntriesResponse(peer, core.name, core.raft.current_term, True, index, read_round, index)


def committing(core: Core) -> Core:
    """Be elected, and have the term's no-op committed by all followers."""
    leader(core)
    last = core.raft.log.last_index
    core.step(*(matched(core, peer, last) for peer in core.peers))
    assert core.raft.commit_index == last
    return core


def heartbeat(
    core: Core, *, sender: str = "n2", term: int | None = None, at: int = 0, commit: int = 0, read_round: int = 0
) -> AppendEntries:
    """An empty AppendEntries to a follower whose log agrees with the leader's at index ``at``."""
    term = core.raft.current_term if term is None else term
    previous_term = core.raft.log.term_at(at)
    assert previous_term is not None
    return AppendEntries(sender, core.name, term, at, previous_term, commit, read_round)


def entries_to(
    core: Core, entries: Sequence[Entry], *, after: Entry | Mark, sender: str = "n2", term: int, commit: int = 0
) -> AppendEntries:
    """AppendEntries with ``entries`` behind ``after``."""
    return AppendEntries(sender, core.name, term, after.index, after.term, commit, 0, tuple(entries))


def of(kind: type[M], messages: Iterable[object]) -> list[M]:
    """The messages of one type."""
    return [message for message in messages if isinstance(message, kind)]
