"""What is done to the processes of nodes: killed, paused, resumed, restarted.

Through supervisord, where one runs the nodes, since it alone can start a node again; else by process id, for nodes on
this machine.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from typing import Any

from raftzmq.collector.faults.cluster import Cluster, FaultError
from raftzmq.collector.faults.local_processes import in_lab_mode, listener
from raftzmq.collector.faults.supervisor import UP, Supervisor

SIGNALS = {"kill": signal.SIGKILL, "pause": signal.SIGSTOP, "resume": signal.SIGCONT}
ACTIONS = (*SIGNALS, "restart")


def target_of(cluster: Cluster, name: str, supervisor: Supervisor | None) -> tuple[int, str]:
    """The pid of a node's process (0: none runs) and its name for supervisord; raises FaultError.

    What is found must be the node that answered: another cluster's supervisord may have one of the same name.
    """
    row = cluster.rows[name]
    told = int(row["pid"]) if row["reachable"] and row["pid"] is not None else None
    if supervisor is not None:
        known = supervisor.processes().get(name)
        if known is None:
            raise FaultError(f"supervisord at {supervisor.address} runs no {name}: give another --supervisor, or none")
        full_name, pid, state = known
        pid = pid if state in UP else 0
        if told is not None and pid != told:
            raise FaultError(
                f"{name} says that it is process {told}, but for supervisord at {supervisor.address} it is "
                f"{pid or 'none'}: that one runs another cluster. Give another --supervisor, or none"
            )
    else:
        full_name, pid = "", listener(str(row["endpoint"])) or 0
        if told is not None and told != pid:
            raise FaultError(f"{name} (process {told}) is not on this machine, or belongs to another user")
    if told is None and pid and not in_lab_mode(pid):
        raise FaultError(
            f"{name} (process {pid}) does not answer, and was not started in lab mode as far as can be seen from "
            "here, so nothing was done: bin/up --lab or raftzmq node --lab starts it so"
        )
    return pid, full_name


def act(what: str, cluster: Cluster, names: Iterable[str], supervisor: Supervisor | None) -> list[dict[str, Any]]:
    """Do it to all of these nodes, once it is sure that all of them may be; what was done. Raises FaultError."""
    chosen = cluster.resolve(names)
    cluster.demand_lab(chosen)
    targets = {name: target_of(cluster, name, supervisor) for name in chosen}
    gone = [name for name, (pid, _) in targets.items() if not pid]
    if what == "restart":
        if supervisor is None:
            raise FaultError(
                "only a supervisord can restart nodes, and none was found: give --supervisor SOCKET, or kill the node "
                "and start it as it was started"
            )
        if gone and not any(row.get("lab") for row in cluster.rows.values()):
            raise FaultError(f"{', '.join(gone)}: nobody who answers is in lab mode, so nothing was done: bin/up --lab")
    elif gone:
        raise FaultError(f"{', '.join(gone)}: no such process runs on this machine, so nothing was done")
    for name, (pid, full_name) in targets.items():
        if what == "restart" and supervisor is not None:
            supervisor.restart(full_name, name)
        elif supervisor is not None:
            supervisor.call("signalProcess", full_name, SIGNALS[what].name.removeprefix("SIG"))
        else:
            try:
                os.kill(pid, SIGNALS[what])
            except OSError as error:
                raise FaultError(f"{name} (process {pid}) can't be signalled: {error.strerror}") from None
    return [{"node": name, "pid": pid} for name, (pid, _) in targets.items()]
