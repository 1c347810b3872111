"""How an explanation looks: a bar for each part where it belongs, JSON with all of it."""

from __future__ import annotations

import pytest

from raftzmq.cli.explain_view import bar, show
from raftzmq.collector.explained_json import explanation_json
from raftzmq.collector.explaining import explain
from tests.collector.test_explaining import THREE, disks, trace, written


@pytest.mark.parametrize(
    ("begin_us", "us", "drawn"),
    [
        (0, 1000, "█" * 10),
        (500, 500, "     █████"),
        (250, 75, "  ▊"),
        (0, 1, "▏"),
        (999, 1, "         ▏"),
        (1000, 10, "         ▏"),
        (900, 5000, "         █"),
        (100, 0, ""),
    ],
)
def test_a_bar_begins_where_its_part_does(begin_us: int, us: int, drawn: str) -> None:
    assert bar(begin_us, us, 1000, 10) == drawn


def test_a_pipe_gets_aligned_text(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    show(explain(trace(), disks(written("n2", 700), written("n3", 900)), voters=THREE, client_us=2_000))
    lines = capfdbinary.readouterr().out.decode().splitlines()
    assert lines[0].split() == ["PART", "MICROSECONDS", "SHARE"]
    assert lines[1].split()[:8] == ["between", "the", "client", "and", "n1", "700", "35.0", "%"]
    begins = [len(line) - len(line[line.index("%") + 1 :].lstrip()) for line in lines[1:9]]
    assert begins == sorted(begins), "each bar begins where the one before it ended"
    together = next(line for line in lines if line.startswith("together"))
    assert together.split() == ["together", "2,000", "100.0", "%"]
    assert any(line.startswith("beside: n3's disk") for line in lines)
    assert lines[-2].startswith("2.00 ms as the client measured it: 35 % (0.70 ms) was ")


def test_a_node_that_said_nothing_is_silent(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    show(explain(trace(sent_us={"n2": 60}), disks(written("n2", 700)), voters=THREE))
    assert "beside: n3" in (out := capfdbinary.readouterr().out.decode())
    assert "silent" in out


def test_json_has_names_shares_and_words() -> None:
    document = explanation_json(explain(trace(), disks(written("n2", 700)), voters=THREE, client_us=2_000))
    assert sum(part["us"] for part in document["parts"]) == document["latency_us"] == 2_000
    assert document["parts"][4] == {
        "step": "disk",
        "node": "n2",
        "begin_us": 1_060,
        "us": 700,
        "name": "n2's disk",
        "share": 0.35,
    }
    assert document["decided_by"] == "n2"
    assert list(document["beside"]) == [{"node": "n3", "begin_us": 760, "answered_us": None, "disk_us": None}]
    assert document["words"][1].startswith("The leader waited for a single answer")
