"""``bench/linearizability.py``: real processes are killed, paused and restarted, and every answer is held to account.

One run: five nodes, clients that read, write and swap a few keys, a fault every few seconds. Then all is healed, every
key is read once more, and it must hold:

- the recorded history is linearizable (`raftzmq.verify`), from an empty store on;
- no acknowledged write is lost, none is applied twice: revisions, versions and values add up;
- all nodes store the same.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from raftzmq.benchmarks.display import Advance, progress
from raftzmq.benchmarks.faults import KINDS, Faults, schedule
from raftzmq.benchmarks.local_cluster import LocalCluster
from raftzmq.benchmarks.options import (
    SECONDS_MAX,
    directory_option,
    json_option,
)
from raftzmq.benchmarks.program import ending_in_order, note, output
from raftzmq.benchmarks.verification import VerificationFailed, verify
from raftzmq.benchmarks.workload import Plan, Told, run_workload
from raftzmq.client.sync import Client
from raftzmq.errors import RaftzmqError
from raftzmq.verify.formats import read_history
from raftzmq.verify.history import History
from raftzmq.verify.linearizability import check

SCHEMA: Final = 1
_CHECK_TIMEOUT_S: Final = 300.0
_FINAL_TIMEOUT_S: Final = 60.0
_PROGRESS_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Run:
    """How a run went. ``reason`` is empty if all that must hold held; ``lines`` show what didn't."""

    figures: dict[str, Any]
    reason: str = ""
    lines: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {**self.figures, "ok": not self.reason, "reason": self.reason or None, "window": list(self.lines)}


def campaign_run(
    plan: Plan, *, nodes: int = 5, every_s: float = 3.0, directory: Path | None = None, advance: Advance | None = None
) -> Run:
    """One run. ``every_s``: between faults, on average. The nodes' data and the history stay if anything is wrong.

    Raises ClusterFailed for a node that ends by itself, RequestError for a healed cluster that doesn't answer.
    """
    told = Told()
    with LocalCluster(nodes, directory) as cluster:
        record = cluster.path / "history.jsonl"
        faults = Faults(cluster)
        term = cluster.leader()[1]
        asyncio.run(_disturbed(plan, cluster, faults, record, told, every_s, advance))
        terms = cluster.leader()[1] - term
        figures: dict[str, Any] = {
            "seed": plan.seed,
            "operations": sum(told.called.values()),
            **{f"{name}_calls": count for name, count in sorted(told.called.items())},
            "acknowledged_writes": told.ledger.acknowledged_count,
            "failed": told.outcomes["failed"],
            "unknown": told.outcomes["unknown"],
            **{f"{kind}_faults": faults.done[kind] for kind in KINDS},
            "terms": terms,
        }
        reason, lines = _judge(cluster, record, told, figures)
        cluster.keep = bool(reason)
    return Run(figures, reason, lines)


async def _disturbed(
    plan: Plan,
    cluster: LocalCluster,
    faults: Faults,
    record: Path,
    told: Told,
    every_s: float,
    advance: Advance | None,
) -> None:
    """The clients at work, and what is done to the nodes meanwhile; at the end every node runs."""

    async def report() -> None:
        while advance is not None:
            advance(sum(told.called.values()))
            await asyncio.sleep(_PROGRESS_S)

    try:
        async with asyncio.TaskGroup() as tasks:
            reporting = tasks.create_task(report())
            working = tasks.create_task(run_workload(plan, cluster.endpoints, record, told))
            disturbing = tasks.create_task(faults.run(schedule(cluster.nodes, plan.seed, plan.seconds, every_s)))
            await asyncio.wait([working, disturbing])
            reporting.cancel()
    except* RaftzmqError as errors:
        raise _first(errors) from None


def _first(errors: BaseExceptionGroup[RaftzmqError]) -> RaftzmqError:
    """The first of errors that tasks ended with together: the others are its consequences."""
    error = errors.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


def _judge(cluster: LocalCluster, record: Path, told: Told, figures: dict[str, Any]) -> tuple[str, Sequence[str]]:
    """Why the run is wrong, and what shows it; nothing if it is right."""
    keys = sorted({*told.ledger.latest, *told.ledger.unknown})
    with Client(cluster.endpoints, timeout=_FINAL_TIMEOUT_S, record=record) as client:
        for key in keys:
            client.get(key)
        client.range()
    begun = time.monotonic()
    history = read_history(record, empty=True)
    verdict = check(history, _CHECK_TIMEOUT_S)
    figures["linearizable"] = verdict.linearizable
    figures["check_seconds"] = round(time.monotonic() - begun, 3)
    if not verdict.linearizable:
        return verdict.reason, [] if verdict.window is None else verdict.window.lines(timed=True)
    try:
        figures["nodes_with_equal_state"] = verify(cluster.endpoints, told.ledger).nodes_agreeing
    except VerificationFailed as error:
        return str(error), []
    wrong = doubled(history)
    return (f"{len(wrong)} writes were applied twice, or not at all", wrong[:10]) if wrong else ("", [])


