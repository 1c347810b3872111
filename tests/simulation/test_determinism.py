"""A seed is a run: the same on every machine, in every process, with any number of workers, watched or not."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

from raftzmq.simulation import run_seeds, simulate

ROOT = Path(__file__).resolve().parents[2]
SEEDS = range(1, 9)


def transcript(hash_seed: str) -> bytes:
    """What a process of its own prints of several seeds."""
    arguments = ("--first-seed", str(SEEDS[0]), "--seeds", str(len(SEEDS)), "--verbose")
    process = subprocess.run(
        [sys.executable, "-m", "raftzmq", "simulate", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        timeout=60,
        check=True,
    )
    return process.stdout


def test_two_processes_write_the_same_transcript() -> None:
    one, other = transcript("1"), transcript("20260101")
    assert one == other
    assert one.count(b"is leader in term") >= len(SEEDS)
    assert one.count(b"everything is whole again") == len(SEEDS)


def test_watching_changes_nothing() -> None:
    lines: list[str] = []
    assert simulate(3, 500, lines.append) == simulate(3, 500)
    assert len(lines) > 500


def test_workers_change_nothing() -> None:
    alone = list(run_seeds(SEEDS, 200, workers=1))
    assert [outcome.seed for outcome in alone] == list(SEEDS)
    assert list(run_seeds(SEEDS, 200, workers=2)) == alone


def test_other_seeds_are_other_runs() -> None:
    assert len({str(simulate(seed, 100).coverage) for seed in SEEDS}) == len(SEEDS)


def sets_iterated(tree: ast.AST) -> list[int]:
    """Lines that iterate over a set that they make: its order is that of hashes."""
    loops = [node.iter for node in ast.walk(tree) if isinstance(node, (ast.For, ast.comprehension))]
    return [
        iterated.lineno
        for iterated in loops
        if isinstance(iterated, (ast.Set, ast.SetComp))
        or (isinstance(iterated, ast.Call) and getattr(iterated.func, "id", "") in ("set", "frozenset"))
    ]


def test_nothing_iterates_over_a_set() -> None:
    assert sets_iterated(ast.parse("for a in {1, 2}: pass\n[b for b in set(c)]")) == [1, 2]
    for folder in ("core", "node", "kv", "codec", "simulation", "verify"):
        for path in (ROOT / "raftzmq" / folder).rglob("*.py"):
            assert sets_iterated(ast.parse(path.read_text())) == [], path
