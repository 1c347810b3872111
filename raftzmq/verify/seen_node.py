"""What somebody outside knows of one node."""

from __future__ import annotations

from raftzmq.verify.known_log import KnownLog


class SeenNode:
    """One node as seen from outside: ``log`` in memory and ``disk`` durable. They differ: memory leads.

    ``mark``: where its log in memory begins. ``state``: up to where its state is durable. ``installed``: where the
    last snapshot ended that took the place of its state. ``boot`` counts its starts, 0 before the first.
    ``commit``, ``applied``, ``state`` and the terms are what it is known to have reached; ``exact`` says whether it
    can't be further. ``unproven``: it was elected, and how far its log went then isn't known yet. ``doubted``: what is
    known of ``log`` and ``disk`` may have been dropped or replaced without anybody having heard of it. ``seam``: from
    this index on its log was once as it is known, whatever is in doubt: its entries were heard of together.
    """

    __slots__ = (
        *(
            "applied",
            "boot",
            "commit",
            "disk",
            "doubted",
            "exact",
            "installed",
            "leader",
            "log",
            "mark",
            "seam",
            "state",
        ),
        *("stored_term", "stored_vote", "term", "unproven", "up"),
    )

    def __init__(self, *, whole: bool) -> None:
        self.boot = 0
        self.up = False
        self.exact = whole
        self.doubted = False
        self.seam = 0
        self.unproven = False
        self.term = 0
        self.leader = False
        self.commit = 0
        self.applied = 0
        self.mark = self.state = self.installed = 0
        self.log = KnownLog(closed=whole)
        self.disk = KnownLog(closed=whole)
        self.stored_term = 0
        self.stored_vote: str | None = None
