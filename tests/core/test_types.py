"""Entries, their chain of checksums, and configurations: bytes that lie on disks and must stay readable."""

from __future__ import annotations

from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftzmq.config import local_cluster
from raftzmq.core.types import Configuration, Entry, EntryKind, chain_checksum, first_entry, make_entry
from raftzmq.errors import CorruptionError


def test_golden_checksums() -> None:
    """As they were when the format was fixed: a change makes every log unreadable."""
    header = bytes.fromhex("40c8cf99 0000000000000002 0000000000000001 01")
    assert crc32(header + b"payload") == 0xA4FDC0F6
    assert chain_checksum(0, 1, 0, 2, b"") == 0x40C8CF99
    assert chain_checksum(0x40C8CF99, 2, 1, 1, b"payload") == 0xA4FDC0F6


entries = st.builds(
    Entry,
    st.integers(1, 2**63),
    st.integers(0, 2**63),
    st.sampled_from(EntryKind),
    st.binary(max_size=30),
    st.integers(0, 2**32 - 1),
)


@given(entries, st.integers(0, 7), st.data())
def test_a_checksum_covers_everything(entry: Entry, bit: int, data: st.DataObject) -> None:
    """Index, term, kind, payload and what came before: one changed bit in any of them is seen (CRC-32)."""
    before = entry.chain
    chain = chain_checksum(before, entry.index, entry.term, entry.kind, entry.data)
    flip = 1 << bit
    changed = [
        chain_checksum(before ^ flip, entry.index, entry.term, entry.kind, entry.data),
        chain_checksum(before, entry.index ^ flip, entry.term, entry.kind, entry.data),
        chain_checksum(before, entry.index, entry.term ^ flip, entry.kind, entry.data),
        chain_checksum(before, entry.index, entry.term, entry.kind ^ flip, entry.data),
    ]
    if entry.data:
        at = data.draw(st.integers(0, len(entry.data) - 1))
        payload = entry.data[:at] + bytes([entry.data[at] ^ flip]) + entry.data[at + 1 :]
        changed.append(chain_checksum(before, entry.index, entry.term, entry.kind, payload))
    assert chain not in changed


def test_a_chain_tells_logs_apart_that_end_alike() -> None:
    """The same last entry behind another history has another checksum."""
    last = [
        make_entry(make_entry(0, 1, 1, EntryKind.COMMANDS, data).chain, 2, 1, EntryKind.NOOP, b"")
        for data in (b"a", b"b")
    ]
    assert last[0].chain != last[1].chain


def test_the_first_entry_is_the_same_on_every_node() -> None:
    """It comes before any election, so nobody can tell another about it."""
    entry = first_entry(local_cluster(3).nodes)
    assert entry == first_entry(local_cluster(3).nodes)
    assert (entry.index, entry.term, entry.kind) == (1, 0, EntryKind.CONFIGURATION)
    assert Configuration.decode(entry.data).members == local_cluster(3).nodes
    assert entry.chain == chain_checksum(0, 1, 0, EntryKind.CONFIGURATION, entry.data)


def test_golden_configuration() -> None:
    assert Configuration(local_cluster(1).nodes).encode() == (
        b'{"version":1,"voters":[{"client":"tcp://127.0.0.1:7201","events":"tcp://127.0.0.1:7301","node":"n1",'
        b'"peer":"tcp://127.0.0.1:7101"}]}'
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"5",
        b"{}",
        b'{"version":1}',
        b'{"version":1,"voters":5}',
        b'{"version":1,"voters":[5]}',
        b'{"version":1,"voters":[{"node":"n1"}]}',
    ],
)
def test_a_configuration_that_cannot_be_read_is_corruption(data: bytes) -> None:
    with pytest.raises(CorruptionError, match="cannot be read"):
        Configuration.decode(data)


def test_a_configuration_of_a_newer_format_is_not_guessed_at() -> None:
    with pytest.raises(CorruptionError, match="format 2, not 1"):
        Configuration.decode(b'{"version":2,"voters":[]}')
