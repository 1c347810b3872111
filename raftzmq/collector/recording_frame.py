"""The unit of a recording: some events, compressed together, behind a header that says which.

A recording is a file of frames, each in two parts::

    skippable zstd frame    magic 0x184D2A5E, length (4 bytes each, little-endian), and the header:
                              "rzev", version 1, flags (1: begins with a checkpoint), 2 bytes of zero,
                              first position (8), events (4), bytes uncompressed (4), bytes compressed (4),
                              ts of the first event and the latest ts in the frame (doubles, seconds since 1970),
                              lamport of the first event (8), CRC-32 of all of the header before it (4)
    zstd frame              the events as JSON lines, with zstd's own checksum

Skippable frames are a part of the zstd format (RFC 8878, 3.1.2) that decompressors pass over, so ``zstdcat`` prints the
events and nothing else. The headers are the index: a reader hops from one to the next without decompressing anything,
there is no second file that could be missing or disagree, and behind damaged bytes the next header can be found.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import orjson

from raftzmq.collector.merged import Merged
from raftzmq.config import KIB, MIB
from raftzmq.errors import RaftzmqError
from raftzmq.events import topic_of

if TYPE_CHECKING:
    import zstandard

FRAME_BYTES = 256 * KIB
"""A frame is closed when its events have this many bytes: a thousand events, which decompress in a millisecond."""
FRAME_BYTES_MAX = 4 * MIB
"""No frame holds more, whatever its header says: the memory that a reader gives to a file from a stranger. A single
event may be longer than `FRAME_BYTES`: the checkpoint of a large cluster."""
VERSION = 1
LEVEL = 3
"""zstd's usual level: a tenth of the size at 300 MB/s. Nineteen would save a fifth more at a hundredth of the speed."""

_HEADER = struct.Struct("<II4sBBHQIIIddQI")
HEADER_BYTES = _HEADER.size
_MAGIC = 0x184D2A5E
_SIGNATURE = b"rzev"
MARK = struct.pack("<II4s", _MAGIC, HEADER_BYTES - 8, _SIGNATURE)
"""What every header begins with."""
_CHECKPOINT = 1


class _Head(msgspec.Struct, gc=False):
    """What every event has."""

    ts: float
    node: str
    type: str


_HEAD = msgspec.json.Decoder(_Head)


class RecordingError(RaftzmqError):
    """A recording cannot be read or written; the sentence says why and what to do."""


class Line(NamedTuple):
    """An event on its way into a recording: no more of it than is written or counted."""

    position: int
    ts: float
    lamport: int
    checkpoint: bool
    payload: bytes


class Frame(NamedTuple):
    """A frame as its header tells; ``offset`` is where the header begins in the file."""

    offset: int
    checkpoint: bool
    position: int
    events: int
    raw_bytes: int
    compressed_bytes: int
    ts: float
    latest_ts: float
    lamport: int

    @property
    def last_position(self) -> int:
        """The position of its last event."""
        return self.position + self.events - 1

    @property
    def end(self) -> int:
        """Where the next frame begins in the file."""
        return self.offset + HEADER_BYTES + self.compressed_bytes


def line_of(merged: Merged) -> Line:
    """What a recording takes of an event; odd times count as 0."""
    event = merged.event
    ts, lamport = event.get("ts"), event.get("lamport")
    return Line(
        merged.position,
        float(ts) if isinstance(ts, (int, float)) else 0.0,
        lamport if type(lamport) is int and 0 <= lamport < 2**64 else 0,
        event.get("type") == "checkpoint" and event.get("node") == "collector",
        merged.payload,
    )


def encode_frame(lines: Sequence[Line], compressor: zstandard.ZstdCompressor) -> bytes:
    """Header and frame of one or more events, whose positions follow one another."""
    raw = b"".join([line.payload + b"\n" for line in lines])
    compressed = compressor.compress(raw)
    first = lines[0]
    header = _HEADER.pack(
        _MAGIC,
        HEADER_BYTES - 8,
        _SIGNATURE,
        VERSION,
        _CHECKPOINT if first.checkpoint else 0,
        0,
        first.position,
        len(lines),
        len(raw),
        len(compressed),
        first.ts,
        max(line.ts for line in lines),
        first.lamport,
        0,
    )[:-4]
    return header + zlib.crc32(header).to_bytes(4, "little") + compressed


