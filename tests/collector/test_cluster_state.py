"""The cluster's state: what events add up to, the same whoever does the sum and wherever it begins."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftzmq.collector.cluster_state import NODES_MAX, NOTABLE_MAX, SILENT_MS, ClusterState
from raftzmq.collector.node_state import INTEGER_MAX, TEXT_MAX
from tests.collector.streams import boot, collectors, event, fault, standing, streams

Event = dict[str, Any]


def folded(events: list[Event]) -> ClusterState:
    state = ClusterState()
    for one in events:
        state.fold(one)
    return state


def node(events: list[Event], name: str = "n1") -> dict[str, Any]:
    row: dict[str, Any] = folded(events).to_json()["nodes"][name]
    return row


@given(streams(), st.data())
def test_a_fold_may_begin_at_any_state_of_its_own(events: list[Event], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(events)))
    begun = ClusterState.from_json(json.loads(json.dumps(folded(events[:cut]).to_json())))
    for one in events[cut:]:
        begun.fold(one)
    assert begun.to_json() == folded(events).to_json()
    assert begun.hash() == folded(events).hash()


@given(streams())
def test_a_checkpoint_changes_nothing_but_the_first_of_a_collectors_life_replaces_all(events: list[Event]) -> None:
    live = folded(events)
    document = live.to_json()
    first = collectors("checkpoint", position=len(events), state_hash=live.hash(), state=document)
    live.fold(first)
    before = live.hash()
    live.fold(first)
    assert live.hash() == before
    other = folded([boot("n9", boot="other")])
    other.fold(first)
    assert other.hash() == before


def test_the_hash_is_the_same_in_another_process() -> None:
    events = [boot("n1"), boot("n2"), event("role", "n2", term=3, role="leader", previous="candidate", reason="won")]
    program = (
        "import json, sys\nfrom raftzmq.collector.cluster_state import ClusterState\nstate = ClusterState()\n"
        "for one in json.load(sys.stdin): state.fold(one)\nprint(state.hash())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=json.dumps(events), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == folded(events).hash()


def test_the_json_is_what_other_languages_keep_exactly() -> None:
    def check(value: Any) -> None:
        if isinstance(value, dict):
            assert all(isinstance(key, str) for key in value)
            for item in value.values():
                check(item)
        elif isinstance(value, list):
            for item in value:
                check(item)
        else:
            assert value is None or isinstance(value, (bool, str)) or (type(value) is int and abs(value) <= INTEGER_MAX)

    check(folded([boot("n1"), standing("n1"), collectors("late", source="n1", topic="t", source_seq=1)]).to_json())


def test_a_node_stands_where_its_events_left_it() -> None:
    events = [
        boot("n1"),
        event("append", term=3, first=11, last=14, terms=[3] * 4, chains=[1] * 4, bytes=9, batch=4, role="follower"),
        event("storage", term=3, what="log", last=13, voted_for="n2", vote_term=3, restarted_after=None),
        event("commit", term=3, index=12, previous=9, entry_term=3, chain=1),
        event("apply", term=3, first=10, last=12, chain=1, commands=3, revision=77, digest=5, elapsed_us=1),
        event("storage", term=3, what="state", last=12, voted_for=None, vote_term=None, restarted_after=None),
        event("compact", term=3, index=6, bytes=1),
        event("room", term=3, has_room=False),
        event("leader", term=3, leader="n2"),
    ]
    row = node(events)
    assert (row["last_index"], row["stable_index"], row["commit_index"], row["applied_index"]) == (14, 13, 12, 12)
    assert (row["durable_index"], row["mark_index"], row["revision"], row["digest"]) == (12, 6, 77, 5)
    assert (row["term"], row["voted_for"], row["leader"], row["has_room"]) == (3, "n2", "n2", False)
    row = node([*events, event("truncate", term=3, first=12, last=14, leader="n2")])
    assert (row["last_index"], row["stable_index"]) == (11, 11)
    installed = event("snapshot", term=3, step="installed", index=40, entry_term=3, chain=8, digest=99, peer="n2")
    row = node([*events, installed])
    assert [row[name] for name in ("mark_index", "last_index", "commit_index", "applied_index")] == [40] * 4
    assert (row["mark_chain"], row["digest"]) == (8, 99)


def test_a_standing_says_it_all_again() -> None:
    row = node([standing("n1", term=9, role="leader", leader="n1")])
    assert (row["term"], row["role"], row["match_index"], row["pid"], row["last_index"]) == (
        9,
        "leader",
        {"n2": 19, "n3": 20},
        4711,
        20,
    )


def test_a_vote_counts_in_its_term_only() -> None:
    vote = event("vote", term=4, candidate="n3", granted=True, pre_vote=False, reason="free")
    assert node([boot("n1", term=4), vote])["voted_for"] == "n3"
    assert node([boot("n1", term=4), {**vote, "pre_vote": True}])["voted_for"] == "n2"
    assert node([boot("n1", term=4), {**vote, "granted": False}])["voted_for"] == "n2"
    assert node([boot("n1", term=4), vote, event("term", term=5, previous=4, reason="heard")])["voted_for"] is None


def leads(name: str, term: int, ms: int = 0) -> Event:
    return event("role", name, term=term, ms=ms, role="leader", previous="candidate", reason="won")


def test_the_leader_is_who_won_the_latest_term_and_is_still_there() -> None:
    events = [boot("n1"), boot("n2"), leads("n1", 3)]
    assert folded(events).to_json()["leader"] == "n1"
    assert folded([*events, leads("n2", 4)]).to_json()["leader"] == "n2"
    late = folded([*events, leads("n2", 4), standing("n1", term=3, role="leader", leader="n1")]).to_json()
    assert (late["leader"], late["leader_changes"], late["leader_term"]) == ("n2", 2, 4)
    down = event("role", "n1", term=4, role="follower", previous="leader", reason="heard")
    assert folded([*events, down]).to_json()["leader"] is None
    assert folded([*events, boot("n1", boot="b2")]).to_json()["leader"] is None, "it lives again, but doesn't lead"
    quiet = event("clock", "n2", ms=SILENT_MS + 1, interval_us=50_000)
    silent = folded([*events, quiet])
    assert silent.to_json()["leader"] is None
    assert silent.to_json()["nodes"]["n1"]["condition"] == "silent"
    assert silent.to_json()["nodes"]["n2"]["condition"] == "up"
    assert [row["reachable"] for row in silent.status_rows()] == [False, True, False]


def test_a_process_that_ended_takes_its_node_down_until_it_lives_again() -> None:
    def process(state: str, pid: int = 7) -> Event:
        return collectors("process", name="node:n1", state=state, previous="RUNNING", pid=pid, exit_status=-1)

    events = [boot("n1"), leads("n1", 3), process("EXITED", 0)]
    gone = folded(events).to_json()
    assert (gone["nodes"]["n1"]["condition"], gone["leader"]) == ("down", None)
    assert gone["processes"]["node:n1"]["state"] == "EXITED"
    assert (gone["processes"]["node:n1"]["exit_status"], gone["odd"]) == (-1, 0), "killed by a signal"
    assert ClusterState.from_json(gone).hash() == folded(events).hash()
    assert node([*events, event("clock", "n1", interval_us=1)])["condition"] == "down", "said before it ended"
    assert node([*events, boot("n1", boot="b2")])["condition"] == "up"
    assert node([*events, process("RUNNING")])["condition"] == "up"


def test_what_is_missing_wrong_or_unknown_is_counted() -> None:
    gap = collectors("gap", source="n1", source_boot="b", topic="t", expected=2, received=5, missing=3, total=3)
    violation = collectors("violation", rule="election safety", nodes=["n1", "n2"], text="two", recording=None)
    blind = collectors("verdict", known=False, source="n1", reason="a gap")
    state = folded([boot("n1"), gap, violation, blind]).to_json()
    assert (state["gaps"], state["missing"], state["nodes"]["n1"]["missing"], state["violations"]) == (1, 3, 3, 1)
    assert state["last_violations"][0]["rule"] == "election safety"
    assert state["unknown"] == {"n1": "a gap"}
    sees = collectors("verdict", known=True, source="n1", reason="a standing")
    assert folded([boot("n1"), blind, sees]).to_json()["unknown"] == {}


HOSTILE: list[Any] = [
    {},
    [],
    {"node": "n1"},
    {"node": [], "type": "x", "boot": "b", "term": 1, "ts": 1.0},
    event("commit", index=-1),
    event("commit", index=2**53),
    event("commit", index=1.5),
    event("commit", index=True),
    event("commit"),
    event("role", role=None),
    event("standing", role="leader"),
    event([], index=1),  # type: ignore[arg-type]
    {**event("clock"), "ts": "now"},
    {**event("clock"), "ts": float("inf")},
    {**event("clock"), "ts": 1e300},
    {**event("clock"), "lamport": None},
    {**event("clock"), "term": -1},
    {**event("clock"), "boot": None},
    collectors("checkpoint", state=7),
    collectors("checkpoint", state={"schema": 1, "nodes": {"n1": {"term": "high"}}}),
    collectors("checkpoint", state={"schema": 99}),
    collectors("gap", source="n1", missing=-5),
    collectors("verdict", known="yes", source="n1", reason=""),
    collectors("process", name=3),
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_not_well_made_is_counted_and_never_raises(hostile: Any) -> None:
    state = folded([boot("n1"), hostile])
    assert state.to_json()["odd"] == 1
    assert ClusterState.from_json(state.to_json()).hash() == state.hash()


def test_strangers_cannot_fill_the_memory() -> None:
    state = folded([boot(f"n{number}") for number in range(NODES_MAX + 5)])
    assert len(state.to_json()["nodes"]) == NODES_MAX
    assert state.to_json()["odd"] == 5
    long = folded([event("role", role="x" * 10_000, previous="", reason="y" * 10_000) for _ in range(200)]).to_json()
    assert len(long["nodes"]["n1"]["role"]) == TEXT_MAX
    assert len(long["notable"]) == NOTABLE_MAX
    huge = collectors("gap", source="n1", missing=INTEGER_MAX)
    assert folded([boot("n1")] + [huge] * 3).to_json()["missing"] == INTEGER_MAX


def test_a_row_for_each_voter_in_natural_order() -> None:
    voters = [f"n{number}" for number in (1, 2, 10)]
    rows = folded([boot("n10", voters=voters)]).status_rows()
    assert [(row["node"], row["condition"]) for row in rows] == [("n1", "unheard"), ("n2", "unheard"), ("n10", "up")]
    assert [row["reachable"] for row in rows] == [False, False, True]
    assert rows[2]["role"] == "follower"
    assert rows[0]["role"] is None


CUT = {"cut": True, "drop_ppm": 0, "duplicate_ppm": 0, "delay_us": 0, "jitter_us": 0, "until_ms": None}


def links(*events: Event) -> Any:
    """The faults in force, None if the state doesn't mention any."""
    found = folded([boot("n1"), boot("n2"), *events])
    assert found.to_json()["odd"] == 0
    return found.to_json().get("links")


