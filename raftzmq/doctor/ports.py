"""Are the ports of the cluster free, or held by the nodes that they are for?"""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from raftzmq.config import ClusterConfig
from raftzmq.doctor.finding import Finding, fail, ok, warn
from raftzmq.port_owner import port_owner

CHECK = "ports"
_WHY = "a node that cannot listen on all of its addresses ends with exit code 10"


def check_ports(cluster: ClusterConfig, rows: Mapping[str, Mapping[str, Any]]) -> list[Finding]:
    """Try every port of this machine. ``rows`` are the status rows of the nodes that answer, by name."""
    free, elsewhere = 0, 0
    findings: list[Finding] = []
    held: dict[str, int] = {}
    wanted = [(a.node, e) for a in cluster.nodes for e in (a.peer, a.client, a.events)]
    wanted += [("the collector", cluster.collector), *([("the collector's page", cluster.web)] if cluster.web else [])]
    for who, endpoint in wanted:
        state = _try(endpoint)
        if state == "free":
            free += 1
        elif state == "elsewhere":
            elsewhere += 1
        elif state == "held":
            problem = _judge(who, endpoint, rows)
            if problem is None:
                held[who] = held.get(who, 0) + 1
            else:
                findings.append(problem)
        else:
            findings.append(fail(CHECK, f"{endpoint} of {who} cannot be listened on: {state}", _WHY, "change it"))
    parts = [f"{free} free"] if free else []
    if held:
        parts.append(f"{sum(held.values())} held by those they are for ({', '.join(held)})")
    if elsewhere:
        parts.append(f"{elsewhere} of other machines, not looked at")
    return [*findings, *([ok(CHECK, "; ".join(parts))] if parts else [])]


def _try(endpoint: str) -> str:
    """``free``, ``held``, ``elsewhere``, or why nobody could listen there."""
    scheme, _, address = endpoint.partition("://")
    host, _, port = address.rstrip("/").rpartition(":")
    if scheme not in ("tcp", "http") or not port.isdigit():
        return "elsewhere"
    try:
        family, kind, _, _, place = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)[0]
    except OSError:
        return "elsewhere"  # a name that only other machines know
    with socket.socket(family, kind) as probe:
        # As libzmq does: connections that are just closing don't hold a port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(place)
        except OSError as error:
            known = {errno.EADDRINUSE: "held", errno.EADDRNOTAVAIL: "elsewhere"}
            return known.get(error.errno or 0, error.strerror or str(error))
    return "free"


def _judge(who: str, endpoint: str, rows: Mapping[str, Mapping[str, Any]]) -> Finding | None:
    """What is wrong with who holds a port; None if it is whom the port is for."""
    port = int(endpoint.rstrip("/").rpartition(":")[2])
    pid = port_owner(port)
    row = rows.get(who)
    if row is not None:
        if pid in (None, row.get("pid")):
            return None
        return fail(
            CHECK,
            f"port {port} of {who} is held by {describe(pid)}, but {who} is process {row.get('pid')}",
            _WHY,
            "stop the other process, then restart the node",
        )
    command = "" if pid is None else describe(pid)
    if pid is None:
        return fail(
            CHECK,
            f"port {port} of {who} is held by a process that this user cannot see",
            _WHY,
            f"find it with 'ss -ltnp sport = :{port}' as root; stop it, or give {who} another address",
        )
    if "raftzmq" in command and "collector" in command:
        return None
    if "raftzmq" in command:
        return warn(
            CHECK,
            f"port {port} of {who} is held by {command}, which doesn't answer as {who}",
            "a node that doesn't answer serves nobody, and keeps another from starting",
            f"look at its log; stop it if it isn't {who}",
        )
    return fail(CHECK, f"port {port} of {who} is held by {command}", _WHY, f"stop it, or give {who} another address")


def describe(pid: int | None) -> str:
    """A process as a person would name it."""
    if pid is None:
        return "a process that this user cannot see"
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        command = ""
    return f"process {pid} ({command[:120] or 'unknown command'})"
