"""Waiting for sockets by their descriptors: one system call, where ``zmq.Poller`` makes seven for three sockets.

A poller asks each socket for its events before it waits and again after, two system calls a socket each time; at one
put in flight that was two thirds of all system calls of a node. The price: ``zmq.FD`` is edge-triggered. It rings once
for all that has come since the socket last looked, and whatever is done with the socket may be such a look. So a socket
is asked again after it was sent on, and one that was not emptied is not waited for.
"""

from __future__ import annotations

import select
from collections.abc import Iterable

import zmq

from raftzmq.config import MICROSECONDS
from raftzmq.transport.frames import has_message


class Doorbells:
    """The descriptors of ``sockets``, and one by which other threads wake the loop (None among those that rang)."""

    def __init__(self, sockets: Iterable[zmq.Socket[bytes]], wake: int) -> None:
        self._epoll = select.epoll()
        self._sockets: dict[int, zmq.Socket[bytes] | None] = {wake: None}
        for socket in sockets:
            descriptor = int(socket.getsockopt(zmq.FD))
            self._sockets[descriptor] = socket
            self._epoll.register(descriptor, select.EPOLLIN)
        # Only a new ring counts, so nobody has to read what the old ones left there.
        self._epoll.register(wake, select.EPOLLIN | select.EPOLLET)
        # What came before there was anybody to hear it ring.
        self._unread: set[zmq.Socket[bytes] | None] = set(self._sockets.values()) - {None}

    def fileno(self) -> int:
        """Readable while somebody rings: `wait` then returns at once. An epoll may be watched by another."""
        return self._epoll.fileno()

    @property
    def unread(self) -> bool:
        """Does a socket have messages left, which nobody rings for again? `wait` then returns at once."""
        return bool(self._unread)

    def wait(self, patience_us: int) -> list[zmq.Socket[bytes] | None]:
        """Who rang, or has messages left; nobody after ``patience_us``, rounded up to milliseconds."""
        sockets = self._sockets
        if self._unread:
            unread, self._unread = self._unread, set()
            return [*unread.union(sockets[descriptor] for descriptor, _ in self._epoll.poll(0))]
        patience = patience_us / MICROSECONDS if patience_us > 0 else 0
        return [sockets[descriptor] for descriptor, _ in self._epoll.poll(patience)]

    def again(self, socket: zmq.Socket[bytes]) -> None:
        """``socket`` was not emptied: `wait` gives it at once."""
        self._unread.add(socket)

    def sent(self, socket: zmq.Socket[bytes]) -> None:
        """Something was sent on ``socket``, which may have heard of a message meanwhile."""
        if has_message(socket):
            self._unread.add(socket)

    def close(self) -> None:
        """Release the descriptor."""
        self._epoll.close()
