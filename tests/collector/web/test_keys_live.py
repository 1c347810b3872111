"""The data of a real cluster over HTTP: pages of one moment, whole histories, and appends that lose nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote

import pytest

from raftzmq.client.sync import Client
from raftzmq.collector.web.kv import TRIES_MAX
from tests.collector.support import PATIENCE_S, Running, free_endpoints, wait_until
from tests.collector.web.support import Answer
from tests.live.harness import LiveCluster

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]


class Served:
    """A cluster, and a collector that serves it."""

    def __init__(self, cluster: LiveCluster, running: Running) -> None:
        assert running.collector.web is not None
        self.cluster = cluster
        self._address = running.collector.web.address
        self._token = running.collector.web.token.text

    def ask(self, path: str, document: dict[str, Any] | None = None) -> Answer:
        """GET, or POST of a document, with the token."""
        connection = HTTPConnection(*self._address, timeout=PATIENCE_S)
        headers = {"Authorization": f"Bearer {self._token}"}
        try:
            if document is None:
                connection.request("GET", path, headers=headers)
            else:
                origin = f"http://{self._address[0]}:{self._address[1]}"
                headers |= {"Origin": origin, "Content-Type": "application/json"}
                connection.request("POST", path, json.dumps(document), headers)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def found(self, path: str, document: dict[str, Any] | None = None) -> Any:
        """The same, answered well."""
        answer = self.ask(path, document)
        assert answer.status == 200, answer.body
        return answer.json


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    directory = tmp_path_factory.mktemp("data")
    with LiveCluster(directory, 3, runtime="threads") as cluster:
        cluster.start()
        web = free_endpoints(1)[0].replace("tcp", "http")
        running = Running(replace(cluster.configuration, web=web), directory / "recorded")
        try:
            cluster.leader()
            yield Served(cluster, running)
        finally:
            running.close()


def test_pages_are_of_one_moment(served: Served) -> None:
    with Client(served.cluster.endpoints) as client:
        for number in range(45):
            client.put(f"page/{number:02}", f"v{number}")
        client.put(b"page/\xff", b"\xfe")
        first = served.found("/v1/keys?prefix=page/&limit=20")
        client.put("page/25", "later")
        client.delete("page/30")
    assert [item["key"] for item in first["items"]] == [f"page/{number:02}" for number in range(20)]
    found, page = list(first["items"]), first
    while page["more"]:
        moment = f"revision={first['revision']}&from={quote(page['from'])}"
        page = served.found(f"/v1/keys?prefix=page/&limit=20&{moment}")
        assert page["revision"] == first["revision"]
        found += page["items"]
    assert [item["value"] for item in found] == [*(f"v{number}" for number in range(45)), {"b64": "/g=="}]
    assert found[-1]["key"] == {"b64": "cGFnZS//"}
    assert page["from"] is None
    now = served.found("/v1/keys?prefix_b64=cGFnZS8y&limit=200")  # page/2
    assert [item["value"] for item in now["items"]] == [
        *(f"v{n}" for n in range(20, 25)),
        "later",
        "v26",
        "v27",
        "v28",
        "v29",
    ]
    changed = now["items"][5]
    assert (changed["version"], changed["bytes"]) == (2, 5)
    assert changed["create_revision"] < first["revision"] < changed["mod_revision"]


def test_long_values_are_cut_and_their_length_is_said(served: Served) -> None:
    value = "日" * 300_000
    with Client(served.cluster.endpoints) as client:
        client.put("long", value)
        for number in range(12):
            client.put(f"long/{number:02}", b"\xff" * 1_000_000)
    (row,) = served.found("/v1/keys?prefix=long&limit=1")["items"]
    assert (row["value"], row["bytes"]) == ("日" * 85, 900_000)  # 256 bytes end within the 86th
    page = served.found("/v1/keys?prefix=long/&limit=12")
    assert 1 < len(page["items"]) < 12
    assert page["more"], "megabytes are read for one page, but not all there are"
    assert all(row["bytes"] == 1_000_000 for row in page["items"])
    got = served.found("/v1/kv", {"op": "get", "key": "long"})
    assert (len(got["value"].encode()), got["bytes"]) == (16 * 1024 - 1, 900_000)
    too_long = served.ask("/v1/kv", {"op": "append", "key": "long", "value": "日" * 60_000})
    assert (too_long.status, too_long.json["error"]["code"]) == (413, "too_large")
    assert served.found("/v1/kv", {"op": "get", "key": "long"})["bytes"] == 900_000


def test_a_history_goes_back_to_where_the_key_was_created(served: Served) -> None:
    with Client(served.cluster.endpoints) as client:
        for number in range(7):
            client.put("history", f"v{number}")
            client.put("other", "x")
        gone = client.delete("history").revision
        for number in range(3):
            client.put("history", f"again{number}")
    whole = served.found("/v1/history?key=history")
    assert [version["value"] for version in whole["versions"]] == ["again2", "again1", "again0"]
    assert [version["version"] for version in whole["versions"]] == [3, 2, 1]
    assert (whole["end"], whole["create_revision"]) == ("created", gone + 1)
    before = served.found(f"/v1/history?key=history&revision={gone - 1}&limit=4")
    assert [version["value"] for version in before["versions"]] == ["v6", "v5", "v4", "v3"]
    assert before["end"] == "more"
    rest = served.found(f"/v1/history?key=history&revision={before['versions'][-1]['revision'] - 1}")
    assert [version["value"] for version in rest["versions"]] == ["v2", "v1", "v0"]
    assert rest["end"] == "created"
    assert served.found("/v1/history?key=nothing") == {
        "key": "nothing",
        "versions": [],
        "create_revision": None,
        "end": "none",
    }
    assert served.ask(f"/v1/history?key=history&revision={2**62}").status in (200, 400)


def test_appends_at_the_same_time_lose_nothing(served: Served) -> None:
    def append(number: int) -> tuple[int, Answer]:
        return number, served.ask("/v1/kv", {"op": "append", "key": "list", "value": f"{number},"})

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(append, range(30)))
    done = {number for number, answer in answers if answer.status == 200}
    refused = [answer for _, answer in answers if answer.status != 200]
    assert {answer.json["error"]["code"] for answer in refused} <= {"conflict"}
    assert all(answer.json["error"]["definite"] for answer in refused)
    value = served.found("/v1/kv", {"op": "get", "key": "list"})["value"]
    assert sorted(int(one) for one in value.split(",") if one) == sorted(done)
    assert len(done) >= 20
    tries = [answer.json["tries"] for _, answer in answers if answer.status == 200]
    assert all(1 <= one <= TRIES_MAX for one in tries)
    assert any(one > 1 for one in tries), "nobody ever came between"


def test_every_command_can_be_explained_and_nobody_elses_is_meant(served: Served) -> None:
    def put(number: int) -> Any:
        return served.found("/v1/kv", {"op": "put", "key": f"traced/{number}", "value": "v"})

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(put, range(8)))
    assert len({answer["tag"] for answer in answers}) == 8
    for answer in answers:
        (found,) = served.found(f"/v1/explain?tag={answer['tag']}")["requests"]
        assert (found["tag"], found["kind"], found["by_client"]) == (answer["tag"], "execute", True)
        assert found["latency_us"] == answer["took_us"]
        assert sum(part["us"] for part in found["parts"]) == found["latency_us"]
        assert set(found["disks"]) == set(served.cluster.nodes)
    indexes = [served.found(f"/v1/explain?tag={answer['tag']}")["requests"][0]["index"] for answer in answers]
    assert len(set(indexes)) >= 2
    appended = served.found("/v1/kv", {"op": "append", "key": "traced", "value": "v"})
    kinds = [one["kind"] for one in served.found(f"/v1/explain?tag={appended['tag']}")["requests"]]
    assert kinds == ["read", "execute"]
    # By its position it is the same command: both of its requests.
    position = served.found(f"/v1/explain?tag={appended['tag']}")["requests"][0]["position"]
    again = served.found(f"/v1/explain?request={position}")["requests"]
    assert [one["kind"] for one in again] == kinds


def test_a_leader_that_dies_is_waited_out(served: Served) -> None:
    leader = served.cluster.leader()
    served.cluster.nodes[leader].kill()
    answers: list[Answer] = []

    def written() -> bool:
        answers.append(served.ask("/v1/kv", {"op": "put", "key": "after", "value": "death"}))
        return answers[-1].status == 200

    wait_until(written, "a write is answered")
    assert {answer.status for answer in answers} <= {200, 503, 504}
    assert served.found("/v1/kv", {"op": "get", "key": "after"})["value"] == "death"
    served.cluster.start([leader])
