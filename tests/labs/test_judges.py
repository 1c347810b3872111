"""The judges, on what real runs left: green as it was, and red wherever something of it is taken away or changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from raftzmq.labs.exactly_once import TAG
from raftzmq.labs.history import History
from raftzmq.labs.lab import Lab
from raftzmq.labs.leader_dies import fallen_leader
from raftzmq.labs.registry import load
from raftzmq.labs.three_of_five import fallen_together
from raftzmq.labs.verdict import Verdict
from tests.labs.histories import Edit, Event, Moments, changed, recorded, without

LABS = (
    "clean-election",
    "agreement",
    "leader-dies",
    "three-of-five",
    "minority-leader",
    "power-loss",
    "exactly-once",
)


def verdict_on(name: str, edit: Edit = lambda moments: moments) -> Verdict:
    return load(name).verdict_of(edit(recorded(name)))


def broken(verdict: Verdict) -> list[int]:
    """The numbers of the checks that don't hold."""
    return [number for number, check in enumerate(verdict.checks) if not check.held]


@pytest.mark.parametrize("name", LABS)
def test_what_happened_is_judged_green_by_the_events_that_show_it(name: str) -> None:
    verdict = verdict_on(name)
    assert verdict.green, broken(verdict)
    positions = {position for position, _ in recorded(name)}
    evidence = [position for check in verdict.checks for position in check.evidence]
    assert evidence
    assert set(evidence) <= positions


@pytest.mark.parametrize("name", LABS)
def test_nothing_is_red(name: str) -> None:
    verdict = load(name).verdict_of([])
    assert len(broken(verdict)) >= len(verdict.checks) - 1


@pytest.mark.parametrize("name", LABS)
def test_a_judge_changes_nothing_and_says_the_same_again(name: str) -> None:
    moments = recorded(name)
    first, again = load(name).verdict_of(moments), load(name).verdict_of(moments)
    assert first.to_json() == again.to_json()
    assert moments == recorded(name)


# --- what is taken away


def before_silence(moments: Moments) -> Moments:
    """As if nobody had been killed: up to the first node's last word."""
    ended = History(moments).ended()
    return [(position, event) for position, event in moments if position <= min(life.last.position for life in ended)]


def first_term_only(moments: Moments) -> Moments:
    return [(position, event) for position, event in moments if event["term"] <= 1]


def leader_of(moments: Moments, reign: int = -1) -> str:
    return History(moments).reigns()[reign].node


def others(moments: Moments) -> list[str]:
    history = History(moments)
    return [node for node in history.nodes if node != history.reigns()[-1].node]


def mute(node: Callable[[Moments], str], *kinds: str) -> Edit:
    """Leave out what one node said of these types."""

    def edit(moments: Moments) -> Moments:
        name = node(moments)
        for kind in kinds:
            moments = without(kind, node=name)(moments)
        return moments

    return edit


def everywhere(change: Callable[[Event], None]) -> Edit:
    """Change all that tells of a node's state."""
    return lambda moments: changed("apply", change)(changed("standing", change)(moments))


def once_more(kind: str, at: Callable[[Moments], int], change: Callable[[Event], None], **fields: object) -> Edit:
    """An event like the last of its type that has these values, changed, in a place that is free."""

    def edit(moments: Moments) -> Moments:
        place = at(moments)
        like = [e for _, e in moments if e["type"] == kind and all(e.get(k) == v for k, v in fields.items())][-1]
        event = {**like, "lamport": max(one["lamport"] for position, one in moments if position < place)}
        change(event)
        before = [(position, one) for position, one in moments if position < place]
        after = [(position, one) for position, one in moments if position > place]
        return [*before, (place, event), *after]

    return edit


def at_the_end(moments: Moments) -> int:
    return moments[-1][0] + 1


def in_the_dark(moments: Moments) -> int:
    """Just after the last of those that were killed together was heard."""
    return max(life.last.position for life in fallen_together(History(moments))) + 1


