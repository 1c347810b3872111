"""The auditor: Raft's invariants, watched on the events of a running cluster, or on a recording of them.

::

    events ─▶ auditor ─▶ reading ─▶ verify.Invariants     the rules, the same that the simulator holds its nodes to
                 │          └──── followed                what of a node's stream has come, and what can be relied on
                 └─▶ verdict                              what holds, what is broken, what isn't known from when to when

An event says what happened; that there is none says nothing, for it may have been lost, or never made because nobody
wanted it. So what a rule concludes from something missing waits until the node itself says where it stands.
"""

from raftzmq.collector.auditor.auditor import Auditor

__all__ = ["Auditor"]
