"""The search against brute force over all orders, and histories whose verdict is plain to see."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raftzmq.verify import search
from raftzmq.verify.history import Operation
from raftzmq.verify.models import MODELS
from raftzmq.verify.search import Budget, OutOfBudget, Search
from tests.verify import references
from tests.verify.histories import executed, explainable, op

small = st.integers(0, 2)
register_calls = st.one_of(
    st.just(("read", ())),
    st.tuples(st.just("write"), st.tuples(small)),
    st.tuples(st.just("cas"), st.tuples(small, small)),
)
letters = st.sampled_from(["a", "b"])
strings_calls = st.one_of(
    st.just(("get", ())),
    st.tuples(st.just("put"), st.tuples(letters)),
    st.tuples(st.just("append"), st.tuples(letters)),
)
values = st.sampled_from([b"x", b"y"])
store_calls = st.one_of(
    st.just(("get", ())),
    st.tuples(st.just("put"), st.tuples(values, st.just(0))),
    st.just(("delete", ())),
    st.tuples(st.just("cas"), st.tuples(st.none() | values, values, st.none())),
    st.tuples(st.just("cas"), st.tuples(st.none(), values, st.integers(0, 4))),
)
revisions = st.integers(1, 5)


def has_order(model: str, operations: list[Operation], until: float | None = None) -> bool:
    """The checker's verdict on the operations of one object."""
    return Search(operations, MODELS[model], Budget(60), blurred_until=until).run().linearizable


def of_register(operation: Operation) -> Operation:
    """With a result of a register's shape, also where it is a lie."""
    if operation.name == "read":
        return operation
    return with_result(operation, operation.name == "write" or bool(operation.result))


def of_string(operation: Operation) -> Operation:
    """With a result of a string's shape."""
    return operation if operation.name == "get" else with_result(operation, None)


def of_key(operation: Operation) -> Operation:
    """With a result of a key's shape; lies are bare revisions."""
    told = operation.result
    if not isinstance(told, int) or operation.name == "put":
        return operation
    return with_result(operation, (b"x", 1, told, told, 0) if operation.name == "get" else (told % 2 == 0, told))


def with_result(operation: Operation, result: Any) -> Operation:
    return replace(operation, result=result) if operation.known else operation


executed_on_register = executed(register_calls, st.none() | small | st.booleans(), None, references.register)
executed_on_string = executed(strings_calls, st.text("ab", max_size=3), "", references.strings)
executed_on_key = executed(store_calls, revisions, (None, 0), references.store)


@settings(max_examples=400)
@given(executed_on_register)
def test_a_register_by_brute_force(operations: list[Operation]) -> None:
    operations = [of_register(operation) for operation in operations]
    assert has_order("register", operations) == explainable(operations, None, references.register)


@settings(max_examples=400)
@given(executed_on_string)
def test_a_string_by_brute_force(operations: list[Operation]) -> None:
    operations = [of_string(operation) for operation in operations]
    assert has_order("strings", operations) == explainable(operations, "", references.strings)


@settings(max_examples=600)
@given(executed_on_key)
def test_a_key_by_brute_force(operations: list[Operation]) -> None:
    operations = [of_key(operation) for operation in operations]
    assert has_order("empty-store", operations) == explainable(operations, (None, 0), references.store)


@settings(max_examples=300)
@given(executed_on_key)
def test_a_store_of_which_nothing_is_known_explains_whatever_an_empty_one_does(operations: list[Operation]) -> None:
    operations = [of_key(operation) for operation in operations]
    if has_order("empty-store", operations):
        assert has_order("store", operations)
        for until in (0, 3, 6, inf):
            assert has_order("empty-store", operations, until), "more freedom, not less"


