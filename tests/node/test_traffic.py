"""Single messages as events, and the stamps by which both ends know them."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from raftzmq.codec.peers import decode_envelope, decode_message
from raftzmq.codec.snapshots import SnapshotAnswer, SnapshotChunk, SnapshotId
from raftzmq.config import LAMPORT_MAX
from raftzmq.core.messages import AppendEntries, AppendEntriesResponse, RequestVote
from tests.core.support import entries_of
from tests.node.support import SECOND, TIMING, Rig, puts

FAR = 10**12
"""A Lamport time that no node of these tests comes to by itself."""
ALL = ("sent", "received", "heartbeat_sent", "heartbeat_received")


def told(rig: Rig, *kinds: str) -> list[dict[str, Any]]:
    """Events of these types since the last look."""
    found = [json.loads(payload) for _, payload in rig.events]
    rig.events.clear()
    return [event for event in found if event["type"] in (kinds or ALL)]


def listen(rig: Rig, *kinds: str) -> Rig:
    for kind in kinds or ALL:
        rig.node.on_subscription(f"raftzmq.{rig.node.name}.{kind}".encode(), True, rig.now)
    return rig


def stamps(rig: Rig) -> list[tuple[int, int]]:
    """(Lamport time, number) of all messages that have left."""
    found = []
    for _, frames in rig.peer_frames:
        _, stamp = decode_message(decode_envelope(frames[0]), frames[1:])
        found.append((stamp.lamport, stamp.number))
    return found


# --- stamps ---


def test_every_message_is_later_than_the_one_before_and_has_a_number_of_its_own() -> None:
    rig = Rig().lead()
    rig.advance(SECOND // 5)
    found = stamps(rig)
    assert len(found) > 10
    assert [lamport for lamport, _ in found] == sorted({lamport for lamport, _ in found})
    assert [number for _, number in found] == list(range(found[0][1], found[0][1] + len(found)))


def test_an_answer_is_later_than_the_question() -> None:
    rig = Rig("n2")
    rig.peer(RequestVote("n3", "n2", 1, 1, 0, True), lamport=FAR)
    rig.settle()
    [(lamport, _)] = stamps(rig)
    assert lamport == FAR + 2, "one for the receipt, one for the answer"


def test_numbers_of_another_boot_are_others() -> None:
    """A message that outlives its sender's process must not be taken for one of the next."""
    numbers = []
    for boot in ("boot-1", "boot-2"):
        rig = Rig("n2", boot=boot)
        rig.peer(RequestVote("n3", "n2", 1, 1, 0, True))
        rig.settle()
        [(_, number)] = stamps(rig)
        assert number < 2**53
        numbers.append(number)
    assert abs(numbers[0] - numbers[1]) > 2**31


def test_whoever_is_not_heard_does_not_move_the_clock() -> None:
    rig = Rig("n2", strangers=True)
    for envelope in ({}, {"cluster": "other"}, {"node": "n9"}):
        rig.peer(RequestVote("n3", "n2", 1, 1, 0, True), lamport=FAR, **envelope)
    rig.node.on_peer(b"", [rig.frames(RequestVote("n3", "n2", 1, 1, 0, True))[0], b"\xc1"], rig.now)
    rig.advance(TIMING.election_max_us)
    assert max(lamport for lamport, _ in stamps(rig)) < FAR


@pytest.mark.parametrize(("place", "wrong"), [(0, LAMPORT_MAX + 1), (0, -1), (0, "1"), (1, -1), (1, 2**63), (2, 1)])
def test_a_message_with_a_malformed_stamp_is_refused(place: int, wrong: Any) -> None:
    rig = Rig()
    envelope, header = rig.frames(RequestVote("n2", "n1", 7, 99, 6, False))
    values = msgspec.msgpack.decode(header)
    values[place] = wrong
    assert rig.node.on_peer(b"route", [envelope, msgspec.msgpack.encode(values)], rig.now) is False
    rig.settle()
    [(_, reason)] = rig.refusals
    assert "RequestVote cannot be decoded" in reason
    assert rig.raft.current_term == 0


def test_the_largest_stamp_does_not_end_the_talk() -> None:
    """The clock stands still at its end: what the node sends next is still taken by others."""
    rig = Rig("n2")
    for _ in range(2):
        rig.peer(RequestVote("n3", "n2", 1, 1, 0, True), lamport=LAMPORT_MAX)
        rig.settle()
    assert [lamport for lamport, _ in stamps(rig)] == [LAMPORT_MAX, LAMPORT_MAX]


# --- events ---


