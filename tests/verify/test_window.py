"""The smallest window: small, truly without an order, and no liar about what it leaves out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raftzmq.verify.history import Operation
from raftzmq.verify.models import MODELS, Model
from raftzmq.verify.search import Budget, Search
from raftzmq.verify.window import Window, label, smallest_window
from tests.verify import references
from tests.verify.histories import explainable, op
from tests.verify.test_search import (
    executed_on_key,
    executed_on_register,
    executed_on_string,
    of_key,
    of_register,
    of_string,
)

REGISTER = MODELS["register"]


def of_registers(operations: list[Operation]) -> tuple[str, list[Operation]]:
    return "register", [of_register(operation) for operation in operations]


def of_strings(operations: list[Operation]) -> tuple[str, list[Operation]]:
    return "strings", [of_string(operation) for operation in operations]


def of_keys(operations: list[Operation]) -> tuple[str, list[Operation]]:
    return "empty-store", [of_key(operation) for operation in operations]


def shown(operations: list[Operation], model: str = "register", key: object = None) -> list[str]:
    """The calls of the window."""
    return list(smallest_window(key, operations, MODELS[model], Budget(30)).calls)


def write(value: int, *at: int) -> Operation:
    return op("write", value, at=(at[0], at[1]), result=True)


def read(value: int | None, *at: int) -> Operation:
    return op("read", result=value, at=(at[0], at[1]))


def test_a_stale_read_is_the_write_that_it_missed_and_itself() -> None:
    noise = [read(None, n, n + 1) for n in range(10)]
    operations = [*noise, write(1, 20, 21), read(1, 22, 23), write(2, 24, 25), read(1, 26, 27), write(3, 28, 29)]
    assert shown(operations) == ["write 2", "read → 1"]


def test_what_was_never_written_is_one_operation() -> None:
    assert shown([write(1, 0, 1), write(2, 2, 3), read(7, 4, 5), read(2, 6, 7)]) == ["read → 7"]


def test_a_value_that_was_overwritten_since_is_not_shown_as_an_explanation() -> None:
    operations = [write(1, 0, 1), write(2, 2, 3), write(1, 4, 5), write(2, 6, 7), read(1, 8, 9)]
    assert shown(operations) == ["write 2", "read → 1"]
    window = smallest_window(None, operations, REGISTER, Budget(30))
    assert [operation.called for operation in window.operations] == [6, 8], "the last of each"


def test_a_write_that_could_explain_a_read_is_never_left_out() -> None:
    """The unknown write of 1 could be what is read; that 2 was read between is what forbids it."""
    operations = [
        op("write", 1, at=(0, None)),
        read(1, 1, 2),
        write(2, 3, 4),
        read(2, 5, 6),
        write(3, 7, 8),
        read(1, 9, 10),
    ]
    calls = shown(operations)
    assert "write 1 → unknown" in calls
    assert "read → 1" in calls


def test_what_came_after_the_first_contradiction_is_forgotten() -> None:
    operations = [read(5, 0, 1), write(1, 2, 3), write(2, 4, 5), read(1, 6, 7)]
    assert shown(operations) == ["read → 5"]


def test_strings_and_keys() -> None:
    append = [op("append", c, at=(2 * n, 2 * n + 1)) for n, c in enumerate("abc")]
    assert shown([*append, op("get", result="ab", at=(8, 9))], "strings") == [
        'append "a"',
        'append "b"',
        'append "c"',
        'get → "ab"',
    ]
    first = op("put", b"x", 0, at=(0, 1), result=3)
    second = op("put", b"y", 0, at=(2, 3), result=4)
    stale = op("get", at=(4, 5), result=(b"x", 3, 3, 1, 0))
    assert shown([first, second, stale], "empty-store", b"k") == [
        'put "y" → revision 4',
        'get → "x", revision 3, version 1',
    ]


@pytest.mark.parametrize(
    "lost", [op("delete", at=(2, None)), op("put", b"w", 9, at=(2, None))], ids=["a delete", "the end of a lease"]
)
@pytest.mark.parametrize(
    "last",
    [
        op("get", at=(20, 21)),
        op("delete", at=(20, 21), result=(False, 9)),
        op("cas", None, b"z", None, at=(20, 21), result=(True, 9)),
        op("cas", None, b"z", 0, at=(20, 21), result=(True, 9)),
        op("cas", b"q", b"z", None, at=(20, 21), result=(False, 0)),
    ],
)
def test_what_could_have_removed_a_key_is_never_left_out(lost: Operation, last: Operation) -> None:
    """The key can have been removed once, and was; then it was written again, and is said not to exist."""
    operations = [
        op("put", b"x", 0, at=(0, 1), result=1),
        lost,
        op("get", at=(4, 5), result=None),
        op("put", b"y", 0, at=(6, 7), result=7),
        op("get", at=(8, 9), result=(b"y", 7, 7, 1, 0)),
        last,
    ]
    window = smallest_window(b"k", operations, MODELS["empty-store"], Budget(30))
    assert lost in window.operations
    assert last in window.operations


def test_what_somebody_knew_who_stopped_listening() -> None:
    whole = op("read", result=1, at=(3, 7))
    assert whole.until(2) is None
    assert whole.until(7) is whole
    part = whole.until(6)
    assert part is not None
    assert (part.returned, part.result, part.called) == (None, None, 3)


def with_writes(window: Window, operations: list[Operation], model: Model) -> list[Operation]:
    """The window's operations and all writes that it left out, as they were known when the last one of it returned."""
    end = max(o.returned for o in window.operations if o.returned is not None)
    inside = {o.client for o in window.operations}
    others = [o.until(end) for o in operations if o.client not in inside and not model.looks(o)]
    return [*window.operations, *(o for o in others if o is not None)]


