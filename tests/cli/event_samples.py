"""An event of every type of the catalogue, and how it is said in words."""

from __future__ import annotations

from typing import Any

ENVELOPE: dict[str, Any] = {
    "v": 1,
    "node": "n1",
    "boot": "b",
    "seq": 1,
    "order": 1,
    "ts": 0.5,
    "mono_ns": 1,
    "lamport": 1234,
    "term": 4,
}
MESSAGE: dict[str, Any] = {
    "mid": "n1:7",
    "peer": "n2",
    "message": "AppendEntries",
    "bytes": 2048,
    "body": {"prev_log_index": 4, "entries": [5, 7], "leader_commit": 3},
}
MESSAGE_WORDS = "n2 AppendEntries, 2.0 KiB: prev_log_index=4 entries=5…7 leader_commit=3 (n1:7)"
STANDING: dict[str, Any] = {
    "role": "follower",
    "leader": "n2",
    "voted_for": "n2",
    "voters": ["n1", "n2"],
    "mark_index": 3,
    "mark_chain": 1,
    "last_index": 17,
    "last_term": 4,
    "last_chain": 1,
    "stable_index": 16,
    "commit_index": 15,
    "commit_chain": 1,
    "applied_index": 14,
    "durable_index": 9,
    "digest": 1,
    "revision": 99,
    "next_index": {},
    "match_index": {},
    "election_due_us": 1,
    "has_room": True,
    "pid": 7,
}
METRICS: dict[str, Any] = {
    "proposals_pending": 3,
    "proposals_committed": 5,
    "proposals_applied": 9,
    "commands_applied": 90,
    "proposals_refused": 0,
    "reads_pending": 1,
    "reads_answered": 4,
    "waiting_bytes": 100,
    "log_bytes": 2048,
    "lag_bytes": 0,
    "clients": 2,
    "round_trip_us": {"n3": 1500, "n2": 800},
    "dropped": {},
    "rss_bytes": 48 << 20,
    "events_ring_bytes": 4096,
}

