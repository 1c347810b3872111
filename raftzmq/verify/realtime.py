"""Linearizability in real time, judged by revisions (Herlihy and Wing 1990; thesis 6.4).

The store gives every change a revision, so the order of changes is known, and what is left to check is real time: a
request that began after another had been answered must see at least what that answer showed. It costs a comparison
for each answer, where a search for an order, for a store without revisions, is exponential.

Sound but not complete: reads of an absent key are placed at the earliest time that fits.
"""

from __future__ import annotations

from bisect import bisect_right

from raftzmq.verify.violation import Violations


class RealTime:
    """``floor`` is the highest revision that some completed answer has shown: no later request may miss it."""

    def __init__(self, violations: Violations) -> None:
        self._report = violations.report
        self._changes: dict[bytes, tuple[list[int], list[bool]]] = {}
        self.floor = 0

    def changed(self, key: bytes, revision: int, *, exists: bool) -> None:
        """``revision`` set ``key`` or removed it; called in the order of revisions, before anybody is answered."""
        revisions, present = self._changes.setdefault(key, ([], []))
        revisions.append(revision)
        present.append(exists)

    def wrote(self, node: str, key: bytes, revision: int, began: int) -> None:
        """``node`` acknowledged a change of ``key`` to a client whose request began when `floor` was ``began``."""
        if revision <= began:
            self._report(
                "linearizable_reads",
                (node,),
                f"{node} acknowledged the write of {key!r} at revision {revision}, but it began after revision {began} "
                "had been seen",
            )
        self.floor = max(self.floor, revision)

    def saw(self, node: str, revision: int, began: int) -> None:
        """``node`` answered with the whole store as of ``revision``."""
        if revision < began:
            self._report(
                "linearizable_reads",
                (node,),
                f"{node} answered as of revision {revision} a request that began after revision {began} had been seen",
            )
        self.floor = max(self.floor, revision)

    def read(self, node: str, key: bytes, mod_revision: int | None, began: int) -> None:
        """``node`` answered that ``key`` was last changed at ``mod_revision`` (None: there is no such key)."""
        revisions, present = self._changes.get(key, ([], []))
        if mod_revision is None:
            start = self._absent_since(revisions, present, began)
            if start is None:
                self._stale(node, key, "no value", revisions, began)
                return
        else:
            place = bisect_right(revisions, mod_revision)
            if not place or revisions[place - 1] != mod_revision or not present[place - 1]:
                self._report(
                    "linearizable_reads",
                    (node,),
                    f"{node} answered {key!r} with revision {mod_revision}, which no committed write gave it",
                )
                return
            if place < len(revisions) and revisions[place] <= began:
                self._stale(node, key, f"revision {mod_revision}", revisions, began)
                return
            start = mod_revision
        self.floor = max(self.floor, start)

    def _absent_since(self, revisions: list[int], present: list[bool], began: int) -> int | None:
        """The earliest revision, at or before which ``key`` was absent, of an absence that ``began`` can see."""
        place = bisect_right(revisions, began)
        if not place:
            return 0
        if not present[place - 1]:
            return revisions[place - 1]
        for revision, exists in zip(revisions[place:], present[place:], strict=True):
            if not exists:
                return revision
        return None

    def _stale(self, node: str, key: bytes, got: str, revisions: list[int], began: int) -> None:
        place = bisect_right(revisions, began)
        newest = revisions[place - 1] if place else 0
        self._report(
            "linearizable_reads",
            (node,),
            f"{node} answered {key!r} with {got}, but revision {newest} had changed it and revision {began} had been "
            "seen before the request began",
        )
