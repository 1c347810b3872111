"""``raftzmq generate``: the files that start a cluster of any size, and those that let others watch it."""

from __future__ import annotations

import re
import secrets
import shlex
import shutil
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from raftzmq.cli.options import CONTEXT, F, json_option
from raftzmq.cli.output import note, say, say_json
from raftzmq.errors import ConfigurationError

if TYPE_CHECKING:
    from raftzmq.deployment.bundle import Bundle

CLUSTER_FILE = "cluster.toml"
_CLUSTER_ID = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,47}")


def _check_cluster_id(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and not _CLUSTER_ID.fullmatch(value):
        raise click.BadParameter("use up to 48 letters, digits, '-' and '_', beginning with a letter or digit")
    return value


def generate_options(command: F) -> F:
    """The options of both commands that make a cluster."""
    options: list[Callable[[F], F]] = [
        click.option(
            "--nodes", type=click.IntRange(1, 250), required=True, metavar="N", help="How many nodes, 1 to 250."
        ),
        click.option(
            "--out",
            type=click.Path(path_type=Path),
            callback=lambda _, __, value: None if value == Path("-") else value,
            metavar="DIR",
            help="The directory to write; made if it isn't there. Without it, or with -: print the files.",
        ),
        click.option("--force", is_flag=True, help="Write over generated files that are there; data and logs stay."),
        click.option(
            "--cluster-id",
            callback=_check_cluster_id,
            metavar="ID",
            help="What tells this cluster's nodes from another's. Without it: that of DIR, else a random one.",
        ),
        json_option,
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.group(context_settings=CONTEXT)
def generate() -> None:
    """Write the files that start a cluster of 1 to 250 nodes, ready to run and to be changed by hand; and a dashboard
    and alert rules for the metrics that its collector exports.

    \b
    Examples:
      raftzmq generate supervisord --nodes 3 --out cluster
      raftzmq generate compose --nodes 5 --out containers
      raftzmq generate alerts > raftzmq-alerts.yaml
    """


@generate.command(context_settings=CONTEXT, short_help="For this machine, under supervisord.")
@generate_options
@click.option(
    "--base-port",
    type=click.IntRange(1, 65_535),
    metavar="PORT",
    help="Take the 3 N + 2 ports from PORT on. Without it: 7101…, 7201…, 7301…; from 100 nodes on 17001…, 18001…, "
    "19001…; and 7400 and 7480.",
)
@click.option("--lab", is_flag=True, help="Nodes in lab mode: raftzmq chaos may break them.")
def supervisord(
    nodes: int, out: Path | None, force: bool, cluster_id: str | None, as_json: bool, base_port: int | None, lab: bool
) -> None:
    """N nodes and a collector on this machine, on loopback, under supervisord.

    The directory works by itself, from wherever it is called: supervisord.conf, cluster.toml, and beside them data/,
    logs/ and run/. The processes run with the Python that runs this command.

    \b
    Examples:
      raftzmq generate supervisord --nodes 3 --out cluster
      supervisord -c cluster/supervisord.conf
      raftzmq status --config cluster/cluster.toml
      supervisorctl -c cluster/supervisord.conf stop node:n3
    """
    from raftzmq.deployment.addresses import loopback_cluster
    from raftzmq.deployment.supervisord import CONFIGURATION, objection, supervisord_bundle

    chosen = _cluster_id(cluster_id, out)
    cluster = loopback_cluster(nodes, chosen, base_port)
    bundle = supervisord_bundle(cluster, sys.executable, lab=lab)
    _deliver(bundle, nodes, chosen, out, force, as_json)
    if out is None:
        return
    against = objection(out.resolve())
    if against:
        note(f"warning: {out.resolve()} must be moved before it can be started: {against}")
    if not as_json:
        say(f"start it:  {_program('supervisord')} -c {shlex.quote(str(out / CONFIGURATION))}")
        say(f"watch it:  raftzmq status --config {shlex.quote(str(out / CLUSTER_FILE))}")
        say(f"see it:    {cluster.web}")
        say(f"stop it:   {_program('supervisorctl')} -c {shlex.quote(str(out / CONFIGURATION))} shutdown")


@generate.command(context_settings=CONTEXT, short_help="For a container engine.")
@generate_options
def compose(nodes: int, out: Path | None, force: bool, cluster_id: str | None, as_json: bool) -> None:
    """N nodes and a collector as containers: compose.yaml, an image file, and the code that the image is built from.

    Each node is a service with a volume of its own and a health check; addresses are the services' names, so clients
    run in containers of the same network.

    \b
    Examples:
      raftzmq generate compose --nodes 3 --out containers
      docker compose -f containers/compose.yaml build
      docker compose -f containers/compose.yaml up -d
      docker compose -f containers/compose.yaml exec n1 raftzmq status
    """
    import raftzmq.config
    from raftzmq.deployment.addresses import service_cluster
    from raftzmq.deployment.compose import compose_bundle
    from raftzmq.deployment.requirements import requirements

    chosen = _cluster_id(cluster_id, out)
    package = Path(raftzmq.config.__file__).resolve().parent
    bundle = compose_bundle(
        service_cluster(nodes, chosen),
        requirements=requirements(package),
        package=package,
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
    )
    _deliver(bundle, nodes, chosen, out, force, as_json)
    if out is not None and not as_json:
        command = f"docker compose -f {shlex.quote(str(out / 'compose.yaml'))}"
        say(f"start it:  {command} build && {command} up -d")
        say(f"watch it:  {command} exec n1 raftzmq status")
        say(f"stop it:   {command} down")


@generate.command(context_settings=CONTEXT, short_help="A dashboard for Grafana.")
@json_option
def grafana(as_json: bool) -> None:
    """A dashboard for Grafana, as JSON to import: is there a leader, elections, work, syncs and round trips, lag,
    sizes, the event stream and the auditor. It asks for its data source.

    \b
    Examples:
      raftzmq generate grafana > raftzmq-dashboard.json
    """
    from raftzmq.deployment.monitoring import DASHBOARD, monitoring_file

    _print_file(DASHBOARD, monitoring_file(DASHBOARD), as_json)


@generate.command(context_settings=CONTEXT, short_help="Alert rules for Prometheus.")
@json_option
def alerts(as_json: bool) -> None:
    """Alert rules for Prometheus, as YAML: no leader, a broken invariant, full disks, slow syncs, and what else ought
    to be looked at. Its first lines say how Prometheus is told of the collector.

    \b
    Examples:
      raftzmq generate alerts > raftzmq-alerts.yaml
    """
    from raftzmq.deployment.monitoring import ALERTS, monitoring_file

    _print_file(ALERTS, monitoring_file(ALERTS), as_json)


def _print_file(name: str, text: str, as_json: bool) -> None:
    """A file as it is, or in the document that the other commands print."""
    if as_json:
        say_json({"files": {name: text}})
    else:
        say(text.rstrip("\n"))


def _program(name: str) -> str:
    """How to call one of supervisor's programs: it may be beside this Python only."""
    beside = Path(sys.executable).with_name(name)
    return name if shutil.which(name) is not None or not beside.exists() else shlex.quote(str(beside))


def _cluster_id(wanted: str | None, out: Path | None) -> str:
    """The id asked for, else that of the cluster whose files are in ``out``: its data know it. Else a new one."""
    if wanted is not None:
        return wanted
    if out is not None and (out / CLUSTER_FILE).is_file():
        try:
            known = tomllib.loads((out / CLUSTER_FILE).read_text(encoding="utf-8")).get("cluster_id")
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"{out / CLUSTER_FILE} cannot be read ({error}), so its cluster's id is unknown: give --cluster-id"
            ) from None
        if isinstance(known, str) and _CLUSTER_ID.fullmatch(known):
            return known
    return f"cluster-{secrets.token_hex(4)}"


def _deliver(bundle: Bundle, nodes: int, cluster_id: str, out: Path | None, force: bool, as_json: bool) -> None:
    """Write the bundle to ``out``, or print it."""
    if nodes % 2 == 0:
        lost = (nodes - 1) // 2
        note(f"note: {nodes} nodes go on without {lost}, as {nodes - 1} do: odd numbers are the better choice")
    told: dict[str, Any] = {"nodes": nodes, "cluster_id": cluster_id}
    if out is None:
        if as_json:
            say_json({**told, "files": dict(bundle.files)})
        else:
            say("\n".join(f"# ---- {name}\n{text}" for name, text in bundle.files.items()).rstrip("\n"))
        return
    bundle.write(out, force=force)
    names = [*bundle.files, *(f"{name}/" for name in bundle.trees)]
    if as_json:
        say_json({**told, "directory": str(out), "files": names})
    else:
        say(f"{out}: {', '.join(names)}")
