"""supervisord, as who can signal, stop and start the processes of nodes."""

from __future__ import annotations

import http.client
import threading
import time
import xmlrpc.client
from typing import Any

from raftzmq.collector.faults.cluster import FaultError
from raftzmq.collector.processes import supervisor_caller

UP = ("STARTING", "RUNNING", "STOPPING")
FAILURES = (OSError, http.client.HTTPException, xmlrpc.client.Error, ValueError)
STOP_S = 20.0
"""supervisord itself kills what hasn't stopped after ten seconds."""


class Supervisor:
    """The supervisord that runs a cluster's nodes: its processes by node, as (full name, pid, state)."""

    def __init__(self, address: str) -> None:
        """Raises ConfigurationError for no address, and FaultError if nobody answers there."""
        self.address = address
        self._call = supervisor_caller(address)

    def call(self, method: str, *arguments: Any) -> Any:
        """What supervisord answers; raises FaultError."""
        try:
            return self._call(method, *arguments)
        except FAILURES as error:
            told = error.faultString if isinstance(error, xmlrpc.client.Fault) else str(error)
            raise FaultError(f"supervisord at {self.address} did not do {method}: {told}") from None

    def processes(self) -> dict[str, tuple[str, int, str]]:
        """All of them, by the name of the node."""
        rows = self.call("getAllProcessInfo")
        return {str(r["name"]): (f"{r['group']}:{r['name']}", int(r["pid"]), str(r["statename"])) for r in rows}

    def restart(self, full_name: str, node: str) -> None:
        """Stop it in order, then start it; raises FaultError."""
        if self.processes()[node][2] in UP:
            self.call("signalProcess", full_name, "CONT")  # a paused one would not hear that it is to stop
            self.call("stopProcess", full_name, False)
        deadline = time.monotonic() + STOP_S
        while self.processes()[node][2] in UP:
            if time.monotonic() > deadline:
                raise FaultError(f"{node} did not stop within {STOP_S:g} s: see its log")
            threading.Event().wait(0.05)
        self.call("startProcess", full_name, False)
