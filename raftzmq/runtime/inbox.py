"""What has arrived at one socket, taken a little at a time: nobody's flood may hold up the others, or the timers.

A ROUTER gives each connection its turn, so what bounds a round bounds what a stranger costs everybody else.
"""

from __future__ import annotations

from collections.abc import Callable

import zmq

from raftzmq.transport.frames import receive_frames, skip_frames

ROUND_MESSAGES_MAX = 64
"""Messages taken from one socket in one round."""
REFUSED_COST = 16
"""What a refused message counts for: it costs several times what a good one does, and brings nothing."""
SKIPPED_FRAMES_MAX = 256
"""Frames of a message with too many that are thrown away in one round."""


class Inbox:
    """The messages of ``socket``, each handed to ``take``, which says whether it was good for anything.

    A message of more than ``frames_max`` frames is handed over as soon as that is known; the others are thrown away.
    """

    def __init__(self, socket: zmq.Socket[bytes], take: Callable[[list[bytes]], bool], frames_max: int) -> None:
        self._socket = socket
        self._take = take
        self._frames_max = frames_max
        self._overlong = False

    def drain(self, *, announced: bool = False) -> bool:
        """Take what has arrived, up to the bounds. False if there may be more.

        ``announced``: the socket has said that there is something.
        """
        if self._overlong:
            if not skip_frames(self._socket, SKIPPED_FRAMES_MAX):
                return False
            self._overlong = False
        socket, take, most = self._socket, self._take, self._frames_max
        frames = receive_frames(socket, announced=announced, most=most)
        left = ROUND_MESSAGES_MAX
        while frames is not None:
            left -= 1 if take(frames) else REFUSED_COST
            if len(frames) > most:
                self._overlong = True
                return False
            if left <= 0:
                return False
            frames = receive_frames(socket, most=most)
        return True
