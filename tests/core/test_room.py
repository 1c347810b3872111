"""A disk that is nearly full: such a node takes no entries and doesn't lead, but goes on to vote and to answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from raftzmq.core import Role
from raftzmq.core.messages import AppendEntries, AppendEntriesResponse, RequestVote, RequestVoteResponse
from tests.core.support import (
    Core,
    candidate,
    committing,
    entries_of,
    entries_to,
    of,
    pre_candidate,
    terms_of,
    vote,
)


@pytest.mark.parametrize("become", [pre_candidate, candidate, committing])
def test_without_room_nobody_leads_or_comes_to_lead(become: Callable[[Core], Core]) -> None:
    """Votes that were asked for before the disk was found full still come: they must elect nobody."""
    core = become(Core(voters=3))
    term = core.raft.current_term
    core.raft.set_room(False)
    core.take()
    assert core.fact("role").fields["reason"] == "its disk is nearly full"
    core.step(*(RequestVoteResponse(peer, core.name, term + 1, True, True) for peer in core.peers))
    core.step(*(vote(core, peer) for peer in core.peers))
    core.flush()
    assert (core.raft.role, core.raft.current_term) == (Role.FOLLOWER, term)


def test_without_room_a_node_does_not_campaign_until_there_is_room() -> None:
    core = Core(voters=3)
    core.raft.set_room(False)
    for _ in range(10):
        core.tick_at_deadline()
    assert of(RequestVote, core.sent) == []
    core.raft.set_room(True)
    core.tick_at_deadline()
    assert of(RequestVote, core.sent) != []


def test_without_room_a_follower_takes_no_entries_but_answers_and_votes() -> None:
    core = Core(voters=3, terms=[1])
    core.raft.set_room(False)
    sent = core.step(entries_to(core, entries_of([1], after=core.disk[-1]), after=core.disk[-1], term=1))
    assert terms_of(core.raft) == [1]
    (answer,) = of(AppendEntriesResponse, sent)
    assert (answer.success, answer.match_index) == (True, 1), "as if it had been a heartbeat"
    core.tick_at_deadline()
    core.step(RequestVote("n2", core.raft.node, 2, 2, 1, False))
    core.write()
    assert [answer.granted for answer in of(RequestVoteResponse, core.sent)] == [True]
    core.raft.set_room(True)
    core.step(entries_to(core, entries_of([1], after=core.disk[-1]), after=core.disk[-1], term=2))
    assert terms_of(core.raft) == [1, 1]
    assert of(AppendEntries, core.sent) == []
