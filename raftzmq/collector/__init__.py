"""The collector: one process that hears every node, keeps what it heard and passes it on as one stream.

::

    n1 XPUB ─┐                    ┌─▶ recorder (a thread) ─▶ events-00000001.events.jsonl.zst, …
    n2 XPUB ─┼─▶ SUB ─▶ merge ────┤
    n3 XPUB ─┘   (adds gaps)      └─▶ XPUB on the collector's port: topics and payloads unchanged

`merge` counts what got lost on the way, `cluster_state` is what the events add up to, `recorder` writes recordings
without ever making the stream wait (`recording_writer`: files of bounded size; `recording_file`, `recording_frame`:
what is in them), `recording` reads them back and `replaying` checks them, `collector` is the loop with the sockets and
`follow` subscribes.
Nothing here takes part in consensus: a node neither knows nor cares whether a collector is there.
"""
