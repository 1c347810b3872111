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

    latency ─────▶ open_calls, arrivals             calls that begin when they are due: no coordinated omission
    concurrency ─▶ concurrency_point, meter, lag_probe, slow_disk   the runtimes, on two kinds of disk
    blocking ────▶ blocked_leader, blocking_lesson  one blocking call, in a node and in twenty lines
    amdahl ──────▶ scaling_study ─▶ scaling_laws    tasks, cores and clusters, and the laws fitted to them
    page ────────▶ page_run ─▶ chromium             the live page: frames, its share of a core, a long recording
    bars ────────▶ targets                          how fast it means to be
    report ──────▶ suite, machine, floors           all of them on one page

    memory ─────┬─▶ steady_load     clients that put for long, and remember little
    recovery ───┤   footprint       memory and disk of nodes
                └─▶ serving, bars   time to serve again; what must be met

Each gives a `result.Result`: `presenting` prints it, `charts` draws it, `report_page` puts it on the page.
A run that loses a write has no figures: it fails. Beside them, and measuring nothing but the truth::

    linearizability ─┬─▶ workload      clients that read, write and swap, recorded
                     ├─▶ faults        kills, pauses and restarts, by seed
                     └─▶ local_cluster, verification, and `raftzmq.verify`
"""
