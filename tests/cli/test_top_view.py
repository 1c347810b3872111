"""How `raftzmq top` looks: at every width nothing is cut, and nothing moves from frame to frame."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from raftzmq.cli.top_frame import Frame, NodeRow, Trouble
from raftzmq.cli.top_table import COLUMNS, SORTS, columns_for
from raftzmq.cli.top_view import frame_lines
from tests.cli.cluster_story import Story

WIDTHS = [60, 80, 120, 200]
SOURCE = "collector at tcp://127.0.0.1:7400"


def frame(*rows: NodeRow, trouble: tuple[Trouble, ...] = (), **fields: object) -> Frame:
    return Frame(
        **{  # type: ignore[arg-type]
            "source": "events",
            "ts": 1000.0,
            "leader": "n1",
            "term": 7,
            "leader_changes": 1,
            "puts_per_s": 1234.0,
            "events_per_s": 4321.0,
            "lost": 0,
            "nodes": rows,
            "trouble": trouble,
            **fields,
        }
    )


def plain(shown: Frame, width: int, height: int = 0, **options: object) -> list[str]:
    lines = frame_lines(shown, width, source=SOURCE, height=height, **options)  # type: ignore[arg-type]
    return [line.plain for line in lines]


def busy_row(node: str, **fields: object) -> NodeRow:
    known = {
        "role": "follower",
        "term": 7,
        "leader": "n1",
        "commit_index": 1_234_567,
        "last_applied": 1_234_560,
        "lag": 7,
        "log_bytes": 12 << 20,
        "puts_per_s": 12_345.0,
        "sync_p50_us": 430,
        "sync_p99_us": 45_678,
        "round_trip_us": 999,
        "queue": 17,
        "rss_bytes": 48 << 20,
        "heard_s": 0.05,
        "condition": "up",
    }
    return NodeRow(node, **{**known, **fields})  # type: ignore[arg-type]


HUGE = busy_row(
    "n2",
    term=10**12,
    commit_index=2**53 - 1,
    last_applied=2**53 - 1,
    lag=2**53,
    log_bytes=2**60,
    puts_per_s=1e12,
    sync_p50_us=10**12,
    sync_p99_us=10**12,
    round_trip_us=10**12,
    queue=10**12,
    rss_bytes=2**60,
    heard_s=1e8,
)
STORY = frame(
    busy_row("n1", role="leader", round_trip_us=None),
    busy_row("n2"),
    NodeRow("n3"),
    trouble=(Trouble("silent", "n3", "n3 is not heard for 12345 s: supervisord says EXITED with status 11"),),
    puts_history=tuple(float(n) for n in range(60)),
    sync_history=tuple(1000.0 * n for n in range(60)),
    notable=({"ms": 1, "node": "n1", "type": "role", "role": "leader", "previous": "candidate", "reason": "won"},),
)


@pytest.mark.parametrize("width", WIDTHS)
def test_every_width_shows_the_table_the_trouble_and_the_last_events(width: int) -> None:
    lines = plain(STORY, width)
    assert max(map(len, lines)) <= width
    assert lines[0].startswith("n1 leads term 7 · 2 of 3 nodes")
    assert lines[1] == SOURCE
    heading, *nodes = lines[3:7]
    assert heading.split()[:3] == ["NODE", "ROLE", "TERM"]
    assert [line.split()[0] for line in nodes] == ["n1", "n2", "n3"]
    assert {"COMMIT", "LAG", "PUTS/S", "HEARD"} <= set(heading.split())
    assert ("MEMORY" in heading) == (width >= 200)
    assert "! n3 is not heard for 12345 s: supervisord says EXITED" in "\n".join(lines)
    assert lines[-1].split()[1:] == ["n1", "role", "candidate", "→", "leader:", "won"]
    assert any(line.startswith("puts/s       1.2k  ") and line.endswith("max 59") for line in lines)


@pytest.mark.parametrize("width", WIDTHS)
def test_no_number_is_cut(width: int) -> None:
    """Every number of the table, however large, is one that a column's cell says."""
    for row in (busy_row("n2"), HUGE, NodeRow("n2")):
        (line,) = plain(frame(row), width)[4:5]
        columns = columns_for(width, ["n2"])
        position = 0
        for column in columns:
            cell = line[position : position + column.width]
            assert cell.strip() == column.cell(row), column.heading
            assert line[position + column.width :][:2].strip() == ""
            position += column.width + 2


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_moves_from_frame_to_frame(width: int) -> None:
    """Whatever the numbers are, each column, the curves and the number of lines stay where they were."""
    calm = plain(frame(busy_row("n1"), busy_row("n2")), width, 30)
    wild = plain(frame(busy_row("n1"), HUGE, trouble=STORY.trouble * 3, notable=STORY.notable * 9), width, 30)
    assert len(calm) == len(wild) == 30
    assert calm[3] == wild[3], "the heading"
    starts = [[match.end() for match in re.finditer(r"\S+", line)] for line in (calm[4], wild[4])]
    assert starts[0] == starts[1]
    for lines in (calm, wild):
        assert lines[7].startswith("puts/s  ")
        assert lines[8].startswith("sync 99 ")
        assert lines[-1].startswith("q quit")


