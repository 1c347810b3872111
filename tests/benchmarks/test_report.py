"""The page about a run: complete, safe with any text, and in need of nothing but itself."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner

from raftzmq.benchmarks.figures import Figures
from raftzmq.benchmarks.machine import Machine
from raftzmq.benchmarks.report import publish, report, save
from raftzmq.benchmarks.report_page import highlights, page
from raftzmq.benchmarks.report_run import ReportNotWritten, Run, in_order, kept, load_run, save_run
from raftzmq.benchmarks.result import Chart, Mark, Result, ResultUnreadable, Series, Table
from raftzmq.benchmarks.suite import NAMES, Outcome

HOSTILE = "<script>alert(\"1\")</script> & 'quoted' {{ 7 * 7 }}"
CHARTS = [
    Chart(
        "curve",
        "Puts per second",
        "requests in flight",
        "puts per second",
        [Series("threads", [1.0, 64.0], [700.0, 20_000.0]), Series("coroutines", [1.0, 64.0], [690.0, 19_000.0])],
        log_x=True,
        note="Higher is better.",
        marks=[Mark("bar", 10_000.0, axis="y")],
    ),
    Chart("groups", "CPU", "runtime", "µs", [Series("a", ["x", "y"], [1.0, 2.0]), Series("b", ["x"], [3.0])], "bars"),
]
THROUGHPUT = Result(
    "throughput",
    "How does throughput grow?",
    {"nodes": 3},
    {"puts_per_second": 61_234, "latency_p99_ms": 23.4412, "samples_ms": [1.5, 2.5]},
    [
        Table("Every run", ["runtime", "latency_p50_ms"], [["threads", 1.25], ["coroutines", None]]),
        Table("Samples", ["run", "failover_ms"], [[number, number * 7.0] for number in range(40)]),
    ],
    CHARTS,
    ["At 1000 in flight there are 61,234 puts a second.", "One at a time there are few."],
)
FAILOVER = Result("failover", "How long?", {}, {"failover_median_ms": 312.5}, [], CHARTS[:1], ["A third of a second."])
MACHINE = Machine({"processor": "Some CPU", "cores": "2"}, {"Python": "CPython 3.11.7"}, {"sync_of_4_kib_p50_ms": 0.35})


def run_of(*outcomes: Outcome) -> Run:
    """A run that ended so."""
    return Run(True, "1 January 2026, 12:00", 250.0, MACHINE, list(outcomes))


def measured(result: Result) -> Outcome:
    """A benchmark that gave this."""
    return Outcome(result.benchmark, "measured", 40.0, result=result)


RUN = run_of(
    measured(THROUGHPUT),
    Outcome("blocking", "failed", 0.0, "the node n2 ended by itself"),
    measured(FAILOVER),
    Outcome("peers", "left out", 0.0, "pysyncobj is not installed"),
)


class Page(HTMLParser):
    """What a browser would find: elements, their attributes, and text by the element that it is in."""

    VOID = frozenset({"meta", "link", "br", "img", "input", "hr"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == [], "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element without content, as in SVG."""
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """The element that began last ends."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Some text."""
        if data.strip():
            self.texts.append((self._open[-1] if self._open else "", " ".join(data.split())))

    def all_text(self) -> str:
        """All that a reader sees, or may unfold."""
        return "\n".join(text for tag, text in self.texts if tag not in ("style", "script"))

    def count(self, tag: str) -> int:
        """How many there are."""
        return sum(name == tag for name, _ in self.elements)

    def ids(self) -> list[str]:
        """Of all elements."""
        return [str(attributes["id"]) for _, attributes in self.elements if "id" in attributes]


@cache
def html_of_run() -> str:
    """The page about RUN."""
    return page(RUN)


def test_the_page_has_every_figure_table_chart_and_finding() -> None:
    html = Page(html_of_run())
    text = html.all_text()
    for result in (THROUGHPUT, FAILOVER):
        assert result.question in text
        for finding in result.findings:
            assert finding in text
        for table in result.tables:
            assert table.title in text
        for chart in result.charts:
            for part in (
                chart.title,
                chart.x_label,
                chart.y_label,
                chart.note,
                *(series.label for series in chart.series),
            ):
                assert part in text
    for figure in (
        "61,234",
        "23.44",
        "1.5 2.5",
        "312.5",
        "0.35",
        "sync of 4 KiB\n",
        "80 s of measuring",
        "Some CPU",
        "CPython 3.11.7",
    ):
        assert figure in text
    assert html.count("svg") == 3
    assert html.count("tr") == (1 + 1) + (1 + 2) + (1 + 40), "floors, runs, samples, each with its heading"


def test_the_summary_answers_the_questions_and_says_why_one_has_no_answer() -> None:
    text = Page(html_of_run()).all_text()
    summary = text[text.index("In short") : text.index("The machine\nEvery figure")]
    assert "How fast is it?\nAt 1000 in flight there are 61,234 puts a second." in summary
    assert "What does a blocking call do to a coroutine?\nNot measured: the node n2 ended by itself" in summary
    assert "How long is there no leader?\nA third of a second." in summary
    assert "How does it compare with others?\nNot measured: pysyncobj is not installed" in summary


