"""Bugs that others had between clients and the log: stale reads, early answers, commands executed twice."""

from __future__ import annotations

from typing import Any

from raftzmq.codec.clients import Answer, Execute, Read
from raftzmq.core.elections import Elections
from raftzmq.core.messages import ReadIndex, ReadIndexResponse
from raftzmq.core.replication import Leadership
from raftzmq.core.types import EntryKind
from raftzmq.kv.commands import Get, OpenSession, Parcel, Put, encode_parcel, encode_queries
from raftzmq.kv.sessions import Session, Sessions
from raftzmq.node.reads import Reads
from tests.core.support import HEARTBEAT, entries_of
from tests.node.support import Rig
from tests.rules.planted import Bug, fails_with
from tests.scenarios.harness import SECOND, Lab

ask, propose = Reads.ask, Elections.propose


def one_number_for_all(self: Reads, now_us: int) -> int | None:
    """A retry goes out under the number of the first try, and takes new reads along."""
    self._next_context = min(self._asked, default=self._next_context)
    tokens = [token for asked in self._asked.values() for token in asked.tokens]
    context = ask(self, now_us)
    if context is not None:
        self._asked[context].tokens += tokens
    return context


@fails_with(Bug("a retry reuses the number", Reads, "ask", one_number_for_all))
def test_etcd_20418_a_late_answer_to_a_read_index() -> None:
    """A read's question is repeated after a pause; the answer to the first one is too old for reads that came since."""
    rig = Rig()
    rig.greet()
    rig.follow("n2", entries=entries_of([1], after=rig.entries()[0]), commit=1)
    rig.read(1, Get(b"key"))
    rig.settle()
    [first] = rig.of(ReadIndex)
    # Half a minute passes in which a leader is heard, but not its answer; meanwhile others have written.
    rig.advance(3 * HEARTBEAT)
    rig.follow("n2")
    rig.read(2, Get(b"key"))
    rig.settle()
    assert len(rig.of(ReadIndex)) >= 1
    rig.taken()
    rig.peer(ReadIndexResponse("n2", "n1", 1, first.context, 1))
    rig.settle()
    assert [header.request for header, _ in rig.taken()] in ([], [1]), "the second read came after that question"


def confirm_at_once(self: Leadership) -> list[Any]:
    done = list(self._rounds)
    self._rounds.clear()
    return done


@fails_with(Bug("no round", Leadership, "confirmed_rounds", confirm_at_once))
def test_etcd_20418_a_leader_that_slept_through_its_deposition() -> None:
    """It wakes with a read in one socket, and news of the next leader far back in the other."""
    lab = Lab(3, drain=1)
    lab.one(3, b"old")
    leader = lab.one_leader()
    read = encode_queries([Get(b"key")])
    lab.ask(leader, Read(1, SECOND), read)
    lab.wait(HEARTBEAT)
    assert [results[0][1] for _, results, _ in lab.answers.pop(1)] == [b"old"]
    lab.host(leader).pause()
    lab.wait(SECOND)
    lab.one(2, b"new")
    lab.ask(leader, Read(1, SECOND), read)
    lab.host(leader).resume()
    lab.wait(2 * SECOND)
    assert [node for node, results, _ in lab.answers[1] if results is not None and results[0][1] != b"new"] == []


def commit_when_proposed(self: Any, data: bytes, kind: EntryKind = EntryKind.COMMANDS) -> int:
    index = propose(self, data, kind)
    self.log.stable = index
    self.commit_index = self._state.commit_index(self.commit_index)
    return index


@fails_with(Bug("committed when proposed", Elections, "propose", commit_when_proposed))
def test_etcd_14370_answered_before_the_log_was_synced() -> None:
    """A cluster of one is its own majority, but only once its disk has the entry."""
    rig = Rig(voters=1).lead()
    rig.greet()
    rig.held = {"log"}
    rig.execute(1, Parcel(0, 0, 0, [OpenSession(b"somebody")]))
    rig.settle()
    assert rig.taken() == []
    assert rig.raft.commit_index < rig.raft.log.last_index
    rig.finish("log")
    rig.settle()
    assert [type(header) for header, _ in rig.taken()] == [Answer]


def remember_nothing(self: Sessions, session: Session, sequence: int) -> None:
    return None


@fails_with(Bug("nothing is recognized", Sessions, "seen", remember_nothing))
def test_etcd_18424_a_client_sends_again_what_was_executed() -> None:
    """The leader ends between the commit and the answer; the client asks the next one, which must not do it again."""
    lab = Lab(3)
    lab.one(3)
    leader = lab.one_leader()
    first = lab.sequence + 1
    parcel = encode_parcel(Parcel(lab.session, 0, first, [Put(b"counter", b"1"), Put(b"counter", b"2")]))
    lab.sequence += 2
    last = lab.observer.invariants.committed.last
    lab.ask(leader, Execute(1, SECOND), parcel)
    assert lab.until(lambda: lab.observer.invariants.committed.last > last, SECOND)
    lab.crash(leader)
    assert 1 not in lab.answers, "it was committed, and nobody was told"
    lab.ask(lab.one_leader(), Execute(2, SECOND), parcel)
    assert lab.until(lambda: 2 in lab.answers, SECOND)
    [(_, results, _)] = lab.answers[2]
    revision = lab.observer.model.revision
    assert results == [revision - 1, revision]
    lab.restart(leader)
    lab.one(3)
