"""One node's events made whole, case by case; see `test_stream` for whole histories."""

from __future__ import annotations

import json
from typing import Any

from raftzmq.collector.progress import NodeProgress
from raftzmq.collector.source import GAP_TOPIC, PATIENCE_US, SKIPS_US, Counts, Question, Source

KINDS = ("commit", "role")


class Node:
    """A source, and the events that a node might make."""

    def __init__(self, known: NodeProgress | None = None, **options: Any) -> None:
        self.out: list[tuple[Any, ...]] = []
        self.keys: list[int] = []
        self.counts = Counts()
        self.source = Source("n1", KINDS, self._push, self.counts, 0, known, **options)

    def _push(self, key: int, topic: bytes, payload: bytes, event: dict[str, Any]) -> None:
        self.keys.append(key)
        if topic == GAP_TOPIC:
            kind = event["topic"].rpartition(".")[2]
            self.out.append(("gap", kind, event["expected"], event["received"], event["reason"]))
        else:
            self.out.append((event["type"], event["seq"]))

    def event(self, kind: str, seq: int, order: int, boot: str = "b1") -> dict[str, Any]:
        return {
            "node": "n1",
            "type": kind,
            "boot": boot,
            "seq": seq,
            "order": order,
            "lamport": order,
            "term": 1,
            "pad": "x" * 50,
        }

    def hear(self, kind: str, seq: int, order: int, now_us: int = 0, boot: str = "b1") -> None:
        """By subscription."""
        event = self.event(kind, seq, order, boot)
        self.source.accept(kind, f"raftzmq.n1.{kind}".encode(), json.dumps(event).encode(), event, now_us)

    def answer(
        self,
        *rows: tuple[str, int, int],
        boot: str = "b1",
        more: bool = False,
        now_us: int = 0,
        oldest: dict[str, int] | None = None,
    ) -> None:
        """From the ring: (type, seq, order)."""
        encoded = [(kind, seq, json.dumps(self.event(kind, seq, order, boot)).encode()) for kind, seq, order in rows]
        self.source.answer(boot, encoded, oldest or {}, more, now_us)

    def begin(self) -> None:
        """One event is known, and nothing is missing."""
        self.hear("commit", 1, 1)
        assert self.source.question()
        self.answer(("commit", 1, 1))
        assert self.take() == [("commit", 1)]
        assert not self.source.filling

    def take(self) -> list[tuple[Any, ...]]:
        """What was passed on since the last look."""
        out, self.out = self.out, []
        return out


def test_the_first_event_makes_it_ask_for_all_that_there_was() -> None:
    node = Node()
    assert node.source.question() is None, "it isn't known yet in which boot the node is"
    node.hear("commit", 3, 5)
    assert node.take() == []
    assert node.source.question() == Question("b1", [("commit", 1, 0), ("role", 1, 0)])
    assert node.source.question() is None, "one at a time"
    node.answer(("role", 1, 1), ("commit", 2, 3), ("commit", 3, 5), ("commit", 4, 6))
    assert node.take() == [("role", 1), ("gap", "commit", 1, 2, "gone"), ("commit", 2), ("commit", 3), ("commit", 4)]
    node.hear("commit", 4, 6)
    node.hear("commit", 5, 7)
    assert node.take() == [("commit", 5)]
    assert (node.counts.duplicates, node.counts.filled) == (1, 3)


def test_what_the_ring_has_forgotten_but_is_still_on_its_way_is_no_gap() -> None:
    node = Node()
    node.begin()
    node.hear("commit", 3, 3)
    node.source.question()
    node.answer(("commit", 2, 2), ("commit", 3, 3), ("commit", 9, 9))
    assert node.take() == [("commit", 2), ("commit", 3)]
    for number in range(4, 11):
        node.hear("commit", number, number)
    assert node.take() == [("commit", number) for number in range(4, 11)]
    assert node.counts.gaps == 0


