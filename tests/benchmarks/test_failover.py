"""Fail-overs: how they are counted and told, and one of each kind on real nodes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import astuple
from pathlib import Path

import pytest

from raftzmq.benchmarks.node_log import Line
from raftzmq.benchmarks.outage import Continued, Outage, Phases, judge, phases_of, refusals_of
from raftzmq.benchmarks.outage_words import charts_of, distribution, figures_of, findings_of, tables_of
from raftzmq.benchmarks.steady_puts import Sample
from raftzmq.benchmarks.verification import VerificationFailed
from raftzmq.client.results import KeyValue
from raftzmq.errors import NoLeader

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("RAFTZMQ_")}


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``bench/failover.py``."""
    command = [sys.executable, str(ROOT / "bench" / "failover.py"), *arguments]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=110)


def line(at_s: float, node: str, event: str, **fields: object) -> Line:
    return Line(at_s, node, event, dict(fields))


def kept(revision: int) -> KeyValue:
    return KeyValue(b"k", b"v", 1, revision, 1, 0)


def made(
    signal: str,
    seconds: float,
    phases: Phases,
    rounds: int = 1,
    continued: Continued | None = None,
    refusals: tuple[str, ...] = (),
) -> Outage:
    samples = (Sample(-0.1, 0.002), Sample(0.0, seconds))
    return Outage(signal, seconds, 1, rounds, phases, samples, continued, refusals)


def test_the_time_of_a_failover_is_split_by_the_election_that_counted() -> None:
    lines = [
        line(10.27, "n3", "role", role="leader", term=3),
        line(10.20, "n2", "election", pre_vote=True),
        line(10.21, "n2", "role", role="leader", term=2),
        line(10.25, "n3", "election", pre_vote=True),
        line(10.22, "n2", "role", role="follower", term=3),
    ]
    firsts = {("n3", 3): 10.28, ("n2", 2): 10.215}
    phases = phases_of(lines, lambda node, term: firsts.get((node, term)), 10.0, 10.3)
    assert astuple(phases) == pytest.approx((0.2, 0.07, 0.01, 0.02))


def test_what_the_nodes_do_not_tell_is_left_open() -> None:
    asked = line(10.2, "n2", "election", pre_vote=True)
    assert phases_of([], lambda node, term: None, 10.0, 10.3) == Phases(None, None, None, None)
    phases = phases_of([asked, line(10.25, "n2", "role", role="leader", term=2)], lambda node, term: None, 10.0, 10.3)
    assert (phases.commit, phases.answer) == (None, None)
    assert phases.elect == pytest.approx(0.05)


def test_a_continued_leader_may_refuse_but_not_answer_what_is_old() -> None:
    assert judge("n1", [kept(7), NoLeader("none"), kept(9)], 7) == 2
    with pytest.raises(VerificationFailed, match=r"n1.*revision 6, when 7 had been acknowledged.*stale"):
        judge("n1", [kept(7), kept(6)], 7)
    with pytest.raises(VerificationFailed, match="revision 0"):
        judge("n1", [None], 7)
    with pytest.raises(ZeroDivisionError):
        judge("n1", [ZeroDivisionError()], 7)


def test_why_pre_votes_were_refused_is_told_by_those_who_refused() -> None:
    lines = [
        line(1.0, "n2", "vote", pre_vote=True, granted=False, reason="its log is behind"),
        line(1.1, "n2", "vote", pre_vote=True, granted=True, reason="would vote"),
        line(1.2, "n2", "vote", pre_vote=False, granted=False, reason="voted for n1"),
        line(1.3, "n2", "disrupt_refused", pre_vote=True),
    ]
    assert list(refusals_of(lines)) == ["its log is behind", "a leader was heard"]


def test_the_distribution_counts_those_that_took_no_longer() -> None:
    assert distribution([30.0, 10.0, 20.0, 20.0]) == ([10.0, 20.0, 20.0, 30.0], [25, 50, 75, 100])


