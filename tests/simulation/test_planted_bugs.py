"""Each planted bug breaks a property by name; without it, the same seeds run clean.

An exception inside a node is a finding too, but it proves nothing about the properties, so it doesn't count here.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from tests.simulation import gate
from tests.simulation.mutant import SEEDS
from tests.simulation.mutants import MUTANTS

REMEMBERED = gate.remembered()


@pytest.mark.parametrize("bug", MUTANTS)
def test_a_planted_bug_is_found_by_name(bug: str) -> None:
    catch = gate.with_twin(bug, REMEMBERED.get(bug))
    assert catch.name, f"neither {SEEDS} seeds nor a scenario showed {bug}; they showed {catch.passed}"
    assert catch.name in MUTANTS[bug].properties, catch
    assert catch.twin == gate.CLEAN, f"without {bug}, {catch.twin} breaks as well"


def test_the_text_remembers_every_bug_and_no_other() -> None:
    assert list(REMEMBERED) == list(MUTANTS)
    assert len(MUTANTS) >= 20


def test_the_command_shows_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    bugs = {name: MUTANTS[name] for name in ("vote not stored", "a deadline that has passed")}
    monkeypatch.setattr(gate, "MUTANTS", bugs)
    told = CliRunner().invoke(gate.main, ["--workers", "1"])
    assert told.exit_code == 0, told.output
    assert "durability" in told.stdout
    assert told.stdout.rstrip().endswith("2 planted bugs, all found by name")

    monkeypatch.setattr(gate, "remembered", dict)
    rows = json.loads(CliRunner().invoke(gate.main, ["--workers", "1", "--json"]).stdout)
    assert [(row["bug"], row["found"], row["without"]) for row in rows] == [(bug, True, "clean") for bug in bugs]


def test_what_another_property_shows_is_no_catch(monkeypatch: pytest.MonkeyPatch) -> None:
    bug = "a deadline that has passed"
    monkeypatch.setattr(gate, "MUTANTS", {bug: replace(MUTANTS[bug], properties=("results",))})
    monkeypatch.setattr(gate, "SEEDS", 3)
    told = CliRunner().invoke(gate.main, ["--workers", "1"])
    assert told.exit_code == 1
    assert "NOT FOUND" in told.stdout
