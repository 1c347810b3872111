"""What `bin/up` and `bin/down` do: the local cluster under supervisord, its data and logs under .raftzmq.

Everything is found again from the outside (the supervisor's socket, its children's environment, the listening
ports), so a cluster that somebody started with plain supervisord, or whose supervisord was killed, is handled too.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import math
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import xmlrpc.client
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from supervisor.xmlrpc import SupervisorTransport

from raftzmq.config import ClusterConfig, local_cluster
from raftzmq.port_owner import port_owner
from raftzmq.process_facts import describe, is_alive, started

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".raftzmq"
CONFIGURATION = ROOT / "supervisord.conf"
SOCKET = HOME / "supervisor.sock"
PID_FILE = HOME / "supervisord.pid"
SIZE = HOME / "nodes"
LOG_LINES = 15
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if name.startswith("RAFTZMQ_NODE_") or not name.startswith("RAFTZMQ_")
}
"""Settings of the caller's for other clusters must not reach this one; those for nodes are meant for its nodes."""
PAGE_S = 5.0
"""How long `bin/up` waits for the collector, once the cluster works."""
SOCKET_PATH_MAX = 107 - len(".4194304")
"""A unix socket's path ends at 107 bytes, and supervisord binds the socket under its own pid first."""

UP = """\
Start the local cluster: nodes n1, n2 ... and the collector, under supervisord, on loopback.
Waits for a leader, does a put and a get, prints the status table. Safe to run again: what stands still is started.

Afterwards:
  bin/raftzmq --help        every command
  bin/raftzmq page --open   the cluster in a browser: who leads, and why; break it there, with --lab
  bin/down                  stop everything, keep the data
  .raftzmq/n3.log           a node's own log

and with .venv/bin/supervisorctl -c supervisord.conf:
  status                    what runs, since when
  stop node:n3              stop a node so that it stays down
  start node:n3             start it again
  signal KILL node:n3       kill it: it is back within a second
  tail -f node:n3           follow its log
"""
DOWN = """\
Stop supervisord, the nodes and the collector, and wait until every process is gone. The data stay, unless --purge
removes them. Safe to run again.
"""


def fail(message: str, *, code: int = 1) -> NoReturn:
    """End with a sentence on standard error."""
    print(message, file=sys.stderr)
    sys.exit(code)


def supervisor_call(method: str, *arguments: Any) -> Any:
    """Call the supervisor of this tree; raises ConnectionError if none answers."""
    transport = SupervisorTransport(serverurl=f"unix://{SOCKET}")
    proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
    try:
        return getattr(proxy.supervisor, method)(*arguments)
    except (OSError, xmlrpc.client.ProtocolError) as error:
        raise ConnectionError(f"no supervisord answers at {SOCKET}: {error}") from error
    finally:
        transport.close()


def programs() -> list[dict[str, Any]]:
    """The supervisor's row per process; empty if no supervisor runs."""
    try:
        rows: list[dict[str, Any]] = supervisor_call("getAllProcessInfo")
    except ConnectionError:
        return []
    return rows


def supervised_processes() -> list[int]:
    """The processes that a supervisord of this tree started, also one that is no more."""
    mark = f"SUPERVISOR_SERVER_URL=unix://{SOCKET}".encode()
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (directory / "environ").read_bytes().split(b"\0") and is_alive(int(directory.name)):
                found.append(int(directory.name))
        except OSError:  # gone meanwhile, or somebody else's
            continue
    return [pid for pid in found if pid != os.getpid()]