def test_the_first_figures_stand_out_and_samples_by_their_median() -> None:
    figures: Figures = {
        "a_ms": [3.0, 1.0, 2.0],
        "who": "x",
        "none": [],
        **{f"n{number}": number for number in range(9)},
    }
    assert highlights(figures)[:2] == [("a_ms", 2.0), ("n0", 0)]
    assert len(highlights(figures)) == 8


def test_the_page_needs_nothing_but_itself() -> None:
    html = html_of_run()
    parsed = Page(html)
    assert not re.search(r"https?://", html), "not even the name of a namespace"
    assert "@import" not in html
    for tag, attributes in parsed.elements:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base")
        assert "src" not in attributes
        for name in ("href", "xlink:href"):
            target = attributes.get(name)
            assert target is None or target.startswith(("#", "data:image/png;base64,"))
    for url in re.findall(r"url\(([^)]*)\)", html):
        assert url.startswith("#")


def test_every_link_inside_leads_somewhere_and_no_id_is_there_twice() -> None:
    parsed = Page(html_of_run())
    ids = parsed.ids()
    assert len(ids) == len(set(ids)), "two charts share parts of their pictures"
    targets = {
        str(target)[1:]
        for _, attributes in parsed.elements
        for name in ("href", "xlink:href")
        if (target := attributes.get(name)) and target.startswith("#")
    }
    targets |= set(re.findall(r"url\(#([^)]*)\)", html_of_run()))
    assert targets
    assert targets <= set(ids)


def test_charts_take_their_colours_from_the_page() -> None:
    html = html_of_run()
    charts = html[html.index("<main>") : html.rindex("</main>")]
    assert not re.findall(r"#[0-9a-f]{6}\b", charts)
    assert {"var(--c1)", "var(--c2)", "var(--ink)", "var(--grid)", "var(--mark)"} <= set(
        re.findall(r"var\([^)]*\)", charts)
    )
    assert "prefers-color-scheme: dark" in html


@pytest.mark.parametrize(
    "where", ["question", "finding", "title", "column", "cell", "figure", "chart", "reason", "fact"]
)
def test_whatever_a_result_says_is_text(where: str) -> None:
    result, outcome, machine = replace(THROUGHPUT, charts=[], tables=[]), None, MACHINE
    if where == "question":
        result.question = HOSTILE
    elif where == "finding":
        result.findings = [HOSTILE]
    elif where == "figure":
        result.figures = {HOSTILE: HOSTILE}
    elif where == "chart":
        series = [Series(HOSTILE, [1.0, 2.0], [3.0, 4.0]), Series("b", [1.0, 2.0], [3.0, 4.0])]
        result.charts = [Chart(HOSTILE, HOSTILE, HOSTILE, HOSTILE, series, note=HOSTILE, marks=[Mark(HOSTILE, 1.0)])]
    elif where == "reason":
        outcome = Outcome("peers", "failed", 1.0, HOSTILE)
    elif where == "fact":
        machine = Machine({HOSTILE: HOSTILE}, {}, {})
    else:
        texts = {"title": "t", "column": "c", "cell": "x", where: HOSTILE}
        result.tables = [Table(texts["title"], [texts["column"]], [[texts["cell"]]])]
    run = run_of(measured(result), *([outcome] if outcome else []))
    run.machine = machine
    parsed = Page(page(run))
    assert parsed.count("script") == 1, "the page's own"
    assert HOSTILE.replace("_", " ") in parsed.all_text().replace("_", " ")


def test_a_run_is_saved_and_read_back(tmp_path: Path) -> None:
    save(RUN, tmp_path)
    assert page(load_run(tmp_path)) == html_of_run()


def test_results_alone_are_enough_for_a_page(tmp_path: Path) -> None:
    save(RUN, tmp_path)
    (tmp_path / "run.json").unlink()
    run = load_run(tmp_path)
    assert [outcome.name for outcome in run.outcomes] == ["throughput", "failover"]
    assert "Nobody wrote down which machine" in page(run)


def test_a_result_that_its_run_does_not_name_does_not_get_into_the_page(tmp_path: Path) -> None:
    save(RUN, tmp_path)
    save_run(tmp_path, run_of(measured(FAILOVER)))
    assert [outcome.name for outcome in load_run(tmp_path).outcomes] == ["failover"]


@pytest.mark.parametrize("name", ["run.json", "results/failover.json"])
def test_a_file_that_is_no_result_is_named(tmp_path: Path, name: str) -> None:
    save(RUN, tmp_path)
    (tmp_path / name).write_text("{}")
    with pytest.raises(ResultUnreadable, match=name):
        load_run(tmp_path)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ReportNotWritten, match="choose another --out"):
        publish(RUN, tmp_path / "file")


