"""The events of messages: clients' requests, peers' messages, and what was refused or lost."""

from __future__ import annotations

from raftzmq.events.event_type import Level, event_type

CLIENTS = (
    event_type(
        "request",
        # A message of a client, one each: what it led to is told by append, commit, reply and read.
        Level.DETAIL,
        "a client's request came in at the door",
        "Raft §8; thesis 6.3",
        "kind text `execute` (commands), `read` (queries) or `session`",
        "commands count commands or queries in it",
        "bytes bytes the payload",
    ),
    event_type(
        "reply",
        Level.USUAL,
        "the results of applied commands were handed to the clients that wait for them",
        "Raft §5.3 (a leader answers after it has applied), §8",
        "first index first entry that was answered",
        "last index last entry that was answered",
        "commit_index index the leader's commit index at that time",
        "requests count requests that were answered",
    ),
    event_type(
        "read",
        Level.USUAL,
        "linearizable reads were answered",
        "thesis 6.4 (ReadIndex)",
        "count count reads answered together",
        "index index the state contained at least this entry when it answered",
    ),
    event_type(
        "trace",
        Level.USUAL,
        "a request that a client tagged, or the slowest of the last second, was answered: where its time went",
        "thesis 10.2 (the path of a request)",
        "tag text what the client called it; empty for the slowest of a second",
        "kind text `execute` or `read`",
        "request count the client's number for it",
        "commands count commands or queries in it",
        "index index the entry that it became; of a read, the entry that the state had to contain",
        "door_ns nanoseconds when it came in at the door, on this node's monotonic clock; the rest counts from there",
        "proposed_us microseconds until it was in the leader's log in memory; of a read, until its round began",
        "logged_us microseconds until the leader's disk had it; null of a read",
        "sent_us microseconds by peer, until the entry first left for it",
        "acknowledged_us microseconds by peer, until it said that its disk has the entry; who did so later is missing",
        "committed_us microseconds until it was committed; of a read, until a majority confirmed the leader",
        "applied_us microseconds until it was applied and visible; of a read, until the state had answered",
        "replied_us microseconds until the answer left",
    ),
    event_type(
        "client_refused",
        Level.USUAL,
        "a client's message was refused",
        "none: the door of the node",
        "reason text what was wrong with it",
    ),
    event_type(
        "peer_refused",
        Level.USUAL,
        "a message on the peers' socket was refused: another cluster, a stranger, a changed incarnation, bad frames",
        "none: the door of the node",
        "reason text what was wrong with it",
    ),
    event_type(
        "dropped",
        Level.USUAL,
        "messages were dropped: a pipe was full, or nobody was connected; Raft sends again, clients ask again",
        "thesis 10.1 (messages may be lost)",
        "what text `peer`, `client` or `events`",
        "count count messages dropped since the last such event",
    ),
)

_SENT = (
    "mid id the message: its receipt carries the same",
    "peer node whom it goes to",
    "message text `RequestVote`, `AppendEntries`, … (Raft figure 2)",
    "bytes bytes payloads of the entries in it, or its part of a snapshot",
    "body object the message's own fields by name; entries as their first and last index, a snapshot's data not at all",
)
_RECEIVED = (
    "mid id the message: its sending carries the same",
    "peer node whom it comes from",
    *_SENT[2:],
)

MESSAGES = (
    event_type("sent", Level.DETAIL, "a message left for a peer", "Raft figure 2", *_SENT),
    event_type("received", Level.DETAIL, "a message of a peer was taken", "Raft figure 2", *_RECEIVED),
    event_type(
        "heartbeat_sent",
        Level.DETAIL,
        "an AppendEntries without entries, or an answer that repeats what was said before, left for a peer",
        "Raft §5.2 (heartbeats)",
        *_SENT,
    ),
    event_type(
        "heartbeat_received",
        Level.DETAIL,
        "an AppendEntries without entries, or an answer that repeats what was said before, was taken",
        "Raft §5.2 (heartbeats)",
        *_RECEIVED,
    ),
)
