"""The collector over HTTP: a page, the cluster's state, metrics, and the merged events for curl and for browsers.

::

    the collector's thread                      a thread with an event loop of its own
    offer(events) ──▶ pending ──one wake-up──▶ Hub ─┬─▶ Backlog ─▶ /events (server-sent), /ws (a browser's socket)
    state = …     ───────────────────────────▶     ├─▶ Tally ───▶ /metrics
                                                    └─▶ state ───▶ /v1/state, /readyz, /

`server` is the thread, `connection` bounds who is connected, `gate` who may ask for what; `hub` holds what all
requests look at. Whoever reads has a place in the one backlog rather than a queue of its own, so a slow reader costs
a number, and one that has fallen out of the backlog gets the state instead of all that it missed.

`site` has every path, `routes` what holds for all of them: reading changes nothing and is for everybody; what changes
something, or shows what users stored, is for who knows the `token`. `chaos` makes faults.

Importing this package needs nothing; its modules need what the extra ``raftzmq[collector]`` installs.
"""
