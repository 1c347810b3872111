"""Where the time of a request went: parts of the critical path that add up, and the words for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from raftzmq.collector.disk_times import APPENDS_MAX, DiskTime, DiskTimes
from raftzmq.collector.explained_words import part_name, words
from raftzmq.collector.explainer import RIPE_EVENTS, Explainer
from raftzmq.collector.explaining import Explanation, Step, explain

THREE = ("n1", "n2", "n3")
FIVE = ("n1", "n2", "n3", "n4", "n5")
Event = dict[str, Any]


def trace(**fields: Any) -> Event:
    """A write through n1: n2's answer decided."""
    usual = {
        "type": "trace",
        "node": "n1",
        "ts": 1.0,
        "tag": "",
        "kind": "execute",
        "request": 7,
        "commands": 1,
        "index": 5,
        "proposed_us": 50,
        "logged_us": 400,
        "sent_us": {"n2": 60, "n3": 60},
        "acknowledged_us": {"n2": 1_060},
        "committed_us": 1_070,
        "applied_us": 1_270,
        "replied_us": 1_300,
    }
    assert fields.keys() <= usual.keys()
    return {**usual, **fields}


def written(node: str, us: int, *, index: int = 5, waited_us: int = 0, boot: str = "b", at_us: int = 0) -> list[Event]:
    """The events of a node whose disk took ``us`` for an entry."""
    begun = {"node": node, "boot": boot, "mono_ns": at_us * 1000}
    ended = {"node": node, "boot": boot, "mono_ns": (at_us + us) * 1000}
    return [
        {**begun, "type": "append", "first": index, "last": index, "waited_us": waited_us},
        {**ended, "type": "storage", "what": "log", "last": index},
    ]


def disks(*events: Sequence[Event]) -> DiskTimes:
    times = DiskTimes()
    for event in (event for some in events for event in some):
        times.take(event)
    return times


def parts(explanation: Explanation) -> list[tuple[str, int]]:
    assert sum(part.us for part in explanation.parts) == explanation.latency_us
    begun = 0
    for part in explanation.parts:
        assert part.begin_us == begun
        begun += part.us
    return [(part_name(part, explanation), part.us) for part in explanation.parts]


# --- the path of a write ---


def test_a_followers_answer_is_its_network_and_its_disk() -> None:
    found = explain(trace(), disks(written("n2", 700), written("n3", 900)), voters=THREE, client_us=2_000)
    assert parts(found) == [
        ("between the client and n1", 700),
        ("n1's queue", 50),
        ("waiting to be sent to n2", 10),
        ("to n2 and back", 300),
        ("n2's disk", 700),
        ("n1 counting it", 10),
        ("applying it to n1's state", 200),
        ("n1 answering", 30),
    ]
    assert (found.decided_by, found.answer) == ("n2", 1)
    assert "35 % (0.70 ms) was" in words(found)[0]


def test_without_the_clients_word_the_time_counts_from_the_door() -> None:
    found = explain(trace(), disks(written("n2", 700)), voters=THREE)
    assert (found.latency_us, found.by_client) == (1_300, False)
    assert parts(found)[0] == ("n1's queue", 50)
    assert words(found)[0].startswith("1.30 ms as n1 measured it")


def test_the_leaders_own_disk_may_complete_the_majority() -> None:
    found = explain(trace(logged_us=1_065), disks(written("n2", 700)), voters=THREE)
    assert parts(found)[:2] == [("n1's queue", 50), ("n1's disk (the leader's)", 1_015)]
    assert found.decided_by == "n1"
    assert "The leader's disk, n1's, completed the majority." in words(found)


def test_the_state_waits_for_the_leaders_own_disk_after_the_commit() -> None:
    late = trace(
        acknowledged_us={"n2": 500, "n3": 600}, committed_us=610, logged_us=5_000, applied_us=5_200, replied_us=5_210
    )
    found = explain(late, disks(written("n3", 100)), voters=THREE)
    assert parts(found) == [
        ("n1's queue", 50),
        ("waiting to be sent to n3", 10),
        ("to n3 and back", 440),
        ("n3's disk", 100),
        ("n1 counting it", 10),
        ("n1's disk (the leader's)", 4_390),
        ("applying it to n1's state", 200),
        ("n1 answering", 10),
    ]
    assert "84 % (4.39 ms) was n1's disk (the leader's)" in words(found)[0]
    assert "a second answer: n3's, and then 4.39 ms for its own disk" in words(found)[1]


def test_of_five_a_second_answer_is_waited_for() -> None:
    answers = {"n2": 300, "n3": 1_060, "n4": 1_065}
    found = explain(trace(acknowledged_us=answers, logged_us=200), disks(written("n3", 600)), voters=FIVE)
    assert (found.decided_by, found.answer) == ("n3", 2)
    assert words(found)[1] == (
        "The leader waited for a second answer: n3's; of n5 nothing was heard, so n3's had to be waited for."
    )
    assert [beside.node for beside in found.beside] == ["n2", "n4", "n5"]


def test_a_slow_disk_that_decides_is_named() -> None:
    slow = trace(
        sent_us={"n3": 60},
        acknowledged_us={"n3": 302_000},
        committed_us=302_010,
        applied_us=302_200,
        replied_us=302_210,
    )
    found = explain(slow, disks(written("n3", 301_000)), voters=THREE, client_us=303_000)
    assert "99 % (301 ms) was n3's disk." in words(found)[0]
    assert "a single answer: n3's; of n2 nothing was heard, so n3's had to be waited for." in words(found)[1]


