"""What a judge makes of a lost message, of none, and of a leader that doesn't go back."""

from __future__ import annotations

from typing import Any

import pytest

from raftzmq.labs.history import Event
from raftzmq.labs.lost_entry import lost_entries
from raftzmq.labs.lost_messages_judge import AGAIN, COMMITTED, LOST, REFUSED, SAME, judge
from raftzmq.labs.words import Words
from tests.labs.chronicle import Chronicle

APPEND, ANSWER = "AppendEntries", "AppendEntriesResponse"


def body(previous: int, *entries: int) -> dict[str, Any]:
    return {"prev_log_index": previous, "entries": [entries[0], entries[-1]] if entries else []}


def answer(chronicle: Chronicle, peer: str, previous: int, *, hint: int | None = None) -> None:
    said = {"success": hint is None, "prev_log_index": previous, "hint_index": hint or 0}
    chronicle.message(peer, "n1", ANSWER, said)


def written(chronicle: Chronicle, index: int, *, without: str = "") -> None:
    """The leader's log gets an entry, and so do the others, except one."""
    chronicle.append("n1", index)
    for peer in ("n2", "n3"):
        chronicle.message("n1", peer, APPEND, body(index - 1, index), arrives=peer != without)
    for peer in {"n2", "n3"} - {without}:
        chronicle.append(peer, index)
        answer(chronicle, peer, index)
    for node in {"n1", "n2", "n3"} - {without}:
        chronicle.commit(node, index)


def story() -> Chronicle:
    """Entry 4 is gya, 5 is fuga, which n2 never gets, and 6 is hoge."""
    chronicle = Chronicle()
    written(chronicle, 4)
    written(chronicle, 5, without="n2")
    chronicle.append("n1", 6)
    for peer in ("n2", "n3"):
        chronicle.message("n1", peer, APPEND, body(5, 6))
    chronicle.append("n3", 6)
    answer(chronicle, "n2", 5, hint=4)
    chronicle.message("n1", "n2", APPEND, body(4, 5, 6))
    chronicle.append("n2", 5, 6)
    for node in chronicle.nodes:
        chronicle.commit(node, 6)
    return chronicle


def red(chronicle: Chronicle) -> list[Words]:
    return [check.sentence for check in judge(chronicle.history()).checks if not check.held]


def test_the_whole_story_is_green() -> None:
    verdict = judge(story().history())
    assert verdict.green
    assert verdict.exhibits[0].lines == (
        "n1  [4]         [4 5 6]     [4 5 6]",
        "n2  [4]         [4]         [4 5 6]",
        "n3  [4]         [4 5 6]     [4 5 6]",
    )


def test_where_everything_arrives_nothing_is_seen() -> None:
    chronicle = Chronicle()
    for index in (4, 5, 6):
        written(chronicle, index)
    assert red(chronicle) == [LOST, REFUSED, AGAIN, SAME, COMMITTED]


def test_a_message_to_somebody_who_is_never_heard_of_again_is_no_such_loss() -> None:
    chronicle = Chronicle()
    written(chronicle, 4)
    written(chronicle, 5, without="n2")
    assert LOST in red(chronicle)


def is_answer_of_n2(event: Event) -> bool:
    return bool(
        event["type"] in ("sent", "received") and event.get("message") == ANSWER and event["body"]["hint_index"]
    )


def resent(event: Event) -> bool:
    return bool(event["type"] in ("sent", "received") and event["body"].get("entries") == [5, 6])


@pytest.mark.parametrize(
    ("missing", "sentences"),
    [
        (is_answer_of_n2, {LOST, REFUSED, AGAIN, SAME, COMMITTED}),
        (resent, {AGAIN}),
        (lambda event: event["type"] == "commit" and event["node"] == "n2" and event["index"] == 6, {COMMITTED}),
        (lambda event: event["type"] == "append" and event["node"] == "n2" and event["last"] == 6, {SAME}),
    ],
)
def test_what_did_not_happen_is_red(missing: Any, sentences: set[Words]) -> None:
    verdict = judge(story().history(lambda event: not missing(event)))
    assert sentences <= {check.sentence for check in verdict.checks if not check.held}


def test_another_entry_in_the_place_of_the_lost_one_is_red() -> None:
    chronicle = story()
    for event in chronicle.events:
        if event["type"] == "append" and event["node"] == "n2" and event["last"] == 6:
            event["chains"] = [35, 43]
    assert red(chronicle) == [SAME]


def test_a_leader_that_sends_the_lost_entry_alone_has_not_seen_the_new_one() -> None:
    chronicle = story()
    for event in chronicle.events:
        if resent(event):
            event["body"]["entries"] = [5, 5]
    assert AGAIN in red(chronicle)


def test_a_message_that_arrived_was_not_lost() -> None:
    chronicle = story()
    lost = next(
        event for event in chronicle.events if event.get("peer") == "n2" and event["body"].get("entries") == [5, 5]
    )
    place = chronicle.events.index(lost)
    chronicle.events.insert(place + 1, {**lost, "node": "n2", "peer": "n1", "type": "received"})
    assert LOST in red(chronicle)


def test_only_a_loss_between_two_that_heard_each_other_counts() -> None:
    chronicle = Chronicle()
    written(chronicle, 4)
    written(chronicle, 5, without="n2")
    assert lost_entries(chronicle.history()) == []
    written(chronicle, 6)
    assert [(loss.first, loss.peer) for loss in lost_entries(chronicle.history())] == [(5, "n2")]


def test_what_lacks_the_lost_entry_is_not_the_way_back() -> None:
    chronicle = story()
    place = next(number for number, event in enumerate(chronicle.events) if resent(event))
    once_more = Chronicle()
    once_more.message("n1", "n2", APPEND, body(5, 6))
    for event in once_more.events:
        event["mid"] = "n1:99"
    chronicle.events[place:place] = once_more.events
    assert red(chronicle) == []


def test_a_follower_that_drops_entries_is_another_story() -> None:
    chronicle = story()
    chronicle.say("n2", "truncate", first=5, last=5, leader="n1")
    assert red(chronicle) == [SAME]
