"""``raftzmq node``: one node as one process."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import time
import traceback
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from raftzmq.cli.options import CONTEXT, load_cluster
from raftzmq.cli.release import release
from raftzmq.config import Address, ClusterConfig, Timing
from raftzmq.errors import ConfigurationError, NodeError
from raftzmq.runtime.choice import COROUTINES_BLOCKING, RUNTIMES, THREADS, RuntimeChoice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from structlog.typing import FilteringBoundLogger

    from raftzmq.core.ready import Fact
    from raftzmq.node import Node
    from raftzmq.runtime.channel import ChannelFaults
    from raftzmq.runtime.wires import Wires
    from raftzmq.storage import OpenedNode


DELAY_MS_MAX = 60_000
"""As `raftzmq chaos link` has it: what comes a minute late has been given up long before."""


def parse_timing(heartbeat_ms: int, election_timeout_ms: str) -> Timing:
    """Timers from the command line, the election timeout as MIN-MAX; raises ConfigurationError."""
    low, dash, high = election_timeout_ms.partition("-")
    if not (dash and f"{low}{high}".isascii() and low.isdigit() and high.isdigit()):
        raise ConfigurationError(f"--election-timeout-ms takes MIN-MAX, such as 200-400, not {election_timeout_ms!r}")
    return Timing(heartbeat_ms * 1000, int(low) * 1000, int(high) * 1000)


def parse_faults(delay_ms_mean: float, loss: float, seed: int | None) -> ChannelFaults:
    """What is done to messages; a seed that is told is drawn if none is given. Raises ConfigurationError."""
    from raftzmq.runtime.channel import ChannelFaults

    if not delay_ms_mean <= DELAY_MS_MAX:  # nan isn't either
        raise ConfigurationError(f"--delay-ms-mean is at most {DELAY_MS_MAX:,} milliseconds, not {delay_ms_mean:g}")
    return ChannelFaults(round(delay_ms_mean * 1000), loss, random.getrandbits(31) if seed is None else seed)


@click.command(context_settings=CONTEXT)
@click.option("--node", "name", required=True, metavar="NAME", help="Which node of the cluster this process is.")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Cluster file (TOML). Without it: the local cluster of bin/up.",
)
@click.option("--nodes", default=5, show_default=True, metavar="N", help="Size of the local cluster (no --config).")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="This node's data directory; made at the first start.",
)
@click.option("--heartbeat-ms", default=50, show_default=True, metavar="MS", help="How often a leader is heard.")
@click.option(
    "--election-timeout-ms",
    default="200-400",
    show_default=True,
    metavar="MIN-MAX",
    help="A follower that hears no leader for a time drawn from this range campaigns.",
)
@click.option(
    "--runtime",
    type=click.Choice(RUNTIMES),
    default=THREADS,
    show_default=True,
    help="What runs the node: a loop of its own or asyncio's, both with threads for what blocks. The third has no "
    "threads for the disk: it exists only to show what becomes of a node whose event loop waits.",
)
@click.option("--uvloop", is_flag=True, help="Run the coroutines on uvloop instead of asyncio's own loop.")
@click.option("--any-file-system", is_flag=True, help="Start even where LMDB isn't known to survive a power cut.")
@click.option(
    "--delay-ms-mean",
    type=float,
    default=0.0,
    metavar="MS",
    help="For experiments: delay each message to a peer, by times that are exponentially distributed around this.",
)
@click.option(
    "--loss", type=float, default=0.0, metavar="P", help="For experiments: lose each message to a peer, P from 0 to 1."
)
@click.option("--seed", type=int, metavar="S", help="For experiments: with the same one, the n-th fate is the same.")
@click.option("--lab", is_flag=True, help="Lab mode: let `raftzmq chaos` break this node and its links while it runs.")
def node(
    name: str,
    config: Path | None,
    nodes: int,
    data: Path,
    heartbeat_ms: int,
    election_timeout_ms: str,
    runtime: str,
    uvloop: bool,
    any_file_system: bool,
    delay_ms_mean: float,
    loss: float,
    seed: int | None,
    lab: bool,
) -> None:
    """Run one node of a cluster until SIGTERM.

    Its log goes to standard output, one JSON object a line. Exit codes: 0 stopped in order, 10 configuration or
    identity, 11 storage or corruption, 12 data directory in use, 13 broken invariant.

    The runtime is what waits for sockets and the disk around the same consensus; nodes of different runtimes make one
    cluster. coroutines-blocking is no choice for a cluster that is to serve: it commits to the disk on its event loop,
    to show what that does. While a sync lasts such a node hears no heartbeat, sends none and answers nobody.

    --delay-ms-mean and --loss make the network worse than it is, to see what elections and the log make of it. They
    hold for the messages that this node sends to its peers: give them to every node for a bad network, to one for a
    bad cable. What is acknowledged stays safe. As every option they may come from the environment: a supervisord that
    is started with RAFTZMQ_NODE_LOSS=0.1 hands it to all its nodes.

    With --lab (RAFTZMQ_NODE_LAB=1) everybody who reaches its client address may break this node with raftzmq chaos:
    for lessons and experiments, never for a cluster that is to serve.

    \b
    Examples:
      raftzmq node --node n1 --nodes 3 --data /var/lib/raftzmq/n1
      raftzmq node --node n2 --config cluster.toml --data ./n2
      raftzmq node --node n1 --nodes 3 --data ./n1 --runtime coroutines --uvloop
      raftzmq node --node n3 --nodes 3 --data ./n3 --delay-ms-mean 20 --loss 0.1 --seed 7
      raftzmq node --node n3 --nodes 3 --data ./n3 --lab
    """
    from raftzmq.events.logs import json_log

    log = json_log(sys.stdout.buffer, node=name)
    try:
        cluster = load_cluster(config, nodes)
        timing = parse_timing(heartbeat_ms, election_timeout_ms)
        chosen = RuntimeChoice(runtime, uvloop)
        faults = parse_faults(delay_ms_mean, loss, seed)
        cluster.address(name)
        with _opened(data, cluster, name, any_file_system) as opened:
            _run(opened, cluster, timing, chosen, faults, data, log, lab=lab)
    except NodeError as error:
        log.critical("node ends", error=str(error), exit_code=error.exit_code)
        _end(error.exit_code)
    except Exception as error:  # noqa: BLE001 - a bug: say all there is to say, in the log's own form
        log.critical("node crashes", error=repr(error), traceback=traceback.format_exc())
        _end(1)


def _end(code: int) -> None:
    """End at once: after a failed sync nothing may be written any more, and no thread is worth waiting for."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