@settings(max_examples=300)
@given(
    st.one_of(executed_on_register.map(of_registers), executed_on_string.map(of_strings), executed_on_key.map(of_keys))
)
def test_no_write_that_was_left_out_explains_a_window(made: tuple[str, list[Operation]]) -> None:
    name, operations = made
    model = MODELS[name]
    if Search(operations, model, Budget(30)).run().linearizable:
        return
    window = smallest_window(b"k", operations, model, Budget(30))
    whole = sorted(with_writes(window, operations, model), key=lambda operation: operation.called)
    assert not Search(whole, model, Budget(30)).run().linearizable


@settings(max_examples=150)
@given(executed_on_register)
def test_a_window_of_a_register_has_no_order_by_brute_force(operations: list[Operation]) -> None:
    operations = [of_register(operation) for operation in operations]
    if explainable(operations, None, references.register):
        return
    window = smallest_window(None, operations, REGISTER, Budget(30))
    assert window.operations
    assert not explainable(window.operations, None, references.register)


@settings(max_examples=100)
@given(executed_on_string)
def test_a_window_of_a_string_has_no_order_by_brute_force(operations: list[Operation]) -> None:
    operations = [of_string(operation) for operation in operations]
    if explainable(operations, "", references.strings):
        return
    window = smallest_window(None, operations, MODELS["strings"], Budget(30))
    assert not explainable(window.operations, "", references.strings)


@settings(max_examples=150)
@given(executed_on_key)
def test_a_window_of_a_key_has_no_order(operations: list[Operation]) -> None:
    operations = [of_key(operation) for operation in operations]
    model = MODELS["empty-store"]
    if Search(operations, model, Budget(30)).run().linearizable:
        return
    window = smallest_window(b"k", operations, model, Budget(30))
    assert not Search(window.operations, model, Budget(30)).run().linearizable
    assert window.others == len(operations) - len(window.operations)


def test_a_window_in_words() -> None:
    operations = [write(1, 0, 5), read(1, 1, 6), op("write", 3, at=(4, None)), write(2, 7, 9), read(1, 11, 12)]
    window = smallest_window(None, operations, REGISTER, Budget(30))
    assert window.lines(timed=False) == [
        "A  client c7   line 7–9    ├──┤        write 2",
        "B  client c11  line 11–12        ├──┤  read → 1",
        "at best A fit, in this order; the register holds 2 then, and B can't come next",
    ]
    assert window.to_json() == {
        "operations": [
            {"label": "A", "client": "c7", "called": 7, "returned": 9, "operation": "write 2"},
            {"label": "B", "client": "c11", "called": 11, "returned": 12, "operation": "read → 1"},
        ],
        "reason": window.reason,
        "others": 3,
    }
    assert window.lines(timed=True)[1].split()[3:5] == ["0.004–0.005", "ms"]


def test_bars_show_what_overlaps() -> None:
    operations = (write(1, 0, 5), op("write", 2, at=(3, None)), read(9, 7, 7))
    drawn = Window(operations, ("a", "b", "c"), "").lines(timed=False)
    place = drawn[0].index("├")
    assert [line[place:].rstrip() for line in drawn[:3]] == ["├─────┤      a", "   ├──────…  b", "         │   c"]


def test_without_time_the_window_is_larger_but_true() -> None:
    operations = [write(1, 0, 1), write(2, 2, 3), read(1, 4, 5)]
    window = smallest_window(None, operations, REGISTER, Budget(1e-9))
    assert len(window.operations) == 3
    assert window.others == 0


@pytest.mark.parametrize(("position", "name"), [(0, "A"), (25, "Z"), (26, "A2"), (52, "A3")])
def test_labels(position: int, name: str) -> None:
    assert label(position) == name
