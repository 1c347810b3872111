"""A node without its body: frames and completions in, `Work` out. No socket, thread, file or clock."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from raftzmq.codec import PROTOCOL_MAX
from raftzmq.codec.clients import (
    Execute,
    Failure,
    Hello,
    Read,
    StatusAnswer,
    StatusRequest,
    Welcome,
    encode_header,
)
from raftzmq.codec.peers import Refusal
from raftzmq.codec.snapshots import SnapshotAnswer, SnapshotChunk
from raftzmq.config import STATE_LAG_BYTES_MAX, Address, Retention, Timing
from raftzmq.core import Raft, Role
from raftzmq.core.messages import InstallSnapshot
from raftzmq.core.ready import Append, Ready
from raftzmq.core.types import HardState, Mark
from raftzmq.errors import InvalidRequest, RequestError
from raftzmq.events import EventMaker
from raftzmq.events.lamport import LamportClock
from raftzmq.node.answers import answer_frames, failure_frames, result_frames
from raftzmq.node.applying import Applying
from raftzmq.node.door import Door
from raftzmq.node.pace import Pace
from raftzmq.node.peers import PeerRefused, Peers
from raftzmq.node.proposals import Proposals, Waiting
from raftzmq.node.reads import Reads
from raftzmq.node.reporting import Reporter
from raftzmq.node.side_channel import SideChannel
from raftzmq.node.space import has_room
from raftzmq.node.status import status_json, status_row
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
        self.raft = Raft(loaded.node, timing, rng, retention)
        hard_state = HardState(loaded.current_term, loaded.voted_for)
        self.raft.load(hard_state, loaded.mark, loaded.entries, loaded.applied_index, now_us)
        self.door = Door(loaded.cluster_id, loaded.node)
        self.proposals = Proposals(loaded.log_time_us)
        self.reads = Reads(rng.getrandbits(40) << 22, 2 * timing.heartbeat_us)
        self.pace = Pace(self.raft)
        self.applying = Applying(loaded.applied_index, loaded.revision, loaded.digest, self.raft.retention)
        clock = LamportClock()
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
        self.counts: Counter[str] = Counter()
        self._log_job: LogJob | None = None
        self._leading_term: int | None = None
        self._known_leader: tuple[int, str | None] = (loaded.current_term, None)
        self._sweep_us = now_us
        self._append_waiting: Append | None = None
        self._work = Work(facts=[self.report.boot(loaded, now_us)])

    @property
    def members(self) -> tuple[Address, ...]:
        """The members of the configuration in force, with their addresses."""
        return self.raft.log.configuration.members

    @property
    def deadline_us(self) -> int:
        """When `on_tick` is wanted next."""
        deadline = self.raft.deadline
        if self.reads:
            deadline = min(deadline, self._sweep_us)
        return min(deadline, self.applying.deadline_us, self.transfers.deadline_us, self.pace.deadline_us)

    def status(self) -> dict[str, Any]:
        """This node's row of ``status --json``."""
        return status_row(self)

    # --- inputs ---

    def on_tick(self, now_us: int) -> None:
        """Time has come to ``now_us``."""
        self.raft.tick(now_us)
        self.pace.tick(now_us)
        if now_us >= self.transfers.deadline_us:
            self.transfers.tick(now_us)
        if self.reads and now_us >= self._sweep_us:
            self._sweep_us = now_us + self.raft.timing.heartbeat_us
            self.reads.ask_again(now_us)
            for read in self.reads.expired(now_us):
                code = "deadline_exceeded" if self.raft.leader else "no_leader"
                self._fail(read.routing, read.request, code, "no majority confirmed the read in time")

    def on_subscription(self, prefix: bytes, wanted: bool, now_us: int) -> None:
        """Somebody wants, or nobody wants any more, events whose topic begins with ``prefix``."""
        self.report.subscription(prefix, wanted, now_us)

    def on_dropped(self, kind: str, count: int, now_us: int) -> None:
        """The driver could not send ``count`` messages of ``kind`` (peer, client, events): their pipe was full."""
        self.counts[f"dropped_{kind}"] += count
        self.report.dropped(kind, count, now_us)

    def on_peer(self, routing: bytes, frames: Sequence[bytes], now_us: int) -> bool:
        """A message that claims to be another node's; False if it was refused."""
        try:
            message = self.peers.decode(frames, self.raft.voters, now_us)
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
        return True

    def _refuse_peer(self, routing: bytes, reason: str, now_us: int) -> None:
        self.counts["refused_peers"] += 1
        self.report.emit("peer_refused", now_us, reason=reason[:500])
        if routing:
            self._work.refusals.append((routing, self.peers.encode_refusal("unknown", reason[:500])))

    def on_client(self, routing: bytes, frames: Sequence[bytes], now_us: int) -> bool:
        """A message from a client; False if it was refused."""
        request = 0
        try:
            header, payload = self.door.open(frames)
            if isinstance(header, Hello):
                self._greet(routing, header, now_us)
                return True
            request = header.request
            if not self.door.has_greeted(routing):
                self._send(routing, failure_frames(self.door.handshake_wanted(request)))
                return False
            if isinstance(header, Execute):
                self._execute(routing, header, payload, now_us)
            elif isinstance(header, Read):
                self._read(routing, header, payload, now_us)
            elif isinstance(header, StatusRequest):
                self._send(routing, [encode_header(StatusAnswer(request)), status_json(self)])
            else:
                self._send(routing, self.side_channel.answer(header))
        except RequestError as error:
            self.counts["refused_requests"] += 1
            self.report.emit("client_refused", now_us, reason=error.message[:500])
            self._fail(routing, request, error.code, error.message)
            return False
        return True

    def on_logged(self, job: LogJob, timed: Timed, now_us: int) -> None:
        """``job`` is durable."""
        self._log_job = None
        self.peers.remember(job.incarnations)
        if job.append is not None:
            self.raft.appended(job.append)
            self.report.logged(job.append, timed, now_us)

    def on_applied(self, job: StateJob, result: StateResult, timed: Timed, now_us: int) -> None:
        """``job`` is visible; if it asked for a commit, that still goes on."""
        self.applying.applied(job, result, now_us)
        self.counts["suppressed_retries"] += result.suppressed
        for entry, results in zip(job.entries, result.results, strict=True):
            owners = self.proposals.settle(entry.index, entry.term)
            for (routing, request), outcome in zip(owners, results if owners else (), strict=True):
                self._send(routing, result_frames(request, outcome))
        for token, results in result.answers:
            read = self.reads.answered(token, len(results))
            if read is not None and results:
                done = len(results) == len(read.queries)
                for frames in answer_frames(read.request, results, read.first, done=done):
                    self._send(read.routing, frames)
        if job.install is not None:
            self.raft.snapshot_installed(job.install)
            self.transfers.installed()
        self.raft.applied(result.applied_index)
        self.proposals.applied_log_time(self.applying.log_time_us)
        self.report.applied(job, result, timed, now_us)

    def on_state_durable(self, mark: Mark, timed: Timed, now_us: int) -> None:
        """The state's transaction that ends at ``mark`` is durable."""
        self.applying.durable(mark.index)
        self.raft.state_durable(mark)
        self.report.state_durable(timed, now_us)

    def on_snapshot(self, job: SnapshotJob, outcome: SnapshotOutcome, now_us: int) -> None:
        """The snapshot worker has done ``job``."""
        self.transfers.done(job, outcome, now_us)

    def on_space(self, space: Space) -> None:
        """So much room there is on the disk: where it comes to an end, nothing new is taken."""
        self.raft.set_room(has_room(space, self.raft.has_room))

    # --- requests ---

    def _greet(self, routing: bytes, hello: Hello, now_us: int) -> None:
        failure = self.door.greet(routing, hello)
        if failure is not None:
            self.report.emit("client_refused", now_us, reason=failure.message)
            self._send(routing, failure_frames(failure))
            return
        members = [(member.node, member.client) for member in self.members]
        leader = self.raft.leader or ""
        welcome = Welcome(PROTOCOL_MAX, self.cluster_id, self.name, self.boot, leader, members)
        self._send(routing, [encode_header(welcome)])

    def _execute(self, routing: bytes, header: Execute, payload: bytes, now_us: int) -> None:
        if self.raft.role is not Role.LEADER:
            self._redirect(routing, header.request)
            return
        parcel = self.door.check_parcel(header, payload)
        lags = self.applying.lag_bytes > STATE_LAG_BYTES_MAX
        if not self.proposals.has_room(len(payload)) or lags or self.pace.is_full:
            self._fail(routing, header.request, "overloaded", f"{self.name} has too much waiting: try again later")
            return
        opens = parcel.session == 0
        deadline_us = self.door.deadline(header.timeout_us, now_us)
        commands = len(parcel.commands)
        self.proposals.add(Waiting(routing, header.request, payload, commands, deadline_us, opens))
        self.report.request("session" if opens else "execute", commands, len(payload), now_us)

    def _read(self, routing: bytes, header: Read, payload: bytes, now_us: int) -> None:
        queries = self.door.check_queries(payload)
        if not self.reads.has_room(len(queries), len(payload)):
            self._fail(routing, header.request, "overloaded", f"{self.name} has too many reads waiting")
            return
        deadline_us = self.door.deadline(header.timeout_us, now_us)
        self.reads.add(routing, header.request, queries, deadline_us, len(payload))
        self.report.request("read", len(queries), len(payload), now_us)

    def _send(self, routing: bytes, frames: list[bytes]) -> None:
        self._work.clients.append((routing, frames))

    def _fail(self, routing: bytes, request: int, code: str, message: str, *, definite: bool = True) -> None:
        self._send(routing, failure_frames(Failure(request, code, message, definite)))

    def _redirect(self, routing: bytes, request: int) -> None:
        leader = self.raft.leader
        endpoint = next((member.client for member in self.members if member.node == leader), "")
        message = f"{self.name} doesn't lead; " + (f"{leader} does" if leader else "it knows no leader")
        if not self.raft.has_room:
            message += "; its disk is nearly full"
        failure = Failure(request, "not_leader", message, True, leader or "", endpoint)
        self._send(routing, failure_frames(failure))

    # --- output ---

    def work(self, now_us: int) -> Work:
        """All there is to do after the inputs so far."""
        self._follow_leadership(now_us)
        self.proposals.committed(self.raft.commit_index)
        self._propose(now_us)
        if self.raft.leader is not None:
            context = self.reads.ask(now_us)
            if context is not None:
                self.raft.read_index(context)
        ready = self.raft.ready()
        self.report.ready(ready, now_us)
        work, self._work = self._work, Work()
        work.facts += ready.facts
        self._send_peers(work, ready, now_us)
        for state in ready.reads:
            self.reads.indexed(state.context, state.index)
        if ready.install is not None:
            self.applying.install(ready.install)
        if ready.committed:
            self.applying.committed(ready.committed, now_us)
        work.log = self._take_log_job(ready.append)
        work.state = self.applying.take_job(self.reads, now_us, patient=self._leading_term is None)
        work.events = self.report.take()
        return work

    def _send_peers(self, work: Work, ready: Ready, now_us: int) -> None:
        """Raft's messages, and the snapshots that some of them ask for."""
        encode, transfers = self.peers.encode, self.transfers
        for message in ready.messages:
            if isinstance(message, InstallSnapshot):
                transfers.begin(message, now_us)
            else:
                work.peers.append((message.to, encode(message, now_us)))
        if transfers.answers:
            work.peers += [(answer.to, encode(answer, now_us)) for answer in transfers.answers]
            transfers.answers.clear()
        if transfers.chunks:
            work.bulk = [(chunk.to, encode(chunk, now_us)) for chunk in transfers.chunks]
            transfers.chunks.clear()
        if transfers.has_jobs:
            work.snapshots = transfers.take_jobs()

    def _take_log_job(self, append: Append | None) -> LogJob | None:
        """The log's next job. An append may have to wait for a job that only stores incarnations."""
        append = append or self._append_waiting
        if self._log_job is not None:
            self._append_waiting = append
            return None
        self._append_waiting = None
        if append is None and not self.peers.unknown:
            return None
        incarnations = tuple(sorted(self.peers.unknown.items()))
        # A leader's own disk is one vote of several for entries that have just left: the answers of others tell it to
        # look at that one, too. Its next heartbeat does, at the latest.
        one_of_several = append is not None and append.only_entries and len(self.raft.voters) > 1
        awaited = self._leading_term is None or bool(incarnations) or not one_of_several
        self._log_job = LogJob(append, incarnations, awaited)
        return self._log_job

    def _propose(self, now_us: int) -> None:
        while self._leading_term is not None and self.proposals.has_batch() and self.pace.allows(now_us):
            data, taken, expired = self.proposals.take_batch(now_us)
            for waiting in expired:
                message = f"{self.name} could not propose it in time"
                self._fail(waiting.routing, waiting.request, "deadline_exceeded", message)
            if taken:
                index = self.raft.propose(data)
                self.proposals.proposed(index, self.raft.current_term, len(data), taken)

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
        waiting, owners = self.proposals.abandon()
        for request in waiting:
            self._redirect(request.routing, request.request)
        for routing, number in owners:
            message = f"{self.name} lost its leadership before the outcome was known"
            self._fail(routing, number, "outcome_unknown", message, definite=False)
