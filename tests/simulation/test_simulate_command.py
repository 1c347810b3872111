"""``raftzmq simulate``: figures, transcripts, violations and exit codes."""

from __future__ import annotations

import json
import shlex

import pytest
from click.testing import CliRunner, Result

from raftzmq.cli.main import main
from raftzmq.simulation import COUNTERS
from raftzmq.simulation.observer import Observer
from raftzmq.verify import PROPERTIES
from tests.simulation.mutants import MUTANTS


def run(*arguments: str) -> Result:
    """Run the command in this process, where a test can plant something."""
    return CliRunner().invoke(main, ["simulate", "--workers", "1", *arguments])


def test_figures_as_json() -> None:
    result = run("--seeds", "3", "--first-seed", "10", "--events", "200", "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert (document["seeds"], document["events"], document["violations"]) == (3, 600, [])
    assert tuple(document["coverage"]) == COUNTERS


def test_figures_for_people() -> None:
    result = run("--seeds", "2", "--events", "200")
    assert result.exit_code == 0, result.output
    assert result.stdout.rstrip().endswith("2 seeds, 400 events: no violation")
    assert "suppressed retries" in result.stdout


@pytest.mark.parametrize("arguments", [("--seed", "4"), ("--first-seed", "4", "--seeds", "1")])
def test_one_seed_is_told_step_by_step(arguments: tuple[str, ...]) -> None:
    result = run(*arguments, "--verbose", "--events", "300")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].split()[:5] == ["0.000", "ms", "*", "seed", "4:"]
    for told in (
        "starts: term 0",
        "asks for a vote",
        "is leader in term",
        "has on disk: ",
        "everything is whole again",
    ):
        assert any(told in line for line in lines), told


def test_json_and_transcript_go_different_ways() -> None:
    result = run("--seed", "4", "--verbose", "--events", "100", "--json")
    assert json.loads(result.stdout)["seeds"] == 1
    assert "is leader in term" in result.stderr


def test_a_violation_is_named_and_can_be_replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    mutant = MUTANTS["leader counts unsynced entries"]
    monkeypatch.setattr(mutant.owner, mutant.name, mutant.function)
    result = run("--seeds", "20", "--json")
    assert result.exit_code == 1
    violations = json.loads(result.stdout)["violations"]
    first = violations[0]
    assert set(first) == {"seed", "property", "step", "time_us", "nodes", "explanation", "replay"}
    assert first["property"] in PROPERTIES

    command = shlex.split(first["replay"])
    assert command[:2] == ["raftzmq", "simulate"]
    again = run(*command[2:])
    assert again.exit_code == 1
    assert f"seed {first['seed']}, step {first['step']}, " in again.stdout
    assert first["explanation"] in again.stdout
    assert "1 violation" in again.stdout


@pytest.mark.parametrize(
    "arguments", [("--seed", "1", "--seeds", "2"), ("--seeds", "0"), ("--events", "none"), ("--seed", "-1")]
)
def test_usage(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2


def test_an_audit_of_what_nodes_say() -> None:
    result = run("--seeds", "3", "--first-seed", "10", "--events", "200", "--audit", "--json")
    assert result.exit_code == 0, result.output
    audit = json.loads(result.stdout)["audit"]
    assert audit["verdicts"] == {"holds": 3}
    assert min(audit["virtual_s"], audit["events"], audit["checks"]) > 0
    assert "audit" not in json.loads(run("--seeds", "1", "--events", "50", "--json").stdout)
    people = run("--seeds", "2", "--events", "100", "--audit").stdout
    assert people.splitlines()[-1].startswith("audit: 2 × holds; ")


def test_what_the_audit_finds_is_replayed_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by the events alone: what looks into nodes is blind here."""
    mutant = MUTANTS["committed beyond stable"]
    monkeypatch.setattr(mutant.owner, mutant.name, mutant.function)
    monkeypatch.setattr(Observer, "applied", lambda *_: None)
    result = run("--seed", "5", "--audit", "--json")
    assert result.exit_code == 1
    [violation] = json.loads(result.stdout)["violations"]
    assert violation["property"] == "state_behind_log"
    assert violation["explanation"].startswith("the events say: ")
    assert "--audit" in shlex.split(violation["replay"])
    again = run(*shlex.split(violation["replay"])[2:])
    assert again.exit_code == 1
    assert "state_behind_log" in again.stdout