def test_a_hole_in_the_order_of_all_types_is_asked_about_too() -> None:
    node = Node()
    node.begin()
    node.hear("commit", 2, 3)
    assert node.take() == []
    assert node.source.question() == Question("b1", [("commit", 2, 0), ("role", 1, 0)])
    node.answer(("role", 1, 2), ("commit", 2, 3))
    assert node.take() == [("role", 1), ("commit", 2)]


def test_holes_of_types_that_others_subscribed_to_are_believed_for_a_while() -> None:
    node = Node()
    node.begin()
    node.hear("commit", 2, 3)
    node.source.question()
    node.answer(("commit", 2, 3), oldest={"commit": 1, "role": 1})
    node.hear("commit", 3, 6)
    assert node.take() == [("commit", 2), ("commit", 3)]
    assert not node.source.filling
    node.hear("commit", 4, 9, SKIPS_US)
    assert node.take() == []
    assert node.source.question()


def test_a_long_answer_comes_in_parts() -> None:
    node = Node()
    node.hear("commit", 5, 5)
    node.source.question()
    node.answer(("commit", 1, 1), ("commit", 2, 2), more=True)
    assert node.take() == [("commit", 1), ("commit", 2)]
    assert node.source.question() == Question("b1", [("commit", 3, 0), ("role", 1, 0)])
    node.answer(("commit", 3, 3), ("commit", 4, 4), ("commit", 5, 5))
    assert node.take() == [("commit", 3), ("commit", 4), ("commit", 5)]
    assert not node.source.filling


def test_a_second_hole_is_asked_about_after_the_first() -> None:
    node = Node()
    node.begin()
    node.hear("commit", 3, 3)
    node.source.question()
    node.hear("commit", 5, 5)
    node.answer(("commit", 2, 2), ("commit", 3, 3))
    assert node.take() == [("commit", 2), ("commit", 3)]
    assert node.source.question() == Question("b1", [("commit", 4, 0), ("role", 1, 0)])
    node.answer(("commit", 4, 4), ("commit", 5, 5))
    assert node.take() == [("commit", 4), ("commit", 5)]


def test_a_part_without_anything_new_is_the_last() -> None:
    node = Node()
    node.hear("commit", 5, 5)
    node.source.question()
    node.answer(more=True)
    assert node.take() == [("gap", "commit", 1, 5, "gone"), ("commit", 5)]


def test_patience_ends_and_so_do_questions_until_the_node_is_there_again() -> None:
    node = Node()
    node.begin()
    node.hear("commit", 3, 3, 100)
    node.source.question()
    node.source.tick(100 + PATIENCE_US - 1)
    assert node.take() == []
    node.source.tick(100 + PATIENCE_US)
    assert node.take() == [("gap", "commit", 2, 3, "silent"), ("commit", 3)]
    node.hear("commit", 5, 6)
    assert node.take() == [("gap", "commit", 4, 5, "silent"), ("commit", 5)]
    assert node.source.question() is None
    node.answer(("commit", 4, 4))
    assert node.take() == [], "too late"
    node.source.welcome()
    assert node.source.question() == Question("b1", [("commit", 6, 0), ("role", 1, 0)])


def test_a_question_that_got_lost_is_asked_again() -> None:
    node = Node()
    node.hear("commit", 1, 1)
    first = node.source.question()
    node.source.unanswered()
    assert node.source.question() == first is not None


def test_a_new_boot_begins_after_what_is_held_of_the_old_one() -> None:
    node = Node()
    node.begin()
    node.hear("commit", 3, 3)
    node.source.question()
    node.hear("commit", 1, 1, boot="b2")
    assert node.take() == [("gap", "commit", 2, 3, "boot"), ("commit", 3)]
    node.answer(("commit", 2, 2), ("commit", 3, 3))
    assert node.take() == [], "an answer about the old one"
    assert node.source.question() == Question("b2", [("commit", 1, 0), ("role", 1, 0)])
    node.answer(("commit", 1, 1), boot="b2")
    assert node.take() == [("commit", 1)]
    node.hear("commit", 9, 9)
    node.hear("commit", 2, 2, boot="b2")
    assert node.take() == [("commit", 2)], "b1 is over"


