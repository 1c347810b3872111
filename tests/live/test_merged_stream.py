"""The judges of a merged stream find what is wrong with one."""

from __future__ import annotations

from typing import Any

from tests.live.merged_stream import Event, doubled, missing_seqs, out_of_order, receipts_before_their_sending

BASE = 7 << 32


class Said:
    """Events of one node's life, as it would make them."""

    def __init__(self, node: str) -> None:
        self.node = node
        self.order = 0
        self.seqs: dict[str, int] = {}

    def event(self, kind: str, **fields: Any) -> Event:
        """The next one of a type."""
        self.order += 1
        self.seqs[kind] = self.seqs.get(kind, 0) + 1
        return {"node": self.node, "boot": "b", "type": kind, "seq": self.seqs[kind], "order": self.order, **fields}


def conversation(messages: int = 4) -> list[Event]:
    """n1 sends, n2 hears; every message is the sending and then the receipt."""
    n1, n2 = Said("n1"), Said("n2")
    events = []
    for number in range(BASE + 1, BASE + 1 + messages):
        for kind in ("heartbeat_", ""):
            mid = f"n1:{2 * number + (not kind)}"
            events += [n1.event(f"{kind}sent", mid=mid), n2.event(f"{kind}received", mid=mid)]
    return events


def test_a_sound_stream_is_sound() -> None:
    events = conversation()
    assert receipts_before_their_sending(events) == ([], 7)  # the first of all was sent before anybody listened
    assert (missing_seqs(events), doubled(events), out_of_order(events)) == ({}, [], [])


def test_a_receipt_before_its_sending_is_found_and_one_without_any() -> None:
    events = conversation()
    events[6], events[7] = events[7], events[6]
    wrong, _ = receipts_before_their_sending(events)
    assert wrong == [events[6]["mid"]]
    wrong, _ = receipts_before_their_sending([*events[:7], *events[8:]])
    assert wrong == [events[6]["mid"]]


def test_a_sending_that_is_said_to_be_late_is_no_breach() -> None:
    events = conversation()
    events[6], events[7] = events[7], events[6]
    late = {"source": "n1", "topic": "raftzmq.n1.sent", "source_seq": 2}
    wrong, looked_at = receipts_before_their_sending(
        [*events[:7], Said("collector").event("late", **late), *events[7:]]
    )
    assert (wrong, looked_at) == ([], 7)
    wrong, _ = receipts_before_their_sending([Said("collector").event("late", **late | {"source_seq": 3}), *events])
    assert wrong == [events[6]["mid"]]


def test_what_is_missing_doubled_or_turned_round_is_found() -> None:
    events = conversation()
    without = [event for event in events if (event["node"], event["type"], event["seq"]) != ("n1", "sent", 2)]
    assert missing_seqs(without) == {("n1", "b", "sent"): [2]}
    assert missing_seqs(events[2:])["n1", "b", "heartbeat_sent"] == [1]
    assert doubled([*events, events[3]]) == [("n2", "b", "received", 1)]
    assert out_of_order([events[2], events[0], *events[4:]]) == [events[0]]