@pytest.mark.parametrize(
    ("operations", "verdict"),
    [
        ([op("write", 1, at=(0, 1), result=True), op("read", result=1, at=(2, 3))], True),
        ([op("write", 1, at=(0, 1), result=True), op("read", result=None, at=(2, 3))], False),
        # At the same microsecond nothing is known about the order.
        ([op("write", 1, at=(0, 1), result=True), op("read", result=None, at=(1, 2))], True),
        ([op("write", 1, at=(0, 2), result=True), op("read", result=None, at=(1, 3))], True),
        # An unknown outcome: at any later time, or never, but not before its call.
        ([op("write", 1, at=(0, None)), op("read", result=None, at=(5, 6)), op("read", result=1, at=(7, 8))], True),
        ([op("write", 1, at=(0, None)), op("read", result=None, at=(5, 6))], True),
        ([op("read", result=1, at=(0, 1)), op("write", 1, at=(2, None))], False),
        # … and once.
        (
            [
                op("write", 1, at=(0, None)),
                op("read", result=1, at=(1, 2)),
                op("write", 2, at=(3, 4), result=True),
                op("read", result=1, at=(5, 6)),
            ],
            False,
        ),
        ([op("cas", 1, 2, at=(0, 1), result=True)], False),
        ([op("write", 1, at=(0, 1), result=True), op("cas", 1, 2, at=(2, 3), result=False)], False),
        (
            [op("cas", 1, 2, at=(0, None)), op("write", 1, at=(1, 2), result=True), op("read", result=2, at=(3, 4))],
            True,
        ),
        # Writing what is there already is not looking: it may be what brings the value back.
        (
            [
                op("write", 1, at=(0, 1), result=True),
                op("write", 1, at=(2, 9), result=True),
                op("write", 2, at=(3, 4), result=True),
                op("read", result=1, at=(5, 6)),
            ],
            True,
        ),
    ],
)
def test_registers_plain_to_see(operations: list[Operation], verdict: bool) -> None:
    assert has_order("register", operations) is verdict
    assert explainable(operations, None, references.register) is verdict


def hard(count: int) -> list[Operation]:
    """Concurrent writes of unknown outcome, and reads that no order of them explains."""
    writes = [op("write", number, at=(0, None)) for number in range(count)]
    reads = [op("read", result=number % count, at=(2 * number + 1, 2 * number + 2)) for number in range(2 * count)]
    return writes + reads


def test_running_out_is_no_verdict() -> None:
    with pytest.raises(OutOfBudget, match="undecided: no verdict within 500 steps"):
        Search(hard(12), MODELS["register"], Budget(60, 500)).run()
    with pytest.raises(OutOfBudget, match="undecided: no verdict within 1e-09 s"):
        Search(hard(12), MODELS["register"], Budget(1e-9)).run()


def test_what_is_remembered_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "STATES_MAX", 300)
    with pytest.raises(OutOfBudget, match="undecided: no verdict within 300 states"):
        Search(hard(12), MODELS["register"], Budget(60)).run()


def test_the_search_says_how_far_it_came() -> None:
    operations: list[Any] = [
        op("write", 1, at=(0, 1), result=True),
        op("read", result=1, at=(2, 3)),
        op("read", result=7, at=(4, 5)),
    ]
    outcome = Search(operations, MODELS["register"], Budget(60)).run()
    assert (outcome.linearizable, outcome.order, outcome.state) == (False, (0, 1), (1,))
    outcome = Search(operations[:2], MODELS["register"], Budget(60)).run()
    assert (outcome.linearizable, outcome.order, outcome.state) == (True, (0, 1), (1,))


def test_what_was_tried_is_remembered() -> None:
    """Eleven writes in any order and a read of something else: 11! orders, 11 · 2¹¹ states."""
    operations = [op("write", number, at=(0, 5), result=True) for number in range(11)]
    operations.append(op("read", result=99, at=(6, 7)))
    budget = Budget(60)
    assert not Search(operations, MODELS["register"], budget).run().linearizable
    assert budget.steps <= 11 * 2**11 * 12


def test_what_is_not_in_sight_may_only_come_before_its_time_is_over() -> None:
    """Between the two reads there was a write of something else, which is left out."""
    operations = [op("read", result=None, at=(0, 1)), op("cas", None, 5, at=(8, 9), result=False)]
    assert not has_order("register", operations)
    assert has_order("register", operations, until=5), "the write came before 5, so before the second"
    late = [*operations, op("cas", None, 6, at=(10, 11), result=True)]
    assert not has_order("register", late, until=5)
    assert not has_order("register", [operations[0], late[2], op("read", result=None, at=(12, 13))], until=5)
    between = [op("cas", None, 5, at=(8, 9), result=True), op("cas", 5, 7, at=(10, 11), result=False)]
    assert not has_order("register", between, until=5), "what comes before 5 can't come between 9 and 10"
    assert has_order("register", between, until=inf)


def test_an_unknown_outcome_that_would_change_nothing_is_not_tried() -> None:
    """Twenty swaps of a value that is never there cost a step each, not 2²⁰ states."""
    operations = [op("cas", 77, number, at=(0, None)) for number in range(20)]
    operations += [op("write", 1, at=(1, 2), result=True), op("read", result=9, at=(3, 4))]
    budget = Budget(60)
    assert not Search(operations, MODELS["register"], budget).run().linearizable
    assert budget.steps < 100
