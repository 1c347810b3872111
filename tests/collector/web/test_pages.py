"""The documents that the collector serves: the page, the state, and whether all is well."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from raftzmq.collector.web import hub, pages
from raftzmq.collector.web.server import Web
from raftzmq.config import ClusterConfig
from raftzmq.errors import ConfigurationError
from tests.collector.web.support import leads, serving, wait_until

STABLE = {"node", "endpoint", "reachable", "role", "term", "leader", "commit_index", "last_applied", "last_log_index"}


def test_the_page_lists_what_there_is_and_all_of_it_is_there() -> None:
    with serving() as one:
        page = one.get("/about")
        assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "default-src 'none'" in page.headers["content-security-policy"]
        listed = re.findall(r'href="(/[^"]*)"', page.body.decode())
        assert listed == [path for path, _ in pages.PATHS]
        for path in listed:
            if path != "/events":  # that one goes on
                assert one.get(path).status in (200, 426, 503), path


def test_the_state_has_the_shape_of_status() -> None:
    with serving() as one:
        one.offer(leads("n2", 7), {"node": "n2", "term": 7, "index": 12, "previous": 11})
        document = one.get("/v1/state").json
        assert (document["schema"], document["position"], document["leader"]) == (1, 2, "n2")
        assert [row["node"] for row in document["nodes"]] == ["n1", "n2", "n3"]
        assert all(set(row) >= STABLE | {"pid"} for row in document["nodes"])
        leader, silent = document["nodes"][1], document["nodes"][2]
        assert (leader["reachable"], leader["role"], leader["term"], leader["commit_index"]) == (True, "leader", 7, 12)
        assert leader["endpoint"] == one.config.nodes[1].client
        assert (silent["reachable"], silent["role"], silent["commit_index"]) == (False, None, None)
        assert document["cluster"]["leader_changes"] == 1


def test_ready_means_that_a_leader_is_known() -> None:
    with serving() as one:
        unready = one.get("/readyz")
        assert (unready.status, unready.json["ready"]) == (503, False)
        assert "no node has been heard" in unready.json["reason"]
        one.offer({"node": "n1"})
        assert "no leader is known" in one.get("/readyz").json["reason"]
        one.offer(leads("n1"))
        assert (one.get("/readyz").status, one.get("/readyz").json) == (200, {"ready": True, "leader": "n1"})
        one.offer({"node": "n1", "type": "role", "role": "follower", "previous": "leader", "reason": "term", "term": 2})
        assert one.get("/readyz").status == 503


def test_a_cluster_that_is_heard_no_more_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(1) as one:
        one.offer(leads("n1"))
        assert one.get("/readyz").status == 200
        monkeypatch.setattr(hub, "SILENT_S", 0.05)
        wait_until(lambda: one.get("/readyz").status == 503, "silence is noticed")
        assert "heard for" in one.get("/readyz").json["reason"]
        assert one.metric("raftzmq_has_leader") == 0
        assert one.get("/v1/state").json["nodes"][0]["reachable"] is False


def test_alive_as_long_as_the_collectors_loop_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as one:
        assert (one.get("/livez").status, one.get("/livez").json) == (200, {"live": True})
        monkeypatch.setattr(pages, "STALLED_S", 0.05)
        wait_until(lambda: one.get("/livez").status == 503, "a loop that doesn't turn is noticed")
        assert "hasn't turned" in one.get("/livez").json["reason"]
        monkeypatch.undo()
        one.web.offer([])
        assert one.get("/livez").status == 200


def test_answers_that_are_errors_are_sentences_in_json() -> None:
    with serving() as one:
        missing = one.get("/metric")
        assert (missing.status, missing.json["error"]["code"]) == (404, "not_found")
        assert "/metrics" in missing.message
        assert "no parameter 'x'" in one.get("/v1/state?x=1").message
        posted = one.get("/v1/state", method="POST")
        assert (posted.status, posted.headers["allow"]) == (405, "GET, HEAD")
        assert one.get("/ws").status == 426


def test_nothing_lets_other_pages_read() -> None:
    with serving() as one:
        for path in ("/", "/about", "/v1/state", "/metrics", "/livez", "/nothing"):
            headers = one.get(path).headers
            assert not [name for name in headers if name.startswith("access-control-")]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cache-control"] == "no-store"


def test_a_head_request_has_no_body() -> None:
    with serving() as one:
        answer = one.get("/v1/state", method="HEAD")
        assert (answer.status, answer.body) == (200, b"")


def test_an_address_that_is_taken_is_a_sentence() -> None:
    with serving() as one, pytest.raises(ConfigurationError, match=r"cannot serve HTTP on .*--web none"):
        Web(*one.address, one.web._log, config=one.config, boot="b")


def test_after_its_end_the_port_is_free_whether_it_was_started_or_not() -> None:
    with serving() as one:
        address = one.address
    config, log = one.config, one.web._log
    for start in (False, True, False):
        web = Web(*address, log, config=config, boot="b")
        if start:
            web.start()
        web.close()


def test_the_page_survives_odd_names() -> None:
    with serving() as one:
        odd = ClusterConfig("<script>x", one.config.nodes, one.config.collector)
        one.web._hub.config = odd
        assert b"<script" not in one.get("/about").body


NAMES = [("localhost", "localhost"), *([("::1", "[::1]")] if Path("/proc/net/if_inet6").exists() else [])]
"""Of this machine, and how they are asked for."""


@pytest.mark.parametrize(("host", "asked"), NAMES)
def test_other_names_of_this_machine(host: str, asked: str) -> None:
    with serving(host=host) as one:
        port = one.address[1]
        assert one.get("/livez", Host=f"{asked}:{port}").status == 200
        refused = one.get("/livez", Host="evil.example")
        assert refused.status == 403
        assert f"http://localhost:{port}" in refused.message


def test_who_serves_others_is_told_that_nobody_is_asked() -> None:
    with serving(host="0.0.0.0") as one:
        assert one.get("/livez", Host="cluster.example:80").status == 200, "its names are not known"
        assert one.get("/livez", Host="cluster.example", Origin="http://evil.example").status == 403
        assert any("nobody is asked" in line["event"] for line in one.log())
