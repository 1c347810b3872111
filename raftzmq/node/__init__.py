"""The node: everything between sockets and disks, as a pure state machine. See `Node`."""

from raftzmq.node.node import Node

__all__ = ["Node"]
