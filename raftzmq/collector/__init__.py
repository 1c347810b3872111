"""The collector: one process that hears every node, keeps what it heard and passes it on as one stream.

::

    n1 XPUB ─┐      ┌ source ┐                  ┌─▶ recorder (a thread) ─▶ events-00000001.events.jsonl.zst, …
    n2 XPUB ─┼─▶ SUB┼ source ┼─▶ order ─▶ books ┼─▶ XPUB on the collector's port: topics and payloads unchanged
    n3 XPUB ─┘      └ source ┘                  └─▶ web (a thread): page, state, metrics
         ring ◀── filler ┘ what is missing

`source` makes one node's events whole, `order` puts those of all nodes in causal order, `stream` is both, pure, and
counts positions; `filler` asks nodes for what is missing, `details` for the single messages that somebody wants, and
`processes` asks supervisord. `books` enters what comes out: into `cluster_state` (what the events add up to), the
`auditor` (Raft's invariants) and `recorder`, which writes recordings without ever making the stream wait
(`recording_writer`: files of bounded size; `recording_file`, `recording_frame`: what is in them). `recording` reads
them back and `replaying` checks them; `progress` is what a collector that restarts goes on from. `collector` is the
loop with the sockets and `follow` subscribes.

Nothing here takes part in consensus: a node neither knows nor cares whether a collector is there.
"""
