"""Every type of event: when it happens, what its fields mean and in which unit, and where its rule comes from.

A node emits nothing that is not here (a test reads its sources to make sure), so a subscriber can rely on this page.
Paper sections are those of "In Search of an Understandable Consensus Algorithm (Extended Version)", thesis chapters
those of Ongaro's "Consensus: Bridging Theory and Practice".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Field(NamedTuple):
    """One field of an event: its unit (or what kind of value it is) and its meaning."""

    unit: str
    meaning: str


@dataclass(frozen=True, slots=True)
class EventType:
    """One type of event. ``when`` says when it is made, ``source`` where the rule behind it stands."""

    kind: str
    when: str
    source: str
    fields: dict[str, Field]


ENVELOPE: dict[str, Field] = {
    "v": Field("version", "version of this envelope, 1"),
    "node": Field("node", "the node that speaks, or `collector`"),
    "boot": Field("id", "random id of the process's life: a restart changes it"),
    "seq": Field("count", "counts from 1 per (boot, topic); a jump means that events were lost"),
    "ts": Field("seconds", "wall clock since 1970, for people; nothing is ordered by it"),
    "mono_ns": Field("nanoseconds", "the node's monotonic clock, comparable within one boot"),
    "term": Field("term", "the node's current term (Raft §5.1)"),
    "type": Field("type", "the event's type, also the last part of its topic"),
}
"""The fields that every event begins with."""


def _field(text: str) -> tuple[str, Field]:
    name, unit, meaning = text.split(" ", 2)
    return name, Field(unit, meaning)


def _type(kind: str, when: str, source: str, *fields: str) -> EventType:
    """An event type whose fields are given as "name unit meaning…"."""
    return EventType(kind, when, source, dict(map(_field, fields)))


_MEMBERSHIP = (
    _type(
        "boot",
        "the node has read its log and state and takes part from now on",
        "Raft figure 2 (persistent state on all servers)",
        "cluster id the cluster's id",
        "incarnation id identity of the data directory, kept for as long as it lives",
        "voted_for node whom the node voted for in its term, null if nobody",
        "first_index index first entry of the log on disk",
        "last_index index last entry of the log on disk",
        "applied_index index last entry that the state on disk contains",
        "voters nodes the members of the configuration in force",
    ),
    _type(
        "corrupt",
        "bytes that came from a peer failed their checksum; the node does not use them",
        "thesis 3.8 (persistent state)",
        "what text which record, and who sent it",
    ),
)

_ELECTIONS = (
    _type(
        "role",
        "the node became follower, pre-candidate, candidate or leader",
        "Raft §5.1, figure 4; thesis 9.6 (pre-vote)",
        "role role the new role",
        "previous role the role before",
        "reason text what made it change",
    ),
    _type(
        "term",
        "the current term rose",
        "Raft §5.1",
        "previous term the term before",
        "reason text what made it rise: an election of its own, or a message of a later term",
    ),
    _type(
        "election",
        "the election timer ran out and the node asks for votes",
        "Raft §5.2; thesis 9.6 (pre-vote)",
        "pre_vote flag true while it only asks whether it could win",
        "last_log_index index end of its log, which voters compare with their own (Raft §5.4.1)",
    ),
    _type(
        "vote",
        "the node decided about a candidate's request",
        "Raft §5.2, §5.4.1",
        "candidate node who asked",
        "granted flag whether it got the vote",
        "pre_vote flag true if it only asked whether it could win",
        "reason text what decided",
    ),
    _type(
        "leader",
        "the node learned who leads its term, or that nobody does",
        "Raft §5.2",
        "leader node the leader, null if none is known",
    ),
    _type(
        "disrupt_refused",
        "a vote was refused because a leader was heard within the minimum election timeout",
        "thesis 4.2.3 (disruptive servers)",
        "candidate node who asked",
        "pre_vote flag true if it only asked whether it could win",
    ),
)

_LOG = (
    _type(
        "append",
        "entries joined the log in memory; their write to disk begins",
        "Raft §5.3",
        "first index first new entry",
        "last index last new entry",
        "bytes bytes their payload",
        "batch count entries in this round",
        "role role the node's role: a leader makes entries, a follower receives them",
    ),
    _type(
        "truncate",
        "a follower dropped entries that conflict with its leader's",
        "Raft §5.3 (log matching)",
        "first index first entry dropped",
        "last index last entry dropped",
        "leader node whose entries replace them",
    ),
    _type(
        "commit",
        "the commit index rose",
        "Raft §5.3, §5.4.2 (only entries of the current term are counted)",
        "index index the commit index",
        "previous index the commit index before",
    ),
    _type(
        "compact",
        "the log forgot entries that the state has made durable",
        "Raft §7; thesis 5.1 (compaction)",
        "index index the last entry forgotten: the log begins after it",
        "bytes bytes what the rest of the log takes in memory",
    ),
    _type(
        "snapshot",
        "a snapshot of the state goes to a follower that needs entries the log no longer has, or comes from a leader",
        "Raft §7, figure 13; thesis 5.1",
        "step text `send`, `failed` (leader); `receive`, `damaged`, `install`, `installed` (follower)",
        "index index the last entry that it contains",
        "peer node the other end, null if it is no longer known",
    ),
    _type(
        "room",
        "the disk has come to the end of its reserve, or has room again: without it no entries are taken",
        "none: a full disk is refused at the door",
        "has_room flag whether entries are taken",
    ),
    _type(
        "apply",
        "committed entries were applied to the state",
        "Raft §5.3 (last_applied)",
        "first index first entry applied",
        "last index last entry applied",
        "commands count commands in them",
        "revision revision the store's revision afterwards",
        "digest checksum running checksum of all writes up to `last`: equal on every node",
        "elapsed_us microseconds time on the state thread",
    ),
    _type(
        "storage",
        "a job of the log or of the state is done; its writes are durable if it committed",
        "Raft figure 2 (persistent state); thesis 10.2.1 (writing in parallel)",
        "what text `log` or `state`",
        "elapsed_us microseconds the whole job",
        "commit_us microseconds of that, the commit with its syncs",
        "entries count entries written or applied",
        "bytes bytes their payload",
    ),
)

_CLIENTS = (
    _type(
        "request",
        "a client's request came in at the door",
        "Raft §8; thesis 6.3",
        "kind text `execute` (commands), `read` (queries) or `session`",
        "commands count commands or queries in it",
        "bytes bytes the payload",
    ),
    _type(
        "read",
        "linearizable reads were answered",
        "thesis 6.4 (ReadIndex)",
        "count count reads answered together",
        "index index the state contained at least this entry when it answered",
    ),
    _type(
        "client_refused",
        "a client's message was refused",
        "none: the door of the node",
        "reason text what was wrong with it",
    ),
    _type(
        "peer_refused",
        "a message on the peers' socket was refused: another cluster, a stranger, a changed incarnation, bad frames",
        "none: the door of the node",
        "reason text what was wrong with it",
    ),
    _type(
        "dropped",
        "messages were dropped: a pipe was full, or nobody was connected; Raft sends again, clients ask again",
        "thesis 10.1 (messages may be lost)",
        "what text `peer`, `client` or `events`",
        "count count messages dropped since the last such event",
    ),
)

_COLLECTOR = (
    _type(
        "gap",
        "the collector saw a jump in a topic's `seq`: events were made and didn't arrive",
        "none: a publisher drops what a slow subscriber doesn't fetch",
        "source node whose events are missing",
        "source_boot id in which of its boots",
        "topic topic the topic with the gap",
        "expected count the `seq` that should have come",
        "received count the `seq` that came",
        "missing count events lost in this gap",
        "total count events of this topic and boot lost so far",
    ),
)

EVENT_TYPES: dict[str, EventType] = {
    event.kind: event for event in (*_MEMBERSHIP, *_ELECTIONS, *_LOG, *_CLIENTS, *_COLLECTOR)
}
"""Every type of event by its name."""
