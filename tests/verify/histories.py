"""Small histories for tests: written by hand, or made by executing operations and then telling lies about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from raftzmq.verify.history import Operation

_CHOICES = 2
"""Of the results that an operation can have when it is executed; more of them would make lies rare."""
Execute = Callable[[Any, Operation], list[tuple[Any, Any]]]
"""State and operation → every possible (result, new state)."""


def op(name: str, *arguments: Any, result: Any = None, at: tuple[int, int | None], key: Any = None) -> Operation:
    """An operation that was called and returned at the times of ``at``."""
    return Operation(f"c{at[0]}", key, name, arguments, result, at[0], at[1])


def explainable(operations: Sequence[Operation], start: Any, execute: Execute) -> bool:
    """Brute force: is there any order, by executing every one that agrees with real time?

    Operations of unknown outcome may come or not. Nothing is remembered and nothing is clever.
    """
    if not any(operation.known for operation in operations):
        return True
    for operation in operations:
        rest = [other for other in operations if other is not operation]
        if any(other.returned is not None and other.returned < operation.called for other in rest):
            continue
        for result, state in execute(start, operation):
            if (not operation.known or result == operation.result) and explainable(rest, state, execute):
                return True
    return False


@st.composite
def executed(
    draw: st.DrawFn,
    calls: st.SearchStrategy[tuple[str, tuple[Any, ...]]],
    results: st.SearchStrategy[Any],
    start: Any,
    execute: Execute,
) -> list[Operation]:
    """Operations executed one by one, spread over overlapping times; a result or two may be replaced by another.

    So both verdicts are common. Some outcomes are unknown, of operations that were executed or not.
    """
    state, found = start, []
    for place, (name, arguments) in enumerate(draw(st.lists(calls, min_size=1, max_size=6))):
        called = max(0, 2 * place - draw(st.integers(0, 5)))
        bare = Operation(f"c{place}", b"k", name, arguments, None, called, None)
        fate = draw(st.sampled_from(["known"] * 5 + ["lie", "lost", "never"]))
        if fate == "never":
            found.append(bare)
            continue
        result, state = draw(st.sampled_from(execute(state, bare)[:_CHOICES]))
        if fate == "lost":
            found.append(bare)
            continue
        if fate == "lie":
            result = draw(results)
        found.append(replace(bare, result=result, returned=2 * place + draw(st.integers(0, 5))))
    return sorted(found, key=lambda operation: operation.called)