def test_a_slow_disk_that_does_not_decide_costs_nothing_and_is_named() -> None:
    found = explain(trace(), disks(written("n2", 700), written("n3", 300_000)), voters=THREE)
    assert "n3 lags: its disk took 300 ms. It costs nothing here, a majority doesn't wait for it." in words(found)
    assert not any("n3" in name for name, _ in parts(found))
    found = explain(trace(), disks(written("n2", 700), written("n3", 900)), voters=THREE)
    assert not any("lags" in text for text in words(found)), "a little slower is no news"


def test_waiting_behind_another_write_is_the_disks_time() -> None:
    found = explain(trace(), disks(written("n2", 300, waited_us=400)), voters=THREE)
    assert ("n2's disk", 700) in parts(found)


def test_a_disk_nobody_told_of_stays_part_of_the_answer() -> None:
    found = explain(trace(), disks(), voters=THREE)
    assert ("n2's network and disk", 1_000) in parts(found)


def test_clocks_that_run_apart_make_no_negative_part() -> None:
    found = explain(trace(), disks(written("n2", 5_000)), voters=THREE, client_us=1_200)
    assert ("n2's disk", 1_000) in parts(found)
    assert all(us > 0 for name, us in parts(found) if not name.startswith("between"))


def test_a_node_alone_is_its_own_majority() -> None:
    alone = trace(sent_us={}, acknowledged_us={}, committed_us=400)
    found = explain(alone, disks(), voters=("n1",))
    assert ("n1's disk (the leader's)", 350) in parts(found)
    assert words(found)[1:] == ["n1 is alone: its own disk is the majority."]


# --- reads ---


def test_a_read_waits_for_its_leader_to_be_confirmed() -> None:
    read = trace(kind="read", logged_us=None, sent_us={}, acknowledged_us={})
    found = explain(read, disks(), voters=THREE, client_us=1_500)
    assert parts(found) == [
        ("between the client and n1", 200),
        ("n1's queue", 50),
        ("a majority confirming n1", 1_020),
        ("reading it from n1's state", 200),
        ("n1 answering", 30),
    ]
    assert (found.beside, found.decided_by) == ((), None)
    assert len(words(found)) == 1


def test_a_read_that_nobody_confirmed_in_this_boot_still_adds_up() -> None:
    read = trace(kind="read", logged_us=None, sent_us={}, acknowledged_us={}, proposed_us=None, committed_us=None)
    assert parts(explain(read, disks()))[0] == ("reading it from n1's state", 1_270)


# --- the disks ---


def test_one_write_makes_all_before_it_durable() -> None:
    first, _ = written("n2", 0, index=5)
    second, end = written("n2", 250, index=6, at_us=100)
    times = disks([first, second, end])
    assert (times.find("n2", 5), times.find("n2", 6)) == (DiskTime(0, 350), DiskTime(0, 250))
    assert times.find("n2", 7) is None
    assert times.find("n3", 5) is None


def test_what_is_not_durable_yet_has_no_time() -> None:
    begun, end = written("n2", 250)
    assert disks([begun]).find("n2", 5) is None
    assert disks([begun, {**end, "last": 4}]).find("n2", 5) is None
    assert disks([begun, {**end, "boot": "another"}]).find("n2", 5) is None
    assert disks([begun, {**end, "what": "state"}]).find("n2", 5) is None


def test_an_entry_that_was_replaced_has_the_time_of_the_last() -> None:
    assert disks(written("n2", 100), written("n2", 900, at_us=2_000)).find("n2", 5) == DiskTime(0, 900)


def test_what_the_disks_told_is_bounded() -> None:
    times = disks(*(written("n2", 10, index=index, at_us=index) for index in range(APPENDS_MAX + 10)))
    assert times.find("n2", 9) is None
    assert times.find("n2", 10) == DiskTime(0, 10)


# --- the slowest of a stream ---


def stream(count: int) -> Iterator[Event]:
    """Writes that take longer and longer, then shorter and shorter."""
    yield {"type": "standing", "node": "n1", "voters": list(THREE)}
    for number in range(count):
        slow = min(number, count - number)
        yield from written("n2", 500, index=number)
        yield trace(index=number, request=number, replied_us=1_300 + slow)
        yield from written("n3", 90_000, index=number)


def test_the_slowest_are_kept_in_order() -> None:
    explainer = Explainer(3)
    for event in stream(100):
        explainer.take(event)
    found = explainer.slowest()
    assert [explanation.request for explanation in found] == [50, 49, 51]
    assert all(explanation.beside[0].disk_us == 90_000 for explanation in found), "what came after the trace counts"
    assert explainer.voters == THREE


def test_a_trace_is_explained_while_the_disks_are_still_known() -> None:
    explainer = Explainer(1)
    for event in stream(1):
        explainer.take(event)
    for index in range(10, 10 + APPENDS_MAX + RIPE_EVENTS):
        for event in written("n2", 1, index=index):
            explainer.take(event)
    [found] = explainer.slowest()
    assert any(part.step is Step.DISK and part.us == 500 for part in found.parts)


@pytest.mark.parametrize("count", [1, 5])
def test_an_empty_stream_has_no_slowest(count: int) -> None:
    assert Explainer(count).slowest() == []
