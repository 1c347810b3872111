"""A failing seed becomes a short one that breaks the same property, and that anybody can replay."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from itertools import islice

import pytest
from click.testing import CliRunner

from raftzmq.cli.main import main
from raftzmq.simulation import Found, length, parse_scenario, run_seeds, shrink, simulate
from raftzmq.simulation.shrink import story
from tests.simulation.mutants import MUTANTS

TIMES_SHORTER = 5


def long_ones(bug: str, events: int) -> Iterator[Found]:
    """Failures of a planted bug that aren't short already."""
    for outcome in run_seeds(range(1, 300), 1_000, workers=1):
        if outcome.found and outcome.found[0].name in MUTANTS[bug].properties and length(outcome.found[0]) > events:
            yield outcome.found[0]


def test_a_planted_bug_is_shown_in_a_fifth_of_the_events(monkeypatch: pytest.MonkeyPatch) -> None:
    bug = "election restriction off"
    mutant = MUTANTS[bug]
    monkeypatch.setattr(mutant.owner, mutant.name, mutant.function)
    for found in islice(long_ones(bug, 600), 3):
        # Some failures need all that they have; not three in a row.
        shrunk = shrink(found)
        assert shrunk.found.name == found.name
        if TIMES_SHORTER * length(shrunk.found) <= length(found):
            break
    else:
        raise AssertionError(f"{length(found)} events became no fewer than {length(shrunk.found)}")
    again = simulate(shrunk.found.seed, shrunk.found.events, None, parse_scenario(str(shrunk.found.scenario)))
    assert again.found[0].explanation == shrunk.found.explanation
    assert shrunk.story[0].split()[3:5] == ["seed", f"{found.seed}:"]
    assert len(shrunk.story) < length(found)


def test_the_command_shrinks_and_its_replay_shows_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    mutant = MUTANTS["reply before the disk"]
    monkeypatch.setattr(mutant.owner, mutant.name, mutant.function)
    arguments = ["simulate", "--seeds", "3", "--workers", "1", "--shrink"]
    told = CliRunner().invoke(main, arguments)
    assert told.exit_code == 1, told.output
    assert "made short: " in told.stdout

    document = json.loads(CliRunner().invoke(main, [*arguments, "--json"]).stdout)
    shrunk = document["shrunk"]
    assert shrunk["property"] == document["violations"][0]["property"] == "durable_promise"
    assert shrunk["events"] < shrunk["events_before"]
    assert shrunk["story"][-1] in told.stdout

    command = shlex.split(shrunk["replay"])
    assert command[0] == "raftzmq"
    again = CliRunner().invoke(main, command[1:])
    assert again.exit_code == 1
    assert shrunk["explanation"] in again.stdout


def test_the_story_leaves_out_what_says_nothing() -> None:
    lines = [
        "      0.000 ms  n1   starts: term 0",
        "      1.000 ms  n2   ← n1: AppendEntries term 1 after 2 (term 1): heartbeat, commit 2, round 0",
        "      2.000 ms  n1   ← c1: hello",
        "      3.000 ms  n1   ← c1: #1 read: get(a, 0)",
        "      4.000 ms  n1   ← c1: #2 read: get(a, 0)",
        "      5.000 ms  n2   ← n1: AppendEntries term 1 after 2 (term 1): entries 3…3, commit 2, round 0",
    ]
    assert story(lines) == (lines[0], lines[3], lines[5])
    many = [f"      0.000 ms  n1   is at {number}" for number in range(2_000)]
    told = story(many)
    assert (told[0], told[-1]) == (many[0], many[-1])
    assert f"… {2_000 - len(told) + 1} lines more" in told


@pytest.mark.parametrize("arguments", [("--only", "faults 1"), ("--seed", "1", "--only", "faults x")])
def test_usage(arguments: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, ["simulate", *arguments])
    assert result.exit_code == 2
    assert "--only" in result.stderr
