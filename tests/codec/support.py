"""Bytes that no honest sender sends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import strategies as st

from raftzmq.errors import InvalidRequest

pack = msgspec.msgpack.Encoder().encode


OTHERS: list[Any] = [None, 1.5, -1, 2**63, 2**64 - 1, {}]
"""What no field of a header may be."""


def refused(decode: Callable[..., object], *arguments: object) -> bool:
    """Whether ``decode`` refuses its arguments as it should; any other exception passes through."""
    try:
        decode(*arguments)
    except InvalidRequest:
        return True
    return False


def deep(array: bytes, depth: int) -> bytes:
    """A small MessagePack array with one more element, nested ``depth`` times."""
    assert 0x90 <= array[0] < 0x9F, "a short array"
    return bytes([array[0] + 1]) + array[1:] + b"\x91" * depth + b"\x90"


def _values() -> st.SearchStrategy[Any]:
    scalars = (
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**64 - 1)
        | st.floats()
        | st.text(max_size=8)
        | st.binary(max_size=8)
    )
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=3) | st.integers(0, 9), inner),
        max_leaves=12,
    )


def hostile() -> st.SearchStrategy[bytes]:
    """Random bytes, MessagePack of random shape, and arrays that begin as a header does."""
    tagged = st.lists(_values(), max_size=8).flatmap(lambda rest: st.integers(0, 9).map(lambda tag: [tag, *rest]))
    return st.binary(max_size=64) | _values().map(pack) | tagged.map(pack)


def mutated(frame: bytes) -> st.SearchStrategy[bytes]:
    """``frame`` with bytes changed, cut off, inserted or repeated."""
    places = st.integers(0, max(0, len(frame) - 1))

    def change(at: int, value: int) -> bytes:
        return frame[:at] + bytes([value]) + frame[at + 1 :]

    def insert(at: int, more: bytes) -> bytes:
        return frame[:at] + more + frame[at:]

    return st.one_of(
        st.builds(change, places, st.integers(0, 255)),
        st.builds(insert, places, st.binary(min_size=1, max_size=9)),
        places.map(lambda at: frame[:at]),
        st.just(frame * 2),
    )
