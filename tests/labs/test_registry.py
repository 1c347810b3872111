"""Every lab of the syllabus is there, and what it says is whole in both languages."""

from __future__ import annotations

import pytest

from raftzmq.labs.registry import LABS, NoSuchLab, load, names
from raftzmq.labs.syllabus import SYLLABUS


def test_the_syllabus_names_every_lab() -> None:
    assert set(LABS) == set(SYLLABUS)
    assert names() == list(SYLLABUS)


@pytest.mark.parametrize("name", LABS)
def test_a_lab_is_found_by_its_name(name: str) -> None:
    assert load(name).name == name


def test_a_name_that_is_none_is_answered_with_those_that_are() -> None:
    with pytest.raises(NoSuchLab, match="clean-election"):
        load("clean-elections")
