"""From a start to serving: how long until a node answers a linearizable read itself."""

from __future__ import annotations

import os
import time
from concurrent.futures import Future
from typing import Any

from raftzmq.benchmarks.local_cluster import PATIENCE_S, ClusterFailed, LocalCluster
from raftzmq.client.probes import AimedRead
from raftzmq.client.results import as_it_is
from raftzmq.client.worker import Worker
from raftzmq.config import MICROSECONDS
from raftzmq.errors import RequestError
from raftzmq.kv.commands import Get

_KEY = b"is anybody there?"
_TRY_S = 1.0
_PAUSE_S = 0.01


def start_to_serving(cluster: LocalCluster, node: str) -> float:
    """Start ``node`` and read through it, not through the leader; seconds until the answer.

    It has to find its leader, and to apply all that was committed before the read (thesis 6.4). Raises ClusterFailed.
    """
    begun = time.monotonic()
    cluster.start(node)
    endpoint = cluster.configuration.address(node).client
    worker = Worker((endpoint,), client=os.urandom(16), cluster=cluster.configuration.cluster_id)
    try:
        while not _reads(worker, endpoint):
            cluster.check_running()
            if time.monotonic() - begun > PATIENCE_S:
                raise ClusterFailed(f"{node} was started and serves no read within {PATIENCE_S:g} s")
            time.sleep(_PAUSE_S)
        return time.monotonic() - begun
    finally:
        worker.stop()
        worker.join()


def _reads(worker: Worker, endpoint: str) -> bool:
    answer: Future[Any] = Future()
    worker.probe(AimedRead(endpoint, Get(_KEY), as_it_is, answer, int(_TRY_S * MICROSECONDS)))
    try:
        answer.result()
    except RequestError:
        # Nobody listens yet, or there is no leader yet.
        return False
    return True
