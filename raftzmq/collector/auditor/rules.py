"""Which rules are watched, and which events each of them is judged by."""

from __future__ import annotations

LOG = frozenset({"append", "truncate", "snapshot"})
"""What changes a log: an install of a snapshot may replace all of it."""

RULES: dict[str, frozenset[str]] = {
    "election_safety": frozenset({"role"}),
    "one_vote": frozenset({"vote", "storage"}),
    "leader_append_only": LOG | {"role"},
    "log_matching": LOG,
    "leader_completeness": LOG | {"role", "commit"},
    "state_machine_safety": LOG | {"commit", "apply"},
    "current_term_commit": frozenset({"role", "commit"}),
    "durable_commit": LOG | {"commit", "storage"},
    "durability": frozenset({"boot", "storage"}),
    "state_behind_log": frozenset({"apply", "commit", "storage"}),
    "acknowledged_writes": frozenset({"reply", "commit"}),
    "monotonic": frozenset({"term", "commit", "apply"}),
    "compaction": frozenset({"compact", "storage"}),
    "installed_snapshots": frozenset({"snapshot", "commit"}),
    "durable_promise": frozenset({"sent", "heartbeat_sent", "storage"}),
}
"""The watched properties of `PROPERTIES`, each with the types of events that it can't do without."""

REPLACED = frozenset(rule for rule, needs in RULES.items() if needs & LOG) | {"durable_promise", "state_behind_log"}
"""What an install of which nobody told makes look broken: a node's log, disk and state aren't what they were."""

DETAILS = frozenset({"sent", "heartbeat_sent"})
"""Made only while somebody asks for them: where they are missing, nothing is."""

NEEDED = frozenset().union(*RULES.values()) - DETAILS
"""The types of which an event that got lost makes something unknown."""

TOGETHER = frozenset({"append", "storage", "commit", "apply"})
"""Whoever writes makes all of these: where there are some of one, some of another are missing from the stream."""


def rules_of(kind: str) -> frozenset[str]:
    """The rules that need events of this type."""
    return frozenset(rule for rule, needs in RULES.items() if kind in needs)
