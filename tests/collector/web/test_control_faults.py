"""Faults over HTTP: what is posted is checked, done on the nodes and their processes, and seen in the state."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from raftzmq.collector.web import chaos
from tests.collector.streams import standing
from tests.collector.support import Running, collecting, free_endpoints, wait_until
from tests.collector.web.support import BOOT, Answer, Serving, leads, serving
from tests.live.harness import LiveCluster
from tests.live.runtimes import EITHER

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]


class Lab:
    """A cluster, its collector, and calls to it as its page makes them."""

    def __init__(self, cluster: LiveCluster, running: Running) -> None:
        assert running.collector.web is not None
        self.cluster = cluster
        self.web = running.collector.web
        self._serving = Serving(running.config, self.web, running._log)

    def asks(self, action: str, **more: Any) -> Answer:
        """The answer to a fault."""
        return self._serving.post("/v1/chaos", {"action": action, **more})

    def does(self, action: str, **more: Any) -> dict[str, Any]:
        """The same, of one that is done."""
        answer = self.asks(action, **more)
        assert answer.status == 200, answer.body
        found: dict[str, Any] = answer.json
        return found

    def control(self) -> dict[str, Any]:
        """What may be done."""
        found: dict[str, Any] = self._serving.get("/v1/control").json
        return found

    @property
    def state(self) -> dict[str, Any]:
        """The state that the page is shown."""
        return self.web.state[1]

    def links(self) -> set[tuple[str, str]]:
        """Those with faults."""
        return {(sender, peer) for sender, peers in self.state.get("links", {}).items() for peer in peers}

    def comes(self, node: str, condition: str) -> None:
        """Wait until the page is shown that a node is up, silent or down."""
        wait_until(lambda: self.state["nodes"][node]["condition"] == condition, f"{node} is {condition}")


def start(directory: Path, *options: str) -> LiveCluster:
    cluster = LiveCluster(directory, 3, runtime=EITHER)
    for node in cluster.nodes.values():
        node.command += options
    return cluster


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Three nodes in lab mode, and their collector, which knows all of them."""
    with start(tmp_path, "--lab") as cluster:
        cluster.start()
        cluster.leader()
        config = replace(cluster.configuration, web=free_endpoints(1)[0].replace("tcp", "http"))
        with collecting(config, tmp_path / "recorded") as running:
            found = Lab(cluster, running)
            wait_until(lambda: found.control()["lab"] == ["n1", "n2", "n3"], "all are known to be in lab mode")
            yield found


def test_links_are_cut_spoiled_and_healed_and_the_state_says_so(lab: Lab) -> None:
    leader = lab.cluster.leader()
    one, two = lab.cluster.others(leader)
    said = lab.does("partition", groups=[["leader"], [one, two]])
    assert (said["groups"], said["absent"]) == ([[leader], [one, two]], [])
    both = {(leader, one), (leader, two), (one, leader), (two, leader)}
    wait_until(lambda: lab.links() == both, "the cut links are shown")
    lab.does("heal", nodes=[one])
    wait_until(lambda: lab.links() == {(leader, two), (two, leader)}, "those of one node are healed")
    lab.does("heal", **{"from": leader, "to": two})
    wait_until(lambda: lab.links() == {(two, leader)}, "one direction of one link is healed")
    lab.does("heal")
    wait_until(lambda: lab.links() == set(), "all are healed")
    figures = {"drop": 0.25, "delay_ms": 3, "jitter_ms": 1.5, "duplicate": 0.5, "for_s": 600}
    lab.does("link", **{"from": one, "to": two}, **figures)
    wait_until(lambda: lab.links() == {(one, two)}, "a link is spoiled")
    fault = lab.state["links"][one][two]
    assert fault.pop("until_ms") > lab.state["time_ms"]
    assert fault == {"cut": False, "drop_ppm": 250_000, "duplicate_ppm": 500_000, "delay_us": 3000, "jitter_us": 1500}
    [row] = [row for row in lab.does("show")["nodes"] if row["links"]]
    assert (row["node"], list(row["links"])) == (one, [two])
    lab.does("link", **{"from": one, "to": two}, cut=True, for_s=0.2)
    wait_until(lambda: lab.links() == set(), "it ends by itself")


def test_processes_are_paused_resumed_and_killed_and_the_state_says_so(lab: Lab) -> None:
    one, two = lab.cluster.others(lab.cluster.leader())
    said = lab.does("pause", nodes=[one])
    assert [row["node"] for row in said["nodes"]] == [one]
    lab.comes(one, "silent")
    assert lab.state["nodes"][one]["paused"] is True
    wait_until(lambda: lab.state["processes"][one]["state"] == "PAUSED", "the stream told of it")
    # Who is paused can't be asked; the others are, and the answer tells of it.
    assert lab.does("partition", groups=[[one], [two]])["absent"] == [one]
    wait_until(lambda: lab.links() == {(two, one)}, "the other one cuts its side")
    assert lab.does("resume", nodes=[one])["groups"] == [[one]]
    lab.comes(one, "up")
    lab.does("kill", nodes=[two])
    lab.comes(two, "down")
    # A process is a zombie from the end of its first thread on, and can be waited for from that of its last.
    wait_until(lambda: not lab.cluster.nodes[two].running, "all of its threads have ended")
    again = lab.asks("kill", nodes=[two])
    assert (again.status, "no such process" in again.message) == (409, True)
    assert "only a supervisord" in lab.asks("restart", nodes=[one]).message
    lab.cluster.start([two])
    lab.comes(two, "up")
    wait_until(lambda: lab.links() == set(), "its next life knows nothing of faults")


