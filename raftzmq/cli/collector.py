"""``collector``: one process that gathers what every node says."""

from __future__ import annotations

import signal
import sys
from dataclasses import replace
from pathlib import Path
from types import FrameType

import click

from raftzmq.cli.event_options import Types, joined
from raftzmq.cli.options import CONTEXT, EVENTS_DIRECTORY, cluster_options, load_cluster
from raftzmq.config import web_address
from raftzmq.errors import NodeError
from raftzmq.heap import settle


@click.command(context_settings=CONTEXT)
@cluster_options
@click.option(
    "--directory",
    "--data",
    "directory",
    type=click.Path(path_type=Path),
    default=EVENTS_DIRECTORY,
    envvar="RAFTZMQ_COLLECTOR_DIRECTORY",
    show_envvar=True,
    metavar="DIR",
    help="Where to record, as compressed JSON lines in rotated files; made at the first start.",
)
@click.option(
    "--topics",
    type=Types(),
    multiple=True,
    callback=joined,
    show_envvar=True,
    metavar="TYPE,…",
    help="Gather only these types of events. Nodes don't make what nobody gathers.",
)
@click.option(
    "--web",
    envvar="RAFTZMQ_COLLECTOR_WEB",
    show_envvar=True,
    metavar="URL|none",
    help="Where to serve the page, /metrics and the events over HTTP, such as http://127.0.0.1:7480. Without it: the "
    "cluster's address for it, if it has one.",
)
@click.option(
    "--supervisor",
    envvar=["RAFTZMQ_COLLECTOR_SUPERVISOR", "SUPERVISOR_SERVER_URL"],
    show_envvar=True,
    metavar="SOCKET|none",
    help="Where supervisord says which processes run: the path of its socket, or a URL as it gives to what it starts.",
)
def collector(
    config: Path | None,
    nodes: int | None,
    directory: Path,
    topics: frozenset[str],
    web: str | None,
    supervisor: str | None,
) -> None:
    """Gather the events of all nodes: count what got lost, record them, and publish them as one stream; serve a page,
    metrics for Prometheus and the events over HTTP.

    What is lost on the way is had from the nodes, which keep their newest events; a collector that was away gets what
    it missed, and says what can't be had any more. 'raftzmq events' reads the record and the stream. The log goes to
    standard output, one JSON object a line. SIGTERM ends it. Exit codes: 0 stopped in order, 10 an address cannot
    be bound or the configuration is wrong, 12 another collector records in the directory.

    \b
    Examples:
      raftzmq collector --nodes 3
      raftzmq collector --config cluster.toml --topics role,term,leader
      raftzmq collector --nodes 3 --web none
      curl http://127.0.0.1:7480/v1/state
    """
    signal.signal(signal.SIGTERM, _exit_quietly)
    from raftzmq.collector.collector import Collector
    from raftzmq.events.logs import json_log

    log = json_log(sys.stdout.buffer, node="collector")
    try:
        cluster = load_cluster(config, nodes)
        if web is not None:
            if web != "none":
                web_address(web)
            cluster = replace(cluster, web="" if web == "none" else web)
        asked = None if supervisor == "none" else supervisor
        running = Collector(cluster, directory, log, types=sorted(topics), supervisor=asked)
    except NodeError as error:
        log.critical("collector ends", error=str(error), exit_code=error.exit_code)
        if sys.stderr.isatty():
            click.echo(str(error), err=True)
        click.get_current_context().exit(error.exit_code)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: running.stop())
    settle()
    running.run()


def _exit_quietly(_number: int, _frame: FrameType | None) -> None:
    """SIGTERM before there is anything to stop."""
    sys.exit(0)
