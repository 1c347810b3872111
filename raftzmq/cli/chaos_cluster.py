"""The cluster that `raftzmq chaos` breaks, as its nodes' status tells of it."""

from __future__ import annotations

from pathlib import Path

from raftzmq.cli.options import load_cluster, open_client
from raftzmq.collector.faults.cluster import Cluster
from raftzmq.errors import Unreachable


def look(endpoints: str | None, config: Path | None, timeout: float) -> Cluster:
    """Ask all nodes for their status, as `raftzmq status` does.

    Raises Unreachable if nobody answers at addresses that were given: then nobody knows which nodes are there.
    """
    with open_client(endpoints, config, timeout) as client:
        rows = client.status()
    if endpoints is not None and not any(row["reachable"] for row in rows):
        asked = ", ".join(str(row["endpoint"]) for row in rows)
        raise Unreachable(f"no node answers, so nothing was done; asked: {asked}. Are they running?")
    known = {} if endpoints is not None else {a.client: a.node for a in load_cluster(config).nodes}
    by_name = {}
    for row in rows:
        name = str(row["node"] or known.get(row["endpoint"]) or row["endpoint"])
        by_name[name] = {**row, "node": name}
    return Cluster(by_name, timeout)
