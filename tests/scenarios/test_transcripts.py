"""Scenes of cores alone, step by step, as texts that a person can read: ``transcripts/*.txt``.

A line that begins with ``>`` is a command of `Stage`, the indented lines behind it are what followed from it, and all
else is prose. ``pytest tests/scenarios --rewrite`` writes what follows anew: read the difference before you keep it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from raftzmq.core.elections import Elections
from raftzmq.core.log import Log
from raftzmq.core.quorum import agreed
from raftzmq.core.replication import Leadership
from raftzmq.core.roles import Candidate
from raftzmq.core.types import Entry, Mark
from raftzmq.errors import InvariantViolation
from tests.rules.planted import Bug
from tests.scenarios.stage import Stage

SCENES = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))
WIDTH = 4


def performed(text: str) -> str:
    """The text with the outputs that its commands really have."""
    stage = Stage()
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith(" " * WIDTH):
            continue
        lines.append(line)
        if line.startswith("> "):
            lines += [f"{'':{WIDTH}}{happened}" for happened in stage.do(line[2:])]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("scene", SCENES, ids=lambda path: path.stem)
def test_a_scene_goes_as_it_is_written(scene: Path, rewrite: bool) -> None:
    """Every message, write and decision, in order: a change of any of them shows."""
    written = scene.read_text()
    really = performed(written)
    if rewrite:
        scene.write_text(really)
    else:
        assert really == written


def count_it_whole(self: Log, entries: Sequence[Entry]) -> None:
    self.stable = entries[-1].index


def any_term(self: Leadership, commit_index: int) -> int:
    match = {peer: progress.match_index for peer, progress in self.peers.items()}
    return max(commit_index, agreed(self._per_voter(self.log.stable, match)))


def confirm_at_once(self: Leadership) -> list[Any]:
    done = list(self._rounds)
    self._rounds.clear()
    return done


def keep_the_tail(self: Log, mark: Mark) -> None:
    self.mark = mark


PLANTED = {
    "election_with_a_split_vote": Bug("half the votes win", Candidate, "count", lambda self, *_: True),
    "replication_and_commit": Bug("no entries", Leadership, "replicate", lambda self, *_: []),
    "conflict_backed_up_fast": Bug("an entry at a time", Log, "last_with_term_at_most", lambda self, i, term: i - 1),
    "truncation_in_flight": Bug("an append counts whole", Log, "stored", count_it_whole),
    "leader_steps_down": Bug("no CheckQuorum", Leadership, "quorum_heard_us", lambda self, now_us: now_us),
    "prevote_and_stickiness": Bug("no stickiness", Elections, "_leader_is_near", lambda self: False),
    "read_index": Bug("no round", Leadership, "confirmed_rounds", confirm_at_once),
    "snapshot_install": Bug("the old tail stays", Log, "restart_after", keep_the_tail),
    "figure_8": Bug("old terms are committed by counting", Leadership, "commit_index", any_term),
}
"""What each scene is there to show, gone wrong."""


@pytest.mark.parametrize("scene", SCENES, ids=lambda path: path.stem)
def test_a_scene_shows_what_it_is_about(scene: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the rule gone that the scene is about, it goes otherwise (or not at all)."""
    bug = PLANTED[scene.stem]
    monkeypatch.setattr(bug.owner, bug.name, bug.function)
    try:
        really = performed(scene.read_text())
    except (AssertionError, InvariantViolation):
        return
    assert really != scene.read_text()


def test_there_are_scenes() -> None:
    """An empty folder would pass."""
    assert {scene.stem for scene in SCENES} == set(PLANTED)


def test_a_command_that_is_none_is_refused() -> None:
    """A scene must not pass because a line of it was overlooked."""
    with pytest.raises(ValueError, match="'jump' is no command"):
        performed("> jump n1\n")
