"""A node without its body, driven by hand: real storage in memory, scripted peers and clients, virtual time."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Any, TypeVar

from raftzmq.codec import PROTOCOL_MAX, PROTOCOL_MIN
from raftzmq.codec.clients import (
    Answer,
    ClientFrame,
    Execute,
    Failure,
    Hello,
    Read,
    decode_node_header,
    decode_results,
    encode_header,
)
from raftzmq.codec.peers import (
    REFUSAL,
    Envelope,
    PeerMessage,
    decode_envelope,
    decode_message,
    decode_refusal,
    encode_envelope,
    encode_message,
    message_kind,
)
from raftzmq.config import Retention, Timing, local_cluster
from raftzmq.core import Raft, Role
from raftzmq.core.messages import (
    AppendEntries,
    AppendEntriesResponse,
    RequestVoteResponse,
)
from raftzmq.core.types import Entry
from raftzmq.kv.commands import Command, OpenSession, Parcel, Put, Query, encode_parcel, encode_queries
from raftzmq.node import Node
from raftzmq.node.transfers import run_snapshot_job
from raftzmq.node.work import LogJob, SnapshotJob, StateJob, StateResult, Timed, Work
from raftzmq.storage.memory import MemoryDisk, open_memory_node

F = TypeVar("F")

TIMING = Timing()
SECOND = 1_000_000
CLIENT = b"client-1"
TIMED = Timed(120, 100)


def incarnation(node: str) -> str:
    """The incarnation that a node of these tests has, unless it is an impostor."""
    return f"local-{node}"


class Rig:
    """A node, its disk, and everything that has come out of it.

    Jobs named in ``held`` ("log", "state", "commit") stay under way until `finish`; others end at once. Peers in
    ``followers`` acknowledge every AppendEntries as if they had written it; others say nothing.
    """

    def __init__(
        self,
        name: str = "n1",
        *,
        voters: int = 3,
        disk: MemoryDisk | None = None,
        strangers: bool = False,
        seed: int = 1,
        boot: str = "boot-1",
        retention: Retention | None = None,
    ) -> None:
        self.cluster = local_cluster(voters)
        self.disk = MemoryDisk() if disk is None else disk
        opened = open_memory_node(self.disk, self.cluster, name)
        if not strangers:
            known = tuple((peer.node, incarnation(peer.node)) for peer in self.cluster.nodes if peer.node != name)
            opened.log.write(LogJob(None, known))
            opened = open_memory_node(self.disk, self.cluster, name)
        self.log, self.state, self.snapshots = opened.log, opened.state, opened.snapshots
        self.now = 1_000_000
        self.node = Node(
            opened.loaded,
            timing=TIMING,
            rng=random.Random(seed),
            boot=boot,
            now_us=self.now,
            wall_ns=lambda: self.now * 1000,
            pid=4711,
            retention=retention,
        )
        self.held: set[str] = set()
        self.followers: set[str] = set()
        self.works: list[Work] = []
        self.log_job: LogJob | None = None
        self.state_job: StateJob | None = None
        self.committing = False
        self.sent: list[PeerMessage] = []
        self.snapshot_jobs: list[SnapshotJob] = []
        self.peer_frames: list[tuple[str, list[bytes]]] = []
        self.refusals: list[tuple[bytes, str]] = []
        self.events: list[tuple[bytes, bytes]] = []
        self.answers: dict[bytes, list[tuple[Any, Any]]] = defaultdict(list)
        self.log_jobs: list[LogJob] = []
        self.state_jobs: list[StateJob] = []

    # --- rounds ---

    @property
    def raft(self) -> Raft:
        return self.node.raft

    @property
    def peers(self) -> list[str]:
        return [address.node for address in self.cluster.nodes if address.node != self.node.name]

    def round(self) -> Work:
        """One round's outputs; jobs that aren't held are done, their results wait for the next round."""
        work = self.node.work(self.now)
        self.works.append(work)
        self.events += work.events
        for target, frames in (*work.peers, *work.bulk):
            self._sent(target, frames)
        self.snapshot_jobs += work.snapshots
        for routing, frames in work.clients:
            payload = decode_results(frames[1]) if len(frames) > 1 and frames[1][:1] != b"{" else frames[1:]
            self.answers[routing].append((decode_node_header(frames[0]), payload))
        for routing, frames in work.refusals:
            assert decode_envelope(frames[0]).kind == REFUSAL
            self.refusals.append((routing, decode_refusal(frames[1]).reason))
        if work.log is not None:
            assert self.log_job is None, "two jobs of the log under way"
            self.log_job = work.log
            self.log_jobs.append(work.log)
        if work.state is not None:
            assert self.state_job is None, "two jobs of the state under way"
            assert not self.committing, "a job beside a commit"
            self.state_job = work.state
            self.state_jobs.append(work.state)
        return work

    def _sent(self, target: str, frames: list[bytes]) -> None:
        envelope = decode_envelope(frames[0])
        assert (envelope.node, envelope.to) == (self.node.name, target)
        message, _ = decode_message(envelope, frames[1:])
        self.sent.append(message)
        self.peer_frames.append((target, frames))
        if target in self.followers and isinstance(message, AppendEntries):
            last = message.prev_log_index + len(message.entries)
            self.peer(AppendEntriesResponse(target, self.node.name, message.term, True, last, message.round, last))

    def settle(self) -> None:
        """Rounds until nothing more happens at this moment."""
        for _ in range(1000):
            work = self.round()
            busy = bool(work.peers or work.clients or work.log or work.state or work.bulk)
            while self.snapshot_jobs and "snapshots" not in self.held:
                job = self.snapshot_jobs.pop(0)
                self.node.on_snapshot(job, run_snapshot_job(self.snapshots, job), self.now)
                busy = True
            for name in ("log", "state", "commit"):
                if name not in self.held and self.under_way(name):
                    self.finish(name)
                    busy = True
            if not busy:
                return
        raise AssertionError("the node never comes to rest")

    def under_way(self, name: str) -> bool:
        return {"log": self.log_job is not None, "state": self.state_job is not None, "commit": self.committing}[name]

    def finish(self, name: str) -> None:
        """Let a job end; the node hears of it."""
        if name == "log":
            log_job, self.log_job = self.log_job, None
            assert log_job is not None
            self.log.write(log_job)
            self.node.on_logged(log_job, TIMED, self.now)
        elif name == "state":
            state_job, self.state_job = self.state_job, None
            assert state_job is not None
            install = state_job.install
            result: StateResult = self.state.apply(state_job) if install is None else self.state.install(install)
            self.committing = state_job.commit
            self.node.on_applied(state_job, result, TIMED, self.now)
        else:
            assert self.committing
            self.committing = False
            self.node.on_state_durable(self.state.commit(), TIMED, self.now)

    def advance(self, microseconds: int) -> None:
        """Let time pass; the node is woken when it wants to be."""
        end = self.now + microseconds
        while self.node.deadline_us <= end:
            self.now = max(self.now + 1, self.node.deadline_us)
            self.node.on_tick(self.now)
            self.settle()
        self.now = end
        self.node.on_tick(end)
        self.settle()

    # --- peers ---

    def frames(
        self, message: PeerMessage, *, lamport: int = 0, number: int = 0, beat: bool = False, **envelope: Any
    ) -> list[bytes]:
        """A peer's message as it arrives; ``envelope`` changes fields of who it is from."""
        fields: dict[str, Any] = {
            "minimum": PROTOCOL_MIN,
            "maximum": PROTOCOL_MAX,
            "cluster": "local",
            "node": message.sender,
            "incarnation": incarnation(message.sender),
            "to": message.to,
            "kind": message_kind(message),
        }
        return [encode_envelope(Envelope(**{**fields, **envelope})), *encode_message(message, lamport, number, beat)]

    def peer(self, message: PeerMessage, **envelope: Any) -> None:
        """A message arrives from a peer."""
        self.node.on_peer(b"peer-route", self.frames(message, **envelope), self.now)

    def follow(self, leader: str, *, term: int = 1, entries: tuple[Entry, ...] = (), commit: int = 0) -> None:
        """Become a follower of ``leader``, which knows this node's log."""
        log = self.raft.log
        message = AppendEntries(leader, self.node.name, term, log.last_index, log.last_term, commit, 0, entries)
        self.peer(message)
        self.settle()

    def lead(self, *followers: str) -> Rig:
        """Be elected by all; ``followers`` (all, unless named) acknowledge from then on."""
        self.followers = set(followers or self.peers)
        while self.raft.role is not Role.LEADER:
            self.now = max(self.now, self.node.deadline_us)
            self.node.on_tick(self.now)
            self.settle()
            term = self.raft.current_term
            for peer in self.peers:
                if self.raft.role is Role.PRE_CANDIDATE:
                    self.peer(RequestVoteResponse(peer, self.node.name, term + 1, True, True))
                    self.settle()
            for peer in self.peers:
                if self.raft.role is Role.CANDIDATE:
                    self.peer(RequestVoteResponse(peer, self.node.name, self.raft.current_term, True, False))
                    self.settle()
        self.settle()
        return self

    def depose(self, leader: str = "n2") -> None:
        """Another node leads a later term from now on, with a log that holds what this one has committed."""
        self.peer(self.beyond_committed(leader, self.raft.current_term + 1))

    def beyond_committed(self, leader: str, term: int, entries: tuple[Entry, ...] = ()) -> AppendEntries:
        """What ``leader`` sends that has all that is committed here, and ``entries`` behind it, all committed."""
        index = self.raft.commit_index
        previous_term = self.raft.log.entry(index).term
        return AppendEntries(leader, self.node.name, term, index, previous_term, index + len(entries), 0, entries)

    # --- clients ---

    def client(self, header: ClientFrame, payload: bytes | None = None, *, routing: bytes = CLIENT) -> None:
        """A message arrives from a client."""
        frames = [encode_header(header)]
        if payload is not None:
            frames.append(payload)
        self.node.on_client(routing, frames, self.now)

    def greet(self, routing: bytes = CLIENT) -> None:
        self.client(Hello(PROTOCOL_MIN, PROTOCOL_MAX, "local", b"test"), routing=routing)
        self.settle()
        self.answers[routing].clear()

    def open_session(self, routing: bytes = CLIENT, *, name: bytes = b"someone") -> int:
        """Greet and open a session: its id."""
        self.greet(routing)
        self.client(Execute(1, SECOND), encode_parcel(Parcel(0, 0, 0, [OpenSession(name)])), routing=routing)
        self.settle()
        [(header, results)] = self.answers.pop(routing)
        assert header == Answer(1, 0, True)
        return int(results[0])

    def execute(
        self, request: int, parcel: Parcel | bytes, *, routing: bytes = CLIENT, timeout_us: int = SECOND
    ) -> bytes:
        """Send commands; the bytes of the parcel."""
        data = parcel if isinstance(parcel, bytes) else encode_parcel(parcel)
        self.client(Execute(request, timeout_us), data, routing=routing)
        return data

    def read(self, request: int, *queries: Query, routing: bytes = CLIENT, timeout_us: int = SECOND) -> None:
        self.client(Read(request, timeout_us), encode_queries(list(queries)), routing=routing)

    def taken(self, routing: bytes = CLIENT) -> list[tuple[Any, Any]]:
        """What a client has been sent since the last call: headers, each with what its payload holds."""
        return self.answers.pop(routing, [])

    def failures(self, routing: bytes = CLIENT) -> list[tuple[int, str, bool]]:
        """(request, code, definite) of everything that a client has been sent; nothing of it may be an answer."""
        found = [header for header, _ in self.taken(routing)]
        assert all(isinstance(header, Failure) for header in found), found
        return [(h.request, h.code, h.definite) for h in found if isinstance(h, Failure)]

    def of(self, kind: type[F]) -> list[F]:
        """Messages of one type that were sent to peers, and forget all that were sent."""
        sent, self.sent = self.sent, []
        return [message for message in sent if isinstance(message, kind)]

    def entries(self) -> list[Entry]:
        """The entries of the node's log."""
        log = self.raft.log
        return [log.entry(index) for index in range(log.first_index, log.last_index + 1)]


def puts(session: int, first: int, *keys: str, lowest: int | None = None) -> Parcel:
    """Commands that set each key to its own name."""
    commands: list[Command] = [Put(key.encode(), key.encode()) for key in keys]
    return Parcel(session, first if lowest is None else lowest, first, commands)
