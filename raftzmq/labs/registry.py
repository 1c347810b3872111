"""The labs by name; each is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module

from raftzmq.errors import ConfigurationError
from raftzmq.labs.lab import Lab

LABS: dict[str, str] = {
    "clean-election": "raftzmq.labs.clean_election:LAB",
}
"""Where each lab of the syllabus is."""


class NoSuchLab(ConfigurationError):
    """There is no lab of that name."""


def load(name: str) -> Lab:
    """A lab; raises NoSuchLab."""
    if name not in LABS:
        raise NoSuchLab(f"there is no lab {name!r}; there are {', '.join(LABS)}")
    module, _, attribute = LABS[name].partition(":")
    lab = getattr(import_module(module), attribute)
    assert isinstance(lab, Lab)
    return lab