def test_nobody_asks_and_no_message_is_told() -> None:
    rig = Rig().lead()
    for kind in ("commit", "append", "role"):
        rig.node.on_subscription(f"raftzmq.n1.{kind}".encode(), True, rig.now)
    rig.advance(SECOND // 5)
    assert told(rig) == []
    assert list(rig.node.report.ring.find([(kind, 1, 99) for kind in ALL])) == []


def test_a_message_that_leaves_is_told_with_what_it_says() -> None:
    rig = listen(Rig().lead())
    session = rig.open_session()
    told(rig)
    rig.peer_frames.clear()
    rig.execute(2, puts(session, 0, "k"))
    rig.settle()
    entry = rig.raft.log.entry(rig.raft.log.last_index)
    sent = [event for event in told(rig, "sent") if event["message"] == "AppendEntries"]
    assert {event["peer"] for event in sent} == {"n2", "n3"}
    assert sent[0]["bytes"] == len(entry.data)
    assert sent[0]["body"] == {
        "term": entry.term,
        "prev_log_index": entry.index - 1,
        "prev_log_term": entry.term,
        "leader_commit": entry.index - 1,
        "round": 0,
        "entries": [entry.index, entry.index],
    }
    left = {f"n1:{number}": lamport for lamport, number in stamps(rig)}
    for event in sent:
        assert left[event["mid"]] == event["lamport"]


def test_a_message_that_is_taken_is_told_before_what_it_does() -> None:
    rig = listen(Rig("n2"), "received", "role", "term")
    rig.peer(RequestVote("n3", "n2", 9, 1, 0, False), lamport=FAR, number=77)
    rig.settle()
    received, term = told(rig, "received", "term")
    assert (received["mid"], received["peer"], received["message"]) == ("n3:77", "n3", "RequestVote")
    assert received["body"] == {"term": 9, "last_log_index": 1, "last_log_term": 0, "pre_vote": False, "told": False}
    assert (received["lamport"], received["term"], received["bytes"]) == (FAR + 1, 0, 0)
    assert (term["type"], term["order"]) == ("term", received["order"] + 1)


def test_heartbeats_and_answers_that_say_nothing_new_have_types_of_their_own() -> None:
    rig = listen(Rig("n2"))
    log = rig.raft.log
    [entry] = entries_of([1], after=log.entry(1))
    rig.peer(AppendEntries("n1", "n2", 1, 1, 0, 0, 0))
    rig.settle()
    rig.peer(AppendEntries("n1", "n2", 1, 1, 0, 0, 0))
    rig.settle()
    rig.peer(AppendEntries("n1", "n2", 1, 1, 0, 0, 0, (entry,)))
    rig.settle()
    rig.peer(AppendEntries("n1", "n2", 1, 2, 1, 0, 0))
    rig.settle()
    rig.peer(AppendEntries("n1", "n2", 1, 9, 1, 0, 0))
    rig.settle()
    answers = [event for event in told(rig) if event["message"] == "AppendEntriesResponse"]
    assert [(event["type"], event["body"]["success"], event["body"]["match_index"]) for event in answers] == [
        ("sent", True, 1),
        ("heartbeat_sent", True, 1),
        ("sent", True, 2),
        ("heartbeat_sent", True, 2),
        ("sent", False, 2),
    ]


def test_a_leaders_heartbeats_are_beats() -> None:
    rig = listen(Rig().lead(), "sent", "heartbeat_sent")
    told(rig)
    rig.advance(2 * TIMING.heartbeat_us)
    found = told(rig)
    assert {event["type"] for event in found} == {"heartbeat_sent"}
    assert {tuple(event["body"]["entries"]) for event in found} == {()}


def test_the_sender_decides_what_a_beat_is() -> None:
    """Both ends call a message the same, also when what was new in an earlier one never arrived."""
    rig = listen(Rig().lead(), "received", "heartbeat_received")
    told(rig)
    answer = AppendEntriesResponse("n2", "n1", rig.raft.current_term, True, 1, 0, 1)
    for beat in (True, False, True):
        rig.peer(answer, beat=beat)
    rig.settle()
    kinds = [event["type"] for event in told(rig) if event["peer"] == "n2"]
    assert kinds == ["heartbeat_received", "received", "heartbeat_received"]


def test_parts_of_snapshots_are_told_without_their_data() -> None:
    rig = listen(Rig("n2"))
    which = SnapshotId(9, 1, 5, 100, 7)
    rig.peer(SnapshotChunk("n1", "n2", 1, which, 40, 3, b"\xff" * 60))
    rig.peer(SnapshotAnswer("n3", "n2", 1, which, 40, False))
    rig.settle()
    chunk, answer = told(rig, "received")
    snapshot = {"index": 9, "entry_term": 1, "chain": 5, "size": 100, "checksum": 7}
    assert chunk["body"] == {"term": 1, "snapshot": snapshot, "offset": 40, "checksum": 3}
    assert (chunk["message"], chunk["bytes"]) == ("SnapshotChunk", 60)
    assert answer["body"] == {"term": 1, "snapshot": snapshot, "offset": 40, "damaged": False}
    assert (answer["message"], answer["bytes"]) == ("SnapshotAnswer", 0)