def test_an_election_on_request(lab: Lab) -> None:
    leader = lab.cluster.leader()
    term = lab.cluster.agreed_term(leader)
    other = lab.cluster.others(leader)[0]
    said = lab.does("elect", nodes=[other])
    assert said["nodes"][0]["term"] > term
    wait_until(lambda: lab.state["term"] > term, "the state knows the new term")
    assert lab.cluster.leader(above_term=term) in lab.cluster.nodes
    assert lab.asks("elect", nodes=["n1", "n2"]).status == 400


def test_mistakes_are_told_and_nothing_is_done(lab: Lab) -> None:
    for status, asked in (
        (400, {"action": "explode"}),
        (400, {"action": "kill"}),
        (400, {"action": "kill", "nodes": "n1"}),
        (400, {"action": "kill", "nodes": ["n1"], "signal": 9}),
        (400, {"action": "kill", "nodes": ["n" * 65]}),
        (400, {"action": "kill", "nodes": ["n1"] * 251}),
        (409, {"action": "kill", "nodes": ["n9"]}),
        (409, {"action": "kill", "nodes": ["1; reboot", "../n1"]}),
        (400, {"action": "partition", "groups": [["n1"]]}),
        (400, {"action": "partition", "groups": [["n1"], []]}),
        (400, {"action": "partition", "groups": [["n1", "n2"], ["n2", "n3"]]}),
        (400, {"action": "link", "from": "n1", "to": "n2"}),
        (400, {"action": "link", "from": "n1", "to": "n1", "cut": True}),
        (400, {"action": "link", "from": "n1", "to": "n2", "drop": 1.5}),
        (400, {"action": "link", "from": "n1", "to": "n2", "delay_ms": -1}),
        (400, {"action": "link", "from": "n1", "to": "n2", "cut": True, "for_s": 1e12}),
        (400, {"action": "link", "from": "n1", "to": "n2", "cut": "yes"}),
    ):
        answer = lab.asks(**asked)
        assert answer.status == status, (asked, answer.body)
        assert len(answer.message) > 10
    assert lab.links() == set()
    assert all(node.running for node in lab.cluster.nodes.values())


def test_nodes_that_are_not_in_lab_mode_refuse_everything(tmp_path: Path) -> None:
    with start(tmp_path) as cluster:
        cluster.start()
        leader = cluster.leader()
        other = cluster.others(leader)[0]
        config = replace(cluster.configuration, web=free_endpoints(1)[0].replace("tcp", "http"))
        with collecting(config, tmp_path / "recorded") as running:
            lab = Lab(cluster, running)
            wait_until(lambda: len(lab.state.get("nodes", {})) == 3, "all are known")
            assert lab.control() == {"allowed": False, "lab": [], "supervised": False}
            everything: list[dict[str, Any]] = [
                *({"action": action, "nodes": [leader]} for action in ("kill", "pause", "resume", "restart")),
                {"action": "elect", "nodes": [other]},
                {"action": "partition", "groups": [[leader], [other]]},
                {"action": "link", "from": leader, "to": other, "cut": True},
                {"action": "heal", "from": leader, "to": other},
                {"action": "heal"},
                {"action": "show"},
            ]
            for asked in everything:
                answer = lab.asks(**asked)
                assert answer.status == 409, asked
                assert "not started in lab mode" in answer.message
                assert "bin/up --lab" in answer.message
            assert all(node.running for node in cluster.nodes.values())


def test_control_says_who_may_and_changes_nothing() -> None:
    with serving(2, supervisor="/nowhere/supervisor.sock") as one:
        one.offer({**standing("n2"), "lab": True, "seq": 1}, leads("n1"))
        assert one.get("/v1/control").json == {"allowed": False, "lab": ["n2"], "supervised": True}
        right = {"Authorization": f"Bearer {one.web.token.text}"}
        assert one.get("/v1/control", **right).json["allowed"] is True
        assert one.get("/v1/control", Authorization="Bearer x").json["allowed"] is False
        assert one.get("/v1/chaos", **right).status == 405
        assert one.post("/v1/control", {}).status == 405
        assert BOOT not in one.get("/v1/control").body.decode()


def test_faults_under_way_at_once_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    ending = threading.Event()

    def waits(*_: Any) -> dict[str, Any]:
        assert ending.wait(60)
        return {"groups": []}

    monkeypatch.setattr(chaos, "_do", waits)
    with serving() as one:
        answers: list[int] = []

        def ask() -> None:
            answers.append(one.post("/v1/chaos", {"action": "show"}).status)

        asking = [threading.Thread(target=ask) for _ in range(chaos.AT_ONCE)]
        for thread in asking:
            thread.start()

        more = [threading.Thread(target=ask) for _ in range(4)]
        for thread in more:
            thread.start()
        wait_until(lambda: answers.count(503) == 4, "those beyond the bound are refused at once")
        assert one.get("/livez").status == 200, "the others of the page don't wait"
        ending.set()
        for thread in [*asking, *more]:
            thread.join(60)
        assert sorted(answers) == [200] * chaos.AT_ONCE + [503] * 4
        assert one.post("/v1/chaos", {"action": "show"}).status == 200, "there is room again"