def test_faults_of_links_are_in_force_until_they_end_are_healed_or_their_node_starts_anew() -> None:
    assert links() is None
    both = [fault("n1", "n2"), fault("n2", "n1")]
    assert links(*both) == {"n1": {"n2": CUT}, "n2": {"n1": CUT}}
    assert links(*both, fault("n1", "n2", "healed")) == {"n2": {"n1": CUT}}
    assert links(*both, fault("n1", "n2", "ended"), fault("n2", "n1", "ended")) is None
    assert links(*both, boot("n1", boot="b2")) == {"n2": {"n1": CUT}}, "what only the process knew is gone"
    assert links(*both, event("commit", "n1", boot="b2", index=3)) == {"n2": {"n1": CUT}}
    assert links(fault("n1", None, "elect", cut=False)) is None
    spoiled: Event = {"cut": False, "drop": 0.3, "duplicate": 1.0, "delay_us": 50_000, "jitter_us": 10}
    [found] = links(fault(), fault(what="changed", ms=4, for_us=10_000_999, **spoiled))["n1"].values()
    until_ms = int(event("x", ms=4)["ts"] * 1000) + 10_000
    assert found == {
        "cut": False,
        "drop_ppm": 300_000,
        "duplicate_ppm": 1_000_000,
        "delay_us": 50_000,
        "jitter_us": 10,
        "until_ms": until_ms,
    }


