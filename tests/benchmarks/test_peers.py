"""Other stores beside this one: what is made of samples, etcd's tool, and PySyncObj's nodes for real."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from raftzmq.benchmarks.etcd_cluster import EtcdCluster, EtcdFailed, EtcdPrograms, find_etcd, read_tool
from raftzmq.benchmarks.local_cluster import free_ports
from raftzmq.benchmarks.peers_words import ETCD, OURS, PYSYNCOBJ, Sample, chart_of, figures_of, findings_of, tables_of
from raftzmq.benchmarks.plan import Plan
from raftzmq.benchmarks.pysyncobj_cluster import PySyncObjCluster, PySyncObjFailed
from raftzmq.benchmarks.pysyncobj_node import DigestNow, LoadNow, LookNow, Request, ValueKind, maker, serve
from raftzmq.benchmarks.report_answers import answer_of
from raftzmq.benchmarks.result import Result
from tests.live.harness import eventually

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("RAFTZMQ_")}
TOOL_OUTPUT = """
Summary:
  Total:\t0.8312 secs.
  Slowest:\t0.0312 secs.
  Requests/sec:\t12031.4521

Latency distribution:
  10% in 0.0031 secs.
  50% in {p50}.
  99% in {p99}.
  99.9% in 0.0300 secs.
"""


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``bench/peers.py``."""
    command = [sys.executable, str(ROOT / "bench" / "peers.py"), *arguments]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=110)


def fake_tool(path: Path) -> Path:
    """A program that prints what etcd's load tool does."""
    path.write_text(f"#!{sys.executable}\nprint({TOOL_OUTPUT.format(p50='4.2 ms', p99='12.3 ms')!r})\n")
    path.chmod(0o755)
    return path


def sample(store: str, in_flight: int, rate: float, *, equal: bool | None = True, errors: int = 0) -> Sample:
    return Sample(store, in_flight, 0, rate, 1.0, 2.0, equal=equal, errors_logged=errors)


SAMPLES = [
    *(sample(OURS, 1, rate) for rate in (400.0, 500.0, 420.0)),
    *(sample(PYSYNCOBJ[0], 1, rate) for rate in (10.0, 9.0, 10.5)),
    *(sample(PYSYNCOBJ[2], 1, rate) for rate in (600.0, 840.0, 840.0)),
    sample(OURS, 1000, 40_000.0),
    sample(PYSYNCOBJ[0], 1000, 8_000.0, errors=3),
    sample(PYSYNCOBJ[2], 1000, 32_000.0),
]


def test_ratios_are_those_of_medians() -> None:
    figures = figures_of(SAMPLES)
    assert figures["raftzmq_at_1_puts_per_second"] == 420.0
    assert figures["ratio_to_pysyncobj_default_at_1"] == 42.0
    assert figures["ratio_to_pysyncobj_tuned_1ms_at_1"] == 0.5
    assert figures["ratio_to_pysyncobj_tuned_1ms_at_1000"] == 1.25
    assert not any("etcd" in name for name in figures)


def test_tables_hold_every_sample_and_what_is_promised() -> None:
    medians, promises, every = tables_of([*SAMPLES, sample(ETCD, 1, 700.0, equal=None), sample(ETCD, 1000, 11_000.0)])
    assert [row["store"] for row in medians.records()] == [OURS, PYSYNCOBJ[0], PYSYNCOBJ[2], ETCD]
    assert medians.records()[0]["ours_by_theirs_at_1"] is None
    assert medians.records()[3]["ours_by_theirs_at_1"] == 0.6
    assert len(every.rows) == len(SAMPLES) + 2
    assert [row["replicas_equal"] for row in every.records()][-2:] == [None, "yes"]
    assert len(promises.rows) == 4


def test_findings_say_who_is_faster_at_what() -> None:
    text = " ".join(findings_of(SAMPLES))
    assert "Beside PySyncObj, raftzmq does 42 times its puts one at a time, 5 times its puts at 1,000" in text
    assert "Beside PySyncObj tuned, 1 ms, raftzmq does 0.50 times its puts one at a time, 1.25 times" in text
    assert "about ten puts a second (10 here); with a period of 1 ms 840" in text
    assert "had 3 lines of level error or above" in text
    assert "did not all hold the same" not in text
    text = " ".join(findings_of([sample(OURS, 64, 10.0), sample(PYSYNCOBJ[1], 64, 10.0, equal=False)]))
    assert "The replicas of PySyncObj tuned, 10 ms did not all hold the same afterwards." in text


