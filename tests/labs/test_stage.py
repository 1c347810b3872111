"""The stage of a lab: processes that nothing outlives, waits that end, and what cannot begin."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from raftzmq.collector.recording import Recording
from raftzmq.labs.collector_process import CollectorFailed
from raftzmq.labs.stage import NotSeen, Stage

pytestmark = [pytest.mark.live, pytest.mark.timeout(180)]


def runs(pid: int) -> bool:
    """Does a process run, be it only to be fetched by its parent?"""
    return Path(f"/proc/{pid}").exists()


def test_nothing_outlives_an_interrupted_lab(tmp_path: Path) -> None:
    pids: list[int] = []

    def interrupted() -> None:
        with Stage(3, tmp_path) as stage:
            stage.start()
            assert stage.leader()[0] in stage.nodes
            pids.extend([*(stage.cluster.pid(name) for name in stage.nodes), stage.collector.pid])
            assert all(map(runs, pids))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(pids) == 4
    assert not any(map(runs, pids))
    assert not list(tmp_path.glob("raftzmq-*")), "data of nodes is left"


def test_a_stage_records_what_its_nodes_do_and_waits_no_longer_than_it_may(tmp_path: Path) -> None:
    with Stage(3, tmp_path, details=("request",), patience_s=1.0, name="play") as stage:
        with pytest.raises(NotSeen, match="within 1 s: a leader of a term above 0"):
            stage.leader()
        stage.patience_s = 20.0
        stage.start()
        leader, term = stage.leader()
        stage.kill(leader)
        assert leader not in stage.running
        following, next_term = stage.leader(above_term=term)
        assert (following != leader, next_term > term) == (True, True)
        stage.client(trace="told", timeout=20).put("key", "value")
        stage.start()
        stage.start()  # those that run are left alone
        stage.leader()
        stage.settle()
    events = [merged.event for merged in Recording(tmp_path).events()]
    boots = [event for event in events if event["type"] == "boot"]
    assert len(boots) == 4
    assert {event["cluster"].partition("-")[0] for event in boots} == {"play"}
    assert any(event["type"] == "trace" and event["tag"] == "told" for event in events)
    assert any(event["type"] == "request" for event in events)
    writes = [event for event in events if event["type"] == "append" and event["role"] == "leader"]
    assert writes[-1]["node"] == following


def test_a_collector_that_cannot_start_says_why(tmp_path: Path) -> None:
    stage = Stage(1, tmp_path)
    host, port = stage.cluster.configuration.collector.removeprefix("tcp://").split(":")
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((host, int(port)))
        taken.listen()
        with pytest.raises(CollectorFailed, match="did not start"), stage:
            pass