def later(event: Event) -> None:
    event["index"] += 100


def other_chain(event: Event) -> None:
    event["chains"] = [chain ^ 1 for chain in event["chains"]]


def other_digest(event: Event) -> None:
    event["digest"] ^= 1


def higher_revision(event: Event) -> None:
    event["revision"] += 1


def set_back(event: Event) -> None:
    if event["term"] > 1:
        event["revision"] = 1


def forgetful(event: Event) -> None:
    event["last_index"] = 1


def no_successor_votes(moments: Moments) -> Moments:
    return without("vote", granted=True, candidate=leader_of(moments), pre_vote=False)(moments)


def successor_with_another_log(moments: Moments) -> Moments:
    return changed("append", other_chain, node=leader_of(moments))(moments)


def dead_leader(moments: Moments) -> str:
    life, _ = fallen_leader(History(moments))
    assert life is not None
    return life.node


def no_disk_but_the_leaders(moments: Moments) -> Moments:
    names = others(moments)
    return [(p, e) for p, e in moments if not (e["type"] == "storage" and e["node"] in names)]


def without_repeats(moments: Moments) -> Moments:
    """As if nothing had been sent again: as many commands at the doors as were answered."""
    tags = {e["tag"] for _, e in moments if e["type"] == "trace" and str(e["tag"]).startswith(TAG)}
    left = len(tags)
    kept: Moments = []
    for position, event in moments:
        if event["type"] == "request" and event["kind"] == "execute":
            left -= 1
            if left < 0:
                continue
        kept.append((position, event))
    return kept


def set_of(name: str, value: Any) -> Callable[[Event], None]:
    return lambda event: event.update({name: value})


EDITS: list[tuple[str, str, Edit, int]] = [
    ("clean-election", "nobody is elected", without("role", role="leader"), 0),
    ("clean-election", "two lead one term", once_more("role", at_the_end, set_of("node", "n9"), role="leader"), 0),
    ("clean-election", "no pre-votes", without("vote", pre_vote=True), 1),
    ("clean-election", "no votes", without("vote", pre_vote=False), 2),
    ("clean-election", "one follows nobody", mute(lambda m: others(m)[0], "leader"), 3),
    ("clean-election", "a challenge", once_more("election", at_the_end, lambda _: None), 4),
    ("agreement", "one hears no heartbeat", mute(lambda m: others(m)[0], "heartbeat_received"), 0),
    ("agreement", "one answers none", mute(leader_of, "heartbeat_received"), 0),
    ("agreement", "another log", lambda m: changed("append", other_chain, node=others(m)[0])(m), 1),
    ("agreement", "one lacks entries", mute(lambda m: others(m)[0], "append", "standing"), 1),
    ("agreement", "committed before a majority's disks", no_disk_but_the_leaders, 2),
    ("agreement", "another state", lambda m: changed("apply", other_digest, node=others(m)[0])(m), 3),
    ("leader-dies", "nobody is killed", before_silence, 0),
    ("leader-dies", "nobody votes for the next", no_successor_votes, 1),
    ("leader-dies", "the next leader lacks what was committed", successor_with_another_log, 2),
    ("leader-dies", "no write is answered afterwards", mute(leader_of, "reply"), 3),
    ("leader-dies", "the old one follows nobody", mute(dead_leader, "leader"), 4),
    ("three-of-five", "nobody is killed", before_silence, 0),
    ("three-of-five", "something commits without a majority", once_more("commit", in_the_dark, later), 1),
    ("three-of-five", "the leader stays", without("role", previous="leader"), 2),
    ("three-of-five", "somebody leads", once_more("role", in_the_dark, set_of("term", 9), role="leader"), 2),
    ("three-of-five", "nobody asks", without("election", pre_vote=True), 3),
    ("three-of-five", "the term rises", once_more("term", in_the_dark, lambda _: None), 3),
    ("three-of-five", "nobody leads in the end", first_term_only, 4),
    ("three-of-five", "nothing waits", without("append", role="leader", term=1), 5),
    ("minority-leader", "no link is cut", without("fault"), 0),
    ("minority-leader", "it takes no writes there", without("append", role="leader", term=1), 1),
    ("minority-leader", "its writes are answered", lambda m: answered_by_the_old(m), 1),
    ("minority-leader", "nobody votes for the other", no_successor_votes, 2),
    ("minority-leader", "the other commits nothing", mute(leader_of, "commit"), 3),
    ("minority-leader", "the tail stays", without("truncate"), 4),
    ("minority-leader", "states differ", lambda m: changed("apply", other_digest, node=others(m)[0])(m), 5),
    ("power-loss", "nobody is killed", before_silence, 0),
    ("power-loss", "one survives", lambda m: survivor(m), 0),
    ("power-loss", "a disk forgets", changed("boot", forgetful, node="n1", term=1), 1),
    ("power-loss", "all disks forget", changed("boot", forgetful, term=1), 2),
    ("power-loss", "the next leader has another log", successor_with_another_log, 3),
    ("power-loss", "a write is missing", everywhere(set_back), 4),
    ("exactly-once", "nothing is lost", without("fault"), 0),
    ("exactly-once", "nothing is sent again", without_repeats, 1),
    ("exactly-once", "nothing is logged again", changed("apply", set_of("commands", 1)), 2),
    ("exactly-once", "something is executed twice", everywhere(higher_revision), 3),
]


