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

UNDOING = frozenset({"truncate", "snapshot"})
"""What takes from a log what it was known to have. Where one of these may have been made and isn't here, the rules of
`ON_LOGS` can't be judged by what was known before. Being rare they are always made, and numbered."""

DETAILS = frozenset({"sent", "heartbeat_sent"})
"""Made only while somebody asks for them: where they are missing, nothing is."""

NEEDED = frozenset().union(*RULES.values()) - DETAILS
"""The types of which an event that got lost makes something unknown."""

TOGETHER = frozenset({"append", "storage", "commit", "apply"})
"""Whoever writes makes all of these: where there are some of one, some of another are missing from the stream."""


def rules_of(kind: str) -> frozenset[str]:
    """The rules that need events of this type."""
    return frozenset(rule for rule, needs in RULES.items() if kind in needs)
