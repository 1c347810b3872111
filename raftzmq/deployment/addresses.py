"""Which addresses the nodes of a generated cluster have."""

from __future__ import annotations

from raftzmq.config import (
    CLIENT_PORT,
    COLLECTOR_PORT,
    EVENTS_PORT,
    PEER_PORT,
    WEB_PORT,
    Address,
    ClusterConfig,
    local_cluster,
)
from raftzmq.errors import ConfigurationError

PORT_MAX = 65_535
COLLECTOR = "collector"
"""The name of the collector's service."""


def loopback_cluster(count: int, cluster_id: str, base_port: int | None = None) -> ClusterConfig:
    """``count`` nodes n1, n2 … of one machine, on the local cluster's fixed ports, or on those from ``base_port`` on.

    From a base port on come ``count`` ports for peers, as many for clients, as many for events, and the collector's
    two: for its stream, and for its page. Raises ConfigurationError if there are not so many ports.
    """
    if base_port is None:
        return local_cluster(count, cluster_id)
    last = base_port + 3 * count + 1
    if last > PORT_MAX:
        raise ConfigurationError(
            f"{count} nodes need {3 * count + 2} ports, {base_port} to {last}, but ports end at {PORT_MAX}: "
            f"--base-port can be at most {PORT_MAX - 3 * count - 1}"
        )
    ports = [f"tcp://127.0.0.1:{port}" for port in range(base_port, last + 1)]
    peers, clients, events = ports[:count], ports[count : 2 * count], ports[2 * count : 3 * count]
    nodes = (Address(f"n{k + 1}", *three) for k, three in enumerate(zip(peers, clients, events, strict=True)))
    return ClusterConfig(cluster_id, tuple(nodes), ports[-2], f"http://127.0.0.1:{last}")


def service_cluster(count: int, cluster_id: str) -> ClusterConfig:
    """``count`` nodes that each have a host name of their own, that of their service, and so the same ports."""
    nodes = tuple(
        Address(
            name, f"tcp://{name}:{PEER_PORT + 1}", f"tcp://{name}:{CLIENT_PORT + 1}", f"tcp://{name}:{EVENTS_PORT + 1}"
        )
        for name in (f"n{k}" for k in range(1, count + 1))
    )
    return ClusterConfig(cluster_id, nodes, f"tcp://{COLLECTOR}:{COLLECTOR_PORT}", f"http://{COLLECTOR}:{WEB_PORT}")
