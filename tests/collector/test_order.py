"""The causal order, without nodes: who waits for whom, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from raftzmq.collector.order import FILL_HOLD_US, HOLD_US, SILENT_US, Order


@dataclass
class Node:
    """As far as the order looks at one."""

    key: int = 0
    heard_us: int = 0
    filling: bool = False


def push(order: Order, node: Node, *keys: int, size: int = 1) -> None:
    for key in keys:
        node.key = max(node.key, key)
        order.push(key, b"t", b"x" * size, {"key": key})


def keys(released: list[tuple[int, int, bytes, bytes, dict[str, Any]]]) -> list[int]:
    return [one[0] for one in released]


def test_an_event_waits_until_every_other_node_has_come_as_far() -> None:
    order, a, b, c = Order(), Node(), Node(), Node()
    push(order, a, 3, 5)
    push(order, b, 4)
    assert keys(order.release(0, (a, b, c))) == []
    c.key = 3
    assert keys(order.release(0, (a, b, c))) == [3]
    c.key = 9
    assert keys(order.release(0, (a, b, c))) == [4]
    b.key = 5
    assert keys(order.release(0, (a, b, c))) == [5]
    assert not order


def test_nobody_waits_longer_than_a_while() -> None:
    order, a, b = Order(), Node(), Node()
    push(order, a, 3)
    assert order.release(0, (a, b)) == []
    b.heard_us = HOLD_US
    push(order, a, 4)
    assert keys(order.release(HOLD_US - 1, (a, b))) == []
    assert keys(order.release(HOLD_US, (a, b))) == [3], "the later one waits on"
    assert keys(order.release(2 * HOLD_US - 1, (a, b))) == [4]


def test_what_comes_of_a_question_is_waited_for_longer() -> None:
    order, a, b = Order(), Node(), Node(filling=True)
    push(order, a, 3)
    for now_us in range(0, FILL_HOLD_US, 100_000):
        b.heard_us = now_us
        assert order.release(now_us, (a, b)) == []
    b.heard_us = FILL_HOLD_US
    assert keys(order.release(FILL_HOLD_US, (a, b))) == [3]


def test_a_node_that_is_silent_is_not_waited_for() -> None:
    order, a, b = Order(), Node(heard_us=SILENT_US), Node(filling=True)
    push(order, a, 3)
    assert order.release(SILENT_US - 1, (a, b)) == []
    assert keys(order.release(SILENT_US, (a, b))) == [3]


def test_events_leave_by_key_and_those_of_one_key_as_they_came() -> None:
    order, a = Order(), Node()
    for number, key in enumerate((2, 1, 2, 1, 3)):
        order.push(key, b"t", b"", {"number": number})
    a.key = 3
    assert [one[4]["number"] for one in order.release(0, (a,))] == [1, 3, 0, 2, 4]


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 400)), max_size=200))
def test_memory_is_bounded_and_nothing_is_lost(pushed: list[tuple[int, int]]) -> None:
    order, a, silent = Order(events_max=20, bytes_max=2000), Node(), Node(filling=True)
    out: list[int] = []
    for key, size in pushed:
        push(order, a, key, size=size)
        out += keys(order.release(0, (a, silent)))
        assert len(order) <= 20
        assert sum(len(one[3]) for one in order._heap) == order._bytes <= 2000
    before = len(out)
    silent.key = 100
    a.key = 100
    out += keys(order.release(0, (a, silent)))
    assert sorted(out) == sorted(key for key, _ in pushed)
    assert order.forced == sum(key > 0 for key in out[:before])
    assert order._bytes == 0
