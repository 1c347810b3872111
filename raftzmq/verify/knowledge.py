"""What is known of a cluster's nodes, and the rules that need nothing but what was seen, whoever else wasn't.

Two sights that cannot both be are a violation, however much was missed between them: two leaders of a term, two
entries of one index and term, two states after one entry, two votes of a node in one term.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from raftzmq.verify.known_log import EntryId
from raftzmq.verify.seen_node import SeenNode
from raftzmq.verify.violation import Violations

TERMS_MAX = 10_000
"""Terms whose votes and leaders are remembered once something may be forgotten."""


class Knowledge:
    """The tables that all rules share. Nodes are added when they are first mentioned.

    ``whole``: every step of every node is seen, from the first on. Otherwise nothing is known of a node at first, and
    what isn't seen need not be missing.
    """

    def __init__(self, voters: Sequence[str], violations: Violations, *, whole: bool = True) -> None:
        self._whole = whole
        self._violations = violations
        self._report = violations.report
        self._checks = violations.checks
        self._skipped = violations.skipped
        self._voters: tuple[str, ...] = ()
        self._majority = 1
        self._nodes: dict[str, SeenNode] = {}
        self._leaders: dict[int, tuple[str, int]] = {}
        self._chains: dict[tuple[int, int], tuple[int, str]] = {}
        self._decided: dict[tuple[str, int], tuple[int, str]] = {}
        self._votes: dict[tuple[str, int], str] = {}
        self._durable_votes: dict[tuple[str, int], str] = {}
        self._digests: dict[int, tuple[int, str]] = {}
        self.vote_among(voters)

    def vote_among(self, voters: Sequence[str]) -> None:
        """These are the members of the configuration in force, of whom a majority decides."""
        self._voters = tuple(voters)
        self._majority = len(self._voters) // 2 + 1
        for voter in self._voters:
            self.node(voter)

    @property
    def voters(self) -> tuple[str, ...]:
        """The members of the configuration in force, as far as it was told."""
        return self._voters

    def node(self, name: str) -> SeenNode:
        """What is known of this node."""
        seen = self._nodes.get(name)
        if seen is None:
            seen = self._nodes[name] = SeenNode(whole=self._whole)
        return seen

    def _suspect(self, rule: str, nodes: tuple[str, ...], explanation: str) -> None:
        """Report what rests on the logs of these nodes as they were known, unless one of them is in doubt."""
        if any(self.node(name).doubted for name in nodes):
            self._violations.doubt(rule, nodes, explanation)
        else:
            self._report(rule, nodes, explanation)

    def saw_entry(self, node: str, index: int, entry: EntryId) -> None:
        """``node`` has this entry at ``index``: whoever has one of its index and term has the same (log matching)."""
        term, chain = entry
        self._checks["log_matching"] += 1
        known, owner = self._chains.setdefault((index, term), (chain, node))
        if known != chain:
            self._report(
                "log_matching",
                tuple(dict.fromkeys((owner, node))),
                f"entry {index} of term {term} has chain {known:08x} at {owner} and {chain:08x} at {node}",
            )

    def saw_digest(self, node: str, index: int, digest: int) -> None:
        """The state of ``node`` after entry ``index`` has this digest: so has every other's (state machine safety)."""
        self._checks["state_machine_safety"] += 1
        known, owner = self._digests.setdefault(index, (digest, node))
        if known != digest:
            self._report(
                "state_machine_safety",
                tuple(dict.fromkeys((owner, node))),
                f"after entry {index} the state of {owner} has digest {known:x}, that of {node} {digest:x}",
            )

    def saw_leader(self, node: str, term: int) -> None:
        """``node`` leads ``term`` in its present boot: nobody else does (election safety)."""
        self._checks["election_safety"] += 1
        me = (node, self.node(node).boot)
        known = self._leaders.setdefault(term, me)
        if known != me:
            again = " (before a restart)" if known[0] == node else ""
            self._report(
                "election_safety",
                tuple(dict.fromkeys((known[0], node))),
                f"term {term} has two leaders: {known[0]}{again} and {node}",
            )

    def _voted(self, node: str, term: int, candidate: str, votes: dict[tuple[str, int], str]) -> None:
        self._checks["one_vote"] += 1
        known = votes.setdefault((node, term), candidate)
        if known != candidate:
            self._report("one_vote", (node,), f"{node} voted for both {known} and {candidate} in term {term}")

    def decided(self, node: str, term: int, candidate: str) -> None:
        """``node`` has decided in memory to vote so. A crash may forget it: nobody has been told of it yet."""
        self._checks["one_vote"] += 1
        boot = self.node(node).boot
        known_boot, known = self._decided.setdefault((node, term), (boot, candidate))
        if known_boot != boot:
            self._decided[node, term] = boot, candidate
        elif known != candidate:
            self._report("one_vote", (node,), f"{node} voted for both {known} and {candidate} in term {term}")

    def granted(self, node: str, term: int, candidate: str) -> None:
        """``node`` tells others that it votes for ``candidate`` (itself, when it asks for votes) in ``term``.

        A later term on disk does as well: it forbids any other vote in this one.
        """
        self._voted(node, term, candidate, self._votes)
        seen = self.node(node)
        if not seen.exact:
            self._skipped["durable_promise"] += 1
            return
        self._checks["durable_promise"] += 1
        if self._durable_votes.get((node, term)) != candidate and seen.stored_term <= term:
            self._report(
                "durable_promise",
                (node,),
                f"{node} gives its vote of term {term} to {candidate} before its disk has it",
            )

    def _stored_hard_state(self, node: str, term: int, vote: str | None) -> None:
        seen = self.node(node)
        self._checks["monotonic"] += 1
        if term < seen.stored_term:
            self._report("monotonic", (node,), f"{node} stored term {term} after term {seen.stored_term}")
        seen.stored_term, seen.stored_vote = term, vote
        if vote is not None:
            self._voted(node, term, vote, self._durable_votes)

    def _forget_entries(self, index: int) -> None:
        self._chains = {key: value for key, value in self._chains.items() if key[0] > index}
        self._digests = {key: value for key, value in self._digests.items() if key > index}

    def _forget_terms(self) -> None:
        for table in (self._decided, self._votes, self._durable_votes):
            _keep_newest(table, TERMS_MAX)
        _keep_newest(self._leaders, TERMS_MAX)


def _keep_newest(table: dict[Any, Any], count: int) -> None:
    """Remove what came first, beyond ``count``."""
    for key in list(table)[: max(0, len(table) - count)]:
        del table[key]
