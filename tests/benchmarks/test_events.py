"""What events cost: what is made of samples, the switch in a real node, and a small real run of both parts."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from raftzmq.benchmarks.bars import Bar
from raftzmq.benchmarks.collector_rate import CollectorRun, Heard
from raftzmq.benchmarks.collector_words import collector_bars, collector_findings, collector_tables
from raftzmq.benchmarks.event_costs import Costs, Memory, Situation, Stretch
from raftzmq.benchmarks.event_listener import EventListener, prefixes_of
from raftzmq.benchmarks.event_switch import OFF, ON, launcher
from raftzmq.benchmarks.event_words import (
    cost_bars,
    cost_charts,
    cost_figures,
    cost_findings,
    cost_tables,
    memory_growth,
)
from raftzmq.benchmarks.events import FULL, QUICK
from raftzmq.benchmarks.local_cluster import LocalCluster
from raftzmq.client.sync import Client
from raftzmq.events import topic_of
from raftzmq.transport.bare_subscriber import BareSubscriber
from tests.benchmarks.test_programs import bench
from tests.live.harness import eventually


def pair(situation: Situation, number: int, without_us: float, with_us: float, in_flight: int = 64) -> list[Stretch]:
    """Two halves of a pair, with a thousand operations in each."""
    return [
        Stretch(situation, in_flight, number, made, 1000, 0.5, 1000 * cost, 30_000_000)
        for made, cost in ((True, with_us), (False, without_us))
    ]


COSTS = Costs(
    [
        *(pair("nobody", 1, 50.0, 50.5) + pair("nobody", 2, 50.0, 51.0) + pair("nobody", 3, 50.0, 60.0)),
        *(pair("everything", 1, 50.0, 70.0) + pair("everything", 2, 40.0, 56.0)),
    ],
    [Memory(64, [(float(at), 30_000_000 + 100_000 * at) for at in range(30)])],
    17,
)


def test_the_ratio_is_the_median_of_those_of_pairs() -> None:
    assert COSTS.ratios("nobody", 64) == pytest.approx([1.01, 1.02, 1.2])
    figures = cost_figures(COSTS)
    assert figures["nobody_at_64_cpu_ratio"] == 1.02
    assert figures["everything_at_64_cpu_ratio"] == 1.4
    assert figures["everything_at_64_without_events_cpu_us_per_operation"] == 45.0
    assert figures["keys_read_back"] == 17
    assert not any("usual" in name for name in figures)


def test_half_a_pair_is_no_sample() -> None:
    assert Costs(pair("gone", 1, 50.0, 51.0)[:1]).ratios("gone", 64) == []


def test_bars_are_missed_by_what_is_above_them() -> None:
    missed = {bar.what: bar for bar in cost_bars(COSTS) if not bar.met}
    assert len(cost_bars(COSTS)) == 3
    assert [bar.bound for bar in missed.values()] == [1.25, 1.05]  # everything, and memory, which grew by 6 percent
    assert memory_growth(COSTS.memory[0]) == pytest.approx(32.45 / 30.45)
    assert memory_growth(Memory(1, [(0.0, 1)])) == 1.0


def test_tables_hold_every_pair_and_look() -> None:
    summary, every, memory = cost_tables(COSTS)
    assert [row["median_ratio"] for row in summary.records()] == [1.02, 1.4]
    assert (len(every.rows), len(memory.rows)) == (5, 30)
    assert every.records()[2]["ratio"] == 1.2
    assert len(cost_tables(Costs(COSTS.stretches))) == 2


def test_charts_and_words_say_what_the_figures_say() -> None:
    cost, memory = cost_charts(COSTS)
    measured, bound = cost.series
    assert (list(measured.x), list(bound.x)) == (["nobody", "everything"], ["nobody", "everything"])
    assert list(measured.high or ()) == pytest.approx([1.2, 1.4])
    assert len(memory.series) == 1
    nobody, everything, grown = cost_findings(COSTS)
    assert "+2.0% at 64 in flight of processor time: within 3%" in nobody
    assert "+40.0% at 64 in flight of processor time: more than 25%" in everything
    assert "between 30 and 32.9 MB and ended at 1.07" in grown


def run(rate: int, **changed: Any) -> CollectorRun:
    fields: dict[str, Any] = {"made": 10 * rate, "missing": 0, "gaps": 0, "out_of_order": 0, "unrecorded": 0, **changed}
    return CollectorRun(rate, 10.0, **fields, cpu_us_per_event=40.0, busy=0.8, late_ms=3.0, anonymous_bytes=50_000_000)


def test_only_a_rate_without_any_loss_counts() -> None:
    assert collector_bars([run(5000)]) == []
    (bar,) = collector_bars([run(5000), run(20_000)])
    assert bar.met
    for loss in ("missing", "gaps", "out_of_order", "unrecorded"):
        (bar,) = collector_bars([run(5000), run(20_000, **{loss: 1})])
        assert (bar.met, bar.figure) == (False, 5000.0)
    text = " ".join(collector_findings([run(5000), run(20_000, missing=7, unrecorded=9)]))
    assert "Of 50,000 events at 5,000 per second none was lost" in text
    assert "at 20,000 per second 7 never came out, 9 were not recorded" in text
    (table,) = collector_tables([run(5000)])
    assert table.records()[0]["busy_percent"] == 80.0
    assert collector_tables([]) == []


def test_what_was_heard_is_held_against_what_was_made() -> None:
    heard = Heard()
    for order, seq in ((1, 1), (2, 2), (4, 4), (3, 3), (4, 4)):
        heard.add("raftzmq.n1.commit", {"node": "n1", "type": "commit", "seq": seq, "order": order})
    heard.add("raftzmq.collector.gap", {"node": "collector", "type": "gap", "seq": 1, "order": 1})
    assert (heard.gaps, heard.out_of_order) == (1, 1)
    assert heard.missing({"raftzmq.n1.commit": 4}) == 0
    assert heard.missing({"raftzmq.n1.commit": 6, "raftzmq.n2.commit": 2}) == 4
    assert heard.missing({"raftzmq.n1.commit": 3}) == 0  # made after the count was taken


def test_the_quick_form_has_fewer_pairs() -> None:
    assert QUICK.steps < FULL.steps / 4
    assert FULL.pairs >= 10
    assert FULL.rates[-1] == 20_000
    assert str(Bar("x", 1.0, 2.0, "")) == "x: 1, at most 2"


def test_details_are_asked_for_only_with_everything() -> None:
    assert topic_of("n1", "commit") in prefixes_of("usual", ["n1", "n2"])
    assert not any(topic_of("n1", "sent").startswith(prefix) for prefix in prefixes_of("usual", ["n1"]))
    assert any(topic_of("n1", "sent").startswith(prefix) for prefix in prefixes_of("everything", ["n1"]))


@pytest.mark.live
def test_a_node_makes_no_events_while_it_is_switched_off(tmp_path: Path) -> None:
    with LocalCluster(1, tmp_path, launcher=launcher()) as cluster, Client(cluster.endpoints) as client:
        ends = [address.events for address in cluster.configuration.nodes]
        with BareSubscriber(ends, [topic_of("n1", "apply")]) as subscriber:

            def revisions() -> list[int]:
                """Of the puts whose application is told, after one more."""
                client.put("key", "value")
                return [json.loads(payload)["revision"] for _, payload in subscriber.receive(200)]

            eventually(revisions, "the application of a put is told")
            cluster.signal("n1", OFF)
            eventually(lambda: not revisions(), "nothing is told")
            silent = client.put("key", "told to nobody").revision
            cluster.signal("n1", ON)
            heard = eventually(revisions, "it is told again")
            assert min(heard) > silent
        with BareSubscriber(ends, [topic_of("n1", "clock")]) as subscriber:
            # What comes by itself is planned anew as well.
            eventually(lambda: subscriber.receive(200), "the clock is told")
            cluster.signal("n1", OFF)
            eventually(lambda: not subscriber.receive(500), "the clock isn't told")
            cluster.signal("n1", ON)
            eventually(lambda: subscriber.receive(200), "the clock is told again")


@pytest.mark.live
def test_a_listener_hears_nodes_and_leaves(tmp_path: Path) -> None:
    with LocalCluster(1, tmp_path) as cluster:
        with EventListener(cluster.configuration, "usual") as listener:
            listener.stop()
            stat = Path(f"/proc/{listener.pid}/stat")
            eventually(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T", "it stands still")
        with pytest.raises(ProcessLookupError):
            os.kill(listener.pid, signal.SIGCONT)


@pytest.mark.live
def test_both_parts_are_measured_and_nothing_stays_behind(tmp_path: Path) -> None:
    small = (
        "--in-flight",
        "16",
        "--pairs",
        "1",
        "--seconds",
        "0.2",
        "--rest-s",
        "0.2",
        "--keys",
        "100",
        "--warm-up",
        "50",
    )
    done = bench("events", "--quick", *small, "--rate", "2000", "--for-s", "1", "--json", "--directory", str(tmp_path))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {row["subscriber"] for row in told["tables"]["Every pair"]} == {
        *("nobody", "usual", "everything", "stopped", "gone"),
    }
    assert told["usual_at_16_with_events_cpu_us_per_operation"] > 0
    assert told["keys_read_back"] > 0
    (collected,) = told["tables"]["A collector on one core"]
    assert collected["made"] > 1500
    assert (collected["lost"], collected["unrecorded"], collected["out_of_order"]) == (0, 0, 0)
    assert not list(tmp_path.iterdir())
