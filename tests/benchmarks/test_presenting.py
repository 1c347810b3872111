"""One result for people on a terminal, for pipes and for programs."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import click
import pytest

from raftzmq.benchmarks.extra import ExtraMissing, need
from raftzmq.benchmarks.presenting import present, result_options
from raftzmq.benchmarks.result import Chart, Result, Series, Table

ROOT = Path(__file__).resolve().parents[2]
RESULT = Result(
    "demo",
    "How fast is it?",
    {"nodes": 3},
    {"puts_per_second": 61_234, "latency_ms": [1.5, 2.5], "a_figure_with_a_name_that_is_longer_ms": 45.0},
    [
        Table(
            "Every run",
            ["runtime", "puts_per_second", "latency_p50_ms", "latency_p99_ms", "cpu_us_per_operation", "elections"],
            [["threads", 61_234, 4.25, 9.5, 31.75, 0], ["coroutines", 52_001, 5.5, None, 33.0, 0]],
        )
    ],
    [Chart("demo", "Puts", "runs", "puts per second", [Series("puts", [1.0, 2.0], [3.0, 4.0])])],
    ["Threads win [by a little]."],
)
PROGRAM = """
from raftzmq.benchmarks.presenting import present
from raftzmq.benchmarks.result import Result
import sys
present(Result.from_json(open(sys.argv[1], "rb").read()), as_json=False, charts=None)
"""


def on_terminal(tmp_path: Path, columns: int) -> list[str]:
    """The lines that a terminal of that width is given."""
    (tmp_path / "demo.json").write_bytes(RESULT.to_saved())
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "NO_COLOR": "1"}
    environment.pop("COLUMNS", None)
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "demo.json")],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        env=environment,
    )
    os.close(theirs)
    output = b""
    try:
        while chunk := _read(ours):
            output += chunk
        assert process.wait(30) == 0
    finally:
        os.close(ours)
        process.kill()
        process.wait()
    return re.sub(r"\x1b\[[\d;]*m", "", output.decode()).splitlines()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # EIO: nobody holds the other end any more
        return b""


def test_a_pipe_gets_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    present(RESULT, as_json=False, charts=None)
    assert capsys.readouterr().out.splitlines() == [
        "puts_per_second 61234",
        "latency_ms 1.5 2.5",
        "a_figure_with_a_name_that_is_longer_ms 45.0",
        "# Every run",
        "runtime\tputs_per_second\tlatency_p50_ms\tlatency_p99_ms\tcpu_us_per_operation\telections",
        "threads\t61234\t4.25\t9.5\t31.75\t0",
        "coroutines\t52001\t5.5\t-\t33.0\t0",
        "# what it means",
        "Threads win [by a little].",
    ]


def test_json_is_one_object_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    present(RESULT, as_json=True, charts=None)
    (line,) = capsys.readouterr().out.splitlines()
    document = json.loads(line)
    assert document["puts_per_second"] == 61_234
    assert document["tables"]["Every run"][1]["latency_p99_ms"] is None
    assert document["findings"] == RESULT.findings


def test_a_terminal_gets_tables_that_fit(tmp_path: Path) -> None:
    lines = on_terminal(tmp_path, 100)
    text = "\n".join(lines)
    assert max(map(len, lines)) <= 100
    for part in (
        "How fast is it?",
        "61,234",
        "latency p99 ms",
        "52,001",
        "–",
        "What it means",
        "Threads win [by a little].",
    ):
        assert part in text
    assert re.search(r"│ coroutines +│ +52,001 │", text)


def test_a_narrow_terminal_gets_a_line_to_each_cell(tmp_path: Path) -> None:
    lines = on_terminal(tmp_path, 40)
    assert max(map(len, lines)) <= 40
    assert "  puts per second: 61,234" in lines
    assert "  latency p99 ms: –" in lines
    assert not any("…" in line for line in lines), "the end of a name is its unit"
    assert "a_figure_with_a_name_that_is_longer_ms" in re.sub(r"[^\w.]", "", "".join(lines)).replace("45.0", "")


def test_charts_are_drawn_where_they_are_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    present(RESULT, as_json=True, charts=tmp_path / "charts")
    assert sorted(path.name for path in (tmp_path / "charts").iterdir()) == ["demo.png", "demo.svg"]
    captured = capsys.readouterr()
    json.loads(captured.out)
    assert str(tmp_path / "charts" / "demo.png") in captured.err


def test_the_options_have_the_same_names_everywhere(tmp_path: Path) -> None:
    seen: list[object] = []

    @click.command()
    @result_options
    def command(quick: bool, as_json: bool, charts: Path | None) -> None:
        seen.extend((quick, as_json, charts))

    command.main(["--quick", "--json", "--charts", str(tmp_path)], standalone_mode=False)
    assert seen == [True, True, tmp_path]


def test_a_library_that_is_missing_is_named_with_the_way_to_get_it() -> None:
    need("json", purpose="run")
    with pytest.raises(
        ExtraMissing, match=r"no_such_library is not installed, and needed to fly: pip install 'raftzmq\["
    ):
        need("json", "no_such_library", purpose="fly")


def test_charts_without_the_library_that_draws_them_are_refused_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @click.command()
    @result_options
    def command(quick: bool, as_json: bool, charts: Path | None) -> None:
        raise AssertionError("it measures")

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ExtraMissing, match="matplotlib is not installed, and needed to draw charts"):
        command.main(["--charts", str(tmp_path)], standalone_mode=False)