@contextlib.contextmanager
def _opened(data: Path, cluster: ClusterConfig, name: str, any_file_system: bool) -> Iterator[OpenedNode]:
    from raftzmq.storage import open_node

    opened = open_node(data, cluster, name, allow_any_filesystem=any_file_system)
    try:
        yield opened
    finally:
        opened.lock.release()


def _run(
    opened: OpenedNode,
    cluster: ClusterConfig,
    timing: Timing,
    chosen: RuntimeChoice,
    faults: ChannelFaults,
    data: Path,
    log: FilteringBoundLogger,
    *,
    lab: bool,
) -> None:
    from raftzmq.node import Node
    from raftzmq.runtime.backoff import StartBackoff
    from raftzmq.runtime.jobs import now_us
    from raftzmq.runtime.wires import Wires

    backoff = StartBackoff(data)
    wait_s = backoff.begin(time.time())
    if wait_s:
        log.warning("start delayed after repeated crashes", seconds=wait_s)
        time.sleep(wait_s)
    loaded = opened.loaded
    body = Node(
        loaded,
        timing=timing,
        rng=random.Random(),
        boot=uuid.uuid4().hex[:12],
        now_us=now_us(),
        wall_ns=time.time_ns,
        pid=os.getpid(),
    )
    address = next((member for member in body.members if member.node == loaded.node), None)
    if address != cluster.address(loaded.node):
        raise ConfigurationError(
            f"the cluster's log says that {loaded.node} is at {address}, the configuration says "
            f"{cluster.address(loaded.node)}: addresses change by a membership change, not by configuration"
        )

    def on_facts(facts: list[Fact]) -> None:
        for fact in facts:
            log.info(fact.kind, term=fact.term, **_printable(fact.fields))

    body.about["release"] = release()
    body.about |= chosen.about
    wires = _faulty_wires(address, body, faults, log, lab=lab) if faults or lab else Wires(address, body.members)
    if chosen.name == COROUTINES_BLOCKING:
        log.warning("the event loop waits for the disk on purpose: elections and slow answers are to be expected")
    driver = chosen.make(body, opened, wires, on_facts)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: driver.stop())
    log.info("node starts", pid=os.getpid(), boot=body.boot, peer=address.peer, client=address.client, **chosen.about)
    driver.run()
    backoff.end()
    log.info("node stops")


def _faulty_wires(
    address: Address, body: Node, faults: ChannelFaults, log: FilteringBoundLogger, *, lab: bool
) -> Wires:
    """Sockets whose messages to peers are delayed and lost, or can be; the log and the status say so."""
    from raftzmq.runtime.faulty_dealers import FaultyDealers
    from raftzmq.runtime.wires import Wires

    if faults:
        told = {"delay_ms_mean": faults.delay_mean_us / 1000, "loss": faults.loss, "seed": faults.seed}
        log.warning("messages to peers are delayed or lost on purpose", **told)
        body.about["faults"] = told
    if lab:
        log.warning("lab mode: whoever reaches the client address may break this node and its links", lab=True)
        body.about["lab"] = body.lab.enabled = True
    return Wires(address, body.members, FaultyDealers(faults, body.name, body.members, body.lab.links))


def _printable(fields: dict[str, Any]) -> dict[str, Any]:
    """Field names that the logger keeps for itself get an underscore."""
    return {f"{key}_" if key in ("event", "level", "ts") else key: value for key, value in fields.items()}
