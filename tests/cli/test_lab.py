"""``raftzmq lab``: the list, judging once more, mistakes; runs of real clusters are in tests/labs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from raftzmq.labs.syllabus import SYLLABUS
from tests.cli.support import on_terminal, raftzmq
from tests.labs.histories import recorded, without
from tests.labs.kept_run import keep_run


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Two runs: a green one and a red one."""
    keep_run(tmp_path / "good", "leader-dies")
    keep_run(tmp_path / "bad", "clean-election", moments=without("vote")(recorded("clean-election")))
    return tmp_path


def test_the_list_tells_what_there_is_and_how_it_went(home: Path) -> None:
    done = raftzmq("lab", "list", "--record", str(home), "--json")
    assert done.returncode == 0, done.stderr
    labs = json.loads(done.stdout)["labs"]
    assert [lab["name"] for lab in labs] == list(SYLLABUS)
    last = {lab["name"]: lab["last"] and lab["last"]["green"] for lab in labs}
    assert last == dict.fromkeys(SYLLABUS) | {"leader-dies": True, "clean-election": False}
    lines = raftzmq("lab", "list", "--record", str(home)).stdout.decode().splitlines()
    assert len(lines) == len(SYLLABUS)
    assert lines[0].startswith("clean-election\tA clean election\t")
    assert "✗ 2023-11-14" in lines[0] or "✗ 2023-11-15" in lines[0]
    assert all(
        line.endswith("never run") for line in lines if line.split("\t")[0] not in ("clean-election", "leader-dies")
    )


def test_the_language_is_that_of_the_environment_or_the_option(home: Path) -> None:
    title = SYLLABUS["clean-election"].title
    spoken = raftzmq("lab", "list", "--record", str(home), variables={"LC_ALL": "ja_JP.UTF-8"}).stdout.decode()
    assert title.ja in spoken
    chosen = raftzmq(
        "lab", "list", "--record", str(home), "--language", "en", variables={"LC_ALL": "ja_JP.UTF-8"}
    ).stdout.decode()
    assert title.en in chosen


def test_a_shell_completes_the_names_of_labs() -> None:
    told = {"_RAFTZMQ_COMPLETE": "bash_complete", "COMP_WORDS": "raftzmq lab run le", "COMP_CWORD": "3"}
    done = raftzmq(variables=told)
    assert b"leader-dies" in done.stdout
    assert b"clean-election" not in done.stdout


def test_a_run_is_judged_once_more_by_its_recording(home: Path) -> None:
    good = raftzmq("lab", "judge", str(home / "good"))
    assert good.returncode == 0, good.stderr
    lines = good.stdout.decode().splitlines()
    assert lines[-1] == "leader-dies: GREEN: all 6 checks hold"
    assert all(line.startswith("held ") for line in lines[:-1])
    bad = raftzmq("lab", "judge", str(home / "bad"), "--json")
    assert bad.returncode == 1
    verdict = json.loads(bad.stdout)["verdict"]
    assert verdict == json.loads((home / "bad" / "lab.json").read_text())["verdict"]
    assert not verdict["green"]


def test_what_the_recording_lacks_counts_whatever_its_document_says(home: Path) -> None:
    document = home / "bad" / "lab.json"
    document.write_text(document.read_text().replace('"green": false', '"green": true'))
    assert raftzmq("lab", "judge", str(home / "bad")).returncode == 1


def test_a_terminal_gets_marks_and_colours(home: Path) -> None:
    code, screen = on_terminal("lab", "judge", str(home / "bad"))
    assert code == 1
    assert "✓" in screen
    assert "✗" in screen
    assert "\x1b[" in screen
    assert "RED: 2 of 6 checks do not hold" in screen
    _, listed = on_terminal("lab", "list", "--record", str(home))
    assert "WHAT IT SHOWS" in listed
    assert SYLLABUS["leader-dies"].title.en in listed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run",), ("names", "--all", "lab list")),
        (("run", "leader-dies", "--all"), ("names", "--all")),
        (("run", "leader-dead"), ("no lab 'leader-dead'", "leader-dies")),
        (("judge", "."), ("no run of a lab", "lab run")),
        (("run", "leader-dies", "--runtime", "fibres"), ("threads", "coroutines")),
    ],
)
def test_mistakes_are_told_and_nothing_is_started(
    tmp_path: Path, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    done = raftzmq("lab", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    for word in words:
        assert word in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
