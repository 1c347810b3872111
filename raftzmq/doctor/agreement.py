"""Do the nodes that answer belong to one cluster, and are they alike?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from raftzmq.config import ClusterConfig
from raftzmq.doctor.finding import Finding, fail, ok, warn

Row = Mapping[str, Any]


def check_agreement(rows: Sequence[Row], cluster: ClusterConfig | None, release: str) -> list[Finding]:
    """Compare the status rows of the nodes that answer, with the cluster file if there is one, and this release."""
    reachable = [row for row in rows if row.get("reachable")]
    if not reachable:
        return []
    findings = [_configuration(reachable, cluster), _releases(reachable, release)]
    return findings + _faults(reachable)


def _configuration(rows: Sequence[Row], cluster: ClusterConfig | None) -> Finding:
    check = "configuration"
    why = "nodes of different clusters, or with different members in their logs, never agree on anything"
    clusters = {str(row.get("cluster")) for row in rows}
    if len(clusters) > 1:
        who = ", ".join(f"{row.get('node')} is of {row.get('cluster')!r}" for row in rows)
        return fail(check, f"the nodes are of several clusters: {who}", why, "give every node the same cluster file")
    (name,) = clusters
    if cluster is not None and name != cluster.cluster_id:
        return fail(
            check,
            f"the nodes are of cluster {name!r}, the cluster file is of {cluster.cluster_id!r}",
            "a node that is started with this file refuses to run",
            "use the file that the nodes were started with, or other addresses",
        )
    views = {tuple(sorted(row.get("voters") or ())) for row in rows}
    if len(views) > 1:
        seen = "; ".join(", ".join(view) for view in sorted(views))
        return warn(
            check,
            f"the nodes know different voters: {seen}",
            "so it is while members change, and as long as a node is behind",
            "ask again; a node that stays behind says why in its log",
        )
    (voters,) = views
    strangers = sorted(set(voters) ^ {a.node for a in cluster.nodes}) if cluster is not None else []
    if strangers:
        return warn(
            check,
            f"the cluster's log and the cluster file don't name the same nodes: {', '.join(strangers)}",
            "the file counts at the first start only, but tools find the nodes by it",
            "bring the file up to date",
        )
    return ok(check, f"cluster {name!r}, voters {', '.join(voters)}")


def _releases(rows: Sequence[Row], ours: str) -> Finding:
    by_release: dict[str, list[str]] = {}
    for row in rows:
        by_release.setdefault(str(row.get("release") or ""), []).append(str(row.get("node")))
    shown = "; ".join(f"{_named(release)}: {', '.join(nodes)}" for release, nodes in sorted(by_release.items()))
    if set(by_release) == {ours}:
        return ok("release", f"{_named(ours)}, as this one")
    return warn(
        "release",
        f"{shown}; this is {_named(ours)}",
        "a cluster of several releases is for the time of an upgrade only",
        "upgrade the others, one node after the other",
    )


def _named(release: str) -> str:
    return f"raftzmq {release}" if release else "a source tree"


def describe_faults(faults: Mapping[str, Any]) -> str:
    """What a node that was started with --delay-ms-mean or --loss does to its messages."""
    delay, loss = faults.get("delay_ms_mean", 0), faults.get("loss", 0)
    return f"delays its messages to peers by {delay:g} ms on average and loses {loss:.0%} of them, on purpose"


def _faults(rows: Sequence[Row]) -> list[Finding]:
    return [
        warn(
            "network",
            f"{row.get('node')} {describe_faults(row['faults'])}",
            "it was started with --delay-ms-mean or --loss, for an experiment",
            "restart it without them",
        )
        for row in rows
        if row.get("faults")
    ]
