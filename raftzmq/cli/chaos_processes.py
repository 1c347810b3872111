"""``raftzmq chaos kill``, ``pause``, ``resume`` and ``restart``: what is done to the processes of nodes.

Through supervisord, where one runs the nodes, since it alone can start a node again; else by process id, for nodes on
this machine.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from raftzmq.cli.chaos_cluster import look
from raftzmq.cli.options import CONTEXT, HOME, F, client_options
from raftzmq.cli.output import printable, say, say_json
from raftzmq.collector.faults.processes import act
from raftzmq.collector.faults.supervisor import Supervisor

SCHEMA = 1
DONE = {"kill": "killed", "pause": "paused", "resume": "resumed", "restart": "restarted"}
SOCKETS = HOME / "supervisor.sock", Path("run") / "supervisor.sock"
"""Where bin/up and `raftzmq generate supervisord` (beside its cluster file) have supervisord listen."""


def find_supervisor(given: str | None, endpoints: str | None, config: Path | None) -> Supervisor | None:
    """The supervisord that was named, or that of the cluster that the options mean; None if there is none."""
    if given == "":
        raise click.UsageError("--supervisor is empty: give a socket, a URL, or none")
    if given is not None:
        return None if given == "none" else Supervisor(given)
    path = SOCKETS[0] if config is None else config.parent / SOCKETS[1]
    return Supervisor(str(path)) if endpoints is None and path.exists() else None


def process_options(command: F) -> F:
    """The options of all four."""
    supervisor = click.option(
        "--supervisor",
        envvar="RAFTZMQ_CHAOS_SUPERVISOR",
        show_envvar=True,
        metavar="SOCKET|none",
        help="The supervisord that runs the nodes: its socket, or a URL. Without it: that of bin/up or, beside "
        "--config, of raftzmq generate supervisord. With none, or if there is none: by process id, on this machine.",
    )
    return click.argument("nodes", nargs=-1, required=True, metavar="NODE…")(supervisor(client_options(command)))


def _command(what: str) -> Callable[..., None]:
    def run(
        nodes: tuple[str, ...],
        supervisor: str | None,
        endpoints: str | None,
        config: Path | None,
        timeout: float,
        as_json: bool,
    ) -> None:
        cluster = look(endpoints, config, timeout)
        done = act(what, cluster, nodes, find_supervisor(supervisor, endpoints, config))
        if as_json:
            say_json({"schema": SCHEMA, "action": what, "nodes": done})
        else:
            shown = ", ".join(f"{row['node']} (process {row['pid']})" if row["pid"] else row["node"] for row in done)
            say(printable(f"{DONE[what]}: {shown}"))

    return run


HELP = {
    "kill": """Kill nodes with SIGKILL: they lose what was in memory, as in a crash. What they acknowledged is on disk.

    Under supervisord they are back within a second.

    \b
    Examples:
      raftzmq chaos kill n2
      raftzmq chaos kill leader
      raftzmq chaos kill n1 n2 n3
    """,
    "pause": """Stop nodes in their tracks with SIGSTOP. They keep their connections and say nothing, as a machine
    that hangs. chaos resume lets them go on.

    \b
    Examples:
      raftzmq chaos pause leader
      raftzmq chaos pause n4 n5
    """,
    "resume": """Let paused nodes go on with SIGCONT. A leader that was paused finds that others have a later term.

    \b
    Examples:
      raftzmq chaos resume n4 n5
    """,
    "restart": """Stop nodes in order and start them again, through supervisord; start those that don't run.

    \b
    Examples:
      raftzmq chaos restart n2
      raftzmq chaos restart leader
    """,
}


def _made(what: str) -> click.Command:
    made = click.command(name=what, context_settings=CONTEXT, help=HELP[what])
    return made(process_options(_command(what)))


kill, pause, resume, restart = (_made(what) for what in ("kill", "pause", "resume", "restart"))