@pytest.mark.parametrize(
    "wrong",
    [
        *({"drop": value} for value in (-0.1, 1.1, True, "0", None)),
        *({"delay_us": value} for value in (-1, 1.5, None)),
        *({"for_us": value} for value in (-1, 0.5, INTEGER_MAX + 1)),
        {"cut": 1},
        {"peer": 3},
    ],
)
def test_a_fault_that_is_none_is_counted_and_nothing_else(wrong: dict[str, Any]) -> None:
    found = folded([boot("n1"), {**fault(), **wrong}]).to_json()
    assert found["odd"] == 1
    assert "links" not in found


def test_what_is_told_of_a_fault_is_kept_without_fractions() -> None:
    [kept] = folded([fault(drop=0.25)]).to_json()["notable"]
    assert (kept["drop_ppm"], kept["duplicate_ppm"], kept["peer"], kept["for_us"]) == (250_000, 0, "n2", None)
    assert "drop" not in kept


def test_a_process_that_is_paused_makes_its_node_silent_until_it_goes_on() -> None:
    def kernel(state: str, pid: int = 4711) -> Event:
        return collectors("process", name="n1", state=state, previous="RUNNING", pid=pid, exit_status=0)

    def condition(*events: Event) -> str:
        found: str = node([boot("n1"), standing("n1", role="leader"), *events])["condition"]
        return found

    assert condition() == "up"
    assert condition(kernel("PAUSED")) == "silent"
    assert folded([boot("n1"), standing("n1", role="leader"), kernel("PAUSED")]).to_json()["leader"] is None
    assert condition(kernel("PAUSED"), event("commit", "n1", index=3)) == "silent", "what was still under way"
    assert condition(kernel("PAUSED"), kernel("RESUMED")) == "up"
    assert condition(kernel("PAUSED"), boot("n1", boot="b2")) == "up"
    assert condition(kernel("GONE")) == "down"
    assert condition(kernel("GONE", pid=3)) == "up", "that was an earlier life"
    assert condition(kernel("GONE"), boot("n1", boot="b2")) == "up"


def test_lab_mode_is_known_from_where_a_node_stands() -> None:
    assert "lab" not in node([boot("n1"), standing("n1")])
    assert node([boot("n1"), {**standing("n1"), "lab": True}])["lab"] is True
    older = {name: value for name, value in standing("n1").items() if name != "lab"}
    assert "lab" not in node([boot("n1"), older])


def test_a_state_that_knows_nothing_of_faults_has_the_hash_that_it_had_before() -> None:
    """Recordings of older releases hold the hashes of their states."""
    found = folded([boot("n1"), standing("n1")])
    assert not {"links", "paused", "lab"} & {*found.to_json(), *found.to_json()["nodes"]["n1"]}
    assert ClusterState.from_json(found.to_json()).hash() == found.hash()
