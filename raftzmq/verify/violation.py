"""A broken property, and the names that properties have."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

PROPERTIES: dict[str, str] = {
    "election_safety": "at most one leader is elected in a term (Raft §5.2, figure 3)",
    "one_vote": "a node votes for at most one candidate in a term (Raft §5.2)",
    "leader_append_only": "a leader never overwrites or removes entries of its log (Raft §5.3, figure 3)",
    "log_matching": "entries of the same index and term are equal, and so is all before them (Raft §5.3, figure 3)",
    "leader_completeness": "what was committed in a term is in the log of every later leader (Raft §5.4, figure 3)",
    "current_term_commit": "a leader commits by counting only where the entry is of its own term (Raft §5.4.2)",
    "state_machine_safety": "no two nodes apply different entries at an index, nor reach different states "
    "(Raft §5.4.3, figure 3)",
    "durable_commit": "a committed entry is durable on a majority, and stays there (Raft §5.1, thesis 10.2.1)",
    "durable_promise": "a vote or an acknowledgement of entries leaves only when the sender's disk has it "
    "(Raft figure 2, persistent state)",
    "durability": "a restarted node remembers the term, vote and entries that its disk had (Raft figure 2)",
    "state_behind_log": "a node applies only what it knows committed and has durable itself",
    "compaction": "a log forgets only what the state beside it has made durable (Raft §7)",
    "installed_snapshots": "a snapshot that is installed ends at a committed entry, beyond what was applied here",
    "monotonic": "term, commit index and applied index never go back within one run of a node (Raft figure 2)",
    "acknowledged_writes": "a write that a client was told of is committed, with the result that it was told",
    "definite_failures": "a write all of whose sendings failed definitely is never executed",
    "exactly_once": "a command is executed once, however often it was sent (Raft §8, thesis 6.3)",
    "linearizable_reads": "an answer is as new as every answer completed before its request began (thesis 6.4)",
    "log_time": "log time never goes back and runs no faster than leaders' monotonic clocks; wall clocks don't move it",
    "stickiness": "who has heard a leader within the minimum election timeout doesn't help to depose it (thesis 4.2.3)",
    "corruption_halts": "a node whose stored bytes are damaged stops: it neither votes from them nor passes them on",
    "results": "every node gives the results that the commands' definitions say",
    "progress": "with the network whole and all nodes up whose disks are, a write is acknowledged and they agree, soon",
    "patience": "a node that has nothing to do yet asks to be woken later, or its driver would spin",
    "running": "a node runs until it is stopped or its disk fails: no input ends it",
}
"""The properties by name, each as a sentence with its source."""


ON_LOGS = frozenset(
    {
        *("leader_append_only", "leader_completeness", "log_matching", "state_machine_safety", "state_behind_log"),
        *("durable_commit", "durable_promise", "durability"),
    }
)
"""Those that conclude something from what a node's log, or its disk, was known to have before."""


@dataclass(frozen=True, slots=True)
class Violation:
    """The property ``name`` of `PROPERTIES` does not hold; ``nodes`` took part, ``explanation`` says what was seen."""

    name: str
    nodes: tuple[str, ...]
    explanation: str


class Violations:
    """Where broken properties are collected, in the order in which they were seen.

    ``checks`` counts the comparisons that a property stood, by its name, and ``skipped`` those that could not be made
    because one side of them wasn't known. ``doubtful`` are those that look broken, but rest on logs that may have been
    changed unheard.
    """

    def __init__(self) -> None:
        self.found: list[Violation] = []
        self.doubtful: list[Violation] = []
        self.checks: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()

    def report(self, name: str, nodes: tuple[str, ...], explanation: str) -> None:
        """Add a violation of ``name``; raises KeyError for a name that `PROPERTIES` lacks."""
        assert PROPERTIES[name]
        self.found.append(Violation(name, nodes, explanation))

    def doubt(self, name: str, nodes: tuple[str, ...], explanation: str) -> None:
        """The same of what may be none: ``name`` is of `ON_LOGS`, and a log of these nodes may be another by now."""
        assert name in ON_LOGS, name
        self.skipped[name] += 1
        self.doubtful.append(Violation(name, nodes, explanation))
