"""The nouns of Raft's log: entries, their checksum chain, hard state, configurations and marks."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from enum import IntEnum

from raftzmq.checksum import crc32
from raftzmq.config import Address
from raftzmq.core.value import value
from raftzmq.errors import CorruptionError

CONFIGURATION_VERSION = 1
_CHAIN_HEADER = struct.Struct(">IQQB")


class EntryKind(IntEnum):
    """What an entry's payload is."""

    NOOP = 0
    """Empty: a new leader appends one to commit what came before (Raft §8)."""
    COMMANDS = 1
    """A batch of commands for the state machine."""
    CONFIGURATION = 2
    """The members of the cluster, in force as soon as it is in the log (thesis 4.1)."""


@value
class Entry:
    """One entry of the log. ``chain`` is the checksum over this entry and the chain of the one before."""

    index: int
    term: int
    kind: EntryKind
    data: bytes
    chain: int


def chain_checksum(previous: int, index: int, term: int, kind: int, data: bytes) -> int:
    """The CRC-32 of an entry, seeded with the chain value of the entry before it (0 before the first)."""
    return crc32(data, crc32(_CHAIN_HEADER.pack(previous, index, term, kind)))


def make_entry(previous_chain: int, index: int, term: int, kind: EntryKind, data: bytes) -> Entry:
    """An entry that continues a log whose last chain value is ``previous_chain``."""
    return Entry(index, term, kind, data, chain_checksum(previous_chain, index, term, kind, data))


@value
class HardState:
    """What a node must never forget: its term and whom it voted for in it (Raft figure 2, persistent state)."""

    current_term: int = 0
    voted_for: str | None = None


@dataclass(frozen=True, slots=True)
class Configuration:
    """The voters of the cluster and where they listen, in the order in which they were named."""

    members: tuple[Address, ...] = ()
    voters: tuple[str, ...] = field(init=False, repr=False, compare=False)
    """The names of the voters."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "voters", tuple(member.node for member in self.members))

    def encode(self) -> bytes:
        """The payload of a configuration entry: JSON, the same bytes for the same members."""
        rows = [{"node": m.node, "peer": m.peer, "client": m.client, "events": m.events} for m in self.members]
        document = {"version": CONFIGURATION_VERSION, "voters": rows}
        return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()

    @staticmethod
    def decode(data: bytes) -> Configuration:
        """Read what `encode` wrote; raises CorruptionError for anything else."""
        try:
            document = json.loads(data)
            if document["version"] != CONFIGURATION_VERSION:
                raise CorruptionError(f"configuration of format {document['version']}, not {CONFIGURATION_VERSION}")
            return Configuration(
                tuple(Address(r["node"], r["peer"], r["client"], r["events"]) for r in document["voters"])
            )
        except (ValueError, KeyError, TypeError) as error:
            raise CorruptionError(f"a configuration entry cannot be read: {error!r}") from error


@value
class Mark:
    """Where a log begins: the last entry that came before it, as a snapshot or a compaction left it."""

    index: int = 0
    term: int = 0
    chain: int = 0
    configuration: Configuration = Configuration()


def first_entry(members: tuple[Address, ...]) -> Entry:
    """Entry 1 of every node of a new cluster: the members, in term 0, before any election."""
    return make_entry(0, 1, 0, EntryKind.CONFIGURATION, Configuration(members).encode())