def test_keys_do_not_fall_where_the_clock_of_a_new_boot_is_behind() -> None:
    node = Node()
    node.begin()
    for number in range(2, 9):
        node.hear("commit", number, number)
    for number in range(1, 4):
        node.hear("commit", number, number, boot="b2")
        if node.source.question():
            node.answer(("commit", number, number), boot="b2")
    assert node.take()[-3:] == [("commit", 1), ("commit", 2), ("commit", 3)]
    assert node.keys == [*range(1, 9), 8, 8, 8]


def test_numbers_that_would_fit_the_old_boot_are_no_continuation_of_it() -> None:
    node = Node()
    node.begin()
    node.hear("commit", 2, 2, boot="b2")
    assert node.take() == []
    assert node.source.question() == Question("b2", [("commit", 1, 0), ("role", 1, 0)])


def test_an_answer_of_another_boot_ends_the_wait_but_not_the_boot() -> None:
    node = Node()
    node.begin()
    node.hear("commit", 3, 3)
    node.source.question()
    node.answer(boot="b2")
    assert node.take() == [("gap", "commit", 2, 3, "boot"), ("commit", 3)]
    node.hear("commit", 4, 4)
    assert node.take() == [("commit", 4)], "it was still on its way"


def test_a_boot_that_ended_before_anybody_listened_again_is_told() -> None:
    known = NodeProgress("b1", 7, 7, {"commit": 3}, {})
    node = Node(known)
    node.hear("commit", 1, 1, boot="b2")
    assert node.take() == [("gap", "", 8, 8, "boot")]
    same = Node(known)
    same.hear("commit", 4, 8)
    assert same.source.question() == Question("b1", [("commit", 4, 0), ("role", 1, 0)])
    same.answer(("commit", 4, 8))
    assert same.take() == [("commit", 4)]


def test_types_that_are_wanted_for_a_while_begin_where_they_are_heard() -> None:
    node = Node()
    node.begin()
    node.hear("sent", 5, 2)
    assert node.take() == [], "nobody asked for it"
    node.source.subscribe(["sent"])
    node.hear("sent", 7, 2)
    node.hear("sent", 8, 3)
    assert node.take() == [("sent", 7), ("sent", 8)]
    node.hear("sent", 10, 5)
    assert node.source.question() == Question("b1", [("commit", 2, 0), ("role", 1, 0), ("sent", 9, 0)])
    node.answer(("sent", 9, 4))
    assert node.take() == [("sent", 9), ("sent", 10)]
    node.source.subscribe([])
    node.source.subscribe(["sent"])
    node.hear("sent", 20, 6)
    assert node.take() == [("sent", 20)]


def test_what_waits_is_bounded_and_the_rest_is_asked_for() -> None:
    node = Node(held_bytes_max=2000)
    node.begin()
    for number in range(3, 103):
        node.hear("commit", number, number)
    assert node.source._held_bytes <= 2000
    assert node.counts.put_off > 80
    while node.source.question():
        first = node.source._seqs["commit"] + 1
        node.answer(
            *[("commit", number, number) for number in range(first, min(first + 30, 103))], more=first + 30 < 103
        )
    node.hear("commit", 103, 103)
    if node.source.question():
        first = node.source._seqs["commit"] + 1
        node.answer(*[("commit", number, number) for number in range(first, 104)])
    assert node.take() == [("commit", number) for number in range(2, 104)]
    assert node.counts.gaps == 0
    assert node.source._held_bytes == 0


def test_rows_that_are_no_events_are_counted_and_lost() -> None:
    node = Node()
    node.hear("commit", 3, 3)
    node.source.question()
    good = json.dumps(node.event("commit", 2, 2)).encode()
    rows = [("commit", 1, b"{"), ("commit", 9, good), ("vote", 1, good), ("commit", 2, good)]
    node.source.answer("b1", rows, {}, False, 0)
    assert node.take() == [("gap", "commit", 1, 2, "gone"), ("commit", 2), ("commit", 3)]
    assert node.counts.malformed == 2
