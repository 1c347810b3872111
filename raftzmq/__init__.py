"""raftzmq: a replicated, strongly consistent key-value store on Raft, ZeroMQ and LMDB.

::

    import raftzmq

    with raftzmq.Client() as client:        # the local cluster; or Client("tcp://10.0.0.1:7201,…")
        client.put("greeting", "hello")
        print(client.get("greeting"))

`raftzmq.Client` blocks and may be shared by threads; `raftzmq.aio.Client` is for asyncio. Both have the same methods,
and raise the errors of `raftzmq.errors`, which stand here too. Importing this package loads no socket library: what
needs one is loaded when it is first looked at.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from raftzmq.errors import (
    ClientClosed,
    Compacted,
    Corrupted,
    DeadlineExceeded,
    InvalidRequest,
    NoLeader,
    OutcomeUnknown,
    Overloaded,
    RaftzmqError,
    RecordingFailed,
    Refused,
    RequestError,
    SessionExpired,
    TooLarge,
    Unreachable,
)

if TYPE_CHECKING:
    from raftzmq.client import aio
    from raftzmq.client.results import CasResult, DeleteResult, KeyValue, PutResult, RangeResult, StateDigest
    from raftzmq.client.sync import Client

__version__ = "0.1.0"

__all__ = [
    "CasResult",
    "Client",
    "ClientClosed",
    "Compacted",
    "Corrupted",
    "DeadlineExceeded",
    "DeleteResult",
    "InvalidRequest",
    "KeyValue",
    "NoLeader",
    "OutcomeUnknown",
    "Overloaded",
    "PutResult",
    "RaftzmqError",
    "RangeResult",
    "RecordingFailed",
    "Refused",
    "RequestError",
    "SessionExpired",
    "StateDigest",
    "TooLarge",
    "Unreachable",
    "__version__",
    "aio",
]

_LAZY = {
    "Client": "raftzmq.client.sync",
    **dict.fromkeys(
        ("CasResult", "DeleteResult", "KeyValue", "PutResult", "RangeResult", "StateDigest"), "raftzmq.client.results"
    ),
}


def __getattr__(name: str) -> Any:
    if name == "aio":
        value = import_module("raftzmq.aio")
    elif name in _LAZY:
        value = getattr(import_module(_LAZY[name]), name)
    else:
        raise AttributeError(f"module 'raftzmq' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
