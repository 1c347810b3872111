"""``raftzmq doctor``: what a cluster stands on, checked, with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from raftzmq.cli.options import CONTEXT, HOME, client_options, load_cluster, open_client
from raftzmq.cli.output import EXIT_UNHEALTHY, colours_wanted, printable, say, say_json
from raftzmq.cli.release import release
from raftzmq.cli.status import find_trouble

if TYPE_CHECKING:
    from raftzmq.config import ClusterConfig
    from raftzmq.doctor.finding import Finding

SCHEMA = 1
"""The version of ``doctor --json``."""
ASK_S = 1.0
"""How long nodes that hold their port may take to answer."""
COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command(context_settings=CONTEXT)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="DIR",
    help="A data directory to check, again for each other one; it needn't exist yet. Without it: .raftzmq, or here.",
)
@client_options
def doctor(data: tuple[Path, ...], endpoints: str | None, config: Path | None, timeout: float, as_json: bool) -> None:
    """Check what a cluster stands on, and say what to do: before the first start, or when something is wrong.

    Ports of the cluster that are this machine's: free, or held by the node they are for. Data directories: file
    system, free space, how long a sync really takes. Limits, clocks, versions. If nodes answer: whether a majority
    follows one leader, and whether their configuration and release are the same. Nothing is changed; the disk is
    written to, in a file without a name, for at most two seconds.

    Exit code 5 if something fails, 0 if all is well or there are warnings only.

    \b
    Examples:
      raftzmq doctor
      raftzmq doctor --config cluster.toml --data /var/lib/raftzmq/n1
      raftzmq doctor --json | jq -r '.findings[] | select(.verdict != "ok") | .next'
    """
    from raftzmq.doctor.finding import worst

    cluster = None if endpoints is not None and config is None else load_cluster(config)
    directories = data or ((HOME,) if HOME.is_dir() else (Path(),))
    findings: list[Finding] = []
    for finding in _check(cluster, directories, endpoints, config, timeout):
        findings.append(finding)
        if not as_json:
            _print(finding)
    verdict = worst(findings)
    if as_json:
        say_json({"schema": SCHEMA, "verdict": str(verdict), "findings": [finding.to_json() for finding in findings]})
    else:
        _summarise(findings)
    if verdict == "fail":
        click.get_current_context().exit(EXIT_UNHEALTHY)


def _check(
    cluster: ClusterConfig | None,
    directories: tuple[Path, ...],
    endpoints: str | None,
    config: Path | None,
    timeout: float,
) -> Iterator[Finding]:
    """All findings, each as soon as it is there."""
    from raftzmq.doctor.agreement import check_agreement
    from raftzmq.doctor.clock import check_clock
    from raftzmq.doctor.disk import check_disk
    from raftzmq.doctor.limits import check_limits
    from raftzmq.doctor.ports import check_ports
    from raftzmq.doctor.versions import check_versions

    yield from check_versions()
    yield from check_limits()
    yield from check_clock()
    for directory in directories:
        yield from check_disk(directory)
    with open_client(endpoints, config, timeout) as client:
        rows = client.status(timeout=min(timeout, ASK_S))
    if cluster is not None:
        names = {address.client: address.node for address in cluster.nodes}
        answering = {names.get(row["endpoint"], str(row["node"])): row for row in rows if row["reachable"]}
        yield from check_ports(cluster, answering)
    yield _cluster(rows, asked_for=cluster is None)
    yield from check_agreement(rows, cluster, release())


def _cluster(rows: list[dict[str, Any]], *, asked_for: bool) -> Finding:
    """Does it serve? That nothing runs yet is no fault, unless endpoints were named."""
    from raftzmq.doctor.finding import fail, ok, warn

    rows = [{"leader": None, "term": None, **row} for row in rows]
    missing = [str(row["node"] or row["endpoint"]) for row in rows if not row["reachable"]]
    if len(missing) == len(rows) and not asked_for:
        return ok("cluster", "no node answers: nothing runs, or nothing that these addresses lead to")
    trouble = find_trouble(rows)
    if trouble:
        return fail("cluster", trouble, "without a majority nothing is written or read", "start the nodes that miss")
    if missing:
        return warn(
            "cluster",
            f"it serves, without {', '.join(missing)}",
            "a cluster that has lost nodes survives the loss of fewer others",
            "start them; their logs say why they ended",
        )
    return ok("cluster", f"all {len(rows)} nodes answer, and a majority follows one leader")


def _print(finding: Finding) -> None:
    verdict = str(finding.verdict)
    shown = f"{verdict:<5} {finding.check:<20} "
    if colours_wanted():
        shown = click.style(f"{verdict:<5}", fg=COLOURS[verdict], bold=True) + f" {finding.check:<20} "
    say(shown + printable(finding.found))
    for label, text in (("why: ", finding.why), ("next:", finding.next)):
        if text:
            say(f"{'':<27}{label} {printable(text)}")


def _summarise(findings: list[Finding]) -> None:
    counts = {verdict: sum(finding.verdict == verdict for finding in findings) for verdict in COLOURS}
    say(f"{len(findings)} checks: {counts['ok']} ok, {counts['warn']} to look at, {counts['fail']} failed")
