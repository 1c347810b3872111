"""Measurements of the shipped store by the shipped client: each starts a cluster of its own, and checks its answers.

::

    throughput ─┬─▶ local_cluster   node processes on free ports, in a directory that is removed at the end
                ├─▶ load            client processes that put as fast as they are answered, and remember every answer
                ├─▶ verification    every acknowledged write is there, once, and all nodes hold the same
                ├─▶ yardstick       the same load on another program, alternating, as a ratio
                └─▶ figures, display, program
    failover ───┘
      └─▶ outage ─▶ steady_puts, commits, node_log   writes in time, answered or not; when nodes did what

    peers ─┬─▶ point                                this store
           ├─▶ pysyncobj_cluster ─▶ pysyncobj_node  PySyncObj, driven inside its leader
           └─▶ etcd_cluster                         etcd, by its own load tool

    memory ─────┬─▶ steady_load     clients that put for long, and remember little
    recovery ───┤   footprint       memory and disk of nodes
                └─▶ serving, bars   time to serve again; what must be met

A run that loses a write has no figures: it fails. Beside them, and measuring nothing but the truth::

    linearizability ─┬─▶ workload      clients that read, write and swap, recorded
                     ├─▶ faults        kills, pauses and restarts, by seed
                     └─▶ local_cluster, verification, and `raftzmq.verify`
"""
