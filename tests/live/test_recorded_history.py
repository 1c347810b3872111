"""What clients recorded while real nodes died is linearizable, and the checker would have told if it weren't."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from raftzmq import Client
from raftzmq.benchmarks.faults import KINDS
from raftzmq.benchmarks.linearizability import campaign_run, doubled
from raftzmq.benchmarks.local_cluster import LocalCluster
from raftzmq.benchmarks.workload import Plan, Told, run_workload
from raftzmq.cli.main import main
from raftzmq.verify.formats import read_history

pytestmark = pytest.mark.live


@pytest.mark.timeout(240)
def test_clients_are_told_no_lie_while_nodes_are_killed_paused_and_restarted(tmp_path: Path) -> None:
    run = campaign_run(Plan(seconds=8, seed=7), every_s=1.2, directory=tmp_path)
    assert not run.reason, "\n".join([run.reason, *run.lines])
    figures = run.figures
    assert figures["linearizable"] is True
    assert figures["nodes_with_equal_state"] == 5
    assert figures["acknowledged_writes"] > 100
    assert sum(figures[f"{kind}_faults"] for kind in KINDS) >= 3
    assert not list(tmp_path.iterdir()), "what went well leaves nothing behind"


def verify(path: Path) -> Result:
    return CliRunner().invoke(main, ["verify", "--empty", "--json", str(path)], catch_exceptions=False)


def test_a_recorded_history_passes_and_a_tampered_one_does_not(tmp_path: Path) -> None:
    path, told = tmp_path / "history.jsonl", Told()
    with LocalCluster(3, tmp_path) as cluster:
        plan = Plan(clients=4, keys=3, operations_per_second=400, seconds=2)
        asyncio.run(run_workload(plan, cluster.endpoints, path, told))
        with Client(cluster.endpoints, record=path) as client:
            client.range()
    result = verify(path)
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)["files"]
    assert row["operations"] == sum(told.called.values()) + 1 > 100
    assert row["keys"] == 3
    assert not doubled(read_history(path))

    lines = path.read_text().splitlines(keepends=True)
    for name, tampered in {
        "a stale read": with_stale_read(lines),
        "a lost write": without_first_write(lines),
        "a write applied twice": with_version_raised(lines),
    }.items():
        path.write_text("".join(tampered))
        result = verify(path)
        assert result.exit_code == 1, name
        (row,) = json.loads(result.stdout)["files"]
        assert row["decided"], name
        # How few show it depends on how many calls overlapped: nine on a busy machine, of 126 of that key.
        shown = len(row["window"]["operations"])
        assert 1 <= shown < row["window"]["others"] / 4, (name, row["window"])


def rows_read(lines: list[str]) -> list[int]:
    """Where gets returned a row."""
    return [place for place, line in enumerate(lines) if '"result":{"value":' in line]


def with_stale_read(lines: list[str]) -> list[str]:
    """The last get of a key returns what the first get of that key did."""
    calls = {(item["client"], item["id"]): item for item in map(json.loads, lines) if item["type"] == "call"}
    first: dict[str, dict[str, object]] = {}
    changed = list(lines)
    aim = -1
    for place in rows_read(lines):
        item = json.loads(lines[place])
        key = calls[item["client"], item["id"]]["operation"]["key"]
        if first.setdefault(key, item["result"]) != item["result"]:
            aim = place
            changed[aim:] = [json.dumps({**item, "result": first[key]}) + "\n", *lines[aim + 1 :]]
            changed[:aim] = lines[:aim]
    assert aim >= 0, "nothing was read twice"
    return changed


def without_first_write(lines: list[str]) -> list[str]:
    """A write that was read is gone from the file: somebody read what nobody wrote."""
    value = json.loads(lines[rows_read(lines)[0]])["result"]["value"]
    (gone,) = (
        item for item in map(json.loads, lines) if item["type"] == "call" and item["operation"].get("value") == value
    )
    names = {(gone["client"], gone["id"])}
    return [line for line in lines if (json.loads(line)["client"], json.loads(line).get("id")) not in names]


def with_version_raised(lines: list[str]) -> list[str]:
    """The last get counts one write more than there were."""
    place = rows_read(lines)[-1]
    item = json.loads(lines[place])
    item["result"]["version"] += 1
    return [*lines[:place], json.dumps(item) + "\n", *lines[place + 1 :]]
