"""Takes in a file that somebody sends: piece by piece to the disk, never whole in the memory."""

from __future__ import annotations

import asyncio
import os
import shutil
from functools import partial
from pathlib import Path

from aiohttp import web

from raftzmq.collector.web.recording_shelf import Shelf
from raftzmq.collector.web.refusal import Refusal
from raftzmq.config import MIB

PIECE_S = 10.0
"""How long the next piece may be on its way."""
PIECE_BYTES = MIB
"""Pieces are gathered to so much before they are written."""
SPARE_BYTES = 256 * MIB
"""What must remain free on the disk."""
RECEIVING_MAX = 2


async def receive(request: web.BaseRequest, shelf: Shelf, bytes_max: int) -> Path:
    """The body of a request as a file of the shelf; raises Refusal, and then leaves nothing behind."""
    path = await shelf.make_room()
    if shelf.receiving >= RECEIVING_MAX:
        raise Refusal(503, "other files are on their way already: try again soon", {"Retry-After": "5"})
    length = request.content_length or 0
    free = (await shelf.run(partial(shutil.disk_usage, path.parent))).free
    if free < length + SPARE_BYTES:
        raise Refusal(507, f"the disk has no room for {length:,} bytes more")
    shelf.receiving += 1
    try:
        received = await _write(request, shelf, path, bytes_max)
        if received < length or not received:
            raise Refusal(400, "the file is empty, or was cut off on its way: send it again")
    except BaseException:
        await asyncio.shield(shelf.run(partial(path.unlink, missing_ok=True)))
        raise
    finally:
        shelf.receiving -= 1
    return path


async def _write(request: web.BaseRequest, shelf: Shelf, path: Path, bytes_max: int) -> int:
    received = 0
    descriptor = await shelf.run(partial(os.open, path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    waiting = bytearray()
    try:
        while True:
            try:
                async with asyncio.timeout(PIECE_S):
                    piece = await request.content.readany()
            except TimeoutError:
                raise Refusal(408, f"nothing more of the file came for {PIECE_S:g} s") from None
            waiting += piece
            received += len(piece)
            if received > bytes_max:
                raise Refusal(413, f"the file is longer than {bytes_max:,} bytes")
            if waiting and (len(waiting) >= PIECE_BYTES or not piece):
                await shelf.run(partial(_write_all, descriptor, bytes(waiting)))
                waiting.clear()
            if not piece:
                return received
    except OSError as error:
        raise Refusal(507, f"the file cannot be written here: {os.strerror(error.errno or 0)}") from None
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