def doubled(history: History) -> list[str]:
    """Contradictions in how often writes were applied, by what was read, last of all; values must be unique.

    Everything here would be a contradiction to the checker as well: this counts, where the checker searches.
    """
    wrong = []
    revisions: dict[tuple[bytes, bytes], set[int]] = {}
    versions: dict[bytes, int] = {}
    known, unknown = Counter[bytes](), Counter[bytes]()
    for operation in history.operations:
        if operation.name == "get":
            rows = {} if operation.result is None else {operation.key: operation.result}
        else:
            rows = operation.result[1] if operation.name == "range" else {}
        for key, (value, _, mod, version, _) in rows.items():
            revisions.setdefault((key, value), set()).add(mod)
            versions[key] = max(version, versions.get(key, 0))
        if operation.name in ("put", "cas"):
            if not operation.known:
                unknown[operation.key] += 1
            elif operation.name == "put" or operation.result[0]:
                known[operation.key] += 1
    for (key, value), found in revisions.items():
        if len(found) > 1:
            wrong.append(f"key {key!r} got the value {value!r} at revisions {sorted(found)}")
    for key in known | unknown:
        most = known[key] + unknown[key]
        if not known[key] <= versions.get(key, 0) <= most:
            wrong.append(f"key {key!r} has version {versions.get(key, 0)} after {known[key]} to {most} writes")
    return wrong


@click.command("linearizability")
@click.option("--runs", default=1, show_default=True, type=click.IntRange(1), help="Runs, with seeds from --seed on.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="Of the first run.")
@click.option(
    "--seconds", default=60.0, show_default=True, type=click.FloatRange(1, SECONDS_MAX), help="Length of a run's load."
)
@click.option("--clients", default=8, show_default=True, type=click.IntRange(1, 1000), help="Clients at work.")
@click.option("--keys", default=10, show_default=True, type=click.IntRange(1), help="Keys that they share.")
@click.option(
    "--rate", default=200.0, show_default=True, type=click.FloatRange(1, 100_000), help="Operations/s, all clients."
)
@click.option(
    "--every", default=3.0, show_default=True, type=click.FloatRange(0.1, SECONDS_MAX), help="Seconds between faults."
)
@click.option("--nodes", default=5, show_default=True, type=click.IntRange(1, 99), help="Size of the cluster.")
@directory_option
@json_option("lines")
def linearizability(
    runs: int,
    seed: int,
    seconds: float,
    clients: int,
    keys: int,
    rate: float,
    every: float,
    nodes: int,
    directory: Path | None,
    as_json: bool,
) -> None:
    """Kill, pause and restart nodes under load, and prove from what clients recorded that nobody was told a lie.

    Each run starts a cluster of its own on free ports. Clients get, put and compare-and-swap shared keys; every few
    seconds a random node gets SIGKILL (and is started again), SIGSTOP (and SIGCONT) or SIGTERM (and is started again).
    Then all is healed, and the history must be linearizable, nothing acknowledged lost, nothing applied twice, and all
    nodes' states equal. Exit code 1 if a run isn't so; its history, logs and data are kept then.

    \b
    Examples:
      raftzmq bench linearizability --runs 10
      raftzmq bench linearizability --seed 4 --seconds 10 --json
    """
    done = []
    for number in range(runs):
        plan = Plan(clients, keys, rate, seconds, seed + number)
        with ending_in_order(), progress(f"seed {plan.seed}", int(rate * seconds)) as advance:
            run = campaign_run(plan, nodes=nodes, every_s=every, directory=directory, advance=advance)
        done.append(run)
        if not as_json:
            with output():
                print(_sentence(run), *(f"  {line}" for line in run.lines), sep="\n")
    good = sum(not run.reason for run in done)
    if as_json:
        with output():
            print(json.dumps({"schema": SCHEMA, "ok": good == runs, "runs": [run.to_json() for run in done]}))
    if good < runs:
        note(f"{runs - good} of {runs} runs failed")
        sys.exit(1)


def _sentence(run: Run) -> str:
    figures = run.figures
    faults = ", ".join(f"{figures[f'{kind}_faults']} {kind}s" for kind in KINDS)
    return (
        f"seed {figures['seed']}: {run.reason or 'linearizable, nothing lost, nothing doubled'}; "
        f"{figures['operations']:,} operations ({figures['unknown']} unknown, {figures['failed']} failed), "
        f"{faults}, {figures['terms']} elections, checked in {figures['check_seconds']:.2f} s"
    )
