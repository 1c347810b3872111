"""The search for an order: Wing and Gong 1993, with Lowe's linked list and memoization (Lowe 2017).

Calls and returns stand in a doubly linked list in the order of their times. An operation may come next exactly if no
return stands before its call. One that fits is lifted out, call and return, and put back if what follows leads
nowhere. Which operations are out, with the state that they led to, is remembered: twice is never better.

Three rules make it faster, and none changes a verdict. A read, or another operation that can't have changed anything,
comes next as soon as it fits: in any order that exists, it can be moved there. An operation of unknown outcome need not
come at all, so one that would change nothing is not tried. Where results number the operations (`Model.rank`), those
that are numbered come in that order.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from raftzmq.errors import RaftzmqError
from raftzmq.verify.history import Operation
from raftzmq.verify.models import Model

STATES_MAX: Final = 4_000_000
"""States that one search remembers: about a gigabyte. Who needs more needs another history."""
_LOOK_AT_CLOCK: Final = 256
"""Steps between two looks at the clock."""


class OutOfBudget(RaftzmqError):
    """There was no verdict within the time or steps allowed. That is no verdict in favour of anything."""


class Budget:
    """Seconds and steps that may be spent, together, by the searches that share it. A step is one look at a state."""

    def __init__(self, seconds: float, steps: int | None = None) -> None:
        self.seconds = seconds
        self._deadline = time.monotonic() + seconds
        self._steps_max = steps
        self.steps = 0

    def left(self) -> float:
        """Seconds that are left; raises OutOfBudget if there are none, or no steps."""
        seconds = self._deadline - time.monotonic()
        if seconds <= 0 or (self._steps_max is not None and self.steps >= self._steps_max):
            raise OutOfBudget(f"undecided: no verdict within {self.seconds:g} s")
        return seconds

    def spend(self) -> None:
        """One step; raises OutOfBudget."""
        self.steps += 1
        if self._steps_max is not None and self.steps > self._steps_max:
            raise OutOfBudget(f"undecided: no verdict within {self._steps_max} steps")
        if not self.steps % _LOOK_AT_CLOCK and time.monotonic() > self._deadline:
            raise OutOfBudget(f"undecided: no verdict within {self.seconds:g} s")


@dataclass(frozen=True, slots=True)
class Outcome:
    """``order``: positions of the operations, in an order that explains all of them, or else as many as can be.

    ``state`` is where that order leads.
    """

    linearizable: bool
    order: tuple[int, ...]
    state: Any


class Search:
    """One search over the operations of one object.

    Writes that aren't in sight may come anywhere (`Model.blur`) before the first operation that was called after
    ``blurred_until``; None: there are no such writes.
    """

    def __init__(
        self,
        operations: Sequence[Operation],
        model: Model,
        budget: Budget,
        *,
        blurred_until: float | None = None,
    ) -> None:
        self._operations = operations
        self._model = model
        self._budget = budget
        self._blurred = blurred_until is not None
        self._later = [self._blurred and operation.called > (blurred_until or 0) for operation in operations]
        self._later_taken = 0
        self._looks = [model.looks(operation) for operation in operations]
        ranks = [(rank, p) for p, rank in enumerate(map(model.rank, operations)) if rank is not None]
        self._turn = {position: turn for turn, (_, position) in enumerate(sorted(ranks))}
        self._turns_taken = 0
        self._head = 2 * len(operations)
        self._next, self._previous = _linked(operations)

    def run(self) -> Outcome:
        """Find an order, or that there is none; raises OutOfBudget."""
        operations, seen = self._operations, set[tuple[int, Any]]()
        waiting = sum(operation.known for operation in operations)
        bits, state = 0, self._model.initial
        order: list[int] = []
        best: tuple[int, tuple[int, ...], Any] = (waiting, (), state)
        choices = [self._choices(state)]
        states = [state]
        while waiting:
            if not choices[-1]:
                choices.pop()
                states.pop()
                if not order:
                    return Outcome(False, *best[1:])
                position = order.pop()
                self._put_back(position)
                bits ^= 1 << position
                waiting += operations[position].known
                continue
            position, state = choices[-1].pop()
            key = (bits | 1 << position, state)
            if key in seen:
                continue
            seen.add(key)
            if len(seen) > STATES_MAX:
                raise OutOfBudget(f"undecided: no verdict within {STATES_MAX:,} states, which fill the memory")
            bits = key[0]
            self._lift(position)
            order.append(position)
            waiting -= operations[position].known
            if waiting < best[0]:
                best = (waiting, tuple(order), state)
            choices.append(self._choices(state))
            states.append(state)
        return Outcome(True, tuple(order), states[-1])

    def _choices(self, state: Any) -> list[tuple[int, Any]]:
        """Position and new state of each operation that may come next; the most promising last."""
        step, spend, operations, following = self._model.step, self._budget.spend, self._operations, self._next
        sources = (state, self._model.blur(state)) if self._blurred and not self._later_taken else (state,)
        turn, taken = self._turn, self._turns_taken
        unknown: list[tuple[int, Any]] = []
        known: list[tuple[int, Any]] = []
        entry = following[self._head]
        while not entry & 1:
            if entry == self._head:
                break
            operation = operations[entry >> 1]
            spend()
            in_turn = turn.get(entry >> 1, taken) == taken
            for source in sources if in_turn else ():
                after = step(source, operation)
                if after is None:
                    continue
                if operation.known:
                    if after == state and self._looks[entry >> 1]:
                        return [(entry >> 1, after)]
                    known.append((entry >> 1, after))
                elif after != source:
                    unknown.append((entry >> 1, after))
            entry = following[entry]
        unknown.reverse()
        known.reverse()
        return unknown + known

    def _lift(self, position: int) -> None:
        self._turns_taken += position in self._turn
        self._later_taken += self._later[position]
        following, previous = self._next, self._previous
        for entry in (2 * position, 2 * position + 1):
            following[previous[entry]] = following[entry]
            previous[following[entry]] = previous[entry]

    def _put_back(self, position: int) -> None:
        self._turns_taken -= position in self._turn
        self._later_taken -= self._later[position]
        following, previous = self._next, self._previous
        for entry in (2 * position + 1, 2 * position):
            following[previous[entry]] = entry
            previous[following[entry]] = entry


def _linked(operations: Sequence[Operation]) -> tuple[list[int], list[int]]:
    """Next and previous entry of each: operation p's call is 2p, its return 2p + 1; behind them head, which is also
    the end. Calls come before returns of the same time: what isn't strictly before is concurrent. What never returned
    has its return linked to itself, so that lifting it changes nothing.
    """  # fmt: skip
    events = []
    for position, operation in enumerate(operations):
        events.append((operation.called, 0, 2 * position))
        if operation.returned is not None:
            events.append((operation.returned, 1, 2 * position + 1))
    events.sort()
    head = 2 * len(operations)
    following, previous = list(range(head + 1)), list(range(head + 1))
    last = head
    for *_, entry in events:
        following[last], previous[entry] = entry, last
        last = entry
    following[last], previous[head] = head, last
    return following, previous