def supervisord_pid() -> int | None:
    """The running supervisord of this tree, from its pid file, if the process is indeed the one that wrote it.

    The file outlives a supervisord that was killed, and another process may have got its number since.
    """
    try:
        pid = int(PID_FILE.read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        wrote = started(pid) <= PID_FILE.stat().st_mtime + 1
    except (OSError, ValueError):
        return None
    return pid if wrote and b"supervisord" in command and is_alive(pid) else None


def _owner(port: int) -> str:
    pid = port_owner(port)
    return "a process that this user cannot see" if pid is None else describe(pid)


def check_ports(cluster: ClusterConfig) -> None:
    """Fail, naming the port and its owner, if a port of the cluster is held."""
    endpoints = [(a.node, e) for a in cluster.nodes for e in (a.peer, a.client, a.events)]
    held = []
    for who, endpoint in [*endpoints, ("the collector", cluster.collector), ("the collector's page", cluster.web)]:
        port = int(endpoint.rpartition(":")[2])
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                held.append(f"  port {port} of {who} is held by {_owner(port)}")
    if held:
        fail("The cluster was not started:\n" + "\n".join(held) + "\nStop what holds them, or run bin/down first.")


def cluster_size(wanted: int | None) -> int:
    """The number of nodes: that of the data that are there, else the one asked for, else 5."""
    known = None
    if SIZE.exists():
        text = SIZE.read_text(errors="replace").strip()
        if not re.fullmatch(r"[0-9]{1,3}", text):
            fail(f"{SIZE} holds {text[:40]!r}, not how many nodes the data are of: write the number there.")
        known = int(text)
    elif any(HOME.glob("n*.identity")):
        known = 5
    if known is not None and wanted not in (None, known):
        fail(
            f"The data under {HOME} are of a cluster of {known} nodes; its members stand in its log, not in a flag. "
            f"Run bin/up --nodes {known}, or remove the data first with bin/down --purge."
        )
    return known or wanted or 5


def configuration_for(nodes: int) -> Path:
    """supervisord.conf itself for five nodes, else the same text for another number, under .raftzmq."""
    if nodes == 5:
        return CONFIGURATION
    text = CONFIGURATION.read_text()
    text = text.replace("numprocs=5", f"numprocs={nodes}").replace("--nodes 5", f"--nodes {nodes}")
    path = HOME / "supervisord.conf"
    path.write_text(text.replace("%(here)s", str(ROOT).replace("%", "%%")))
    return path


def start_supervisord(configuration: Path) -> None:
    """Start supervisord in the background; fails with what it said."""
    if len(os.fsencode(SOCKET)) > SOCKET_PATH_MAX:
        fail(f"The path {SOCKET} is longer than a unix socket's may be ({SOCKET_PATH_MAX} bytes): move the tree.")
    command = [sys.executable, "-P", "-m", "supervisor.supervisord", "-c", str(configuration)]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        fail(f"supervisord did not start:\n{done.stdout}{done.stderr}")


def check_programs(rows: Sequence[Mapping[str, Any]]) -> None:
    """Fail, with the log's last lines, if a program has ended for good or cannot be started."""
    for row in rows:
        if row["statename"] not in ("FATAL", "EXITED", "BACKOFF"):
            continue
        log = Path(row["stdout_logfile"])
        lines = log.read_text(errors="replace").splitlines()[-LOG_LINES:] if log.exists() else []
        reason = row["spawnerr"] or f"it ended with exit code {row['exitstatus']}"
        shown = "\n".join(f"  | {line}" for line in lines)
        fail(f"{row['name']} is {row['statename']}: {reason}\nThe last lines of {log}:\n{shown}")


def raftzmq(*arguments: str, shown: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a command of the command line against the local cluster; with ``shown`` it prints by itself."""
    if shown:
        print(f"$ bin/raftzmq {shlex.join(arguments)}", flush=True)
    command = [sys.executable, "-P", "-m", "raftzmq", *arguments]
    return subprocess.run(command, env=ENVIRONMENT, cwd=ROOT, capture_output=not shown, text=True, check=False)


def wait_for_leader(deadline: float) -> None:
    """Wait until a node leads and all others follow it; fails if a node ends or the time is over."""
    last = ""
    while time.monotonic() < deadline:
        check_programs(programs())
        answer = raftzmq("status", "--json")
        last = answer.stdout + answer.stderr
        try:
            rows = json.loads(answer.stdout)["nodes"]
        except (ValueError, KeyError):
            rows = []
        leaders = {row.get("leader") for row in rows}
        if rows and len(leaders) == 1 and leaders & {row["node"] for row in rows if row.get("role") == "leader"}:
            return
        threading.Event().wait(0.1)
    fail(f"No leader that all nodes follow was known in time. The last status:\n{last}\nThe logs are in {HOME}.")


def up(arguments: argparse.Namespace) -> None:
    """Bring the cluster up and show that it works."""
    nodes = cluster_size(arguments.nodes)
    cluster = local_cluster(nodes)
    configuration = configuration_for(nodes)
    rows = programs()
    running = sum(row["group"] == "node" for row in rows)
    if rows and running != nodes:
        fail(f"A cluster of {running} nodes runs already: bin/down first.")
    if arguments.lab:
        ENVIRONMENT["RAFTZMQ_NODE_LAB"] = "1"
        if rows:
            print("Lab mode is for nodes that start: bin/down first, unless these are in it (bin/raftzmq chaos show).")
    if rows:
        print(f"supervisord runs already (pid {supervisor_call('getPID')})")
        for row in rows:
            if row["statename"] in ("STOPPED", "EXITED", "FATAL"):
                print(f"starting {row['name']} ({row['statename'].lower()} until now)")
                supervisor_call("startProcess", f"{row['group']}:{row['name']}", False)
    else:
        check_ports(cluster)
        start_supervisord(configuration)
        SIZE.write_text(f"{nodes}\n")
        print(f"supervisord starts {nodes} {'node' if nodes == 1 else 'nodes'} and the collector")
    wait_for_leader(time.monotonic() + arguments.timeout)
    now = time.strftime("%Y-%m-%d %H:%M:%S")
    for command in (["put", "raftzmq/up", now], ["get", "raftzmq/up", "--json"], ["status"]):
        done = raftzmq(*command, shown=True)
        if done.returncode != 0:
            fail(f"It ended with exit code {done.returncode}. The logs are in {HOME}.")
    print(where_next(configuration, *page_address(cluster.web, lab=arguments.lab)))


def page_address(web: str, *, lab: bool) -> tuple[str, bool]:
    """The page's address, with the token that gives control once the collector answers; are nodes in lab mode?"""
    deadline = time.monotonic() + PAGE_S
    while True:
        done = raftzmq("page", "--json")
        with suppress(ValueError, KeyError):
            found = json.loads(done.stdout)
            # The collector learns of lab mode from the nodes' own events, a moment after it has begun.
            if found["lab"] or not lab or time.monotonic() > deadline:
                return str(found["url"]), bool(found["lab"])
        if time.monotonic() > deadline:
            return web, False
        threading.Event().wait(0.1)


def where_next(configuration: Path, page: str, lab: bool) -> str:
    """Where to look next, as commands that can be typed, and addresses."""
    lines = [
        f"  {page}",
        "                          the cluster in a browser: who leads, why, and what is committed",
        "  bin/raftzmq page        prints the link by which you change it there; --read-only: one for others",
        *([] if lab else ["                          To break nodes and links there: bin/down, then bin/up --lab"]),
        "  bin/raftzmq put K V     write; get, del, range and cas are there too",
        "  bin/raftzmq events --follow",
        "                          elections, votes, appends and commits as they happen",
        f"  .venv/bin/supervisorctl -c {os.path.relpath(configuration, ROOT)} stop node:n3",
        "                          take a node down (start node:n3 brings it back)",
        "  .raftzmq/n1.log         each node's own log",
        "  bin/down                stop everything; --purge removes the data",
    ]
    return "\nWhere to look next:\n" + "\n".join(lines)


def wait_until_gone(seconds: float, supervisord: int | None) -> list[int]:
    """Wait until neither ``supervisord`` nor a child of it is left; the processes that are.

    Its pid must be known from before: it removes its pid file first, and ends a little later.
    """
    deadline = time.monotonic() + seconds
    while True:
        left = supervised_processes() + ([supervisord] if supervisord and is_alive(supervisord) else [])
        if not left or time.monotonic() > deadline:
            return left
        threading.Event().wait(0.05)


def down(arguments: argparse.Namespace) -> None:
    """Stop everything that belongs to this tree's supervisor, then purge if asked."""
    supervisord = supervisord_pid()
    found = bool(supervised_processes()) or supervisord is not None
    try:
        supervisor_call("shutdown")
    except (ConnectionError, xmlrpc.client.Fault):  # none there, or it is shutting down already
        if supervisord is not None:
            with suppress(ProcessLookupError):  # gone meanwhile is what was wanted
                os.kill(supervisord, signal.SIGTERM)
    else:
        wait_until_gone(arguments.timeout, supervisord)
    # What is left has lost its supervisor, or didn't stop for it.
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in wait_until_gone(0, supervisord):
            print(f"{signal.Signals(number).name} to {describe(pid)}")
            with suppress(ProcessLookupError):  # gone meanwhile is what was wanted
                os.kill(pid, number)
        wait_until_gone(arguments.timeout, supervisord)
    left = wait_until_gone(0, supervisord)
    if left:
        fail("Still running: " + ", ".join(describe(pid) for pid in left))
    # A supervisord that was killed leaves its files behind: they name a process, and a socket, of nobody.
    for path in (PID_FILE, *HOME.glob(f"{SOCKET.name}*")):
        path.unlink(missing_ok=True)
    print("The cluster is down; nothing of it runs." if found else "Nothing was running.")
    if arguments.purge:
        for path in HOME.iterdir():
            if path.name != ".gitignore":
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        print(f"Removed the data under {HOME}.")


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Two of `bin/up` and `bin/down` don't run at once: the second waits."""
    HOME.mkdir(exist_ok=True)
    # On the directory itself: a lock file would be purged by the one that holds it.
    descriptor = os.open(HOME, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def seconds(text: str) -> float:
    """A span of time that ends; raises ValueError."""
    value = float(text)
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(text)
    return value


def main() -> None:
    """Parse the command line."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `bin/up | head` ends quietly
    command = sys.argv[1]
    text = {"up": UP, "down": DOWN}[command]
    parser = argparse.ArgumentParser(f"bin/{command}", description=text, formatter_class=argparse.RawTextHelpFormatter)
    if command == "up":
        parser.add_argument("--nodes", type=int, help="nodes of the cluster (default: those of its data, else 5)")
        parser.add_argument("--timeout", type=seconds, default=60.0, help="seconds to wait for a leader (default 60)")
        parser.add_argument("--lab", action="store_true", help="lab mode: bin/raftzmq chaos may break the nodes")
    else:
        parser.add_argument("--purge", action="store_true", help="remove data, logs and identities too")
        parser.add_argument("--timeout", type=seconds, default=20.0, help="seconds to wait before killing (default 20)")
    arguments = parser.parse_args(sys.argv[2:])
    if command == "up" and arguments.nodes is not None and not 1 <= arguments.nodes <= 250:
        parser.error("--nodes must be 1 to 250")
    try:
        with one_at_a_time():
            {"up": up, "down": down}[command](arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        fail(f"bin/{command} was interrupted: it can be run again.", code=130)
    except OSError as error:
        # What Python has kept to print is lost with it, and not worth a complaint of its own.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        fail(f"{error.filename or 'The output'}: {error.strerror}")


if __name__ == "__main__":
    main()
