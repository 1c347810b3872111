"""The smallest part of a history that shows why it isn't linearizable.

A part proves something about the whole only if what was left out can't be the explanation. So only this is done:

- The history is cut at the earliest return with which it has no order: what was called later is forgotten, what
  returned later has an unknown outcome. (Prefixes of linearizable histories are linearizable.)
- Operations that only look are left out: whoever has an order with them has one without them.
- Writes are left out if no operation that stays can have observed a value of theirs (it observes others, or something
  that stays surely came between), *and* there is still no order when values that nobody observes may come in anywhere
  before the last of them had returned, any number of times (`Model.blur`): that is more freedom than they had.

So the operations of a window have no order whatever the others did. Smallest means that leaving out any one more
would not do; there may be other windows.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import inf
from string import ascii_uppercase
from typing import Any, Final

from raftzmq.verify.history import Operation
from raftzmq.verify.models.model import Model, text
from raftzmq.verify.search import Budget, OutOfBudget, Search

_BAR_COLUMNS: Final = 36
_STEPS: Final = 20_000
"""Of one search on the way to a smaller window: many easy ones bring more than a hard one."""


@dataclass(frozen=True, slots=True)
class Window:
    """Operations that contradict one another, in the order of their calls, and the sentence that says how.

    ``calls`` are they in words. ``others`` is how many operations of the object were left out.
    """

    operations: tuple[Operation, ...]
    calls: tuple[str, ...]
    reason: str
    others: int = 0

    @property
    def labels(self) -> list[str]:
        """A name for each operation: A, B, …; the reason uses them."""
        return [label(position) for position in range(len(self.operations))]

    def lines(self, *, timed: bool) -> list[str]:
        """A picture: a line for each operation, then the reason. Times in milliseconds from the first call."""
        bars = _bars(self.operations)
        clients = [f"client {_short(operation.client)}" for operation in self.operations]
        times = _milliseconds(self.operations) if timed else [f"line {_span(o)}" for o in self.operations]
        widths = [max(map(len, column)) for column in (self.labels, clients, times, bars)]
        found = []
        for cells in zip(self.labels, clients, times, bars, self.calls, strict=True):
            columns = [cell.ljust(width) for cell, width in zip(cells, widths, strict=False)]
            found.append("  ".join([*columns, cells[-1]]))
        return [*found, self.reason]

    def to_json(self) -> dict[str, Any]:
        """For programs; times as in the file."""
        return {
            "operations": [
                {
                    "label": name,
                    "client": operation.client,
                    "called": operation.called,
                    "returned": operation.returned,
                    "operation": call,
                }
                for name, operation, call in zip(self.labels, self.operations, self.calls, strict=True)
            ],
            "reason": self.reason,
            "others": self.others,
        }


def label(position: int) -> str:
    """A, B, … Z, A2, B2, …"""
    turn, letter = divmod(position, len(ascii_uppercase))
    return ascii_uppercase[letter] + (str(turn + 1) if turn else "")


def smallest_window(
    key: Hashable, operations: Sequence[Operation], model: Model, budget: Budget, steps: int = 0
) -> Window:
    """The window of the operations of one object, which must not be linearizable; to find that took ``steps``.

    If the budget ends first, it is one that could have been smaller.
    """
    shrinking = _Shrinking(list(operations), model, budget, max(_STEPS, 2 * steps))
    try:
        shrinking.cut()
        shrinking.leave_out()
    except OutOfBudget:
        pass
    kept = sorted(shrinking.kept, key=lambda operation: operation.called)
    calls = tuple(map(model.describe, kept))
    reason = _reason(key, kept, model, shrinking.blurred_until)
    return Window(tuple(kept), calls, reason, len(operations) - len(kept))


class _Shrinking:
    """``kept`` has no order, even if values that nobody in it observes come in anywhere before ``blurred_until``."""

    def __init__(self, operations: list[Operation], model: Model, budget: Budget, steps: int) -> None:
        self._steps = steps
        self.kept = operations
        self.blurred_until: float | None = None
        self._model = model
        self._budget = budget
        self._explained: dict[Operation, list[Operation]] = {}
        self._dropped: list[Operation] = []

    def cut(self) -> None:
        """Forget what happened after the earliest return that can't be explained."""
        returns = sorted({o.returned for o in self.kept if o.returned is not None})
        low, high = 0, len(returns) - 1
        while low < high:
            middle = (low + high) // 2
            if self._has_order(self._until(returns[middle]), None):
                low = middle + 1
            else:
                high = middle
        self.kept = self._until(returns[high])

    def _until(self, time: int) -> list[Operation]:
        known = [o for o in (operation.until(time) for operation in self.kept) if o is not None]
        return [o for o in known if o.known or not self._model.looks(o)]

    def leave_out(self) -> None:
        """Leave out whatever can be, the earliest first, in ever smaller pieces, until no single one more can be."""
        explains = self._model.explains
        self._explained = {w: [o for o in self.kept if o is not w and explains(w, o)] for w in self.kept}
        size = max(1, len(self.kept) // 2)
        while True:
            start, shrunk = 0, False
            while start < len(self.kept):
                if self._without(self.kept[start : start + size]):
                    shrunk = True
                else:
                    start += size
            if size > 1:
                size //= 2
            elif not shrunk:
                return

    def _without(self, piece: list[Operation]) -> bool:
        """Leave out ``piece``, but for the writes that explain something else; False if that can't be done."""
        rest = _but(self.kept, piece)
        dropped = _but(piece, self._needed(piece, rest))
        writes = _but(dropped, filter(self._model.looks, dropped))
        rest = _but(self.kept, dropped)
        ends = [inf if write.returned is None else write.returned for write in writes]
        until = max(ends, default=None) if self.blurred_until is None else max(self.blurred_until, *ends, 0)
        if not dropped or self._needed([*self._dropped, *writes], rest) or self._has_order(rest, until):
            return False
        self.kept, self.blurred_until = rest, until
        self._dropped += writes
        return True

    def _needed(self, writes: Sequence[Operation], rest: Sequence[Operation]) -> list[Operation]:
        """Those that may be what one of ``rest`` observed: nothing of ``rest`` came surely in between."""
        model = self._model
        settled = sorted((o.called, o.returned) for o in rest if o.returned is not None and model.settles(o))
        # The earliest return of what was called at a place or later: nothing from before it is seen after it.
        earliest = list(accumulate((returned for _, returned in reversed(settled)), min))[::-1]
        staying = set(rest)
        needed = []
        for write in writes:
            if write.returned is None:
                until: int | float = inf
            else:
                place = bisect_right(settled, (write.returned, inf))
                until = earliest[place] if place < len(earliest) else inf
            if any(o in staying and o.called <= until for o in self._explained[write]):
                needed.append(write)
        return needed

    def _has_order(self, operations: list[Operation], until: float | None) -> bool:
        """Has it, as far as a short search can tell? Not knowing, it keeps what it has: `kept` surely has none."""
        try:
            short = Budget(self._budget.left(), self._steps)
            return Search(operations, self._model, short, blurred_until=until).run().linearizable
        except OutOfBudget:
            self._budget.left()
            return True


def _but(operations: Iterable[Operation], others: Iterable[Operation]) -> list[Operation]:
    without = set(others)
    return [operation for operation in operations if operation not in without]


def _reason(key: Hashable, kept: list[Operation], model: Model, until: float | None) -> str:
    """Why they have no order, by the labels: the longest order, where it leads, and what can't come next."""
    name = "the register" if key is None else f"key {text(key)}"
    try:
        found = Search(kept, model, Budget(1.0), blurred_until=until).run()
    except OutOfBudget:
        return f"these operations of {name} have no order"
    left = [label(position) for position, o in enumerate(kept) if o.known and position not in found.order]
    stuck = f"{', '.join(left)} can't come {'next' if found.order else 'first'}"
    if not found.order:
        return f"{stuck}: {name} {model.show(found.state)} then, whatever was written"
    order = ", ".join(map(label, found.order))
    return f"at best {order} fit, in this order; {name} {model.show(found.state)} then, and {stuck}"


def _short(client: str) -> str:
    """Enough of a client's random name to tell it from others."""
    return client[:8]


def _span(operation: Operation) -> str:
    return f"{operation.called}–{'…' if operation.returned is None else operation.returned}"


def _milliseconds(operations: Sequence[Operation]) -> list[str]:
    start = operations[0].called if operations else 0
    return [
        f"{(o.called - start) / 1000:.3f}–{'…' if o.returned is None else f'{(o.returned - start) / 1000:.3f}'} ms"
        for o in operations
    ]


def _bars(operations: Sequence[Operation]) -> list[str]:
    """A bar from call to return for each, not to scale: what overlaps, overlaps, and what precedes, precedes."""
    times = sorted({t for o in operations for t in (o.called, o.returned) if t is not None})
    step = min(3, max(1, _BAR_COLUMNS // max(1, len(times))))
    place = {time: number * step for number, time in enumerate(times)}
    bars = []
    for operation in operations:
        start = place[operation.called]
        if operation.returned is None:
            bars.append(" " * start + "├" + "─" * (place[times[-1]] - start) + "…")
            continue
        length = place[operation.returned] - start - 1
        bars.append(" " * start + ("├" + "─" * length + "┤" if length >= 0 else "│"))
    return bars
