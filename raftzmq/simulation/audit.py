"""The simulated nodes' own events, held to the rules by the auditor of live clusters.

The observer looks into nodes and sees everything; the auditor sees what they say. So it must find nothing where the
observer finds nothing, however much goes wrong, and what events can show of a planted bug, it must find.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from raftzmq.collector.auditor import Auditor
from raftzmq.node import Node
from raftzmq.verify import Violations

EVERYTHING = b""
"""The prefix of all topics: heartbeats and single messages, too."""


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit of a run came to: see `Auditor.verdict` for ``verdict``; the rest are counts."""

    verdict: str
    events: int
    checks: int
    skipped: int


class Audit:
    """Listens to every node of a run from its start. ``told`` gets each event as well.

    Nodes that somebody listens to wake up more often, so a run with an audit isn't the one without it.
    """

    def __init__(self, told: Callable[[dict[str, Any]], object] | None = None) -> None:
        self.auditor = Auditor()
        self._told = told

    def listen(self, node: Node, violations: Violations, now_us: int) -> None:
        """A node is about to start; what it has said already, of its boot, is in its ring."""
        said = node.report.ring.find([("boot", 1, 1)])
        self._accept([payload for *_, payload in said], violations)
        node.on_subscription(EVERYTHING, True, now_us)

    def take(self, events: Sequence[tuple[bytes, bytes]], violations: Violations) -> None:
        """A node has made these events; what they prove is reported to ``violations``."""
        self._accept([payload for _, payload in events], violations)

    def _accept(self, payloads: list[bytes], violations: Violations) -> None:
        for payload in payloads:
            event = orjson.loads(payload)
            if self._told is not None:
                self._told(event)
            for kind, fields in self.auditor.accept(event):
                if kind == "violation":
                    violations.report(fields["rule"], tuple(fields["nodes"]), f"the events say: {fields['text']}")

    @property
    def audited(self) -> Audited:
        """What it came to so far."""
        verdict = self.auditor.verdict
        checks, skipped = (sum(row[name] for row in verdict["rules"]) for name in ("checks", "skipped"))
        return Audited(verdict["verdict"], verdict["events"], checks, skipped)
