"""Events with a column for each node."""

from __future__ import annotations

from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftzmq.cli.event_columns import EventColumns
from tests.cli.event_samples import ENVELOPE, SAMPLES

NODES = ("n1", "n2", "n3")


def event(node: str, kind: str, term: int = 4, **fields: Any) -> dict[str, Any]:
    return {**ENVELOPE, "node": node, "type": kind, "term": term, **fields}


ELECTION = [
    event("n2", "election", 3, pre_vote=True, last_log_index=9),
    event("n2", "role", 4, role="candidate", previous="pre-candidate", reason="a majority would vote for it"),
    event("n3", "vote", 4, candidate="n2", granted=True, pre_vote=False, reason="its log is as complete"),
    event("n2", "role", 4, role="leader", previous="candidate", reason="won"),
    event("n1", "append", 4, first=3, last=5, bytes=2048, role="follower"),
    event("collector", "gap", 4, **SAMPLES["gap"][0]),
    event("n2", "commit", 4, previous=9, index=10),
]


def drawn(events: list[dict[str, Any]], width: int, *, colours: bool = False, repeat: int = 0) -> list[str]:
    columns = EventColumns(NODES, colours=colours, repeat=repeat)
    return [line for one in events for line in columns.lines(one, width)]


def test_each_node_has_its_column_with_its_role() -> None:
    lines = drawn(ELECTION, 120)
    assert [part.strip() for part in lines[0].split("│")] == ["time", *NODES]
    leads = next(line for line in lines if "candidate → leader" in line)
    assert [part.strip() for part in leads.split("│")][1:] == ["", "L role candidate → leader: won", ""]
    follows = next(line for line in lines if "append" in line)
    assert [part.strip() for part in follows.split("│")][1:] == ["F append 3…5: 2.0 KiB as follower", "", ""]
    votes = next(line for line in lines if "vote grants" in line)
    assert votes.split("│")[3].strip().startswith("? vote grants n2 its vote"), "nothing has told its role yet"
    assert "L commit 9 → 10" in lines[-1].split("│")[2], "a role stays until another one is told"


def test_a_term_begins_with_a_rule_across() -> None:
    rules = [line for line in drawn(ELECTION, 100) if line.startswith("── term")]
    assert [rule.strip("─ ") for rule in rules] == ["term 3", "term 4"]
    assert {len(rule) for rule in rules} == {100}


def test_what_the_collector_says_goes_across() -> None:
    (line,) = [line for line in drawn(ELECTION, 120) if "gap" in line]
    assert "│" not in line
    assert "collector: gap 3 events" in line


@pytest.mark.parametrize("width", [45, 60, 80, 120, 200])
def test_no_line_is_longer_than_the_terminal_and_no_word_is_lost(width: int) -> None:
    lines = drawn(ELECTION, width)
    assert max(map(len, lines)) <= width
    columns = range(4) if width >= 80 else range(1)
    parts = [[(line.split("│") + [""] * 4)[column] for line in lines] for column in columns]
    text = " ".join(" ".join(" ".join(column).split()) for column in parts)
    assert "its log is as complete" in text
    assert "a majority would vote for it" in text


def test_on_a_narrow_terminal_a_letter_stands_for_each_node() -> None:
    lines = drawn(ELECTION, 50)
    assert lines[0].split() == ["time", *NODES]
    leads = next(line for line in lines if "candidate → leader" in line)
    assert leads.split()[1:4] == ["·", "L", "·"]


def test_on_a_very_narrow_one_there_are_plain_lines() -> None:
    lines = drawn(ELECTION, 30)
    assert any(line.endswith(" n2   t4    role     candidate → leader: won") for line in lines)
    assert not any(line.startswith("time") for line in lines)


def test_the_names_come_back_after_a_screen_and_when_the_width_changes() -> None:
    commits = [event("n1", "commit", previous=n, index=n + 1) for n in range(50)]
    assert sum(line.startswith("time") for line in drawn(commits, 100)) == 1
    assert sum(line.startswith("time") for line in drawn(commits, 100, repeat=20)) == 3
    columns = EventColumns(NODES, colours=False)
    heads = [columns.lines(commits[0], width)[0].startswith("time") for width in (100, 100, 120)]
    assert heads == [True, False, True]


def test_a_node_that_was_not_expected_gets_a_column() -> None:
    columns = EventColumns(["n1"], colours=False)
    columns.lines(event("n1", "commit", previous=1, index=2), 100)
    columns.expect(["n3", "n2", "collector"])
    head = columns.lines(event("n2", "commit", previous=1, index=2), 100)[0]
    assert [part.strip() for part in head.split("│")] == ["time", "n1", "n2", "n3"]


@pytest.mark.parametrize("width", [30, 50, 80, 160])
def test_colours_add_nothing_but_colours(width: int) -> None:
    coloured = drawn(ELECTION, width, colours=True)
    assert [click.unstyle(line).rstrip() for line in coloured] == [line.rstrip() for line in drawn(ELECTION, width)]
    assert any("\x1b[32" in line for line in coloured), "a leader is green"


@given(st.text(st.characters(exclude_categories=[])), st.sampled_from(sorted(SAMPLES)), st.integers(10, 250))
def test_no_text_of_an_event_steers_the_terminal(text: str, kind: str, width: int) -> None:
    fields = {name: text if isinstance(value, str) else value for name, value in SAMPLES[kind][0].items()}
    for line in drawn([{**ENVELOPE, "node": text, "type": kind, **fields}], width):
        assert line.isprintable()
