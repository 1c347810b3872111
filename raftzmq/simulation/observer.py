"""Between the nodes and the properties: sees what each node's memory, disk and messages show, at each step."""

from __future__ import annotations

from collections.abc import Sequence

from raftzmq.codec.peers import decode_envelope, decode_message
from raftzmq.core import Raft, Role
from raftzmq.core.messages import AppendEntriesResponse, RequestVote, RequestVoteResponse
from raftzmq.core.types import chain_checksum
from raftzmq.node import Node
from raftzmq.node.work import Loaded, LogJob, StateJob, StateResult
from raftzmq.simulation.conditions import Conditions
from raftzmq.simulation.coverage import Coverage
from raftzmq.simulation.model import Model, plain
from raftzmq.simulation.transcript import Transcript
from raftzmq.verify import Invariants, LogTime, RealTime, Stickiness, Violations

ASKS, ENTRIES = 1, 3
"""The kinds of RequestVote and AppendEntries on the wire."""
PROMISES = (1, 2, 4)
"""RequestVote, its answer and that of AppendEntries: each says that something is durable."""


class Observer:
    """Feeds `Invariants` and the `Model`, and counts what only a look inside shows."""

    def __init__(
        self,
        voters: Sequence[str],
        conditions: Conditions,
        violations: Violations,
        coverage: Coverage,
        transcript: Transcript,
        log_time: LogTime,
    ) -> None:
        self._violations = violations
        self._coverage = coverage
        self._transcript = transcript
        self._roles: dict[str, Role] = {}
        self.invariants = Invariants(voters, violations)
        self.realtime = RealTime(violations)
        self.stickiness = Stickiness(violations, conditions.timing.election_min_us)
        self.model = Model(self.realtime, log_time, conditions.sessions_max, conditions.idle_us)

    def loaded(self, loaded: Loaded) -> None:
        """A node is about to start from ``loaded``: what its disk gave back."""
        self._roles[loaded.node] = Role.FOLLOWER
        self.stickiness.forgets(loaded.node)
        self.invariants.booted(
            loaded.node,
            term=loaded.current_term,
            vote=loaded.voted_for,
            mark=(loaded.mark.index, (loaded.mark.term, loaded.mark.chain)),
            log=[(e.term, e.chain) for e in loaded.entries],
            applied=loaded.applied_index,
            digest=loaded.digest,
        )

    def stopped(self, name: str) -> None:
        """A node has crashed."""
        self._roles.pop(name, None)
        self.invariants.stopped(name)

    def looked(self, name: str, node: Node) -> None:
        """Look at a node after a round of its inputs."""
        raft = node.raft
        role = raft.role
        if role is not self._roles[name]:
            self._role_changed(name, raft, role)
        log = raft.log
        mark = log.mark
        self.invariants.begins_after(name, mark.index, (mark.term, mark.chain))
        known = self.invariants.log_of(name)
        last = log.last_index
        first = last + 1
        entries: list[tuple[int, int]] = []
        if known.last != last or (last and known.entries[-1][1] != log.last_chain):
            same = min(known.last, last)
            while same > mark.index and known.entries[same - 1][1] != log.chain_at(same):
                same -= 1
            first = same + 1
            entries = self._new_entries(name, raft, first)
            if same < known.last:
                self._coverage.add("truncations")
                if self._transcript.on:
                    self._transcript.line(name, f"truncates its log from {first} on (it ended at {known.last})")
        before = self.invariants.committed.last
        self.invariants.observed(
            name,
            term=raft.current_term,
            leader=role is Role.LEADER,
            first=first,
            entries=entries,
            commit=raft.commit_index,
        )
        if self.invariants.committed.last > before:
            self._committed(name, raft, before)

    def _role_changed(self, name: str, raft: Raft, role: Role) -> None:
        previous, self._roles[name] = self._roles[name], role
        if role in (Role.CANDIDATE, Role.LEADER) and previous is not Role.CANDIDATE:
            self._coverage.add("elections")
        if role is Role.LEADER:
            self._coverage.add("leaders")
        elif previous is Role.LEADER:
            self._coverage.add("step_downs")
        if self._transcript.on:
            self._transcript.line(name, f"is {role} in term {raft.current_term} (was {previous})")

    def _new_entries(self, name: str, raft: Raft, first: int) -> list[tuple[int, int]]:
        """The ids of new entries, after computing their checksums anew: the chain stands for the bytes from here on."""
        log = raft.log
        chain = log.chain_at(first - 1)
        ids = []
        for index in range(first, log.last_index + 1):
            entry = log.entry(index)
            chain = chain_checksum(chain, index, entry.term, entry.kind, entry.data)
            if entry.chain != chain or entry.index != index:
                self._violations.report(
                    "log_matching",
                    (name,),
                    f"{name}'s entry {index} carries index {entry.index} and chain {entry.chain:08x}, "
                    f"its bytes give {chain:08x}",
                )
            ids.append((entry.term, chain))
        return ids

    def _committed(self, name: str, raft: Raft, before: int) -> None:
        after = self.invariants.committed.last
        self._coverage.add("entries_committed", after - before)
        if self._transcript.on:
            self._transcript.line(name, f"is the first to know that {after} is committed (before: {before})")
        evicted = self.model.evicted
        for index in range(before + 1, after + 1):
            self.model.apply(raft.log.entry(index))
        self._coverage.add("sessions_evicted", self.model.evicted - evicted)

    def receives(self, name: str, node: Node, frames: Sequence[bytes], now_us: int) -> None:
        """A node, at ``now_us`` of its clock, is about to take a message from a peer."""
        envelope = decode_envelope(frames[0])
        if envelope.kind == ASKS:
            asked, _ = decode_message(envelope, frames[1:])
            if isinstance(asked, RequestVote) and asked.pre_vote:
                self.stickiness.asked(name, asked.sender, asked.term, node.raft.current_term, now_us)

    def received(self, name: str, node: Node, frames: Sequence[bytes], now_us: int) -> None:
        """It has taken it: was that from its leader?"""
        envelope = decode_envelope(frames[0])
        if envelope.kind == ENTRIES and node.raft.leader == envelope.node:
            term = decode_message(envelope, frames[1:])[0].term
            if term == node.raft.current_term:
                self.stickiness.heard(name, envelope.node, term, now_us)

    def sent(self, name: str, frames: Sequence[bytes]) -> None:
        """A node sends a message to a peer: does it promise what its disk doesn't have?"""
        envelope = decode_envelope(frames[0])
        if envelope.kind not in PROMISES:
            return
        message, _ = decode_message(envelope, frames[1:])
        if isinstance(message, AppendEntriesResponse):
            if message.success and message.match_index:
                self.invariants.matched(name, message.term, message.match_index)
        elif isinstance(message, RequestVote) and not message.pre_vote:
            self.invariants.granted(name, message.term, name)
        elif isinstance(message, RequestVoteResponse) and message.granted:
            if message.pre_vote:
                self.stickiness.would_vote(name, message.to, message.term)
            else:
                self.invariants.granted(name, message.term, message.to)

    def wrote(self, name: str, job: LogJob) -> None:
        """A node's disk has a log job."""
        if job.append is not None:
            state, entries = job.append.hard_state, job.append.entries
            restart, compact_to = job.append.snapshot, job.append.compact_to
            if restart is not None:
                self.invariants.log_restarted(name, restart.index, (restart.term, restart.chain))
            if compact_to is not None:
                self._coverage.add("compactions")
                self.invariants.compacted(name, compact_to.index)
            self.invariants.stored(
                name,
                None if state is None else (state.current_term, state.voted_for),
                entries[0].index if entries else 0,
                [(e.term, e.chain) for e in entries],
            )

    def applied(self, name: str, job: StateJob, result: StateResult) -> None:
        """A node's state has run a job: compare what it gave with the model."""
        self._coverage.add("suppressed_retries", result.suppressed)
        if job.install is not None:
            mark = job.install
            self._coverage.add("snapshots_installed")
            self.invariants.installed(name, mark.index, (mark.term, mark.chain), result.digest)
        if not job.entries:
            return
        last = job.entries[-1]
        self.invariants.applied(name, last.index, last.chain, result.digest)
        if self._violations.found:
            return
        if result.applied_index != last.index or len(result.results) != len(job.entries):
            self._violations.report(
                "results",
                (name,),
                f"{name} applied entries {job.entries[0].index}…{last.index} and says that it is at "
                f"{result.applied_index}, with results of {len(result.results)} entries",
            )
            return
        for entry, got in zip(job.entries, result.results, strict=True):
            self._compare(name, entry.index, got)
        expected = self.model.revisions[last.index]
        if result.revision != expected:
            repeated = any(entry.index in self.model.repeated for entry in job.entries)
            self._violations.report(
                "exactly_once" if repeated and result.revision > expected else "results",
                (name,),
                f"{name} is at revision {result.revision} after entry {last.index}, executing each command once "
                f"gives {expected}",
            )

    def _compare(self, name: str, index: int, got: list[object]) -> None:
        expected = self.model.expected[index]
        if plain(got) != plain(expected):
            self._violations.report(
                "exactly_once" if index in self.model.repeated else "results",
                (name,),
                f"{name} gives {plain(got)!r} for entry {index}; executing each command once gives {expected!r}",
            )
