"""Small streams, made by hand: what the auditor makes of who joins, is ahead of its own facts, or has ended."""

from __future__ import annotations

from typing import Any

from raftzmq.collector.auditor import Auditor
from raftzmq.collector.auditor.rules import UNDOING
from raftzmq.verify import ON_LOGS
from tests.collector.audited_runs import Event, broken

NODES = ["n1", "n2", "n3"]


class Stream:
    """Events of three nodes, numbered as they would number them."""

    def __init__(self, auditor: Auditor | None = None) -> None:
        self.auditor = auditor or Auditor()
        self._counts: dict[tuple[str, ...], int] = {}
        self._lamport = 0

    def say(self, node: str, kind: str, boot: str = "b1", term: int = 1, **fields: Any) -> None:
        """``node`` says this next."""
        self._lamport += 1
        event: Event = {"v": 1, "node": node, "boot": boot, "type": kind, "term": term, "lamport": self._lamport}
        for field, key in (("seq", (node, boot, kind)), ("order", (node, boot))):
            event[field] = self._counts[key] = self._counts.get(key, 0) + 1
        event |= {"ts": 1.7e9 + self._lamport / 1000, "mono_ns": self._lamport * 1_000_000}
        self.auditor.accept(event | fields)

    def skip(self, node: str, boot: str = "b1") -> None:
        """``node`` makes an event that doesn't come, of whichever type."""
        self._counts[node, boot] += 1

    def stand(self, node: str, last: int = 10, term: int = 1, **fields: Any) -> None:
        """``node`` says that it has committed, stored and applied everything up to ``last``."""
        self.say(
            node,
            "standing",
            term=term,
            **{
                "role": "follower",
                "voted_for": None,
                "voters": NODES,
                "mark_index": 0,
                "last_index": last,
                "last_term": 1,
                "last_chain": last,
                "stable_index": last,
                "commit_index": last,
                "commit_chain": last,
                "applied_index": last,
                "durable_index": last,
                "digest": last,
                **fields,
            },
        )

    def append(self, node: str, index: int, role: str = "follower", term: int = 1) -> None:
        """``node`` appends one entry and stores it."""
        self.say(node, "append", first=index, last=index, terms=[1], chains=[index], role=role, term=term)

    def store(self, node: str, index: int) -> None:
        """Its disk has its log up to there."""
        self.say(node, "storage", what="log", last=index, chain=index, voted_for=None, vote_term=1)

    def commit(self, node: str, index: int) -> None:
        """It commits up to there."""
        self.say(node, "commit", index=index, previous=index - 1, entry_term=1, chain=index)

    @property
    def broken(self) -> list[str]:
        """The rules that were seen broken."""
        return broken(self.auditor.verdict)


def standing() -> Stream:
    """All three have said where they stand."""
    stream = Stream()
    for node in NODES:
        stream.say(node, "clock", interval_us=50_000)
        stream.stand(node)
    assert stream.auditor.verdict["verdict"] == "holds"
    return stream


def test_who_joins_as_a_leader_leads_from_the_first_word_on() -> None:
    stream = Stream()
    stream.stand("n1", role="leader", term=4)
    stream.say("n1", "truncate", first=10, last=10, leader="n2", term=4)
    assert stream.broken[0] == "leader_append_only"


def test_facts_from_before_it_said_where_it_stands_are_no_step_back() -> None:
    """A subscription comes in the middle of a round, before the round's facts are told."""
    stream = Stream()
    stream.stand("n1", term=7)
    stream.say("n1", "term", term=6, previous=5, reason="an election")
    stream.say("n1", "term", term=7, previous=6, reason="another")
    assert stream.broken == []
    stream.say("n1", "clock", interval_us=50_000, term=7)
    stream.say("n1", "term", term=6, previous=5, reason="an election")
    assert stream.broken == ["monotonic"]


def test_what_was_appended_after_a_hole_is_compared() -> None:
    stream = standing()
    stream.append("n1", 20)
    stream.say("n2", "append", first=20, last=20, terms=[1], chains=[21], role="follower")
    assert stream.broken == ["log_matching"]


def test_an_event_of_a_boot_that_has_ended_says_nothing_of_the_next() -> None:
    stream = standing()
    began = {"voted_for": None, "voters": NODES, "mark_index": 0, "last_index": 10, "last_term": 1, "last_chain": 10}
    stream.say("n1", "boot", boot="b2", term=1, incarnation="i", first_index=1, applied_index=10, digest=10, **began)
    stream.say("n1", "role", role="leader", previous="candidate", reason="late", term=1)
    stream.say("n2", "role", role="leader", previous="candidate", reason="now", term=1)
    assert (stream.broken, stream.auditor.verdict["verdict"]) == ([], "holds")


def test_a_disk_that_is_still_short_later_was_short_before() -> None:
    """Nothing of n2 and n3 was stored since anybody listened: only where they stand tells."""
    stream = standing()
    stream.append("n1", 11, role="leader")
    stream.store("n1", 11)
    stream.commit("n1", 11)
    for node in ("n2", "n3"):
        assert stream.broken == []
        stream.stand(node)
    assert stream.broken == ["durable_commit"]