def test_bars_reach_from_the_lowest_to_the_highest() -> None:
    chart = chart_of(SAMPLES)
    assert chart.log_y
    first = chart.series[0]
    assert (list(first.x), list(first.y)) == (["1", "1,000"], [420.0, 40_000.0])
    assert (list(first.low or ()), list(first.high or ())) == ([400.0, 40_000.0], [500.0, 40_000.0])


@pytest.mark.parametrize(("p50", "p99"), [("0.0042 secs", "0.0123 secs"), ("4.200 ms", "12.300 ms")])
def test_what_the_tool_of_old_and_new_releases_of_etcd_prints_is_read(p50: str, p99: str) -> None:
    figures = read_tool(TOOL_OUTPUT.format(p50=p50, p99=p99))
    assert figures == {"puts_per_second": 12031.4521, "latency_p50_ms": 4.2, "latency_p99_ms": 12.3}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (TOOL_OUTPUT + "\nError distribution:\n  [3]\tcontext deadline exceeded\n", "deadline exceeded"),
        ("nothing", "no requests per second: 'nothing'"),
    ],
)
def test_a_run_of_the_tool_that_failed_has_no_figures(text: str, reason: str) -> None:
    with pytest.raises(EtcdFailed, match=reason):
        read_tool(text)


def test_etcd_is_left_out_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    programs, reason = find_etcd(None, None)
    assert programs is None
    assert reason.startswith("etcd: left out: no `etcd` on PATH")
    etcd = tmp_path / "etcd"
    etcd.write_text("#!/bin/sh\n")
    etcd.chmod(0o755)
    programs, reason = find_etcd(None, None)
    assert programs is None
    assert "--etcd-benchmark PATH" in reason
    assert find_etcd(None, str(etcd)) == (EtcdPrograms(str(etcd), str(etcd)), "")
    with pytest.raises(EtcdFailed, match="--etcd-benchmark: there is no program missing"):
        find_etcd(None, "missing")


@pytest.mark.parametrize("kind", ["text", "repeated", "bytes"])
@pytest.mark.parametrize("size", [8, 256])
def test_values_are_all_different_and_as_long_as_they_should_be(kind: ValueKind, size: int) -> None:
    make = maker(Plan(0, (), 0, 1, size, 100, 1), kind)
    pairs = [make(7, sequence) for sequence in range(200)]
    assert len({value for _, value in pairs}) == 200
    assert {len(value) for _, value in pairs} == {size}
    assert {len(key) for key, _ in pairs} == {8}


@pytest.mark.live
def test_replicas_take_puts_and_agree() -> None:
    with PySyncObjCluster(3, {"appendEntriesPeriod": 0.01, "autoTickPeriod": 0.01}) as cluster:
        leader, term = cluster.leader()
        loaded = cluster.load(leader, Plan(0, (), 0, 16, 64, 50, 1), 0.3, "text")
        assert len(loaded.latencies) >= 16
        assert (loaded.failed, loaded.unfinished, loaded.wrong) == (0, 0, 0)
        assert loaded.elapsed_s >= 0.3
        assert term >= 1
        assert cluster.agrees()
        children = multiprocessing.active_children()
        assert len(children) == 3
        children[0].kill()
        with pytest.raises(PySyncObjFailed, match="ended by itself"):
            cluster.leader()
    assert not multiprocessing.active_children()


def ask(pipe: Connection, request: Request) -> Any:
    """What a node answers."""
    pipe.send(request)
    assert pipe.poll(60)
    return pipe.recv()


@pytest.mark.live
def test_a_node_tells_what_it_holds_and_ends_when_nobody_asks_any_more() -> None:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    address = f"127.0.0.1:{free_ports(1)[0]}"
    process = context.Process(target=serve, args=(there, address, [], {}), daemon=True)
    process.start()
    try:
        there.close()
        eventually(lambda: ask(here, LookNow()).leads or None, "it leads, being alone")
        empty, _ = ask(here, DigestNow())
        loaded = ask(here, LoadNow(Plan(0, (), 0, 4, 64, 10, 1), 0.2, "text"))
        assert (len(loaded.latencies) > 0, loaded.wrong) == (True, 0)
        filled, errors = ask(here, DigestNow())
        assert (filled == empty, errors) == (False, 0)
        assert ask(here, DigestNow()) == (filled, 0)
        here.close()
        process.join(30)
        assert process.exitcode == 0
    finally:
        process.kill()
        process.join()


def test_a_program_that_is_not_there_is_refused() -> None:
    done = bench("--etcd-benchmark", "/nowhere/benchmark")
    assert done.returncode == 2
    assert "--etcd-benchmark: there is no program /nowhere/benchmark" in " ".join(done.stderr.split())
    assert not done.stdout


