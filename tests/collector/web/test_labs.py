"""The labs over HTTP: what there is, the last run of each, and its recording to be opened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from raftzmq.labs.syllabus import SYLLABUS
from tests.collector.web.support import Serving, serving
from tests.labs.histories import recorded, without
from tests.labs.kept_run import BEGAN_MS, STEPS, keep_run


def labs(one: Serving) -> dict[str, Any]:
    answer = one.get("/v1/labs")
    assert answer.status == 200
    return {lab["name"]: lab for lab in answer.json["labs"]}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "collector").mkdir()
    return tmp_path


def test_every_lab_is_told_of_in_both_languages(home: Path) -> None:
    with serving(directory=home / "collector") as one:
        found = labs(one)
    assert list(found) == list(SYLLABUS)
    for name, lab in found.items():
        assert lab["run"] is None
        for field in ("title", "shows", "rule"):
            assert all(lab[field].values()), name
            assert set(lab[field]) == {"en", "ja"}


def test_the_last_run_of_each_is_told_of_and_its_recording_opens(home: Path) -> None:
    keep_run(
        home / "labs" / "old", "leader-dies", moments=without("boot")(recorded("leader-dies")), began_ms=BEGAN_MS - 1
    )
    run = keep_run(home / "labs" / "new", "leader-dies")
    with serving(directory=home / "collector") as one:
        lab = labs(one)["leader-dies"]["run"]
        state = one.get(f"/v1/recordings/{lab['recording']}/state?position={lab['steps'][-1]['position']}").json
        about = one.get(f"/v1/recordings/{lab['recording']}").json
        assert labs(one)["leader-dies"]["run"] == lab
        listed = one.get("/v1/recordings").json
    assert lab["verdict"] == json.loads(json.dumps(run.verdict.to_json()))
    assert lab["verdict"]["green"]
    assert [step["position"] for step in lab["steps"]] == [told.position for told in run.steps]
    assert (lab["began_ms"], lab["seconds"], lab["events"], lab["runtime"]) == (BEGAN_MS, 5.5, run.events, "threads")
    assert state["position"] == run.steps[-1].position
    assert state["state"]["nodes"]
    assert len(about["lab"]["steps"]) == STEPS
    assert about["begin"] == run.steps[0].position
    assert [row["id"] for row in listed if not row["live"]] == [lab["recording"]]


def test_a_red_run_is_told_of_as_such(home: Path) -> None:
    keep_run(home / "labs" / "one", "leader-dies", moments=without("boot")(recorded("leader-dies")))
    with serving(directory=home / "collector") as one:
        verdict = labs(one)["leader-dies"]["run"]["verdict"]
    assert not verdict["green"]
    assert [check["held"] for check in verdict["checks"]].count(False) >= 1


def test_while_a_lab_runs_its_page_shows_the_runs_beside_it(home: Path) -> None:
    keep_run(home / "labs" / "one", "leader-dies")
    (home / "labs" / "two").mkdir()
    with serving(directory=home / "labs" / "two") as one:
        assert labs(one)["leader-dies"]["run"]["verdict"]["green"]


def test_a_run_that_was_opened_by_name_brings_those_beside_it(home: Path) -> None:
    keep_run(home / "labs" / "one", "leader-dies")
    keep_run(home / "labs" / "two", "clean-election")
    with serving() as one:
        assert all(lab["run"] is None for lab in labs(one).values())
        ident = one.web.shelf.add(home / "labs" / "one")
        found = labs(one)
    assert found["leader-dies"]["run"]["recording"] == ident
    assert found["clean-election"]["run"] is not None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text.replace('"leader-dies"', '"no-such-lab"'),
        lambda text: text.replace('"position":', '"position": "x", "was":'),
        lambda text: text.replace('"held": true', '"held": "<b>"'),
        lambda text: text.replace('"verdict"', '"vordict"'),
        lambda text: "[" * 100_000,
        lambda text: "null",
        lambda text: text + " " * 2_000_000,
    ],
)
def test_what_is_no_run_is_left_out(home: Path, spoil: Any) -> None:
    run = keep_run(home / "labs" / "one", "leader-dies")
    keep_run(home / "labs" / "two", "clean-election")
    file = run.directory / "lab.json"
    file.write_text(spoil(file.read_text()))
    with serving(directory=home / "collector") as one:
        found = labs(one)
    assert found["leader-dies"]["run"] is None
    assert found["clean-election"]["run"]["verdict"]["green"]
