"""The collector: one process that hears every node, keeps what it heard and passes it on as one stream.

::

    n1 XPUB ─┐                    ┌─▶ recorder (a thread) ─▶ events-00000001.jsonl, -00000002.jsonl …
    n2 XPUB ─┼─▶ SUB ─▶ merge ────┤
    n3 XPUB ─┘   (adds gaps)      └─▶ XPUB on the collector's port: topics and payloads unchanged

`merge` counts what got lost on the way, `writer` keeps size-bounded files, `recorder` writes them without ever making
the stream wait, `collector` is the loop with the sockets, `recorded` reads the files back and `follow` subscribes.
Nothing here takes part in consensus: a node neither knows nor cares whether a collector is there.
"""
