"""``raftzmq chaos kill``, ``pause``, ``resume`` and ``restart``: what is done to the processes of nodes.

Through supervisord, where one runs the nodes, since it alone can start a node again; else by process id, for nodes on
this machine.
"""

from __future__ import annotations

import http.client
import os
import signal
import threading
import time
import xmlrpc.client
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from raftzmq.cli.chaos_cluster import ChaosError, Cluster, look
from raftzmq.cli.local_processes import in_lab_mode, listener
from raftzmq.cli.options import CONTEXT, HOME, F, client_options
from raftzmq.cli.output import printable, say, say_json

SCHEMA = 1
SIGNALS = {"kill": signal.SIGKILL, "pause": signal.SIGSTOP, "resume": signal.SIGCONT}
DONE = {"kill": "killed", "pause": "paused", "resume": "resumed", "restart": "restarted"}
SOCKETS = HOME / "supervisor.sock", Path("run") / "supervisor.sock"
"""Where bin/up and `raftzmq generate supervisord` (beside its cluster file) have supervisord listen."""
UP = ("STARTING", "RUNNING", "STOPPING")
FAILURES = (OSError, http.client.HTTPException, xmlrpc.client.Error, ValueError)
STOP_S = 20.0
"""supervisord itself kills what hasn't stopped after ten seconds."""


class Supervisor:
    """The supervisord that runs a cluster's nodes: its processes by node, as (full name, pid, state)."""

    def __init__(self, address: str) -> None:
        """Raises ConfigurationError for no address, and ChaosError if nobody answers there."""
        from raftzmq.collector.processes import supervisor_caller

        self.address = address
        self._call = supervisor_caller(address)

    def call(self, method: str, *arguments: Any) -> Any:
        """What supervisord answers; raises ChaosError."""
        try:
            return self._call(method, *arguments)
        except FAILURES as error:
            told = error.faultString if isinstance(error, xmlrpc.client.Fault) else str(error)
            raise ChaosError(f"supervisord at {self.address} did not do {method}: {told}") from None

    def processes(self) -> dict[str, tuple[str, int, str]]:
        """All of them, by the name of the node."""
        rows = self.call("getAllProcessInfo")
        return {str(r["name"]): (f"{r['group']}:{r['name']}", int(r["pid"]), str(r["statename"])) for r in rows}

    def restart(self, full_name: str, node: str) -> None:
        """Stop it in order, then start it; raises ChaosError."""
        if self.processes()[node][2] in UP:
            self.call("signalProcess", full_name, "CONT")  # a paused one would not hear that it is to stop
            self.call("stopProcess", full_name, False)
        deadline = time.monotonic() + STOP_S
        while self.processes()[node][2] in UP:
            if time.monotonic() > deadline:
                raise ChaosError(f"{node} did not stop within {STOP_S:g} s: see its log")
            threading.Event().wait(0.05)
        self.call("startProcess", full_name, False)


def find_supervisor(given: str | None, endpoints: str | None, config: Path | None) -> Supervisor | None:
    """The supervisord that was named, or that of the cluster that the options mean; None if there is none."""
    if given is not None:
        return None if given == "none" else Supervisor(given)
    path = SOCKETS[0] if config is None else config.parent / SOCKETS[1]
    return Supervisor(str(path)) if endpoints is None and path.exists() else None


def target_of(cluster: Cluster, name: str, supervisor: Supervisor | None) -> tuple[int, str]:
    """The pid of a node's process (0: none runs) and its name for supervisord; raises ChaosError.

    What is found must be the node that answered: another cluster's supervisord may have one of the same name.
    """
    row = cluster.rows[name]
    listening = listener(str(row["endpoint"]))
    told = int(row["pid"]) if row["reachable"] else None
    if supervisor is not None:
        known = supervisor.processes().get(name)
        if known is None:
            raise ChaosError(f"supervisord at {supervisor.address} runs no {name}: give another --supervisor, or none")
        full_name, pid, state = known
        pid = pid if state in UP else 0
        if told is not None and pid != told:
            raise ChaosError(
                f"{name} says that it is process {told}, but for supervisord at {supervisor.address} it is "
                f"{pid or 'none'}: that one runs another cluster. Give another --supervisor, or none"
            )
    else:
        full_name, pid = "", listening or 0
        if told is not None and told != pid:
            raise ChaosError(f"{name} (process {told}) is not on this machine, or belongs to another user")
    if told is None and pid and not in_lab_mode(pid):
        raise ChaosError(
            f"{name} (process {pid}) does not answer, and was not started in lab mode as far as can be seen from "
            "here, so nothing was done: bin/up --lab or raftzmq node --lab starts it so"
        )
    return pid, full_name


def act(what: str, cluster: Cluster, names: Iterable[str], supervisor: Supervisor | None) -> list[dict[str, Any]]:
    """Do it to all of these nodes, once it is sure that all of them may be; what was done. Raises ChaosError."""
    chosen = cluster.resolve(names)
    cluster.demand_lab(chosen)
    targets = {name: target_of(cluster, name, supervisor) for name in chosen}
    gone = [name for name, (pid, _) in targets.items() if not pid]
    if what == "restart":
        if supervisor is None:
            raise ChaosError(
                "only a supervisord can restart nodes, and none was found: give --supervisor SOCKET, or kill the node "
                "and start it as it was started"
            )
        if gone and not any(row.get("lab") for row in cluster.rows.values()):
            raise ChaosError(f"{', '.join(gone)}: nobody who answers is in lab mode, so nothing was done: bin/up --lab")
    elif gone:
        raise ChaosError(f"{', '.join(gone)}: no such process runs on this machine, so nothing was done")
    for name, (pid, full_name) in targets.items():
        if what == "restart" and supervisor is not None:
            supervisor.restart(full_name, name)
        elif supervisor is not None:
            supervisor.call("signalProcess", full_name, SIGNALS[what].name.removeprefix("SIG"))
        else:
            try:
                os.kill(pid, SIGNALS[what])
            except OSError as error:
                raise ChaosError(f"{name} (process {pid}) can't be signalled: {error.strerror}") from None
    return [{"node": name, "pid": pid} for name, (pid, _) in targets.items()]


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
