"""One call, one future, few messages: what travels together, and what may not."""

from __future__ import annotations

from raftzmq.client.parcels import Parcels
from raftzmq.client.reads import Reads
from raftzmq.client.results import PutResult
from raftzmq.codec.clients import Execute, Read
from raftzmq.config import BATCH_BYTES_MAX, BATCH_COMMANDS_MAX, CLIENT_BYTES_MAX, SESSION_WINDOW, VALUE_BYTES_MAX
from tests.client.script import MS, A, Script, Sent, executes, of_kind


def leading() -> Script:
    world = Script(A)
    world.lead(A)
    return world


def keys(sent: Sent) -> list[bytes]:
    return [command.key for command in sent.parcel.commands]  # type: ignore[union-attr]


def test_calls_made_together_travel_together() -> None:
    world = leading()
    for n in range(100):
        world.put(f"k{n}")
    (sent,) = world.step()
    assert keys(sent) == [b"k%d" % n for n in range(100)]


def test_a_single_call_goes_at_once() -> None:
    world = leading()
    world.put()
    assert len(world.step()) == 1


def test_calls_queue_behind_the_parcels_under_way_and_leave_as_one() -> None:
    world = leading()
    sents = []
    for n in range(Parcels.IN_FLIGHT_MAX):
        world.put(f"under way {n}")
        sents += world.step()
    assert len(sents) == Parcels.IN_FLIGHT_MAX
    for n in range(50):
        world.put(f"k{n}", timeout_us=1_000_000 + n * 10_000)  # several runs
        assert world.step() == []
    world.answer(sents[2], [1])
    (sent,) = world.step()
    assert keys(sent) == [b"k%d" % n for n in range(50)]


def test_reads_batch_the_same_way() -> None:
    world = leading()
    sents = []
    for n in range(Reads.IN_FLIGHT_MAX):
        world.get(f"under way {n}")
        sents += world.step()
    for n in range(50):
        world.get(f"k{n}")
        assert world.step() == []
    world.answer(sents[0], [None])
    (sent,) = world.step()
    assert [query.key for query in sent.queries] == [b"k%d" % n for n in range(50)]  # type: ignore[union-attr]


def test_reads_and_writes_do_not_wait_for_one_another() -> None:
    world = leading()
    for n in range(Parcels.IN_FLIGHT_MAX):
        world.put(f"k{n}")
        world.step()
    world.get()
    assert len(of_kind(world.step(), Read)) == 1


def test_a_parcel_holds_no_more_commands_than_an_entry() -> None:
    world = leading()
    for n in range(3 * BATCH_COMMANDS_MAX):
        world.get(f"k{n}")
    sents = world.step()
    assert [len(sent.queries) for sent in sents] == [BATCH_COMMANDS_MAX] * 3
    for n in range(SESSION_WINDOW):
        world.put(f"k{n}")
    (sent,) = of_kind(world.step(), Execute)
    assert len(keys(sent)) == min(BATCH_COMMANDS_MAX, SESSION_WINDOW)


def test_a_parcel_holds_no_more_bytes_than_an_entry() -> None:
    world = leading()
    value = "v" * 100_000
    tickets = [world.put(f"k{n}", value) for n in range(25)]
    sents = executes(world.step())
    seen: list[bytes] = []
    while sents:
        sent = sents.pop(0)
        assert len(sent.payload) <= BATCH_BYTES_MAX
        seen += keys(sent)
        world.answer(sent, [1] * len(keys(sent)))
        sents += executes(world.step())
    assert seen == [b"k%d" % n for n in range(25)]
    assert all(ticket.result == PutResult(1) for ticket in tickets)


def test_a_value_at_its_limit_travels_alone() -> None:
    world = leading()
    world.put("small")
    world.put("large", "v" * VALUE_BYTES_MAX)
    world.put("small too")
    sents = executes(world.step())
    assert [keys(sent) for sent in sents] == [[b"small"], [b"large"], [b"small too"]]
    assert max(len(sent.payload) for sent in sents) <= CLIENT_BYTES_MAX


def test_the_estimate_of_a_parcels_size_is_never_too_small() -> None:
    world = leading()
    for n in range(BATCH_COMMANDS_MAX - 1):
        world.put(f"k{n:05}", "v" * (n % 300))
    for sent in executes(world.step()):
        assert len(sent.payload) <= BATCH_BYTES_MAX


def test_calls_that_wait_for_a_leader_leave_together() -> None:
    world = Script(A)
    for n in range(10):
        world.put(f"k{n}")
        world.advance(MS)
    world.welcome(A, "a")
    (opening,) = world.step()
    world.put("last")
    world.step()
    world.answer(opening, [7])
    (sent,) = world.step()
    assert keys(sent) == [*(b"k%d" % n for n in range(10)), b"last"]


def test_calls_that_come_back_unapplied_go_before_those_that_wait() -> None:
    world = leading()
    for n in range(Parcels.IN_FLIGHT_MAX):
        world.put(f"under way {n}")
        (last,) = world.step()
    world.put("waits")
    world.step()
    world.fail(last, "overloaded")
    (sent,) = world.advance(100 * MS)
    assert keys(sent) == [keys(last)[0], b"waits"]
