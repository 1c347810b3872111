"""Which ZeroMQ this is."""

from __future__ import annotations

import zmq


def libzmq_version() -> tuple[int, int, int]:
    """The version of the library itself, not of its Python binding."""
    return zmq.zmq_version_info()[:3]
