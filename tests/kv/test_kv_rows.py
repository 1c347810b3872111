"""The bytes of the state's rows: fixed for ever, and no changed bit is taken for good."""

from __future__ import annotations

from typing import Any
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftzmq.config import local_cluster
from raftzmq.core.types import Configuration
from raftzmq.errors import CorruptionError
from raftzmq.kv import rows
from raftzmq.kv.rows import Activity, HistoryRow, MetaRow, SessionRow
from raftzmq.records import seal

KEY_ROW = rows.encode_key_row(b"k", (1, 3, 2, 7))
HISTORY_KEY = rows.history_key(3)
HISTORY_ROW = rows.encode_history_row(HISTORY_KEY, HistoryRow(1, 1, 2, 7, b"k", b"value"))
OWN_KEY = rows.session_key(5)
OWN_ROW = rows.encode_session_row(OWN_KEY, SessionRow(Activity(5, 0, 99), 1, b"client"))
RESULTS_KEY = rows.results_key(5, 2)
RESULTS_ROW = rows.encode_session_row(
    RESULTS_KEY, SessionRow(Activity(6, 1, 100), 2, rows.encode_results([300, [True, 301]]))
)
META_ROW = rows.encode_meta_row(MetaRow(9, 2, 11, 12, 13, (1, 2, 3), 15, Configuration(local_cluster(1).nodes)))

DECODERS: dict[str, tuple[Any, bytes, bytes]] = {
    "key": (rows.decode_key_row, b"k", KEY_ROW),
    "history": (rows.decode_history_row, HISTORY_KEY, HISTORY_ROW),
    "session": (rows.decode_session_row, OWN_KEY, OWN_ROW),
    "results": (rows.decode_session_row, RESULTS_KEY, RESULTS_ROW),
    "meta": (lambda _, row: rows.decode_meta_row(row), rows.META_KEY, META_ROW),
}


def test_golden_bytes() -> None:
    assert KEY_ROW.hex() == "9401030207f7f1dfe1"
    assert HISTORY_KEY.hex() == "000000000000000300000000"
    assert (
        HISTORY_ROW.hex() == "000000000000000100000000000000010000000000000002000000000000000700016b76616c7565d2d7d5cf"
    )
    assert OWN_KEY.hex() == "0000000000000005"
    assert OWN_ROW.hex() == "00000000000000050000000000000000000000630000000000000001636c69656e744d9d142f"
    assert RESULTS_KEY.hex() == "00000000000000050000000000000002"
    assert RESULTS_ROW.hex() == "0000000000000006000000010000000000000064000000000000000292cd012c92c3cd012dc1f1ccdd"
    assert META_ROW == (
        META_ROW[:4]
        + b"[3, 9, 2, 11, 12, 13, 1, 2, 3, 15]\n"
        + b'{"version":1,"voters":[{"client":"tcp://127.0.0.1:7201","eve'
        b'nts":"tcp://127.0.0.1:7301","node":"n1","peer":"tcp://127.0.0.1:7101"}]}'
    )


@pytest.mark.parametrize("kind", ["key", "history", "session", "results"])
def test_the_checksum_covers_key_and_body(kind: str) -> None:
    _, key, row = DECODERS[kind]
    assert int.from_bytes(row[-4:], "little") == crc32(key + row[:-4])
    assert crc32(key + row) == rows.INTACT


def test_a_key_row_of_another_shape_is_refused() -> None:
    for body in (b"", b"\x93\x01\x02\x03", b"\x94\x01\x02\x03\xa1x"):
        with pytest.raises(CorruptionError, match="cannot be read"):
            rows.decode_key_row(b"k", rows.seal_row(b"k", body))


def test_rows_come_back_as_they_went() -> None:
    assert rows.decode_key_row(b"k", KEY_ROW) == (1, 3, 2, 7)
    assert rows.decode_history_row(HISTORY_KEY, HISTORY_ROW) == HistoryRow(1, 1, 2, 7, b"k", b"value")
    assert rows.decode_session_row(OWN_KEY, OWN_ROW) == SessionRow(Activity(5, 0, 99), 1, b"client")
    tail = rows.decode_session_row(RESULTS_KEY, RESULTS_ROW).tail
    assert rows.decode_results(tail) == [300, [True, 301]]
    assert rows.decode_session_key(OWN_KEY) == (5, None)
    assert rows.decode_session_key(RESULTS_KEY) == (5, 2)
    meta = rows.decode_meta_row(META_ROW)
    assert meta == MetaRow(9, 2, 11, 12, 13, (1, 2, 3), 15, Configuration(local_cluster(1).nodes))


@given(
    st.binary(min_size=1, max_size=480),
    st.binary(max_size=600),
    st.lists(st.integers(0, 2**64 - 1), min_size=4, max_size=4),
)
def test_any_history_row_comes_back(key: bytes, value: bytes, numbers: list[int]) -> None:
    previous, create, version, lease = numbers
    row = HistoryRow(previous, create, version, lease, key, value)
    at = rows.history_key(previous)
    assert rows.decode_history_row(at, rows.encode_history_row(at, row)) == row


@given(st.binary(min_size=1, max_size=480), st.tuples(*[st.integers(0, 2**64 - 1)] * 4))
def test_any_key_row_comes_back(key: bytes, row: rows.KeyRow) -> None:
    assert rows.decode_key_row(key, rows.encode_key_row(key, row)) == row


@pytest.mark.parametrize("kind", DECODERS)
def test_every_flipped_bit_is_found(kind: str) -> None:
    decode, key, row = DECODERS[kind]
    decode(key, row)
    for bit in range(8 * len(row)):
        damaged = bytearray(row)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CorruptionError):
            decode(key, bytes(damaged))


@pytest.mark.parametrize("kind", DECODERS)
def test_every_shortened_row_is_found(kind: str) -> None:
    decode, key, row = DECODERS[kind]
    for length in range(len(row)):
        with pytest.raises(CorruptionError):
            decode(key, row[:length])


@pytest.mark.parametrize("kind", ["key", "history", "session", "results"])
def test_a_row_at_another_key_is_found(kind: str) -> None:
    decode, key, row = DECODERS[kind]
    for bit in range(8 * len(key)):
        moved = bytearray(key)
        moved[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CorruptionError):
            decode(bytes(moved), row)


def test_a_state_of_another_format_is_refused() -> None:
    with pytest.raises(CorruptionError, match="format 1; this release reads formats up to 3"):
        rows.decode_meta_row(seal(b"[1, 1]\n"))


def test_a_session_key_of_another_length_is_refused() -> None:
    with pytest.raises(CorruptionError, match="9 bytes"):
        rows.decode_session_key(b"123456789")