SAMPLES: dict[str, tuple[dict[str, Any], str]] = {
    "boot": (
        {"first_index": 1, "last_index": 9, "applied_index": 7, "voted_for": None, "voters": ["n1", "n2"]},
        "log 1…9, state at 7, vote none, voters n1 n2",
    ),
    "corrupt": ({"what": "entry 3 from n2 fails its checksum"}, "entry 3 from n2 fails its checksum"),
    "role": ({"role": "leader", "previous": "candidate", "reason": "won"}, "candidate → leader: won"),
    "term": ({"previous": 3, "reason": "starts an election"}, "3 → 4: starts an election"),
    "election": ({"pre_vote": False, "last_log_index": 12}, "asks for votes; its log ends at 12"),
    "vote": (
        {"candidate": "n2", "granted": False, "pre_vote": True, "reason": "its log is behind"},
        "refuses n2 a pre-vote: its log is behind",
    ),
    "leader": ({"leader": "n1"}, "leads"),
    "disrupt_refused": ({"candidate": "n3", "pre_vote": False}, "n3 asked for a vote while a leader is heard"),
    "append": ({"first": 3, "last": 5, "bytes": 2048, "batch": 3, "role": "leader"}, "3…5: 2.0 KiB as leader"),
    "truncate": ({"first": 3, "last": 3, "leader": "n2"}, "3 dropped: n2 has others"),
    "commit": ({"index": 9, "previous": 7}, "7 → 9"),
    "compact": ({"index": 900, "bytes": 1 << 24}, "up to 900; 16.0 MiB left"),
    "snapshot": ({"step": "install", "index": 7, "peer": "n1"}, "install up to 7 (n1)"),
    "room": ({"has_room": False}, "the disk is nearly full: no entries are taken"),
    "apply": (
        {"first": 3, "last": 4, "commands": 1200, "revision": 5, "digest": 255, "elapsed_us": 1500},
        "3…4: 1,200 commands in 1.5 ms, revision 5, digest 000000ff",
    ),
    "storage": (
        {"what": "log", "elapsed_us": 2000, "commit_us": 1500, "entries": 1, "bytes": 10},
        "log: 2.0 ms, sync 1.5 ms, 1 entry, 10 B",
    ),
    "request": ({"kind": "execute", "commands": 12, "bytes": 3 << 20}, "execute: 12 in 3.0 MiB"),
    "reply": (
        {"first": 3, "last": 4, "commit_index": 9, "requests": 12},
        "3…4: 12 requests answered, commit index 9",
    ),
    "read": ({"count": 2, "index": 8}, "2 reads answered at 8"),
    "trace": (
        {
            "tag": "mine",
            "kind": "execute",
            "request": 5,
            "commands": 3,
            "index": 17,
            "door_ns": 1,
            "proposed_us": 100,
            "logged_us": None,
            "sent_us": {},
            "acknowledged_us": {},
            "committed_us": 900,
            "applied_us": 1000,
            "replied_us": 1200,
        },
        "'mine': execute of 3 at 17: proposed 0.1 ms, committed 0.9 ms, applied 1.0 ms, replied 1.2 ms",
    ),
    "sent": (MESSAGE, f"→ {MESSAGE_WORDS}"),
    "received": (MESSAGE, f"← {MESSAGE_WORDS}"),
    "heartbeat_sent": ({**MESSAGE, "bytes": 0, "body": {"success": True}}, "→ n2 AppendEntries: success=yes (n1:7)"),
    "heartbeat_received": (
        {**MESSAGE, "bytes": 0, "body": {"voted_for": None}},
        "← n2 AppendEntries: voted_for=none (n1:7)",
    ),
    "clock": ({"interval_us": 50_000}, "Lamport time 1,234"),
    "standing": (
        STANDING,
        "follower of n2: log 4…17, on disk 16, commit 15, applied 14, revision 99",
    ),
    "metrics": (
        METRICS,
        "3 proposals and 1 read wait, log 2.0 KiB, behind by 0 B, 2 clients, memory 48.0 MiB, "
        "round trips n2 0.8 ms n3 1.5 ms",
    ),
    "late": (
        {"source": "n1", "topic": "raftzmq.n1.commit", "source_seq": 5, "lamport_passed": 1300},
        "raftzmq.n1.commit (seq 5) came after Lamport time 1,300",
    ),
    "checkpoint": (
        {"position": 5000, "state_hash": "ab" * 32, "state": {"nodes": {}}},
        "after 5,000 events the state hashes to abababababab",
    ),
    "process": (
        {"name": "raftzmq:n1", "state": "EXITED", "previous": "RUNNING", "pid": 0, "exit_status": 11},
        "raftzmq:n1: RUNNING → EXITED with status 11",
    ),
    "violation": (
        {"rule": "election safety", "nodes": ["n1", "n2"], "text": "both led term 4", "recording": "v.zst"},
        "election safety does not hold (n1, n2): both led term 4; recorded in v.zst",
    ),
    "verdict": (
        {"known": False, "source": "n2", "reason": "12 events lost"},
        "unknown from here on, as events of n2 are missing: 12 events lost",
    ),
    "client_refused": ({"reason": "no handshake"}, "no handshake"),
    "peer_refused": ({"reason": "another cluster"}, "another cluster"),
    "dropped": ({"what": "peer", "count": 1}, "1 message (peer) not sent: no room, or nobody there"),
    "fault": (
        {
            "what": "set",
            "peer": "n3",
            "cut": False,
            "drop": 0.3,
            "duplicate": 0.1,
            "delay_us": 50_000,
            "jitter_us": 0,
            "for_us": 10_000_000,
        },
        "link to n3 set: drop 30%, duplicate 10%, delay 50.0 ms, for 10 s",
    ),
    "gap": (
        {"topic": "raftzmq.n1.commit", "expected": 3, "received": 6, "missing": 3, "total": 4, "reason": "gone"},
        "3 events of raftzmq.n1.commit lost (seq 3…5), 4 in all: gone",
    ),
}
