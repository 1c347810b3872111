"""What labs there are, in the order of a course: of each its title and what it shows, in a few words.

It stands apart from the labs, and imports nothing that runs anything, since a page lists what it cannot run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from raftzmq.labs.words import Words


@dataclass(frozen=True, slots=True)
class Subject:
    """``title``; ``shows``: what is to be seen; ``rule``: which rule makes it so, with its section; all for people."""

    title: Words
    shows: Words
    rule: Words

    def to_json(self) -> dict[str, Any]:
        """As the page gets it."""
        return {"title": self.title.to_json(), "shows": self.shows.to_json(), "rule": self.rule.to_json()}


SYLLABUS: dict[str, Subject] = {
    "clean-election": Subject(
        Words("A clean election", "きれいな選挙"),
        Words(
            "Five nodes start as equals. The first to lose its patience gets the votes of a majority and leads; "
            "its heartbeats keep the others from trying.",
            "5台が対等に起動する。最初に待ちきれなくなった1台が過半数の票を得てリーダーになり、そのハートビートが他のノードの"
            "立候補を抑える。",
        ),
        Words("Raft §5.2; pre-vote: thesis 9.6", "Raft §5.2、事前投票は博士論文 9.6"),
    ),
}
"""By name."""
