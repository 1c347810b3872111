"""The dashboard and the alert rules: readable by what they are for, and about metrics that are really exported."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families as parse_text

from raftzmq.cli.main import main
from raftzmq.config import local_cluster
from tests.collector.web.support import serving
from tests.collector.web.test_metrics import every_kind

NAME = re.compile(r"\braftzmq_[a-z0-9_]+")
SEVERITIES = {"critical", "warning"}


def generated(what: str, *arguments: str) -> str:
    done = CliRunner().invoke(main, ["generate", what, *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def exported() -> dict[str, set[str]]:
    """Every sample of a collector that has seen every kind of event, with the labels that it has."""
    with serving() as one:
        one.offer(*every_kind())
        text = one.get("/metrics").body.decode()
    found: dict[str, set[str]] = {}
    for family in parse_text(text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def panels(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (panel for panel in document["panels"] if panel["type"] != "row")


def dashboard() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(generated("grafana"))
    return document


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(generated("alerts"))["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def check(expression: str, exported: dict[str, set[str]]) -> None:
    """Everything that it names is exported, rates are of counters, and it is closed where it is opened."""
    assert set(NAME.findall(expression)) <= set(exported), f"not exported: {expression}"
    for name in re.findall(r"(?:rate|increase)\((raftzmq_\w+)", expression):
        assert name.endswith(("_total", "_bucket")), f"a rate of what is no counter: {expression}"
    for name in NAME.findall(re.sub(r"(?:rate|increase)\(raftzmq_\w+", "", expression)):
        alone = (
            name.endswith("_total") and name != "raftzmq_violations_total" and name != "raftzmq_rule_violations_total"
        )
        assert not alone, f"a counter without a rate: {expression}"
    for opening, closing in ("()", "{}", "[]"):
        assert expression.count(opening) == expression.count(closing), expression


def test_the_dashboard_names_what_is_exported(exported: dict[str, set[str]]) -> None:
    document = dashboard()
    for panel in panels(document):
        assert panel["title"]
        assert panel["description"].endswith("."), f"{panel['title']} says what to make of it"
        assert panel["fieldConfig"]["defaults"]["unit"]
        for target in panel["targets"]:
            check(target["expr"], exported)
            labels = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            (name, *_) = NAME.findall(target["expr"])
            assert labels <= exported[name], f"{panel['title']}: a label that {name} hasn't"
            assert panel["datasource"] == target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_the_dashboard_answers_the_first_question_first(exported: dict[str, set[str]]) -> None:
    document = dashboard()
    order = [target["expr"] for panel in panels(document) for target in panel["targets"]]
    first = [
        next(place for place, expression in enumerate(order) if name in expression)
        for name in (
            *("raftzmq_has_leader", "raftzmq_elections_total", "raftzmq_proposals_committed_total"),
            *(
                "raftzmq_log_sync_duration_seconds",
                "raftzmq_peer_round_trip_seconds",
                "raftzmq_replication_lag_entries",
            ),
            *("raftzmq_log_memory_bytes", "raftzmq_events_late_total", "raftzmq_rule_violations_total"),
        )
    ]
    assert first == sorted(first)
    shown = {name for expression in order for name in NAME.findall(expression)}
    left_out = {name for name in exported if not name.endswith(("_sum", "_count"))} - shown
    assert left_out <= {
        # numbers that mean something beside another one only
        *("raftzmq_term", "raftzmq_commit_index", "raftzmq_last_log_index", "raftzmq_stable_index", "raftzmq_revision"),
        *("raftzmq_boots", "raftzmq_events_ring_bytes", "raftzmq_collector_start_time_seconds"),
        *("raftzmq_collector_events_total", "raftzmq_collector_odd_events_total"),
        "raftzmq_collector_malformed_messages_total",
    }


def test_panels_have_places_and_numbers_of_their_own() -> None:
    document = dashboard()
    assert len({panel["id"] for panel in document["panels"]}) == len(document["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in document["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, f"{panel['title']} lies on another one"
        taken |= cells


def test_alerts_name_what_is_exported_and_say_what_to_do(exported: dict[str, set[str]]) -> None:
    seen = set()
    for rule in rules():
        check(rule["expr"], exported)
        assert re.fullmatch(r"Raftzmq[A-Z]\w+", rule["alert"])
        assert rule["alert"] not in seen
        seen.add(rule["alert"])
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "1m"))
        assert rule["labels"]["severity"] in SEVERITIES
        told = rule["annotations"]
        assert set(told) == {"summary", "description"}
        names = NAME.findall(rule["expr"])
        has = set().union(*(exported[name] for name in names)) | {"job", "instance"} if names else {"job", "instance"}
        assert set(re.findall(r"\$labels\.(\w+)", told["summary"] + told["description"])) <= has


def test_alerts_cover_what_must_be_known() -> None:
    severe = {rule["alert"] for rule in rules() if rule["labels"]["severity"] == "critical"}
    assert severe == {"RaftzmqNoLeader", "RaftzmqViolation", "RaftzmqNoRoom", "RaftzmqOneFailureFromStopping"}


def test_prometheus_is_told_of_the_address_that_there_is() -> None:
    assert local_cluster(5).web.removeprefix("http://") in generated("alerts")


@pytest.mark.parametrize(("what", "name"), [("grafana", "grafana.json"), ("alerts", "alerts.yaml")])
def test_as_json_it_is_the_file_by_name(what: str, name: str) -> None:
    document = json.loads(generated(what, "--json"))
    assert document["files"][name].rstrip("\n") == generated(what).rstrip("\n")
