"""``status`` and ``health``: who leads, how far everybody is, and whether the cluster serves."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import click

from raftzmq.cli.options import CONTEXT, client_options, load_cluster, open_client
from raftzmq.cli.output import EXIT_UNHEALTHY, console, note, on_terminal, printable, say, say_json
from raftzmq.errors import RequestError

SCHEMA = 1
"""The version of ``status --json``."""
STABLE = ("role", "term", "leader", "commit_index", "last_applied", "last_log_index", "pid")
"""What every row has, null for a node that doesn't answer; other fields may come and go."""
HEALTH_KEY = b"raftzmq/health"
"""The key that `health` reads. It needn't exist: the read takes the same way."""
ANY, NORMAL, WIDE = 0, 76, 100
"""Columns of a terminal from which on there is room for a column of the table."""

Row = dict[str, Any]


@click.command(context_settings=CONTEXT)
@client_options
def status(endpoints: str | None, config: Path | None, timeout: float, as_json: bool) -> None:
    """One row per node: role, term, whom it follows, how far its log, commits and state are.

    Each node speaks for itself, at once and without consensus, so the rows may be of slightly different moments.
    Exit code 5: no majority follows one leader.

    \b
    Examples:
      raftzmq status
      raftzmq status --json | jq -r '.nodes[] | select(.role == "leader").node'
    """
    with open_client(endpoints, config, timeout) as client:
        rows = client.status()
    if endpoints is None:
        names = {address.client: address.node for address in load_cluster(config).nodes}
        for row in rows:
            row["node"] = row["node"] or names.get(row["endpoint"], "")
    rows = [{"node": "", "endpoint": "", "reachable": False, **dict.fromkeys(STABLE), **row} for row in rows]
    trouble = find_trouble(rows)
    if as_json:
        say_json({"schema": SCHEMA, "nodes": rows})
    elif on_terminal():
        print_rows(rows)
        if not trouble:
            console().print(_summary(rows), style="dim")
    else:
        say(plain_rows(rows))
    if not as_json:
        _tell_faults(rows)
    if trouble:
        if not as_json:
            note(f"unhealthy: {trouble}")
        click.get_current_context().exit(EXIT_UNHEALTHY)


def _tell_faults(rows: list[Row]) -> None:
    """A bad network that was asked for must not be taken for a bad cluster."""
    for row in rows:
        if row.get("faults"):
            from raftzmq.doctor.agreement import describe_faults

            note(f"note: {printable(str(row['node']))} {describe_faults(row['faults'])}")


def find_trouble(rows: list[Row]) -> str:
    """Why the cluster cannot serve, as far as its nodes say; empty if a majority follows one leader."""
    quorum = len(rows) // 2 + 1
    reachable = [row for row in rows if row["reachable"]]
    if len(reachable) < quorum:
        return f"{len(reachable)} of {len(rows)} nodes answer, a majority is {quorum}: start the others"
    follow = Counter((row["term"], row["leader"]) for row in reachable if row["leader"])
    if not follow:
        return "no node knows a leader: an election is under way, or a majority cannot reach one another"
    (term, leader), count = follow.most_common(1)[0]
    if count < quorum:
        return f"only {count} of {len(rows)} nodes follow {leader} in term {term}, a majority is {quorum}: ask again"
    return ""


Column = tuple[str, str, bool, int]
"""Of a table: heading, field, right-aligned, width of the terminal that it needs."""
Columns = tuple[Column, ...]
COLUMNS: Columns = (
    ("NODE", "node", False, ANY),
    ("ROLE", "role", False, ANY),
    ("TERM", "term", True, ANY),
    ("LEADER", "leader", False, ANY),
    ("COMMIT", "commit_index", True, ANY),
    ("APPLIED", "last_applied", True, ANY),
    ("LOG", "last_log_index", True, NORMAL),
    ("REVISION", "revision", True, WIDE),
    ("PID", "pid", True, WIDE),
    ("ENDPOINT", "endpoint", False, NORMAL),
)


def _cell(row: Row, field: str) -> str:
    if field == "role" and not row["reachable"]:
        return str(row.get("condition") or "unreachable")
    if field == "endpoint":
        return printable(str(row["endpoint"]).removeprefix("tcp://"))
    value = row.get(field)
    return "-" if value in (None, "") else printable(str(value))


def plain_rows(rows: list[Row], columns: Columns = COLUMNS) -> str:
    """Aligned text: the same columns whatever the width, so that scripts can cut them."""
    table = [[heading for heading, *_ in columns]]
    table += [[_cell(row, field) for _, field, *_ in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for cells in table:
        padded = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, (_, _, right, _) in zip(cells, widths, columns, strict=True)
        ]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def _fitting(rows: list[Row], columns: list[Column], width: int) -> list[Column]:
    """As many of the columns as a terminal has room for whole, but two at least."""
    used = -2
    for number, (heading, field, *_) in enumerate(columns):
        used += 2 + max(len(heading), *(len(_cell(row, field)) for row in rows))
        if used > width and number >= 2:
            return columns[:number]
    return columns


def print_rows(rows: list[Row], columns: Columns = COLUMNS) -> None:
    """The table for a terminal: leaders green, nodes that aren't there red, what is too wide left out."""
    from rich.table import Table
    from rich.text import Text

    screen = console()
    shown = _fitting(rows, [column for column in columns if screen.width >= column[3]], screen.width)
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for heading, _, right, _ in shown:
        table.add_column(heading, justify="right" if right else "left", no_wrap=True)
    for row in rows:
        style = {"leader": "bold green", "candidate": "yellow", "pre-candidate": "yellow"}.get(str(row["role"]), "")
        table.add_row(*(Text(_cell(row, field)) for _, field, *_ in shown), style=style if row["reachable"] else "red")
    screen.print(table)


def _summary(rows: list[Row]) -> str:
    """The healthy cluster in a sentence."""
    reachable = [row for row in rows if row["reachable"]]
    (term, leader), count = Counter((row["term"], row["leader"]) for row in reachable).most_common(1)[0]
    behind = max(row["commit_index"] or 0 for row in reachable) - min(row["last_applied"] or 0 for row in reachable)
    progress = "all have applied what is committed" if behind == 0 else f"the slowest is {behind} entries behind"
    return f"{count} of {len(rows)} nodes follow {leader} in term {term}; {progress}."


@click.command(context_settings=CONTEXT)
@client_options
def health(endpoints: str | None, config: Path | None, timeout: float, as_json: bool) -> None:
    """Can the cluster serve? Does a linearizable read, which needs a leader that a majority confirms.

    Exit code 0: it can. Exit code 5: it couldn't within the timeout.

    \b
    Examples:
      raftzmq health
      until raftzmq health --timeout 1; do :; done
    """
    begun = time.perf_counter()
    failure: RequestError | None = None
    with open_client(endpoints, config, timeout) as client:
        try:
            client.get(HEALTH_KEY)
        except RequestError as error:
            failure = error
    elapsed_ms = round((time.perf_counter() - begun) * 1000, 3)
    if as_json:
        why = {"error": {"code": failure.code, "message": failure.message}} if failure else {}
        say_json({"healthy": failure is None, "elapsed_ms": elapsed_ms, **why})
    elif failure is None:
        say(f"healthy: a linearizable read took {elapsed_ms:.1f} ms, connecting included")
    else:
        note(f"unhealthy: {printable(failure.message)}")
    if failure is not None:
        click.get_current_context().exit(EXIT_UNHEALTHY)
