"""What is an endpoint: where ZeroMQ listens, and what others connect to."""

from __future__ import annotations

import re

_TCP = re.compile(
    r"tcp://(?:[a-z0-9_][a-z0-9_.-]*|\[[0-9a-f:.]+(?:%[a-z0-9_.-]+)?\]):(\d{1,9})", re.ASCII | re.IGNORECASE
)
_IPC = re.compile(r"ipc://\S+")
PORT_MAX = 65_535


def check_endpoint(endpoint: str) -> str:
    """The endpoint, ``tcp://host:port`` (IPv6: ``tcp://[::1]:7201``) or ``ipc://path``.

    Raises ValueError for anything else, such as ``tcp://*:7201``, to which nobody can connect; it says what is wrong.
    """
    if _IPC.fullmatch(endpoint):
        return endpoint
    found = _TCP.fullmatch(endpoint)
    if found is None:
        raise ValueError("is no endpoint")
    if not 1 <= int(found[1]) <= PORT_MAX:
        raise ValueError(f"is no endpoint: ports are 1 to {PORT_MAX}")
    return endpoint


def to_endpoint(text: str) -> str:
    """What a person typed as an endpoint: ``host:port`` means TCP. Raises ValueError as `check_endpoint` does."""
    return check_endpoint(text if "://" in text else f"tcp://{text}")


def is_ipv6(endpoint: str) -> bool:
    """Is the host an IPv6 address? A name is looked for among those of IPv4."""
    return endpoint.startswith("tcp://[")