def test_figures_keep_each_signal_apart() -> None:
    outages = [
        made("KILL", 0.3, Phases(0.25, 0.02, 0.01, 0.02)),
        made("STOP", 0.5, Phases(0.25, 0.02, None, None), continued=Continued(3, 1, 0.004)),
        made("KILL", 0.4, Phases(0.35, 0.02, 0.01, 0.02), rounds=2),
    ]
    figures = figures_of(outages)
    assert figures["failover_ms"] == [300.0, 400.0]
    assert figures["failover_median_ms"] == 350.0
    assert (figures["failover_worst_ms"], figures["failover_best_ms"]) == (400.0, 300.0)
    assert figures["failover_detect_median_ms"] == 300.0
    assert figures["failover_stop_ms"] == [500.0]
    assert "failover_stop_commit_median_ms" not in figures
    assert figures["continued_leader_reads_answered"] == 3
    assert figures["continued_leader_step_down_worst_ms"] == 4.0
    (table,) = tables_of(outages)
    assert [record["run"] for record in table.records()] == [1, 1, 2]
    names = [chart.name for chart in charts_of(outages)]
    assert names == ["failover-distribution", "failover-latency-kill", "failover-latency-stop", "failover-phases"]


def test_findings_say_what_the_figures_say() -> None:
    repeated = made("KILL", 0.4, Phases(0.3, 0.05, 0.02, 0.03), 3, refusals=("its log is behind",))
    killed = [made("KILL", 0.3, Phases(0.25, 0.02, 0.01, 0.02)), repeated]
    text = " ".join(findings_of(killed))
    assert "350 ms in the median of 2, after 400 ms at worst" in text
    assert "1 of 2 took more than one round of pre-votes, 400 ms at worst" in text
    assert "1 × “its log is behind”" in text
    assert "stopped" not in text
    late = [made("STOP", 0.6, Phases(0.25, 0.02, 0.01, 0.32), continued=Continued(39, 1, 0.02))]
    text = " ".join(findings_of(killed + late))
    assert "250 ms harder" in text
    assert "the client is the last to know" in text
    assert "Of 40 linearizable reads" in text
    assert "within 20 ms of SIGCONT" in text


@pytest.mark.live
def test_leaders_are_killed_and_stopped_and_nothing_stays_behind(tmp_path: Path) -> None:
    done = bench("--runs", "1", "--json", "--directory", str(tmp_path))
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert len(figures["failover_ms"]) == len(figures["failover_stop_ms"]) == 1
    assert figures["failover_best_ms"] == figures["failover_median_ms"] == figures["failover_worst_ms"] > 0
    assert figures["terms"][0] >= 1
    assert figures["stop_terms"][0] >= 1
    assert figures["nodes_with_equal_state"] == 3
    assert figures["continued_leader_stale_reads"] == 0
    assert figures["continued_leader_reads_answered"] + figures["continued_leader_reads_refused"] == 40
    assert figures["continued_leader_step_down_worst_ms"] >= 0
    (rows,) = figures["tables"].values()
    for row in rows:
        phases = [row[f"{name}_ms"] for name in ("detect", "elect", "commit", "answer")]
        assert None not in phases
        assert sum(phases) == pytest.approx(row["failover_ms"], abs=1)
    assert not list(tmp_path.iterdir())


@pytest.mark.live
def test_one_signal_alone_prints_plain_lines_into_a_pipe(tmp_path: Path) -> None:
    done = bench("--runs", "2", "--signal", "kill", "--directory", str(tmp_path))
    assert done.returncode == 0, done.stderr
    figures = dict(text.split(" ", 1) for text in done.stdout.splitlines() if text.startswith(("failover", "terms")))
    assert 0 < float(figures["failover_median_ms"]) <= float(figures["failover_worst_ms"])
    assert len(figures["failover_ms"].split()) == 2
    assert all(int(terms) >= 1 for terms in figures["terms"].split())
    assert "failover_stop_ms" not in figures
    assert not list(tmp_path.iterdir())