def test_the_frames_of_a_story_have_one_shape() -> None:
    story = Story("n1", "n2", "n3")
    shapes = set()
    for second in range(8):
        story.second(commands=10**second, sync_us=7 * 10**second, silent=frozenset({"n3"} if second > 3 else ()))
        lines = plain(story.frame(), 120, 24)
        shapes.add((len(lines), lines[3], tuple(line.split()[0] for line in lines[4:7])))
    assert len(shapes) == 1


@pytest.mark.parametrize("height", [5, 12, 24, 60])
def test_a_frame_is_as_high_as_its_terminal(height: int) -> None:
    many = frame(*(busy_row(f"n{number}") for number in range(1, 31)), trouble=STORY.trouble * 20)
    lines = plain(many, 80, height)
    assert len(lines) == height
    assert lines[-1].startswith("q quit")
    if height == 24:
        assert "… and" in "\n".join(lines), "what has no room is said so"
        assert "! n3" in "\n".join(lines), "trouble has room before everything else"


def test_a_long_name_takes_room_but_not_for_ever() -> None:
    lines = plain(frame(busy_row("a-node-of-twenty-letters"), busy_row("n2")), 80)
    assert lines[4].startswith("a-node-of-twent…  ")
    assert lines[5].startswith("n2                ")
    assert max(map(len, lines)) <= 80


def test_columns_come_by_importance() -> None:
    names = ["n1"]
    headings = [{column.heading for column in columns_for(width, names)} for width in range(20, 160)]
    assert all(narrow <= wide for narrow, wide in itertools.pairwise(headings))
    assert headings[-1] == {column.heading for column in COLUMNS}
    assert all(len(column.heading) <= column.width for column in COLUMNS)


def test_rows_are_sorted_as_asked() -> None:
    rows = (busy_row("n1", lag=0, puts_per_s=9.0), busy_row("n2", lag=5, puts_per_s=None), busy_row("n3", lag=None))
    for sort, order in (("name", "n1 n2 n3"), ("lag", "n2 n1 n3"), ("puts", "n3 n1 n2")):
        shown = [line.split()[0] for line in plain(frame(*rows), 80, sort=sort)[4:7]]
        assert shown == order.split(), sort
    assert set(SORTS) == {"name", "lag", "puts", "sync", "heard"}


def styles(line: Text) -> set[str]:
    return {str(line.style), *(str(span.style) for span in line.spans)}


def test_what_is_wrong_is_red_and_a_leader_green() -> None:
    rows = (busy_row("n1", role="leader"), busy_row("n2", condition="silent"), busy_row("n3", heard_s=1.5))
    lines = frame_lines(frame(*rows, trouble=STORY.trouble), 120, source=SOURCE)
    assert "bold green" in styles(lines[4])
    assert styles(lines[5]) == {"red"}
    assert lines[5].plain.split()[1] == "silent"
    assert "yellow" in styles(lines[6])
    assert any(line.plain.startswith("! ") and "bold red" in styles(line) for line in lines)
    assert any(line.plain == "nothing is wrong" for line in frame_lines(frame(rows[0]), 80, source=SOURCE))
    assert not any("nothing is wrong" in line for line in plain(frame(NodeRow("n1")), 80)), "nobody has been heard"


def test_one_leader_at_a_time() -> None:
    rows = (busy_row("n1", role="leader", term=6), busy_row("n2", role="leader"))
    lines = frame_lines(frame(*rows, leader="n2"), 80, source=SOURCE)
    assert [line.plain.split()[1] for line in lines[4:6]] == ["ex-leader", "leader"]
    assert "yellow" in styles(lines[4])
    assert plain(frame(*rows, leader=None), 80)[4].split()[1] == "leader"


def test_what_is_said_again_and_again_is_said_once() -> None:
    lost = {"ms": 2000, "node": "collector", "type": "verdict", "known": False, "source": "n2", "reason": "x " * 99}
    events = (*STORY.notable, lost, lost, lost)
    *_, role, verdict = plain(frame(busy_row("n1"), notable=events), 80)
    assert role.endswith("candidate → leader: won")
    assert verdict.endswith("… (×3)")
    assert len(verdict) <= 80


def test_help_explains_keys_and_columns() -> None:
    text = "\n".join(plain(STORY, 100, 40, help_=True))
    for word in ("quit", "pause", "sort", "SYNC 99", "HEARD", "LAG"):
        assert word in text
    assert text.splitlines()[4].startswith("n1")


@given(st.text(st.characters(exclude_categories=[])), st.sampled_from(WIDTHS))
def test_no_text_of_a_node_steers_the_terminal(text: str, width: int) -> None:
    event = {"ms": 5, "node": text, "type": "role", "role": text, "previous": text, "reason": text}
    shown = frame(
        busy_row(text, role=text, leader=text),
        leader=text,
        trouble=(Trouble("x", text, text),),
        notable=(event, {"type": text}),
    )
    for line in plain(shown, width, 30):
        assert line.isprintable()
        assert len(line) <= width
