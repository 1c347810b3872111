"""Frames as a person reads them, for the transcript of a replayed seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from raftzmq.codec.clients import (
    Answer,
    Execute,
    Failure,
    Hello,
    Read,
    Welcome,
    decode_client_header,
    decode_node_header,
    decode_results,
)
from raftzmq.codec.peers import REFUSAL, PeerMessage, decode_envelope, decode_message
from raftzmq.codec.snapshots import SnapshotAnswer, SnapshotChunk
from raftzmq.core.messages import (
    AppendEntries,
    AppendEntriesResponse,
    ReadIndex,
    ReadIndexResponse,
    RequestVote,
    RequestVoteResponse,
)
from raftzmq.kv.commands import Command, Query, decode_parcel, decode_queries
from raftzmq.node.work import LogJob

SHOWN_BYTES = 24


def short(value: Any) -> str:
    """``value`` in a few characters: long bytes are cut."""
    if isinstance(value, bytes):
        if len(value) > SHOWN_BYTES:
            return f"{value[:SHOWN_BYTES].decode(errors='backslashreplace')}… ({len(value)} bytes)"
        return value.decode(errors="backslashreplace")
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(short, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {short(item)}" for key, item in value.items()) + "}"
    return str(value)


def message(sent: PeerMessage) -> str:
    """A message between nodes, without its sender and receiver."""
    if isinstance(sent, AppendEntries):
        what = f"entries {sent.entries[0].index}…{sent.entries[-1].index}" if sent.entries else "heartbeat"
        return (
            f"AppendEntries term {sent.term} after {sent.prev_log_index} (term {sent.prev_log_term}): {what}, "
            f"commit {sent.leader_commit}, round {sent.round}"
        )
    if isinstance(sent, AppendEntriesResponse):
        if sent.success:
            return f"has entries up to {sent.match_index} in term {sent.term}, round {sent.round}"
        return (
            f"refuses entries after {sent.prev_log_index} in term {sent.term}, could take them after "
            f"{sent.hint_index} (term {sent.hint_term}), round {sent.round}"
        )
    if isinstance(sent, RequestVote):
        what = "asks whether it would get a vote" if sent.pre_vote else "asks for a vote"
        return f"{what} in term {sent.term}, its log ends at {sent.last_log_index} (term {sent.last_log_term})"
    if isinstance(sent, RequestVoteResponse):
        verb = "would vote" if sent.pre_vote else "votes"
        return f"{verb if sent.granted else 'refuses its vote'} in term {sent.term}"
    if isinstance(sent, SnapshotChunk):
        place = f"{sent.offset}…{sent.offset + len(sent.data)} of {sent.snapshot.size}"
        return f"snapshot up to {sent.snapshot.index} in term {sent.term}: bytes {place}"
    if isinstance(sent, SnapshotAnswer):
        has = "damaged" if sent.damaged else f"has {sent.offset} of {sent.snapshot.size} bytes"
        return f"snapshot up to {sent.snapshot.index} in term {sent.term}: {has}"
    if isinstance(sent, ReadIndex):
        return f"asks for a read index in term {sent.term}, context {sent.context}"
    assert isinstance(sent, ReadIndexResponse)
    return f"read index {sent.index} in term {sent.term} for context {sent.context}"


def peer_frames(frames: Sequence[bytes]) -> str:
    """A peer's message as it travels."""
    envelope = decode_envelope(frames[0])
    if envelope.kind == REFUSAL:
        return "refuses to listen"
    return message(decode_message(envelope, frames[1:])[0])


def command(asked: Command | Query) -> str:
    """A command or query: its name and fields."""
    fields = ", ".join(short(getattr(asked, name)) for name in asked.__struct_fields__)
    return f"{type(asked).__name__.lower()}({fields})"


def client_frames(frames: Sequence[bytes]) -> str:
    """What a client sends."""
    header = decode_client_header(frames[0])
    if isinstance(header, Hello):
        return "hello"
    if isinstance(header, Execute):
        parcel = decode_parcel(frames[1])
        commands = ", ".join(map(command, parcel.commands))
        return f"#{header.request} session {parcel.session} from {parcel.first} (lowest {parcel.lowest}): {commands}"
    if isinstance(header, Read):
        return f"#{header.request} read: " + ", ".join(map(command, decode_queries(frames[1])))
    return f"#{header.request} status"


def node_frames(frames: Sequence[bytes]) -> str:
    """What a node answers a client."""
    header = decode_node_header(frames[0])
    if isinstance(header, Welcome):
        return f"welcome, leader {header.leader or 'unknown'}"
    if isinstance(header, Answer):
        return f"#{header.request} results {short(decode_results(frames[1]))}"
    if isinstance(header, Failure):
        hint = f", leader {header.leader or 'unknown'}" if header.code == "not_leader" else ""
        definite = "definite" if header.definite else "not definite"
        return f"#{header.request} {header.code}{hint} ({definite}): {header.message}"
    return f"#{header.request} status"


def log_job(job: LogJob) -> str:
    """What a log's transaction writes."""
    parts = []
    if job.append is not None:
        state = job.append.hard_state
        if state is not None:
            parts.append(f"term {state.current_term}, vote {state.voted_for}")
        if job.append.entries:
            parts.append(f"entries {job.append.entries[0].index}…{job.append.entries[-1].index}")
    if job.incarnations:
        parts.append("incarnations of " + ", ".join(name for name, _ in job.incarnations))
    return "; ".join(parts) or "nothing"