def without_pysyncobj(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the benchmark where PySyncObj is not installed."""
    program = (
        "import sys; sys.modules['pysyncobj'] = None; from raftzmq.benchmarks.program import run; run('peers:peers')"
    )
    command = [sys.executable, "-c", program, *arguments]
    environment = {**ENVIRONMENT, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=110)


def test_who_has_no_other_store_is_told_how_to_get_one() -> None:
    done = without_pysyncobj("--quick")
    assert (done.returncode, done.stdout) == (1, "")
    assert "pysyncobj is not installed" in done.stderr
    assert "pip install 'raftzmq[bench]'" in done.stderr
    assert "etcd: left out" in done.stderr


def test_etcd_without_its_tool_is_not_left_out_if_it_was_asked_for(tmp_path: Path) -> None:
    etcd = tmp_path / "etcd"
    etcd.write_text("#!/bin/sh\n")
    etcd.chmod(0o755)
    done = bench("--etcd", str(etcd))
    assert (done.returncode, done.stdout) == (2, "")
    assert "its load tool wasn't named (--etcd-benchmark PATH" in " ".join(done.stderr.split())


@pytest.mark.live
@pytest.mark.skipif(shutil.which("etcd") is None, reason="etcd is not installed")
def test_without_pysyncobj_the_others_are_measured(tmp_path: Path) -> None:
    tool = fake_tool(tmp_path / "tool")
    options = ("--rounds", "1", "--seconds", "0.3", "--in-flight", "8", "--keys", "100", "--json")
    done = without_pysyncobj(*options, "--etcd-benchmark", str(tool), "--directory", str(tmp_path))
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["raftzmq_at_8_puts_per_second"] > 0
    assert figures["etcd_at_8_puts_per_second"] == pytest.approx(12_031.5)
    said = "PySyncObj: left out: pysyncobj is not installed"
    assert figures["settings"]["left_out"].startswith(said)
    assert any(finding.startswith(said) for finding in figures["findings"])


@pytest.mark.live
def test_stores_are_measured_in_turn_and_nothing_stays_behind(tmp_path: Path) -> None:
    options = ("--rounds", "1", "--seconds", "0.3", "--in-flight", "8", "--keys", "100")
    done = bench(*options, "--json", "--directory", str(tmp_path))
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["raftzmq_at_8_puts_per_second"] > 0
    assert figures["ratio_to_pysyncobj_default_at_8"] > 0
    assert figures["settings"]["left_out"] == "none" or figures["settings"]["left_out"].startswith("etcd: left out")
    rows = figures["tables"]["every sample, in the order in which they were measured"]
    assert {row["store"] for row in rows} >= {OURS, *PYSYNCOBJ}
    assert {row["replicas_equal"] for row in rows if row["store"] != ETCD} == {"yes"}
    assert not list(tmp_path.iterdir())


def members(session: int) -> list[int]:
    """The processes of a session, however they group themselves."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended meanwhile
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(path.parent.name))
    return found


@pytest.mark.live
def test_an_interrupted_comparison_leaves_no_process_and_no_file(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "bench" / "peers.py"), "--in-flight", "1", "--directory", str(tmp_path)]
    process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        eventually(lambda: len(members(process.pid)) >= 4 or None, "nodes run")
        process.terminate()
        process.wait(60)
        eventually(lambda: not members(process.pid) or None, "all of them are gone")
    finally:
        for pid in members(process.pid):
            os.kill(pid, signal.SIGKILL)
        process.wait()
    assert process.returncode == 128 + signal.SIGTERM
    assert not list(tmp_path.iterdir())


@pytest.mark.live
@pytest.mark.skipif(shutil.which("etcd") is None, reason="etcd is not installed")
def test_etcd_is_started_loaded_and_removed(tmp_path: Path) -> None:
    tool = fake_tool(tmp_path / "tool")
    programs, _ = find_etcd(None, str(tool))
    assert programs is not None
    data = tmp_path / "data"
    data.mkdir()
    with EtcdCluster(3, programs, data) as cluster:
        assert cluster.load(1, 10, 256, 100)["latency_p50_ms"] == 4.2
    assert not list(data.iterdir())


def test_the_reports_answer_names_every_store_and_what_it_promises() -> None:
    figures, findings = figures_of(SAMPLES), findings_of(SAMPLES)
    answer = answer_of(Result("peers", "?", {}, figures, findings=findings))
    assert f"Beside {PYSYNCOBJ[0]}, " in answer
    assert f"Beside {PYSYNCOBJ[2]}, raftzmq does 0.50 times its puts one at a time" in answer, "the faster one too"
    assert answer.endswith("answered over TCP.")
