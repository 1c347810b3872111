"""What a judge makes of a node that comes back, with and without the question that should keep it from disturbing."""

from __future__ import annotations

import subprocess
import sys

from raftzmq.labs.pre_vote import judge
from raftzmq.labs.without_pre_vote import launcher
from tests.labs.chronicle import Chronicle
from tests.live.harness import ENVIRONMENT

QUESTIONS = 3


def absence(chronicle: Chronicle, term: int, *, pre_vote: bool) -> None:
    """n2 is cut off from n1, who leads, and from n3, and comes back."""
    begun = chronicle.ms
    for node in chronicle.nodes:
        chronicle.boot(node)
    chronicle.lead("n1", term)
    for node, peer in (("n1", "n2"), ("n3", "n2"), ("n2", "n1"), ("n2", "n3")):
        chronicle.fault(node, peer, term=term)
    own = term
    for number in range(QUESTIONS):
        chronicle.at(begun + 1000 + 300 * number)
        own += not pre_vote
        chronicle.election("n2", own, pre_vote=pre_vote)
    chronicle.at(begun + 2500)
    for node, peer in (("n1", "n2"), ("n3", "n2"), ("n2", "n1"), ("n2", "n3")):
        chronicle.fault(node, peer, "healed", term=own if node == "n2" else term)
    chronicle.at(begun + 2600)
    if not pre_vote:
        chronicle.role("n1", "follower", own, "leader", "n2 has a higher term")
        chronicle.election("n3", own + 1)
        chronicle.lead("n3", own + 1)
    chronicle.at(begun + 4000)


def story(first: bool, second: bool) -> Chronicle:
    chronicle = Chronicle()
    absence(chronicle, 1, pre_vote=first)
    absence(chronicle, 2, pre_vote=second)
    return chronicle


def red(chronicle: Chronicle) -> list[int]:
    return [number for number, check in enumerate(judge(chronicle.history()).checks) if not check.held]


def test_with_and_without_is_green() -> None:
    assert judge(story(True, False).history()).green


def test_where_nothing_was_replaced_the_second_half_is_red() -> None:
    assert red(story(True, True)) == [3, 4]


def test_without_pre_vote_the_first_half_is_red() -> None:
    assert red(story(False, False)) == [1, 2]


def test_where_nobody_was_cut_off_there_is_nothing_to_see() -> None:
    verdict = judge(story(True, False).history(lambda event: event["type"] != "fault"))
    assert [check.held for check in verdict.checks] == [False]


def test_a_leader_that_survives_the_higher_term_is_red() -> None:
    chronicle = story(True, False)
    chronicle.events = [e for e in chronicle.events if not (e["type"] == "role" and e["previous"] == "leader")]
    assert red(chronicle) == [4]


def test_an_election_after_the_harmless_return_is_red() -> None:
    chronicle = Chronicle()
    absence(chronicle, 1, pre_vote=True)
    chronicle.election("n3", 2)
    absence(chronicle, 2, pre_vote=False)
    assert red(chronicle) == [2]


def test_the_launcher_starts_nothing_but_nodes_in_lab_mode() -> None:
    for arguments in (["status"], ["node", "--node", "n1", "--data", "somewhere"]):
        ended = subprocess.run(
            [*launcher(), *arguments], env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=60
        )
        assert (ended.returncode, ended.stdout) == (1, "")
        assert "only starts nodes in lab mode" in ended.stderr
    assert launcher()[0] == sys.executable


def test_a_term_that_rises_although_it_asks_is_red() -> None:
    chronicle = Chronicle()
    absence(chronicle, 1, pre_vote=True)
    place = next(number for number, event in enumerate(chronicle.events) if event["type"] == "election")
    chronicle.events.insert(place + 1, {**chronicle.events[place], "pre_vote": False})
    absence(chronicle, 2, pre_vote=False)
    assert red(chronicle) == [1]


def test_a_question_after_its_return_disturbs_nobody() -> None:
    chronicle = Chronicle()
    absence(chronicle, 1, pre_vote=True)
    chronicle.election("n3", 1, pre_vote=True)
    absence(chronicle, 2, pre_vote=False)
    assert red(chronicle) == []