def decode_header(offset: int, data: bytes) -> Frame | None:
    """The frame whose header begins at ``offset`` with ``data``, or None if that is no sound header.

    Raises RecordingError for one of a newer release, which an older one cannot understand.
    """
    if len(data) < HEADER_BYTES or data[: len(MARK)] != MARK:
        return None
    head = data[:HEADER_BYTES]
    _, _, _, version, flags, _, position, count, raw, compressed, ts, latest, lamport, crc = _HEADER.unpack(head)
    if zlib.crc32(head[:-4]) != crc:
        return None
    if version != VERSION:
        raise RecordingError(
            f"the recording has format version {version}, this release reads {VERSION}: read it with the release of "
            "raftzmq that wrote it"
        )
    if not (0 < raw <= FRAME_BYTES_MAX and 0 < compressed <= 2 * FRAME_BYTES_MAX and 0 < count <= raw):
        return None
    return Frame(offset, bool(flags & _CHECKPOINT), position, count, raw, compressed, ts, latest, lamport)


def decode_frame(frame: Frame, data: bytes) -> list[Merged]:
    """The events of a frame, whose compressed bytes are ``data``; raises ValueError if they are damaged.

    No more memory is used than the header says, however large a hostile frame would become.
    """
    topics: dict[tuple[str, str], bytes] = {}
    merged = []
    for position, payload in enumerate(decode_lines(frame, data), frame.position):
        event = read_event(payload)
        if event is None:
            raise ValueError(f"the line at position {position} is no event")
        speaker = event["node"], event["type"]
        topic = topics.get(speaker)
        if topic is None:
            topic = topics[speaker] = topic_of(*speaker)
        merged.append(Merged(position, topic, payload, event))
    return merged


def decode_payloads(frame: Frame, data: bytes) -> list[bytes]:
    """The same events as JSON, parsed no further than it takes to know that they are events; raises ValueError."""
    payloads = decode_lines(frame, data)
    try:
        b"".join(payloads).decode()
        for payload in payloads:
            _HEAD.decode(payload)
    except (UnicodeDecodeError, msgspec.DecodeError) as error:
        raise ValueError(f"a line is no event ({error})") from None
    return payloads


def decode_lines(frame: Frame, data: bytes) -> list[bytes]:
    """The lines of a frame without a look into them; raises ValueError."""
    zstd = load_zstandard()
    try:
        found = zstd.get_frame_parameters(data)
        # The library makes room for what the frame itself promises: ask it first.
        if found.content_size != frame.raw_bytes or found.window_size > 2 * FRAME_BYTES_MAX:
            raise ValueError("the frame holds another amount of data than its header says")
        raw: bytes = zstd.ZstdDecompressor().decompress(data, max_output_size=frame.raw_bytes, allow_extra_data=False)
    except zstd.ZstdError as error:
        raise ValueError(f"it cannot be decompressed ({error})") from None
    if raw[-1:] != b"\n":
        raise ValueError("its last line has no end")
    payloads = raw[:-1].split(b"\n")
    if len(payloads) != frame.events:
        raise ValueError(f"it holds {len(payloads)} lines, not {frame.events}")
    return payloads


def read_event(payload: bytes) -> dict[str, Any] | None:
    """The event in a line or payload, or None if it is none."""
    try:
        event = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None
    if type(event) is not dict or not isinstance(event.get("ts"), (float, int)):
        return None
    return event if type(event.get("node")) is type(event.get("type")) is str else None


def load_zstandard() -> Any:
    """The library that compresses; raises RecordingError, saying what to install, if it isn't there."""
    try:
        import zstandard
    except ImportError:
        raise RecordingError(
            "recordings are compressed with the package zstandard, which is not installed: "
            "pip install 'raftzmq[collector]'"
        ) from None
    return zstandard


def make_compressor() -> zstandard.ZstdCompressor:
    """What `encode_frame` compresses with; raises RecordingError if the library isn't there."""
    compressor: zstandard.ZstdCompressor = load_zstandard().ZstdCompressor(level=LEVEL, write_checksum=True)
    return compressor
