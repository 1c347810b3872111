"""The merged stream of real nodes under load, while they are killed, cut off and restarted, and the collector too."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from raftzmq.collector.recording import Recording
from tests.events.validity import faults
from tests.live import firewall
from tests.live.collecting import DETAILS, CollectorProcess, Listener
from tests.live.harness import LiveCluster, command_line, eventually
from tests.live.load import Load, check
from tests.live.merged_stream import doubled, missing_seqs, out_of_order, receipts_before_their_sending

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]


@contextmanager
def collected(directory: Path, runtime: str) -> Iterator[tuple[LiveCluster, CollectorProcess]]:
    """Three nodes that serve, and a collector that hears them all."""
    with LiveCluster(directory, 3, runtime=runtime) as cluster, CollectorProcess(cluster, directory) as collector:
        cluster.start()
        cluster.leader()
        yield cluster, collector


def settle(cluster: LiveCluster, listener: Listener) -> None:
    """Wait until everything that was applied has been heard from every node."""
    rows = cluster.agreement()

    def heard() -> bool:
        last = {name: max((e["last"] for e in listener.of("apply", name)), default=0) for name in rows}
        return all(last[name] >= row["last_applied"] for name, row in rows.items())

    eventually(heard, "the last entry's application, of every node, in the stream")


def recorded(collector: CollectorProcess) -> list[dict[str, Any]]:
    """Every event of the recording, by a collector that has ended."""
    recording = Recording(collector.recorded)
    events = [merged.event for merged in recording.events()]
    assert not recording.notes, recording.notes
    return events


def check_recording(
    cluster: LiveCluster, collector: CollectorProcess, listener: Listener, *, was_killed: bool = False
) -> None:
    """The recording is valid and replays to the states that the live run had, and Raft's rules hold in it.

    A collector that ``was_killed`` may have told of a state that it had not written down yet.
    """
    replayed = command_line(cluster, "replay", "--check", str(collector.recorded))
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    audited = command_line(cluster, "audit", str(collector.recorded))
    assert audited.returncode == 0, audited.stdout + audited.stderr
    recording = Recording(collector.recorded)
    kept = {(event["boot"], event["seq"]) for event in recorded(collector) if event["type"] == "checkpoint"}
    told = listener.of("checkpoint")
    checkpoints = [event for event in told if (event["boot"], event["seq"]) in kept]
    assert was_killed or checkpoints == told, "a state was told and not written down"
    assert checkpoints, "no state was told and written down, so none was compared"
    for checkpoint in (checkpoints[0], checkpoints[-1]):
        assert recording.state_at(checkpoint["position"]).hash() == checkpoint["state_hash"]
    assert not listener.of("violation")
    assert faults(merged.event for merged in recording.events()) == []


def kill_the_leader(cluster: LiveCluster, load: Load) -> None:
    """SIGKILL, an election, and a restart of what was killed."""
    old = cluster.leader()
    term = cluster.agreed_term(old)
    cluster.nodes[old].kill()
    load.wait_for(80, "after the leader's death")
    cluster.leader(among=cluster.others(old), above_term=term)
    cluster.nodes[old].start()
    cluster.leader(above_term=term)
    load.wait_for(40, "after its restart")


def cut_off_the_leader(cluster: LiveCluster, load: Load) -> None:
    """Nothing that peers send reaches the leader: another must take over; then all hear each other again."""
    old = cluster.leader()
    term = cluster.agreed_term(old)
    with firewall.Firewall() as wall:
        wall.drop_to(cluster.nodes[old].address.peer)
        cluster.leader(among=cluster.others(old), above_term=term)
        load.wait_for(80, "while the old leader hears nobody")
    cluster.leader(above_term=term)
    load.wait_for(40, "after the partition")


def restart_a_follower(cluster: LiveCluster, load: Load) -> None:
    """A stop in order, and a start."""
    follower = cluster.others(cluster.leader())[0]
    cluster.nodes[follower].signal(signal.SIGTERM)
    assert cluster.nodes[follower].wait() == 0
    load.wait_for(40, "with one node less")
    cluster.nodes[follower].start()
    cluster.leader()
    load.wait_for(40, "with all nodes again")


@pytest.mark.mixed
def test_the_stream_stays_causal_and_whole_through_a_kill_a_partition_and_a_restart(
    tmp_path: Path, runtime: str
) -> None:
    firewall.require()
    with collected(tmp_path, runtime) as (cluster, collector), Listener(cluster, DETAILS) as listener:
        with Load(cluster.endpoints, "stream") as load:
            load.wait_for(40)
            for kind in ("heartbeat_sent", "heartbeat_received", "received"):
                listener.wait_for(kind, cluster.nodes)
            kill_the_leader(cluster, load)
            cut_off_the_leader(cluster, load)
            restart_a_follower(cluster, load)
            told = load.stop()
        settle(cluster, listener)
        collector.stop()
        check(cluster.endpoints, told)

        for events in (listener.events, recorded(collector)):
            wrong, looked_at = receipts_before_their_sending(events)
            assert not wrong, f"{len(wrong)} of {looked_at} receipts came before their sendings: {wrong[:5]}"
            assert looked_at > 500, "hardly a message was seen on both sides, so this proves nothing"
            assert not out_of_order(events), out_of_order(events)[:3]
            assert not doubled(events), doubled(events)[:5]
        assert not missing_seqs(recorded(collector))
        assert not listener.of("gap")
        late = listener.of("late")
        assert len(late) < len(listener.events) / 10, f"{len(late)} of {len(listener.events)} events came late"
        assert len({event["boot"] for event in listener.events if event["node"] != "collector"}) == 5
        check_recording(cluster, collector, listener)


@pytest.mark.mixed
def test_a_collector_that_was_killed_fills_in_what_it_missed_or_says_that_it_is_lost(
    tmp_path: Path, runtime: str
) -> None:
    with collected(tmp_path, runtime) as (cluster, collector), Listener(cluster) as listener:
        with Load(cluster.endpoints, "killed") as load:
            listener.wait_for("commit", cluster.nodes)
            for _ in range(2):
                load.wait_for(100)
                collector.kill()
                heard = len(listener.events)
                load.wait_for(100, "while nobody collects")
                collector.start()
                listener.wait_for("commit", cluster.nodes, after=heard)
                listener.wait_for("checkpoint", ["collector"], after=heard)
            told = load.stop()
        settle(cluster, listener)
        collector.stop()
        check(cluster.endpoints, told)

        events = recorded(collector)
        lost = sum(map(len, missing_seqs(events).values()))
        said = sum(event["missing"] for event in events if event["type"] == "gap")
        assert lost <= said, f"{lost} events are missing and {said} are said to be: {missing_seqs(events)}"
        assert not lost, "the rings are larger than what happened while nobody collected"
        assert not doubled(events), doubled(events)[:5]
        assert not out_of_order(events), out_of_order(events)[:3]
        check_recording(cluster, collector, listener, was_killed=True)


@pytest.mark.mixed
def test_a_subscription_that_is_cut_for_a_while_is_filled_in_from_the_ring(tmp_path: Path, runtime: str) -> None:
    firewall.require()
    with collected(tmp_path, runtime) as (cluster, collector), Listener(cluster) as listener:
        with Load(cluster.endpoints, "cut") as load:
            listener.wait_for("commit", cluster.nodes)
            victim = cluster.leader()
            with firewall.Firewall() as wall:
                wall.drop_from(cluster.nodes[victim].address.events)
                heard = len(listener.of("commit", victim))
                load.wait_for(100, "while the leader's events don't arrive")
                # Longer than a connection is believed in on which nothing is acknowledged.
                silent_until = eventually(lambda: listener.events[-1]["ts"], "an event") + 5
                eventually(lambda: listener.events[-1]["ts"] > silent_until, "five seconds have passed in the stream")
            eventually(lambda: len(listener.of("commit", victim)) > heard + 100, "the leader's commits come again")
            told = load.stop()
        settle(cluster, listener)
        collector.stop()
        check(cluster.endpoints, told)
        events = recorded(collector)
        assert not missing_seqs(events)
        assert not [event for event in events if event["type"] == "gap"]
        assert not out_of_order(events), out_of_order(events)[:3]
        check_recording(cluster, collector, listener)
