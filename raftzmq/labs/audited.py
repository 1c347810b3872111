"""The auditor's word on a lab's recording: a check that every lab has."""

from __future__ import annotations

from collections.abc import Iterable

from raftzmq.collector.auditor import Auditor
from raftzmq.events import USUAL_TYPES
from raftzmq.labs.history import Event
from raftzmq.labs.verdict import Check
from raftzmq.labs.words import Words

_SENTENCE = Words(
    "The auditor finds no rule of Raft broken in any recorded event",
    "監査役は、記録されたどのイベントにもRaftの規則違反を見つけない",
)
_SEEN = Words("{checks:,} comparisons under {rules} rules", "{rules}個の規則で{checks:,}回照合")
_PARTLY = Words(
    "{checks:,} comparisons under {rules} rules; where events are missing it could not judge",
    "{rules}個の規則で{checks:,}回照合。イベントが欠けた箇所は判断できない",
)
_BROKEN = Words("broken: {rules}", "違反: {rules}")
_NOTHING = Words("there was nothing to judge", "判断する材料がない")


def audit(stream: Iterable[tuple[int, Event]]) -> Check:
    """Hold (position, event) pairs in the stream's order to Raft's invariants.

    The check says how many comparisons that were, or which rules are broken.
    What a killed process could have told and didn't is no broken rule: the rest of the stream is judged without it.
    """
    auditor = Auditor(certain=USUAL_TYPES)  # nothing is left out of what a lab records
    for position, event in stream:
        auditor.accept(event, position)
    verdict = auditor.verdict
    checks = sum(row["checks"] for row in verdict["rules"])
    broken = sorted({row["rule"] for row in verdict["rules"] if row["violations"]})
    if broken:
        places = tuple(violation["position"] for violation in verdict["violations"])
        return Check(_SENTENCE, False, places[:5], _BROKEN.fill(rules=", ".join(broken)))
    if not checks:
        return Check(_SENTENCE, False, (), _NOTHING)
    stood = sum(1 for row in verdict["rules"] if row["checks"])
    seen = _SEEN if verdict["verdict"] == "holds" else _PARTLY
    return Check(_SENTENCE, True, (), seen.fill(checks=checks, rules=stood))
