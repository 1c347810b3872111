"""The labs by name; each is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module

from raftzmq.errors import ConfigurationError
from raftzmq.labs.lab import Lab
from raftzmq.labs.syllabus import SYLLABUS

LABS: dict[str, str] = {
    "clean-election": "raftzmq.labs.clean_election:LAB",
    "split-votes": "raftzmq.labs.split_votes:LAB",
    "agreement": "raftzmq.labs.agreement:LAB",
    "leader-dies": "raftzmq.labs.leader_dies:LAB",
    "three-of-five": "raftzmq.labs.three_of_five:LAB",
    "minority-leader": "raftzmq.labs.minority_leader:LAB",
    "lost-messages": "raftzmq.labs.lost_messages:LAB",
    "pre-vote": "raftzmq.labs.pre_vote:LAB",
    "power-loss": "raftzmq.labs.power_loss:LAB",
    "exactly-once": "raftzmq.labs.exactly_once:LAB",
    "slow-follower": "raftzmq.labs.slow_follower:LAB",
    "runtimes": "raftzmq.labs.runtimes:LAB",
    "blocking-call": "raftzmq.labs.blocking_call:LAB",
    "amdahl": "raftzmq.labs.amdahl:LAB",
}
"""Where each lab of the syllabus is."""


class NoSuchLab(ConfigurationError):
    """There is no lab of that name."""


def names() -> list[str]:
    """The names of all labs, in the order of the course."""
    return [name for name in SYLLABUS if name in LABS]


def load(name: str) -> Lab:
    """A lab; raises NoSuchLab."""
    if name not in LABS:
        raise NoSuchLab(f"there is no lab {name!r}; there are {', '.join(names())}")
    module, _, attribute = LABS[name].partition(":")
    lab = getattr(import_module(module), attribute)
    assert isinstance(lab, Lab)
    return lab
