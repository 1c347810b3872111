"""The clients: one pure protocol (`protocol`), driven by a thread (`sync`) or by an event loop (`aio`).

::

    put(), get() …  ──▶ arguments ──▶ Parcels / Reads / Probes ──▶ frames ──▶ wires (sockets)
                                        │    ▲
                                        ▼    │ who leads, who listens
                                        Links

`protocol.Protocol` has no clock, socket, thread or randomness: tests drive it with scripted frames and virtual time.
"""
