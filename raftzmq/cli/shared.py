"""Clients that several commands of one process share, so that only the first of them has to connect."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from raftzmq.client.sync import Client

META: Final = "raftzmq.shared"
"""In a context's ``meta``: the clients that this command shares with others."""


class SharedClients:
    """One client for each set of endpoints and timeout that a command asked for. Close it in the end."""

    def __init__(self) -> None:
        self._clients: dict[tuple[tuple[str, ...], float], Client] = {}

    def open(self, endpoints: tuple[str, ...], timeout: float) -> AbstractContextManager[Client]:
        """The client, which stays open when the context is left."""
        from raftzmq.client.sync import Client

        key = endpoints, timeout
        if key not in self._clients:
            self._clients[key] = Client(endpoints, timeout=timeout)
        return nullcontext(self._clients[key])

    def close(self) -> None:
        """Close them all."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()


def shared_clients() -> SharedClients | None:
    """The clients that the command which is running shares; None if it runs by itself."""
    context = click.get_current_context(silent=True)
    found = context.meta.get(META) if context is not None else None
    return found if isinstance(found, SharedClients) else None


def in_shell() -> bool:
    """Is the command one of many of a shell, rather than the only one of its process?"""
    return shared_clients() is not None