def answered_by_the_old(moments: Moments) -> Moments:
    old = History(moments).reigns()[0].node
    place = next(p for p, e in moments if e["type"] == "role" and e["previous"] == "leader" and e["node"] == old)
    return once_more("reply", lambda _: place - 1, lambda _: None, node=old)(moments)


def survivor(moments: Moments) -> Moments:
    """One node goes on in its boot as if nothing had happened."""
    boots = {e["boot"] for _, e in moments if e["node"] == "n1"}
    first = next(e["boot"] for _, e in moments if e["node"] == "n1")
    return changed("standing", lambda e: e.update(boot=first) if e["boot"] in boots else None)(
        [(p, e) for p, e in moments if not (e["node"] == "n1" and e["type"] == "boot")]
    )


@pytest.mark.parametrize(("name", "what", "edit", "number"), EDITS, ids=[f"{name}: {what}" for name, what, *_ in EDITS])
def test_what_is_missing_is_seen(name: str, what: str, edit: Edit, number: int) -> None:
    assert what
    found = broken(verdict_on(name, edit))
    assert number in found


@pytest.mark.parametrize("name", LABS)
def test_every_check_of_a_judge_is_seen_to_fail(name: str) -> None:
    edits = {number for lab, _, _, number in EDITS if lab == name}
    verdict = verdict_on(name)
    # The last is the auditor's, which has tests of its own.
    assert edits == set(range(len(verdict.checks) - 1))


def test_a_broken_rule_is_seen_by_the_auditor() -> None:
    verdict = verdict_on("agreement", lambda m: changed("apply", other_digest, node=others(m)[0])(m))
    assert len(verdict.checks) - 1 in broken(verdict)
    assert "state_machine_safety" in str(verdict.checks[-1].seen)


def test_an_audit_that_could_not_see_everything_says_so() -> None:
    whole = verdict_on("agreement", lambda moments: list(enumerate((event for _, event in moments), 1)))
    partly = verdict_on("agreement", lambda moments: [one for one in moments if one[0] % 50])
    assert "could not judge" not in str(whole.checks[-1].seen)
    assert "could not judge" in str(partly.checks[-1].seen)
    assert partly.checks[-1].held


def test_a_judge_that_was_never_asked_is_no_green_verdict() -> None:
    assert not Verdict().green
    assert isinstance(load("agreement"), Lab)
