"""A node without its body: frames and completions in, `Work` out. No socket, thread, file or clock."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from raftzmq.codec.peers import Refusal
from raftzmq.codec.snapshots import SnapshotAnswer, SnapshotChunk
from raftzmq.config import Address, Retention, Timing
from raftzmq.core import Raft
from raftzmq.core.messages import AppendEntries, AppendEntriesResponse, InstallSnapshot, Message
from raftzmq.core.raft import NOTHING
from raftzmq.core.ready import Ready
from raftzmq.core.types import HardState, Mark
from raftzmq.errors import InvalidRequest
from raftzmq.events import EventMaker
from raftzmq.events.lamport import LamportClock
from raftzmq.node.answers import answer_frames
from raftzmq.node.applying import Applying
from raftzmq.node.door import Door
from raftzmq.node.intervals import Intervals
from raftzmq.node.lab import Lab
from raftzmq.node.log_jobs import LogJobs
from raftzmq.node.metrics import Tally
from raftzmq.node.pace import Pace
from raftzmq.node.peers import PeerRefused, Peers
from raftzmq.node.proposals import Proposals
from raftzmq.node.reads import Reads
from raftzmq.node.replies import Replies
from raftzmq.node.reporting import NEVER, Reporter, commands_in
from raftzmq.node.requests import Requests
from raftzmq.node.round_trips import RoundTrips
from raftzmq.node.side_channel import SideChannel
from raftzmq.node.space import has_room
from raftzmq.node.status import status_row
from raftzmq.node.tracing import Tracing
from raftzmq.node.traffic import Traffic
from raftzmq.node.transfers import SnapshotOutcome, Transfers
from raftzmq.node.work import Loaded, LogJob, SnapshotJob, Space, StateJob, StateResult, Timed, Work


class Node:
    """Owns the core, the commands not yet proposed, the clients that wait, ReadIndex rounds and the making of events.

    A driver calls the ``on_…`` methods with what has happened (`on_tick` first in each round), then `work` once, and
    does what that says. At most one `LogJob` and one `StateJob` are under way, and any number of `SnapshotJob`s.
    """

    def __init__(
        self,
        loaded: Loaded,
        *,
        timing: Timing,
        rng: random.Random,
        boot: str,
        now_us: int,
        wall_ns: Callable[[], int],
        pid: int = 0,
        retention: Retention | None = None,
    ) -> None:
        self.name = loaded.node
        self.cluster_id = loaded.cluster_id
        self.boot = boot
        self.pid = pid
        self.about: dict[str, Any] = {}
        """What else stands in its status: what its driver knows of its process."""
        self.resident_bytes: Callable[[], int | None] = lambda: None
        """How much memory the process has; a driver that can tell says how."""
        self.raft = Raft(loaded.node, timing, rng, retention)
        hard_state = HardState(loaded.current_term, loaded.voted_for)
        self.raft.load(hard_state, loaded.mark, loaded.entries, loaded.applied_index, now_us)
        self.door = Door(loaded.cluster_id, loaded.node)
        self.proposals = Proposals(loaded.log_time_us)
        self.reads = Reads(rng.getrandbits(40) << 22, 2 * timing.heartbeat_us)
        self.pace = Pace(self.raft)
        self.applying = Applying(loaded.applied_index, loaded.revision, loaded.digest, self.raft.retention)
        # From the wall clock, so that a boot begins past the last one's times, which others may have heard.
        clock = LamportClock(max(0, wall_ns() // 1000))
        maker = EventMaker(loaded.node, boot, wall_ns, clock)
        self.report = Reporter(maker, self.raft)
        self.peers = Peers(
            *(loaded.cluster_id, loaded.node, loaded.incarnation, loaded.peers),
            boot=boot,
            clock=clock,
            traffic=Traffic(maker, self.raft, loaded.node),
        )
        self.side_channel = SideChannel(boot, maker.ring)
        self.transfers = Transfers(self.raft, self.report)
        self.tracing = Tracing(self.report)
        self.lab = Lab(self.raft, self.report)
        self.round_trips = RoundTrips()
        self.intervals = Intervals(self)
        self.counts: Counter[str] = Counter()
        self.tally = Tally()
        self.replies = Replies(self.raft, self.counts)
        self.log_jobs = LogJobs(self.raft)
        self.requests = Requests(self)
        self._leading_term: int | None = None
        self._era = self.raft.era
        self._known_leader: tuple[int, str | None] = (loaded.current_term, None)
        self._sweep_us = now_us
        self._work = Work(facts=[self.report.boot(loaded, now_us)])

    @property
    def members(self) -> tuple[Address, ...]:
        """The members of the configuration in force, with their addresses."""
        return self.raft.log.configuration.members

    @property
    def deadline_us(self) -> int:
        """When `on_tick` is wanted next."""
        return min(
            self.raft.deadline,
            self.applying.deadline_us,
            self.report.deadline_us,
            self.intervals.deadline_us,
            self.pace.deadline_us,
            self.lab.deadline_us,
            self.transfers.deadline_us,
            self._sweep_us if self.reads else NEVER,
        )

    def status(self) -> dict[str, Any]:
        """This node's row of ``status --json``."""
        return status_row(self)

    # --- inputs ---

    def on_tick(self, now_us: int) -> None:
        """Time has come to ``now_us``."""
        self.raft.tick(now_us)
        if now_us >= self.pace.deadline_us:
            self.pace.tick()
        if now_us >= self.transfers.deadline_us:
            self.transfers.tick(now_us)
        if now_us >= self.lab.deadline_us:
            self.lab.tick(now_us)
        if now_us >= self.intervals.deadline_us:
            self.intervals.tick(now_us)
        if self.reads and now_us >= self._sweep_us:
            self._sweep_us = now_us + self.raft.timing.heartbeat_us
            self.reads.ask_again(now_us)
            for read in self.reads.expired(now_us):
                code = "deadline_exceeded" if self.raft.leader else "no_leader"
                self.replies.fail(read.routing, read.request, code, "no majority confirmed the read in time")
                self.tracing.expired(read.token)

    def on_subscription(self, prefix: bytes, wanted: bool, now_us: int) -> None:
        """Somebody wants, or nobody wants any more, events whose topic begins with ``prefix``."""
        self.report.subscription(prefix, wanted, now_us)
        self.intervals.subscription(prefix, wanted, now_us)

    def on_dropped(self, kind: str, count: int, now_us: int) -> None:
        """The driver could not send ``count`` messages of ``kind`` (peer, client, events): their pipe was full."""
        self.counts[f"dropped_{kind}"] += count
        self.report.dropped(kind, count, now_us)

    def on_peer(self, routing: bytes, frames: Sequence[bytes], now_us: int) -> bool:
        """A message that claims to be another node's; False if it was refused."""
        try:
            message = self.peers.decode(frames, self.raft.voters, self.raft.current_term, now_us)
        except PeerRefused as refused:
            self._refuse_peer(routing, str(refused), now_us)
            return False
        except InvalidRequest as invalid:
            self._refuse_peer(routing, invalid.message, now_us)
            return False
        if isinstance(message, Refusal):
            self.counts["refused_by_peer"] += 1
            self.report.emit("peer_refused", now_us, reason=f"a peer refused this node: {message.reason}"[:500])
        elif isinstance(message, (SnapshotChunk, SnapshotAnswer)):
            self.transfers.message(message, now_us)
        elif message is not None:
            self.raft.step(message)
            if (self.tracing.entries or self.round_trips.awaited) and isinstance(message, AppendEntriesResponse):
                self.tracing.heard(message, now_us)
                self.round_trips.heard(message, now_us)
        return True

    def _refuse_peer(self, routing: bytes, reason: str, now_us: int) -> None:
        self.counts["refused_peers"] += 1
        self.report.emit("peer_refused", now_us, reason=reason[:500])
        if routing:
            self._work.refusals.append((routing, self.peers.encode_refusal("unknown", reason[:500])))

    def on_client(self, routing: bytes, frames: Sequence[bytes], now_us: int) -> bool:
        """A message from a client; False if it was refused."""
        return self.requests.take(routing, frames, now_us)

    def on_logged(self, job: LogJob, timed: Timed, now_us: int) -> None:
        """``job`` is durable."""
        self.log_jobs.done()
        self.peers.remember(job.incarnations)
        if job.append is not None:
            self.raft.appended(job.append)
            self.tracing.logged(self.raft.log.stable, timed, now_us)
            self.report.logged(job.append, timed, now_us)

    def on_applied(self, job: StateJob, result: StateResult, timed: Timed, now_us: int) -> None:
        """``job`` is visible; if it asked for a commit, that still goes on."""
        self.applying.applied(job, result, now_us)
        self.counts["suppressed_retries"] += result.suppressed
        self.tally.entries += len(job.entries)
        commands = commands_in(result)
        self.tally.commands += commands
        self.report.applied(job, result, commands, timed, now_us)
        first, last, requests = self.replies.results(self.proposals, job, result)
        if requests:
            self.report.replied(first, last, requests, now_us)
        self.tracing.applied(job.entries, timed, now_us)
        for token, results in result.answers:
            read = self.reads.answered(token, len(results))
            if read is not None and results:
                done = len(results) == len(read.queries)
                for frames in answer_frames(read.request, results, read.first, done=done):
                    self.replies.send(read.routing, frames)
                if done:
                    self.tally.reads += 1
                    self.tracing.answered(token, timed, now_us)
        if job.install is not None:
            self.report.installed(result.digest)
            self.raft.snapshot_installed(job.install)
            self.transfers.installed()
        self.raft.applied(result.applied_index)
        self.proposals.applied_log_time(self.applying.log_time_us)

    def on_state_durable(self, mark: Mark, timed: Timed, now_us: int) -> None:
        """The state's transaction that ends at ``mark`` is durable."""
        entries, size = self.applying.uncommitted
        self.applying.durable(mark.index)
        self.raft.state_durable(mark)
        self.report.state_durable(mark.index, entries, size, timed, now_us)

    def on_snapshot(self, job: SnapshotJob, outcome: SnapshotOutcome, now_us: int) -> None:
        """The snapshot worker has done ``job``."""
        self.transfers.done(job, outcome, now_us)

    def on_space(self, space: Space) -> None:
        """So much room there is on the disk: where it comes to an end, nothing new is taken."""
        self.raft.set_room(has_room(space, self.raft.has_room))
        self.transfers.space(space)

    # --- output ---

    def work(self, now_us: int) -> Work:
        """All there is to do after the inputs so far."""
        raft = self.raft
        if raft.era != self._era:
            self._era = raft.era
            self._follow_leadership(now_us)
        self.proposals.committed(raft.commit_index)
        if self.tracing.entries:
            self.tracing.committed(raft.commit_index, now_us)
        leading = self._leading_term is not None
        if leading:
            self._propose(now_us)
        if self.reads and raft.leader is not None:
            context = self.reads.ask(now_us)
            if context is not None:
                raft.read_index(context)
                self.tracing.asked(now_us)
        ready = raft.ready()
        self.report.ready(ready, now_us)
        work, self._work = self._work, Work()
        work.clients = self.replies.take()
        if ready is not NOTHING:
            self._take_ready(work, ready, now_us)
        if self.transfers.has_work:
            self._send_snapshots(work, now_us)
        work.log = self.log_jobs.take(ready.append, self.peers.unknown, leading)
        work.state = self.applying.take_job(self.reads, now_us, patient=not leading)
        work.events = self.report.take(now_us)
        return work

    def _take_ready(self, work: Work, ready: Ready, now_us: int) -> None:
        """What the core wants, but for the append."""
        if ready.facts:
            work.facts += ready.facts
        if ready.messages:
            self._send_peers(work, ready.messages, now_us)
        for state in ready.reads:
            self.tracing.confirmed(self.reads.indexed(state.context, state.index), state.index, now_us)
        if ready.install is not None:
            self.applying.install(ready.install)
        if ready.committed:
            self.applying.committed(ready.committed, now_us)

    def _send_peers(self, work: Work, messages: Sequence[Message], now_us: int) -> None:
        """Raft's messages; some of them ask for a snapshot."""
        encode = self.peers.encode
        if self.tracing.entries or self.report.wanted("metrics"):
            self._watch(messages, now_us)
        for message in messages:
            if isinstance(message, InstallSnapshot):
                self.transfers.begin(message, now_us)
            else:
                work.peers.append((message.to, encode(message, now_us)))

    def _send_snapshots(self, work: Work, now_us: int) -> None:
        """Parts of snapshots, the answers to them, and what the snapshot worker is to do for them."""
        encode, transfers = self.peers.encode, self.transfers
        if transfers.answers:
            work.peers += [(answer.to, encode(answer, now_us)) for answer in transfers.answers]
            transfers.answers.clear()
        if transfers.chunks:
            work.bulk = [(chunk.to, encode(chunk, now_us)) for chunk in transfers.chunks]
            transfers.chunks.clear()
        if transfers.jobs:
            work.snapshots = transfers.jobs[:]
            transfers.jobs.clear()

    def _watch(self, messages: Sequence[Message], now_us: int) -> None:
        """Note what leaves, for those who measure how long it takes."""
        leadership = self.raft.leadership
        if leadership is None:
            return
        for message in messages:
            if isinstance(message, AppendEntries):
                self.tracing.sent(message, now_us)
                self.round_trips.sent(message, leadership.peers[message.to].match_index, now_us)

    def _propose(self, now_us: int) -> None:
        while self.proposals.has_batch() and self.pace.allows(now_us):
            data, taken, expired = self.proposals.take_batch(now_us)
            for waiting in expired:
                message = f"{self.name} could not propose it in time"
                self.replies.fail(waiting.routing, waiting.request, "deadline_exceeded", message)
            if taken:
                index = self.raft.propose(data)
                self.proposals.proposed(index, self.raft.current_term, len(data), taken)
                if self.report.wanted("trace"):
                    self.tracing.proposed(index, self.raft.current_term, [w.visit for w in taken], now_us)

    def _follow_leadership(self, now_us: int) -> None:
        """Notice that this node began or ceased to lead, or that the leader changed."""
        raft = self.raft
        leading = None if raft.leadership is None else raft.current_term
        if leading != self._leading_term:
            if self._leading_term is not None:
                self._abandon()
            self._leading_term = leading
            if leading is not None:
                self.proposals.lead(raft.log, now_us)
        known = (raft.current_term, raft.leader)
        if known != self._known_leader:
            self._known_leader = known
            self.reads.ask_again(None)

    def _abandon(self) -> None:
        self.tracing.abandon()
        self.round_trips.forget()
        waiting, owners = self.proposals.abandon()
        for request in waiting:
            self.replies.redirect(request.routing, request.request)
        for routing, number in owners:
            message = f"{self.name} lost its leadership before the outcome was known"
            self.replies.fail(routing, number, "outcome_unknown", message, definite=False)
