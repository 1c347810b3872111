"""What must hold of any run, of Raft and of what its clients are told; nothing here knows who watches.

`Invariants` follows logs, votes and commits; `RealTime` follows what clients were told, `LogTime` the clock in the log,
`Stickiness` who helps to depose a leader. All take observations and collect a `Violation` for each that cannot be; none
costs more than what changed since the last observation.

What clients wrote down is judged afterwards, from a file::

    formats ─▶ history ─▶ linearizability ─┬─▶ search      is there an order? models says what orders may be
                                           ├─▶ revisions   one counter for all keys of a store
                                           └─▶ window      the smallest part that shows why not
"""

from raftzmq.verify.commitments import OpenCommit
from raftzmq.verify.invariants import Invariants
from raftzmq.verify.joining import Place
from raftzmq.verify.known_log import UNKNOWN_TERM, EntryId, KnownLog
from raftzmq.verify.log_time import LogTime
from raftzmq.verify.realtime import RealTime
from raftzmq.verify.stickiness import Stickiness
from raftzmq.verify.violation import ON_LOGS, PROPERTIES, Violation, Violations

__all__ = [
    "ON_LOGS",
    "PROPERTIES",
    "UNKNOWN_TERM",
    "EntryId",
    "Invariants",
    "KnownLog",
    "LogTime",
    "OpenCommit",
    "Place",
    "RealTime",
    "Stickiness",
    "Violation",
    "Violations",
]
