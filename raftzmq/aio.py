"""``raftzmq.aio.Client``: the client for asyncio, with the methods of `raftzmq.Client`."""

from raftzmq.client.aio import Client

__all__ = ["Client"]