def test_the_command_makes_a_page_of_saved_results(tmp_path: Path) -> None:
    save(run_of(measured(THROUGHPUT), measured(FAILOVER)), tmp_path / "saved")
    out = tmp_path / "out"
    done = CliRunner().invoke(report, ["--from", str(tmp_path / "saved"), "--out", str(out), "--json"])
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert document["report"] == str(out / "report.html")
    assert document["benchmarks"]["throughput"]["puts_per_second"] == 61_234
    assert document["machine"]["floors"] == {"sync_of_4_kib_p50_ms": 0.35}
    assert THROUGHPUT.question in (out / "report.html").read_text()
    assert sorted(path.name for path in (out / "charts").iterdir()) == [
        *("failover-curve.png", "failover-curve.svg"),
        *("throughput-curve.png", "throughput-curve.svg", "throughput-groups.png", "throughput-groups.svg"),
    ]
    assert load_run(out).outcomes == load_run(tmp_path / "saved").outcomes


def test_a_benchmark_that_fails_is_in_the_page_and_in_the_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, result in (("blocking", None), ("failover", FAILOVER)):
        module: Any = ModuleType(f"raftzmq.benchmarks.{name}")
        module.QUICK = module.FULL = ()
        module.measure = lambda options, advance, result=result: result
        monkeypatch.setitem(sys.modules, module.__name__, module)
    done = CliRunner().invoke(report, ["--quick", "--only", "failover,blocking", "--out", str(tmp_path)])
    assert done.exit_code == 1, done.output
    assert done.stdout.splitlines() == [
        "blocking failed: AttributeError: 'NoneType' object has no attribute 'to_saved'",
        "failover measured",
        f"report {tmp_path / 'report.html'}",
    ]
    text = Page((tmp_path / "report.html").read_text()).all_text()
    assert "blocking\nfailed:\nAttributeError:" in text
    assert "LMDB commit of 1 entry\n" in text, "the floors were measured"
    assert "A third of a second." in text


def test_one_benchmark_again_keeps_what_the_others_found(tmp_path: Path) -> None:
    save(RUN, tmp_path)
    assert [outcome.name for outcome in kept(tmp_path, ("blocking",), quick=True)] == [
        "throughput",
        "failover",
        "peers",
    ]
    assert kept(tmp_path, ("blocking",), quick=False) == [], "a full run's page has no quick figures"
    assert kept(tmp_path, NAMES, quick=True) == []
    assert kept(tmp_path / "nowhere", ("blocking",), quick=True) == []
    assert in_order([*reversed(RUN.outcomes)]) == RUN.outcomes


def test_an_interruption_keeps_what_was_measured_and_says_how_to_see_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(options: object, advance: object) -> Result:
        raise KeyboardInterrupt

    for name, measure in (("failover", lambda options, advance: FAILOVER), ("peers", interrupted)):
        module: Any = ModuleType(f"raftzmq.benchmarks.{name}")
        module.QUICK, module.FULL, module.measure = (), (), measure
        monkeypatch.setitem(sys.modules, module.__name__, module)
    done = CliRunner().invoke(report, ["--only", "failover,peers", "--out", str(tmp_path)])
    assert done.exit_code == 1, "click's own, without raftzmq's entry"
    assert f"raftzmq bench report --from {tmp_path}" in done.stderr
    assert [outcome.name for outcome in load_run(tmp_path).outcomes] == ["failover"]


@pytest.mark.parametrize("spoilt", [None, "{"])
def test_a_result_that_is_gone_or_spoilt_can_be_measured_again(tmp_path: Path, spoilt: str | None) -> None:
    save(RUN, tmp_path)
    file = tmp_path / "results" / "failover.json"
    file.unlink()
    if spoilt is not None:
        file.write_text(spoilt)
    with pytest.raises(ResultUnreadable, match=f"`raftzmq bench report --only failover --out {tmp_path}` measures it"):
        load_run(tmp_path)


def test_a_page_of_a_part_leaves_the_rest_of_what_was_measured_alone(tmp_path: Path) -> None:
    save(RUN, tmp_path)
    done = CliRunner().invoke(report, ["--from", str(tmp_path), "--only", "failover"])
    assert done.exit_code == 0, done.output
    assert THROUGHPUT.question not in (tmp_path / "report.html").read_text()
    assert [outcome.name for outcome in load_run(tmp_path).outcomes] == [outcome.name for outcome in RUN.outcomes]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--only", "speed"], "there is no speed"),
        (["--only", ","], "it names nothing"),
        (["--from", ".", "--quick"], "--from measures nothing"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(options: list[str], why: str) -> None:
    done = CliRunner().invoke(report, options)
    assert done.exit_code == 2
    assert why in done.output


def test_a_directory_without_results_says_how_to_make_some(tmp_path: Path) -> None:
    done = CliRunner().invoke(report, ["--from", str(tmp_path)])
    assert "raftzmq bench report --out DIR" in str(done.exception)
