"""What clients were told is held against what is stored: every kind of broken promise is noticed."""

from __future__ import annotations

from array import array
from typing import Any

import msgspec
import pytest

from raftzmq.benchmarks.load import REFUSED, UNKNOWN, Plan, Record, key_name
from raftzmq.benchmarks.local_cluster import LocalCluster
from raftzmq.benchmarks.verification import Ledger, VerificationFailed, verify
from raftzmq.client.results import KeyValue
from raftzmq.client.sync import Client


def row(key: bytes, value: bytes, mod_revision: int) -> KeyValue:
    """A row as the client gives it."""
    return KeyValue(key, value, 1, mod_revision, 1, 0)


@pytest.fixture
def ledger() -> Ledger:
    """``a`` was put at revisions 1 and 3, whose answers came in the other order; ``b`` at 2."""
    made = Ledger()
    made.acknowledged(b"a", b"newer", 3)
    made.acknowledged(b"a", b"older", 1)
    made.acknowledged(b"b", b"only", 2)
    return made


RIGHT = [row(b"a", b"newer", 3), row(b"b", b"only", 2)]


def test_the_value_of_the_highest_revision_is_right(ledger: Ledger) -> None:
    ledger.check(RIGHT, 3)


@pytest.mark.parametrize(
    ("rows", "revision", "reason"),
    [
        ([row(b"a", b"newer", 3)], 3, "b'b'.*not there"),
        ([row(b"a", b"older", 1), row(b"b", b"only", 2)], 3, "b'a'.*acknowledged at revision 3.*of revision 1"),
        ([row(b"a", b"older", 3), row(b"b", b"only", 2)], 3, "b'a'"),
        ([row(b"a", b"newer", 4), row(b"b", b"only", 2)], 3, "b'a'.*of revision 4"),
        ([*RIGHT, row(b"c", b"whose?", 3)], 3, "b'c' was never acknowledged"),
        (RIGHT, 2, "the store is at revision 2"),
        (RIGHT, 4, "the store is at revision 4"),
    ],
    ids=["lost", "went back", "other value", "applied again", "stranger", "too few revisions", "too many revisions"],
)
def test_a_broken_promise_is_noticed(ledger: Ledger, rows: list[KeyValue], revision: int, reason: str) -> None:
    with pytest.raises(VerificationFailed, match=reason):
        ledger.check(rows, revision)


def test_a_revision_that_two_puts_were_told_is_noticed(ledger: Ledger) -> None:
    ledger.acknowledged(b"c", b"too", 3)
    with pytest.raises(VerificationFailed, match="4 puts share 3 revisions"):
        ledger.check([*RIGHT, row(b"c", b"too", 3)], 4)


def test_a_put_of_unknown_outcome_may_be_there_or_not(ledger: Ledger) -> None:
    ledger.in_doubt(b"a", b"perhaps")
    ledger.in_doubt(b"c", b"perhaps")
    ledger.check(RIGHT, 3)
    ledger.check([row(b"a", b"perhaps", 4), RIGHT[1]], 4)
    ledger.check([row(b"a", b"perhaps", 5), RIGHT[1], row(b"c", b"perhaps", 4)], 5)
    with pytest.raises(VerificationFailed, match="b'a'"):
        ledger.check([row(b"a", b"perhaps", 2), RIGHT[1]], 3)
    with pytest.raises(VerificationFailed, match="b'b'"):
        ledger.check([RIGHT[0], row(b"b", b"perhaps", 4)], 4)


def test_the_ledger_of_client_processes_knows_every_value_again() -> None:
    plan = Plan(3, (), 3, 1, 32, 10, 7)
    value = plan.values()
    record = Record(plan, array("I", [5, 6, 5, 8]), array("q", [1, UNKNOWN, 2, REFUSED]))
    ledger = Ledger()
    ledger.add([record])
    assert ledger.latest == {key_name(5): (2, value(2))}
    assert ledger.unknown == {key_name(6): {value(1)}}
    assert (ledger.acknowledged_count, ledger.unknown_count) == (2, 1)


@pytest.mark.live
@pytest.mark.parametrize("hashed", [True, False])
def test_running_nodes_agree_in_what_they_hash_and_in_what_they_have_written(hashed: bool) -> None:
    with LocalCluster(3) as cluster:
        ledger = Ledger()
        with Client(cluster.endpoints) as client:
            ledger.acknowledged(b"a", b"1", client.put(b"a", b"1").revision)
        verified = verify(cluster.endpoints, ledger, hashed=hashed)
        assert (verified.keys_read_back, verified.nodes_agreeing, verified.digest.revision) == (1, 3, 1)


@pytest.mark.live
@pytest.mark.parametrize("hashed", [True, False])
def test_nodes_that_differ_are_noticed(hashed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalCluster(3) as cluster, Client(cluster.endpoints) as client:
        ledger = Ledger()
        ledger.acknowledged(b"a", b"1", client.put(b"a", b"1").revision)
        name = "state_hash" if hashed else "status"
        true = getattr(Client, name)

        def other_digest(self: Client, *arguments: Any) -> Any:
            found = true(self, *arguments)
            if not hashed:
                found[0]["digest"] ^= 1
            elif arguments == (cluster.endpoints[0],):
                found = msgspec.structs.replace(found, digest="other")
            return found

        monkeypatch.setattr(Client, name, other_digest)
        with pytest.raises(VerificationFailed, match="store different things"):
            verify(cluster.endpoints, ledger, hashed=hashed)