def test_a_disk_that_has_it_later_may_have_had_it() -> None:
    stream = standing()
    stream.append("n1", 11, role="leader")
    stream.store("n1", 11)
    stream.commit("n1", 11)
    stream.stand("n2", 11)
    stream.stand("n3", 10)
    assert stream.broken == []
    [row] = [row for row in stream.auditor.verdict["rules"] if row["rule"] == "durable_commit"]
    assert row["skipped"] == 1


def test_a_commit_whose_disks_are_not_known_at_the_end_is_unknown() -> None:
    stream = standing()
    stream.append("n1", 11, role="leader")
    stream.store("n1", 11)
    stream.commit("n1", 11)
    verdict = stream.auditor.verdict
    [row] = [row for row in verdict["rules"] if row["rule"] == "durable_commit"]
    assert (row["state"], verdict["verdict"]) == ("unknown", "unknown")


def led_by_others() -> Stream:
    """n2 has told of two entries of its own that are on nobody else's disk."""
    stream = standing()
    stream.say("n2", "append", first=11, last=12, terms=[1, 1], chains=[11, 12], role="follower")
    stream.store("n2", 12)
    return stream


def others_entry(stream: Stream, index: int = 11) -> None:
    """n2 has another entry in their place, and commits it."""
    stream.say("n2", "append", term=2, first=index, last=index, terms=[2], chains=[index + 100], role="follower")
    stream.say("n2", "commit", term=2, index=index, previous=10, entry_term=2, chain=index + 100)


def test_a_log_that_may_have_been_truncated_unheard_is_no_witness() -> None:
    """The first entry of n2 gave way to a leader's, and the event that says so isn't here."""
    stream = led_by_others()
    stream.skip("n2")
    stream.say("n2", "commit", term=2, index=11, previous=10, entry_term=2, chain=111)
    others_entry(stream)
    assert stream.broken == []
    [interval] = stream.auditor.verdict["unknown"]
    assert (interval["source"], interval["rules"]) == ("n2", sorted(ON_LOGS))
    assert "snapshot and truncate events of it may be missing" in interval["reason"]
    # What it had before wasn't taken for what is committed, nor anybody else held to it.
    stream.say("n3", "commit", term=2, index=11, previous=10, entry_term=2, chain=111)
    assert stream.broken == []


def test_where_all_that_a_node_made_is_here_nothing_was_truncated_unheard() -> None:
    stream = led_by_others()
    stream.say("n2", "commit", term=2, index=11, previous=10, entry_term=2, chain=111)
    assert stream.broken == ["state_machine_safety"]


def test_types_that_are_here_for_certain_explain_nothing() -> None:
    stream = Stream(Auditor(certain=UNDOING))
    for node in NODES:
        stream.stand(node)
    stream.append("n2", 11)
    stream.skip("n2")
    stream.say("n2", "commit", term=2, index=11, previous=10, entry_term=2, chain=111)
    assert stream.broken == ["state_machine_safety"]


def test_a_node_that_says_where_it_stands_has_a_log_again() -> None:
    stream = led_by_others()
    stream.skip("n2")
    stream.stand("n2", 12, commit_index=10, commit_chain=10, applied_index=10, digest=10)
    stream.say("n2", "commit", term=2, index=12, previous=10, entry_term=2, chain=112)
    assert stream.broken == ["state_machine_safety"]


def test_the_next_of_each_type_shows_that_none_was_missing() -> None:
    stream = led_by_others()
    stream.say("n2", "truncate", first=12, last=12, leader="n1")
    stream.say("n2", "snapshot", step="send", index=10, entry_term=1, chain=10, digest=None, peer="n1")
    stream.skip("n2")
    stream.say("n2", "truncate", first=12, last=12, leader="n1")
    stream.say("n2", "snapshot", step="send", index=10, entry_term=1, chain=10, digest=None, peer="n1")
    stream.say("n2", "commit", term=2, index=11, previous=10, entry_term=2, chain=111)
    assert stream.broken == ["state_machine_safety"]


def test_what_two_nodes_say_of_one_entry_needs_no_log() -> None:
    stream = led_by_others()
    stream.skip("n3")
    stream.say("n3", "append", first=11, last=11, terms=[1], chains=[77], role="follower")
    assert stream.broken == ["log_matching"]


def test_a_leader_that_has_gone_on_to_a_later_term_may_truncate() -> None:
    """That it leads no more wasn't heard, but it truncates in a later term."""
    stream = standing()
    stream.say("n1", "role", term=2, role="leader", previous="candidate", reason="won")
    stream.say("n1", "truncate", term=3, first=11, last=11, leader="n2")
    assert stream.broken == []
    stream.say("n2", "role", term=4, role="leader", previous="candidate", reason="won")
    stream.say("n2", "truncate", term=4, first=11, last=11, leader="n2")
    assert stream.broken == ["leader_append_only"]


def test_a_disk_that_had_another_entry_may_have_taken_the_committed_one() -> None:
    """All that n2 said meanwhile comes late: it is asked, rather than counted among those that lack the entry."""
    stream = led_by_others()
    stream.say("n1", "append", term=2, first=11, last=11, terms=[2], chains=[111], role="leader")
    stream.say("n1", "storage", term=2, what="log", last=11, chain=111, voted_for=None, vote_term=2)
    stream.say("n1", "commit", term=2, index=11, previous=10, entry_term=2, chain=111)
    stream.stand("n3")
    assert stream.broken == []
    stream.stand("n2", 11, term=2, last_term=2, last_chain=111)
    assert stream.broken == []
