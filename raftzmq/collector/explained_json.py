"""An explanation as plain values for programs and for the page: its parts with their names, and the sentences."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from raftzmq.collector.explained_words import lags, longest, part_name, silent, words
from raftzmq.collector.explaining import Explanation


def explanation_json(explanation: Explanation) -> dict[str, Any]:
    """The whole explanation. ``words`` are the sentences; what they say of it stands beside them for other languages:
    ``longest`` are places in ``parts``, ``silent`` and ``lagging`` names of nodes.
    """
    document = asdict(explanation)
    for part, shown in zip(explanation.parts, document["parts"], strict=True):
        shown["name"] = part_name(part, explanation)
        shown["share"] = round(part.us / max(1, explanation.latency_us), 4)
    return {
        **document,
        "words": words(explanation),
        "longest": [explanation.parts.index(part) for part in longest(explanation)],
        "silent": silent(explanation),
        "lagging": [beside.node for beside in explanation.beside if lags(beside, explanation)],
    }
