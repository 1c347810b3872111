"""Takes the events of a merged stream one by one, and says what they prove."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

from raftzmq.collector.auditor.followed import Followed
from raftzmq.collector.auditor.reading import Reading
from raftzmq.collector.auditor.rules import NEEDED, RULES, UNDOING, rules_of
from raftzmq.collector.auditor.verdict import (
    Broken,
    Findings,
    Heard,
    Interval,
    Place,
    missing_types,
    verdict_json,
)
from raftzmq.verify import ON_LOGS, Invariants, Violation, Violations

COLLECTOR_NODE = "collector"
REPEATS_MAX = 3
"""What is broken once stays so, and shows at every further event: so often each rule is told of the same nodes."""
FORGET_EVERY = 4_096
KEPT_MAX = 100_000
"""Entries that are remembered, however far behind a node is: of a node that comes back from behind them, what it has
there is compared no longer."""
NODES_MAX = 300

Told = tuple[str, dict[str, Any]]
"""A type of event, ``violation`` or ``verdict``, and its fields."""


class Auditor:
    """Holds a stream of events to Raft's invariants, in bounded memory.

    The events of one node must come in the order in which it made them; those of different nodes in causal order, as
    the collector merges them. Where that didn't go (a ``late`` event), nothing is concluded wrongly. A ``gap`` makes
    its node unknown until it says where it stands.

    ``certain``: types of events that are among these for certain, where no ``gap`` says that some are lost. Any other
    may have been left out, and what a node made that isn't here may have been of it: what such an event could explain
    is no violation but unknown.
    """

    def __init__(self, *, certain: Collection[str] = ()) -> None:
        self._certain = frozenset(certain)
        self._violations = Violations()
        self._invariants = Invariants((), self._violations, whole=False)
        self._reading = Reading(self._invariants)
        self._findings = Findings()
        self._nodes: dict[str, Followed] = {}
        self._types: Counter[str] = Counter()
        self._terms = [0, 0]
        self._repeats: Counter[tuple[str, tuple[str, ...]]] = Counter()
        self._told: list[Told] = []
        self._first: Place | None = None
        self._here = Place(0, 0.0)
        self._since_forgotten = 0

    def accept(self, event: dict[str, Any], position: int | None = None) -> list[Told]:
        """Take the next event; returns the events that follow from it, usually none.

        ``position`` is its place in the merged stream; without it, events are counted. An event that isn't what the
        catalogue says counts as lost.
        """
        node, kind = event.get("node"), event.get("type")
        if not isinstance(node, str) or not isinstance(kind, str):
            return []
        following = self._here.position + 1
        self._here = Place(following if position is None else position, event.get("ts", 0.0))
        if self._first is None:
            self._first = self._here
        elif self._here.position > following:
            self._lose_all(f"{self._here.position - following} events are missing before this place")
        self._types[kind] += 1
        if node == COLLECTOR_NODE:
            if kind == "gap":
                self._gap(event)
        else:
            self._of_node(node, kind, event)
        self._since_forgotten += 1
        if self._since_forgotten >= FORGET_EVERY:
            self._since_forgotten = 0
            self._invariants.forget_settled(KEPT_MAX)
        return self._take_told()

    def miss(self, count: int, reason: str) -> list[Told]:
        """So many events, of whichever nodes, are missing here; returns the events that follow from that."""
        self._here = Place(self._here.position + count, self._here.ts)
        self._lose_all(reason)
        return self._take_told()

    @property
    def place(self) -> Place:
        """Where the last event stood."""
        return self._here

    def _take_told(self) -> list[Told]:
        if not self._told:
            return []
        told, self._told = self._told, []
        return told

    def _of_node(self, name: str, kind: str, event: dict[str, Any]) -> None:
        followed = self._nodes.get(name)
        if followed is None:
            if len(self._nodes) >= NODES_MAX:
                return
            followed = self._nodes[name] = Followed(name, self._certain)
        boot = event.get("boot")
        if not isinstance(boot, str) or followed.has_ended(boot):
            return
        if boot != followed.boot:
            self._begin(followed, boot, kind)
        elif kind == "boot":
            return  # fetched behind what the node said next: so it was once, and is no more
        try:
            missing = followed.skipped(kind, event["seq"], event["order"])
            if missing and kind in NEEDED:
                self._lost(followed, _lost_text(missing, kind, "nobody said so"), rules_of(kind))
            followed.heard(event, self._here.position)
            self._terms[0] = self._terms[0] or event["term"]
            self._terms[1] = max(self._terms[1], event["term"])
            self._reading.read(followed, event, self._here.position)
            if kind in ("boot", "standing"):
                self._known(followed)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self._lost(followed, f"its {kind} event cannot be read ({error!r})"[:200], frozenset(RULES))
        if self._violations.doubtful:
            self._doubt()
        if self._violations.found:
            self._tell()

    def _lose_all(self, reason: str) -> None:
        for followed in self._nodes.values():
            self._lost(followed, reason, frozenset(RULES))
            followed.count_anew()

    def _begin(self, followed: Followed, boot: str, kind: str) -> None:
        """The first event of a boot: usually the one that says what it begins with."""
        again = bool(followed.boot)
        if kind != "boot" and again:
            self._lost(followed, "it started again, and what it started with didn't come", frozenset(RULES))
        followed.begin(boot, counted=kind == "boot")
        if kind != "boot":
            self._invariants.restarted(followed.name)

    def _gap(self, event: dict[str, Any]) -> None:
        source, topic = event.get("source"), event.get("topic")
        followed = self._nodes.get(source) if isinstance(source, str) else None
        kind = topic.rsplit(".", 1)[-1] if isinstance(topic, str) else ""
        if followed is None or (kind and kind not in NEEDED):
            return
        missing, received, boot = event.get("missing"), event.get("received"), event.get("source_boot")
        text = _lost_text(missing, kind, str(event.get("reason")))
        rules = rules_of(kind) or frozenset(RULES)
        if boot == followed.boot and isinstance(received, int):
            followed.seqs[kind] = received - 1
        if not isinstance(boot, str) or not followed.has_ended(boot):
            self._lost(followed, text, rules)
            return
        # Of a boot that has ended: it began again since, and said with what.
        place = Place(*followed.ended)
        self._findings.begin(Interval(followed.name, text, rules, place, self._here))
        self._tell_verdict(followed.name, text, known=False)
        if followed.known:
            self._tell_verdict(followed.name, "it has started again since", known=True)

    def _lost(self, followed: Followed, reason: str, rules: frozenset[str]) -> None:
        followed.lose()
        self._invariants.lost(followed.name)
        self._findings.begin(Interval(followed.name, reason, rules, self._here))
        self._tell_verdict(followed.name, reason, known=False)

    def _known(self, followed: Followed) -> None:
        if followed.known:
            return
        followed.known = followed.ever_known = True
        if any(i.source == followed.name and i.last is None for i in self._findings.intervals):
            self._findings.end(followed.name, self._here)
            self._tell_verdict(followed.name, "it says where it stands", known=True)

    # ---- telling

    def _tell_verdict(self, source: str, reason: str, *, known: bool) -> None:
        self._event("verdict", {"known": known, "source": source, "reason": reason})

    def _tell(self) -> None:
        """Pass on what was found with this event, and keep no more of it than the verdict needs."""
        found, self._violations.found[:] = list(self._violations.found), []
        for violation in found:
            self._tell_one(violation)

    def _tell_one(self, violation: Violation) -> None:
        rule, nodes, text = violation.name, violation.nodes, violation.explanation
        self._findings.violated(Broken(rule, nodes, text, self._here))
        key = (rule, nodes)
        self._repeats[key] += 1
        if self._repeats[key] <= REPEATS_MAX:
            self._event("violation", {"rule": rule, "nodes": list(nodes), "text": text, "recording": None})

    def _doubt(self) -> None:
        """What looks broken is explained if a log was changed unheard: then what was known of it is so no longer."""
        doubtful, self._violations.doubtful[:] = list(self._violations.doubtful), []
        for rule, name in dict.fromkeys((violation.name, name) for violation in doubtful for name in violation.nodes):
            followed = self._nodes[name]
            if followed.unheard:
                self._lost(followed, _unheard_text(followed.unheard), ON_LOGS)
            elif rule == "durability":  # what the boot before left: what this one has, it has just said
                text, place = _unheard_text(sorted(UNDOING)), Place(*followed.ended)
                self._findings.begin(Interval(name, text, ON_LOGS, place, self._here))

    def _event(self, kind: str, fields: dict[str, Any]) -> None:
        self._told.append((kind, fields))

    # ---- the whole

    @property
    def verdict(self) -> dict[str, Any]:
        """What is known up to here, for JSON.

        ``verdict`` is `holds`, `violated` or `unknown`; ``rules`` has a row for each rule with its state (also
        `unseen`: nothing came that could break it), what was compared and what couldn't be; ``violations`` and
        ``unknown`` say where in the stream.
        """
        voters = self._invariants.voters or tuple(self._nodes)
        heard = []
        for name in dict.fromkeys((*voters, *self._nodes)):
            followed = self._nodes.get(name) or Followed(name)
            heard.append(Heard(name, followed.known, followed.ever_known, followed.position, followed.ts))
        missing = missing_types(self._types, self._terms[1] > self._terms[0])
        return verdict_json(
            self._violations,
            self._findings,
            heard,
            self._types,
            missing,
            len(self._invariants.open_commits),
            self._first or self._here,
            self._here,
        )


def _unheard_text(kinds: list[str]) -> str:
    events = f"{' and '.join(kinds)} events"
    return f"its log isn't what it was: {events} of it may be missing, for not all that it made is here"


def _lost_text(missing: Any, kind: str, reason: str) -> str:
    if not kind:
        return f"it may have made events that nobody heard ({reason})"
    return f"{missing} {kind} {'event' if missing == 1 else 'events'} of it were lost ({reason})"
