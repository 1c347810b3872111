"""Messages through a socket, without waiting and without what pyzmq's convenience costs per frame.

These are the calls that `zmq.Socket.send_multipart` and `recv_multipart` make in the end, on the class that they are
made on, with plain integers for flags. Measured warm: three frames sent in 2.1 µs instead of 7.6, four received in 7.5
instead of 10.9, and an empty socket noticed in 1.5 µs instead of the 4.3 of an exception.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import cast

import zmq
from zmq import backend

_send = backend.Socket.send
_receive = backend.Socket.recv
_get = cast("Callable[[zmq.Socket[bytes], int], int]", backend.Socket.get)
"""For options that are numbers."""
_NOBLOCK = int(zmq.NOBLOCK)
_MORE = int(zmq.NOBLOCK | zmq.SNDMORE)
_EVENTS = int(zmq.EVENTS)
_RCVMORE = int(zmq.RCVMORE)
_POLLIN = int(zmq.POLLIN)


SENT, FULL, GONE = 0, int(zmq.EAGAIN), int(zmq.EHOSTUNREACH)
"""What `try_send` says: on its way; no room in the pipe; a ROUTER knows nobody of that routing id (any more)."""


def send_frames(socket: zmq.Socket[bytes], frames: Sequence[bytes]) -> bool:
    """Send a message of ``frames`` (at least one); False if it was dropped: the pipe is full or nobody is there."""
    return try_send(socket, frames) == SENT


def try_send(socket: zmq.Socket[bytes], frames: Sequence[bytes]) -> int:
    """Send a message of ``frames`` (at least one): `SENT`, or why nothing of it was: `FULL`, `GONE`."""
    last = len(frames) - 1
    try:
        for position in range(last):
            _send(socket, frames[position], _MORE, True, False)
        _send(socket, frames[last], _NOBLOCK, True, False)
    except zmq.ZMQError as error:
        # Anything else is a bug of ours.
        if error.errno not in (FULL, GONE):
            raise
        return error.errno
    return SENT


def pending_events(socket: zmq.Socket[bytes]) -> int:
    """What the socket is ready for: ``zmq.POLLIN``, ``zmq.POLLOUT``, both or 0."""
    return _get(socket, _EVENTS)


def has_message(socket: zmq.Socket[bytes]) -> bool:
    """Has a message arrived?"""
    return bool(_get(socket, _EVENTS) & _POLLIN)


def receive_frames(
    socket: zmq.Socket[bytes], *, announced: bool = False, most: int = sys.maxsize
) -> list[bytes] | None:
    """The next message that has arrived, or None; faster with ``announced`` if there almost surely is one.

    Of a message with more than ``most`` frames one more than that is returned, and `skip_frames` must follow.
    """
    if announced:
        try:
            frames: list[bytes] = [_receive(socket, _NOBLOCK, True, False)]
        except zmq.Again:
            return None
    elif _get(socket, _EVENTS) & _POLLIN:
        frames = [_receive(socket, _NOBLOCK, True, False)]
    else:
        return None
    while _get(socket, _RCVMORE) and len(frames) <= most:
        frames.append(_receive(socket, _NOBLOCK, True, False))
    return frames


def skip_frames(socket: zmq.Socket[bytes], count: int) -> bool:
    """Throw away up to ``count`` frames of the message that was begun; whether it has come to its end."""
    for _ in range(count):
        if not _get(socket, _RCVMORE):
            return True
        _receive(socket, _NOBLOCK, True, False)
    return not _get(socket, _RCVMORE)
