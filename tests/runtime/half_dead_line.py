"""A line between two sockets that may half die: one end sees it gone, the other takes it for alive."""

from __future__ import annotations

import contextlib
import select
import socket
import threading

PING = b"\x04\x07\x04PING\x00\x00"
"""ZMTP 3.1's PING command, with a time to live of zero: a sign of life (RFC 37/ZMTP)."""
SIGN_OF_LIFE_S = 0.2


class HalfDeadLine:
    """Forwards TCP connections to ``target``; a context manager.

    After `half_die` those that there are forward nothing any more, but the target gets signs of life on them, as it
    sees them who stood still itself: what its peer gave up long ago is whole to it. Later connections work.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._dead: list[socket.socket] = []
        self._half_die = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._forward, daemon=True)
        self.connections = 0

    def __enter__(self) -> HalfDeadLine:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        for end in (self._listener, *self._pairs, *self._dead):
            end.close()

    def half_die(self) -> None:
        """Let the connections that there are die for the one end."""
        self._half_die.set()

    def _forward(self) -> None:
        while not self._ended.is_set():
            if self._half_die.is_set():
                self._half_die.clear()
                self._let_die()
            readable, _, _ = select.select([self._listener, *self._pairs], [], [], SIGN_OF_LIFE_S)
            for end in readable:
                if end is self._listener:
                    self._accept()
                elif end in self._pairs:
                    self._pass_on(end)
            for end in self._dead:
                with contextlib.suppress(OSError):
                    end.sendall(PING)

    def _accept(self) -> None:
        near, _ = self._listener.accept()
        far = socket.create_connection(self._target)
        self._pairs[near], self._pairs[far] = far, near
        self.connections += 1

    def _pass_on(self, end: socket.socket) -> None:
        data = b""
        with contextlib.suppress(OSError):
            data = end.recv(65536)
        other = self._pairs[end]
        if data:
            other.sendall(data)
            return
        for closed in (end, other):
            del self._pairs[closed]
            closed.close()

    def _let_die(self) -> None:
        for end in list(self._pairs):
            if end.getpeername() == self._target:
                self._dead.append(end)
            else:
                end.close()
        self._pairs.clear()
