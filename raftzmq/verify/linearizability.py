"""Is a history linearizable? (Herlihy and Wing 1990.) And if it isn't: the smallest part of it that shows why not.

Each operation must have taken effect at one instant between its call and its return, so that the results are those of
doing them one by one. An operation of unknown outcome has no end: it may take effect at any time after its call, or
never. Linearizability is local, so every object is searched for itself (`raftzmq.verify.search`); of a store, keys are
the objects, and what ties them together, the one counter of revisions, is checked beside (`raftzmq.verify.revisions`).

Running out of time is a verdict of its own, undecided, and counts as a failure: a search that didn't end has proved
nothing.
"""

from __future__ import annotations

import time
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

from raftzmq.verify.history import History
from raftzmq.verify.models import MODELS
from raftzmq.verify.revisions import contradiction
from raftzmq.verify.search import Budget, OutOfBudget, Search
from raftzmq.verify.window import Window, smallest_window

TIMEOUT_S: Final = 60.0
"""How long a history is searched without other instructions."""
WINDOW_S: Final = 5.0
"""How long, beyond the verdict, a smaller window is sought."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """``linearizable`` only if an order was found for every object. ``decided``: not merely out of time.

    ``key`` is the object that has no order (or none found yet), ``reason`` a sentence, ``window`` what shows it.
    """

    linearizable: bool
    decided: bool
    operations: int
    keys: int
    seconds: float
    steps: int
    key: Hashable = None
    reason: str = ""
    window: Window | None = None


def check(history: History, timeout_s: float = TIMEOUT_S, steps_max: int | None = None) -> Verdict:
    """The verdict on ``history`` within ``timeout_s`` seconds, and within ``steps_max`` steps if given."""
    begun = time.monotonic()
    model, budget = MODELS[history.model], Budget(timeout_s, steps_max)
    parts = model.partition([o for o in history.operations if not o.name.endswith("-at")])

    def verdict(
        ok: bool, key: Hashable = None, reason: str = "", window: Window | None = None, decided: bool = True
    ) -> Verdict:
        seconds = time.monotonic() - begun
        return Verdict(ok, decided, len(history.operations), len(parts), seconds, budget.steps, key, reason, window)

    undecided: tuple[Hashable, str] | None = None
    # The smallest first: if one of them has no order, the longer searches needn't be made.
    for key, operations in sorted(parts.items(), key=lambda item: len(item[1])):
        before = budget.steps
        try:
            outcome = Search(operations, model, budget).run()
        except OutOfBudget as error:
            undecided = key, str(error)
            break
        if not outcome.linearizable:
            window = smallest_window(key, operations, model, Budget(WINDOW_S), budget.steps - before)
            return verdict(False, key, "not linearizable: these operations have no possible order", window)
    if history.model.endswith("store"):
        found = contradiction(history.operations)
        if found is not None:
            return verdict(False, None, "not linearizable: these revisions contradict one another", found)
    if undecided is not None:
        return verdict(False, *undecided, decided=False)
    return verdict(True)
