"""The collector with real sockets: late and restarting nodes, gaps, the merged stream and the files."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen
from xmlrpc.server import SimpleXMLRPCServer

import pytest

from raftzmq.collector.collector import Collector
from raftzmq.collector.recording import Recording
from raftzmq.collector.recording_file import recorded_files
from raftzmq.config import Address, ClusterConfig
from raftzmq.errors import ConfigurationError, DirectoryInUse
from raftzmq.events.logs import json_log
from raftzmq.events.ring import Ring
from tests.collector.support import PATIENCE_S, Publisher, cluster, collecting, free_endpoints, wait_until


def test_every_node_is_heard_recorded_and_republished_under_its_own_topic(tmp_path: Path) -> None:
    config = cluster(3)
    with collecting(config, tmp_path) as running, closing(running.listener()) as listener:
        for number, address in enumerate(config.nodes):
            with closing(Publisher(address, f"boot{number}")) as node:
                node.wait_for_listener()
                node.publish("commit", 2)
                events = listener.receive(2)
            assert [event["topic!"] for event in events] == [f"raftzmq.{address.node}.commit"] * 2
            assert [(event["node"], event["seq"]) for event in events] == [(address.node, 1), (address.node, 2)]
    assert [(event["node"], event["seq"]) for event in running.recorded()] == [
        (f"n{node}", seq) for node in (1, 2, 3) for seq in (1, 2)
    ]
    assert running.collector.totals()["gaps"] == 0


def test_what_is_lost_on_the_way_is_had_from_the_node_and_comes_in_its_place(tmp_path: Path) -> None:
    config = cluster(1)
    with (
        collecting(config, tmp_path) as running,
        closing(running.listener()) as listener,
        closing(Publisher(config.nodes[0], "b1")) as node,
    ):
        node.publish("role")
        node.wait_for_listener()
        node.publish("commit", 2)
        node.publish("commit", 3, lose=True)
        node.publish("role", lose=True)
        node.publish("commit")
        node.publish("clock", 1, lose=True)
        node.publish("commit")
        events = listener.receive(10)
        assert [event["order"] for event in events] == list(range(1, 11)), "also what was made before anybody listened"
        totals = running.collector.totals()
        assert (totals["events"], totals["gaps"], totals["missing"]) == (10, 0, 0)
        assert totals["filled"] >= 6
    assert [event["order"] for event in running.recorded()] == list(range(1, 11))


def test_a_gap_stands_before_what_follows_it_where_the_node_has_no_more(tmp_path: Path) -> None:
    config = cluster(1)
    with (
        collecting(config, tmp_path) as running,
        closing(running.listener()) as listener,
        closing(Publisher(config.nodes[0], "b1")) as node,
    ):
        node.wait_for_listener()
        node.publish("commit", 2)
        assert [event["type"] for event in listener.receive(2)] == ["commit", "commit"]
        node.maker.ring = Ring(1, 1)
        node.publish("commit", 3, lose=True)
        node.publish("role")
        node.publish("commit")
        events = listener.receive(3)
        assert [event["type"] for event in events] == ["role", "gap", "commit"]
        node.publish("commit", 1, lose=True)
        node.publish("commit")
        gap, (second, _) = events[1], listener.receive(2)
        assert gap["topic!"] == "raftzmq.collector.gap"
        assert {key: gap[key] for key in ("node", "source", "source_boot", "topic", "expected", "received")} == {
            "node": "collector",
            "source": "n1",
            "source_boot": "b1",
            "topic": "raftzmq.n1.commit",
            "expected": 3,
            "received": 6,
        }
        assert (gap["missing"], gap["total"], gap["reason"]) == (3, 3, "gone")
        assert (second["type"], second["missing"], second["total"]) == ("gap", 1, 4)
        totals = running.collector.totals()
        assert (totals["events"], totals["gaps"], totals["missing"]) == (5, 2, 4)
        wait_until(lambda: any(line["level"] == "warning" for line in running.log()), "the loss is in the log")
    assert [event["type"] for event in running.recorded()].count("gap") == 2


def test_a_node_that_does_not_answer_costs_a_gap_and_not_the_stream(tmp_path: Path) -> None:
    config = cluster(1)
    with (
        collecting(config, tmp_path) as running,
        closing(running.listener()) as listener,
        closing(Publisher(config.nodes[0], "b1", answers=False)) as node,
    ):
        node.wait_for_listener()
        node.publish("commit", 2, lose=True)
        node.publish("commit")
        gap, event = listener.receive(2)
        assert (gap["type"], gap["missing"], gap["reason"]) == ("gap", 2, "silent")
        assert event["seq"] == 3
        node.answers = True

        def filled() -> bool:
            node.publish("commit", lose=True)
            node.publish("commit")
            return running.collector.totals()["filled"] > 0

        wait_until(filled, "the node is asked again")


def test_a_collector_that_restarts_goes_on_behind_its_recording_and_fills_what_it_missed(tmp_path: Path) -> None:
    config = cluster(1)
    with closing(Publisher(config.nodes[0], "b1")) as node:
        with collecting(config, tmp_path) as first, closing(first.listener()) as listener:
            node.wait_for_listener()
            node.publish("commit", 5)
            listener.receive(5)
        node.publish("role", 3)
        with collecting(config, tmp_path) as second, closing(second.listener()) as listener:
            node.wait_for_listener()
            node.publish("commit")
            events = listener.receive(4)
            assert [(event["type"], event["seq"]) for event in events] == [
                ("role", 1),
                ("role", 2),
                ("role", 3),
                ("commit", 6),
            ]
            assert second.collector.totals()["gaps"] == 0
    recording = list(Recording(tmp_path).events())
    assert [merged.position for merged in recording] == list(range(1, len(recording) + 1))
    assert [merged.event["order"] for merged in recording if merged.event["node"] == "n1"] == list(range(1, 10))


def test_a_boot_that_ended_while_nobody_listened_is_told(tmp_path: Path) -> None:
    config = cluster(1)
    with (
        collecting(config, tmp_path) as first,
        closing(first.listener()) as listener,
        closing(Publisher(config.nodes[0], "b1")) as node,
    ):
        node.wait_for_listener()
        node.publish("commit")
        listener.receive(1)
    with (
        collecting(config, tmp_path) as second,
        closing(second.listener()) as listener,
        closing(Publisher(config.nodes[0], "b2")) as node,
    ):
        node.wait_for_listener()
        node.publish("commit")
        gap, event = listener.receive(2)
        assert (gap["type"], gap["source_boot"], gap["missing"], gap["reason"]) == ("gap", "b1", 0, "boot")
        assert (event["boot"], event["seq"]) == ("b2", 1)


def test_the_page_shows_what_was_collected(tmp_path: Path) -> None:
    config = replace(cluster(1), web=free_endpoints(1)[0].replace("tcp", "http"))

    def get(path: str) -> str:
        try:
            with urlopen(config.web + path, timeout=PATIENCE_S) as answer:
                return str(answer.read().decode())
        except HTTPError as refused:  # it has no state yet
            with refused:
                return refused.read().decode()

    with collecting(config, tmp_path) as running, closing(Publisher(config.nodes[0], "b1")) as node:
        node.wait_for_listener()
        node.publish("role", role="leader", previous="candidate", reason="votes")
        wait_until(lambda: '"leader"' in get("/v1/state"), "the state has come to the page")
        wait_until(lambda: running.collector.totals()["events"] == 1, "the event is counted")
        assert "raftzmq_collector_events_total" in get("/metrics")
    with pytest.raises(OSError, match="refused"):
        get("/livez")


@contextmanager
def supervisord(rows: list[dict[str, Any]]) -> Iterator[str]:
    """The address of somebody who says ``rows`` where supervisord says its processes."""
    with SimpleXMLRPCServer(("127.0.0.1", 0), logRequests=False) as server:
        server.register_function(lambda: rows, "supervisor.getAllProcessInfo")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join(PATIENCE_S)


def test_what_supervisord_says_is_among_the_events(tmp_path: Path) -> None:
    row = {"group": "node", "name": "n1", "statename": "RUNNING", "pid": 7, "exitstatus": 0}
    with (
        supervisord([row]) as address,
        collecting(cluster(1), tmp_path, supervisor=address) as running,
        closing(running.listener()) as listener,
    ):
        wait_until(lambda: "process" in [event["type"] for event in running.recorded()], "it was told that it runs")
        row.update({"statename": "EXITED", "pid": 0, "exitstatus": 11})
        told = listener.receive_until("process", 1)
        if told[-1]["state"] == "RUNNING":  # this listener was early
            told = listener.receive_until("process", 1)
        assert (told[-1]["name"], told[-1]["previous"]) == ("node:n1", "RUNNING")
        assert (told[-1]["pid"], told[-1]["exit_status"]) == (0, 11)
    assert [event["type"] for event in running.recorded()].count("process") == 2


def test_single_messages_are_subscribed_to_while_somebody_asks_for_them(tmp_path: Path) -> None:
    config = cluster(2)
    with (
        collecting(config, tmp_path) as running,
        closing(Publisher(config.nodes[0], "b1")) as node,
        closing(Publisher(config.nodes[1], "b1")) as other,
    ):
        node.wait_for_listener()
        other.wait_for_listener()
        with closing(running.listener(b"raftzmq.n1.")), closing(running.listener(b"raftzmq.n1.sent")) as listener:
            node.wait_for_listener("sent")
            assert not node.hears("received")
            assert not other.hears("sent")
            node.publish("sent", 2)
            assert [event["seq"] for event in listener.receive(2)] == [1, 2]
        wait_until(lambda: not node.hears("sent"), "it asks no more")
        wait_until(lambda: running.collector.totals()["subscribers"] == 0, "both have left")
        with closing(running.listener(b"raftzmq.n1.sent")) as listener:
            node.wait_for_listener("sent")
            node.publish("sent")
            assert [event["seq"] for event in listener.receive(1)] == [3]
        totals = running.collector.totals()
        assert (totals["gaps"], totals["malformed"]) == (0, 0)


def test_a_restarted_node_is_heard_again_without_a_gap(tmp_path: Path) -> None:
    config = cluster(1)
    with collecting(config, tmp_path) as running, closing(running.listener()) as listener:
        for boot in ("b1", "b2", "b3"):
            with closing(Publisher(config.nodes[0], boot)) as node:
                node.wait_for_listener()
                node.publish("commit", 3)
                assert [(event["boot"], event["seq"]) for event in listener.receive(3)] == [
                    (boot, 1),
                    (boot, 2),
                    (boot, 3),
                ]
        assert running.collector.totals()["gaps"] == 0


def test_it_subscribes_to_the_types_asked_for_only(tmp_path: Path) -> None:
    config = cluster(1)
    with collecting(config, tmp_path, types=("role", "term")), closing(Publisher(config.nodes[0], "b")) as node:
        node.wait_for_listener("role")
        node.wait_for_listener("term")
        assert not node.hears("commit")


def test_what_is_no_event_is_counted_and_not_passed_on(tmp_path: Path) -> None:
    config = cluster(1)
    with (
        collecting(config, tmp_path) as running,
        closing(running.listener()) as listener,
        closing(Publisher(config.nodes[0], "b")) as node,
    ):
        node.wait_for_listener()
        for frames in ([b"raftzmq.n1.role", b"{"], [b"raftzmq.n1.role"], [b"raftzmq.n1.role", b"{}", b""]):
            node.send(frames)
        node.publish()
        assert [event["type"] for event in listener.receive(1)] == ["commit"]
        assert running.collector.totals()["malformed"] == 3


def test_files_are_bounded_in_size_and_number(tmp_path: Path) -> None:
    config = cluster(1)
    with (
        collecting(config, tmp_path, file_bytes=1, files=2) as running,
        closing(Publisher(config.nodes[0], "b")) as node,
    ):
        node.wait_for_listener()
        for number in range(1, 4):
            node.publish()
            newest = partial(lambda seq: [one["seq"] for one in running.recorded()][-1:] == [seq], number)
            wait_until(newest, "it is recorded")
    assert [path.name for path in recorded_files(tmp_path)] == [
        "events-00000002.events.jsonl.zst",
        "events-00000003.events.jsonl.zst",
    ], "a frame is larger than a file may be, so each got one of its own; the oldest is gone"
    assert [event["seq"] for event in running.recorded()] == [2, 3]


def test_a_taken_port_is_a_clear_error_and_leaves_nothing_behind(tmp_path: Path) -> None:
    config = cluster(1)
    with collecting(config, tmp_path / "a"):
        log = json_log(io.BytesIO())
        with pytest.raises(ConfigurationError, match=r"another process has the port"):
            Collector(config, tmp_path / "b", log)
        assert not (tmp_path / "b").exists()
        other = ClusterConfig("test", config.nodes, cluster(1).collector)
        with pytest.raises(DirectoryInUse, match="another collector is recording"):
            Collector(other, tmp_path / "a", log)
    with collecting(config, tmp_path / "a"):
        pass


def test_no_node_may_be_called_like_the_collector(tmp_path: Path) -> None:
    config = cluster(1)
    address = config.nodes[0]
    named = ClusterConfig("test", (Address("collector", address.peer, address.client, address.events),))
    with pytest.raises(ConfigurationError, match="rename the node"):
        Collector(named, tmp_path, json_log(io.BytesIO()))
