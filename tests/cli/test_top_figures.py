"""What `raftzmq top` makes of events: figures, and what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from raftzmq.cli.top_figures import Figures
from raftzmq.cli.top_frame import Frame
from raftzmq.collector.cluster_state import ClusterState
from tests.cli.cluster_story import WALL, Story
from tests.cli.event_samples import METRICS

THREE = ("n1", "n2", "n3")


def troubles(frame: Frame) -> dict[str, str]:
    return {trouble.what: trouble.text for trouble in frame.trouble}


def busy(seconds: int = 5) -> Story:
    story = Story(*THREE)
    for _ in range(seconds):
        story.second()
    return story


def test_a_healthy_cluster_in_figures() -> None:
    story = busy(12)
    frame = story.frame()
    assert (frame.source, frame.leader, frame.term, frame.lost) == ("events", "n1", 7, 0)
    assert frame.trouble == ()
    assert [row.node for row in frame.nodes] == list(THREE)
    first, second, _ = frame.nodes
    assert (first.role, second.role, second.leader) == ("leader", "follower", "n1")
    assert first.commit_index == first.last_applied == story.index
    assert (first.lag, first.log_bytes, first.queue, first.rss_bytes) == (0, 2048, 3, 48 << 20)
    assert (first.round_trip_us, second.round_trip_us) == (None, 480)
    assert first.sync_p50_us == 1234
    assert first.sync_p99_us == 1239
    assert 1000 <= (first.puts_per_s or 0) <= 1400
    assert frame.puts_per_s == first.puts_per_s, "what the leader applies counts once, not once a node"
    assert (first.heard_s or 0) < 1
    assert len(frame.puts_history) == len(frame.sync_history) == 60
    assert frame.sync_history[-1] == 1239
    assert frame.puts_history[0] is None


def test_nothing_heard_is_neither_well_nor_wrong_at_first() -> None:
    figures = Figures(THREE)
    assert figures.frame(1.0, WALL).trouble == ()
    assert not figures.settled
    figures.listen(1.0)
    assert figures.frame(2.0, WALL).trouble == ()
    frame = figures.frame(5.5, WALL)
    assert "nothing is heard for 4 s" in troubles(frame)["deaf"]
    assert {row.condition for row in frame.nodes} == {"silent"}


def test_as_long_as_no_role_is_known_nobody_misses_a_leader() -> None:
    story = Story(*THREE)
    for _ in range(3):
        story.now += 0.1
        for node in THREE:
            story.event(node, "clock", interval_us=50_000)
    assert story.frame().trouble == ()
    story.stand("n2", leader=None)
    assert list(troubles(story.frame())) == ["no_leader"]


def test_a_silent_node_is_named_and_its_rates_are_not_guessed() -> None:
    story = busy()
    for _ in range(4):
        story.second(silent=frozenset({"n3"}))
    frame = story.frame()
    assert troubles(frame) == {"silent": "n3 is not heard for 4 s"}
    silent = frame.nodes[2]
    assert (silent.condition, silent.puts_per_s, silent.sync_p99_us, silent.queue) == ("silent", None, None, None)
    story.second()
    assert story.frame().trouble == ()


def test_when_nothing_comes_at_all_that_is_the_trouble() -> None:
    story = busy()
    story.now += 4
    frame = story.frame()
    assert troubles(frame) == {"deaf": "nothing is heard for 4 s: what stands here is old"}
    assert {row.condition for row in frame.nodes} == {"silent"}
    assert frame.leader is None


def test_a_node_that_never_spoke_is_silent_too() -> None:
    story = Story("n1", "n2", "n9")
    for _ in range(5):
        story.second(silent=frozenset({"n9"}))
    assert troubles(story.frame()) == {"silent": "n9 is not heard"}


def test_no_majority_and_no_leader() -> None:
    story = busy()
    for _ in range(4):
        story.second(silent=frozenset({"n2", "n3"}))
    assert "1 of 3 nodes are heard, a majority is 2" in troubles(story.frame())["no_majority"]
    story = busy()
    story.event("n1", "role", role="follower", previous="leader", reason="no majority answers")
    assert troubles(story.frame())["no_leader"].startswith("no leader: ")
    for _ in range(3):
        story.now += 1
        for node in THREE:
            story.event(node, "clock", interval_us=50_000)
    assert troubles(story.frame())["no_leader"].startswith("no leader for 3 s: ")
    story.event("n2", "role", role="leader", previous="candidate", reason="won", term=8)
    frame = story.frame()
    assert "no_leader" not in troubles(frame)
    assert (frame.leader, frame.term) == ("n2", 8)


def test_a_lag_counts_only_while_it_grows() -> None:
    story = busy()
    for behind in (100, 200, 300, 400, 500, 600, 700):
        for tenth in range(4):
            story.now += 0.25
            story.stand("n1")
            story.stand("n2", applied_index=story.index - behind)
            story.stand("n3", applied_index=story.index - 100_000)
            frame = story.frame() if tenth == 3 else None
    assert frame is not None
    assert [row.lag for row in frame.nodes] == [0, 700, 100_000]
    assert troubles(frame)["lag"] == "n2 falls further behind: 700 entries by now"
    story.now += 1
    for node in THREE:
        story.stand(node, applied_index=story.index - 650 * (node == "n2"))
    assert "lag" not in troubles(story.frame()), "it catches up"


def test_a_node_that_does_not_hear_the_leader_is_named() -> None:
    story = busy()
    story.event("n3", "role", role="pre-candidate", previous="follower", reason="no leader was heard in time")
    story.event("n3", "leader", leader=None)
    assert story.frame().trouble == (), "it may be an election that has only begun"
    assert story.figures.undecided(story.now + 0.5)
    assert not story.figures.undecided(story.now + 1.5)
    for _ in range(3):
        story.second(silent=frozenset({"n3"}))
        story.event("n3", "clock", interval_us=50_000)
        story.stand("n3", role="pre-candidate", leader=None)
    assert troubles(story.frame()) == {"apart": "n3 has had no leader for 3 s: it does not hear n1"}
    story.second()
    assert story.frame().trouble == ()


def test_what_one_node_in_trouble_says_again_and_again_hides_nothing() -> None:
    story = busy()
    story.event("n2", "role", role="leader", previous="candidate", reason="won")
    for _ in range(100):
        story.event("n1", "disrupt_refused", candidate="n3", pre_vote=True)
        late = {"source": "n3", "topic": "raftzmq.n3.clock", "source_seq": 4, "lamport_passed": 9}
        story.event("collector", "late", **late)
    assert [event["type"] for event in story.frame().notable] == ["role"]


def test_events_that_were_lost_are_told_for_a_minute_and_counted_for_ever() -> None:
    story = busy()
    gap = {"source": "n3", "source_boot": "n3-1", "topic": "raftzmq.n3.append", "expected": 3, "received": 9}
    story.event("collector", "gap", **gap, missing=6, total=6, reason="gone")
    frame = story.frame()
    assert troubles(frame) == {"events_lost": "6 events were lost within the last minute"}
    assert frame.lost == 6
    assert frame.notable[-1]["type"] == "gap"
    for _ in range(62):
        story.second(commands=10)
    assert story.frame().trouble == ()
    assert story.frame().lost == 6


def test_violations_come_first_and_stay() -> None:
    story = busy()
    story.event("n2", "room", has_room=False)
    said = {"rule": "election safety", "nodes": ["n1", "n2"], "text": "both led term 7", "recording": None}
    for _ in range(3):
        story.event("collector", "violation", **said)
    trouble = story.frame().trouble
    assert [one.what for one in trouble] == ["violation", "no_room"]
    assert trouble[0].text == "Raft is broken: election safety does not hold: both led term 7 (and 2 more)"
    assert trouble[1].text == "n2 has no room on its disk: it takes no entries"


def test_what_the_auditor_and_supervisord_say_is_passed_on() -> None:
    story = busy()
    story.event("collector", "verdict", known=False, source="n2", reason="6 events lost")
    process = {"name": "raftzmq:n3", "state": "EXITED", "previous": "RUNNING", "pid": 0, "exit_status": 11}
    story.event("collector", "process", **process)
    found = troubles(story.frame())
    assert found["unknown"] == "the auditor cannot vouch for n2: 6 events lost"
    assert found["down"] == "n3 is down: supervisord says EXITED with status 11"


@pytest.mark.parametrize("which", ["lamport", "wall"])
def test_a_clock_that_stands_is_noticed(which: str, monkeypatch: pytest.MonkeyPatch) -> None:
    story = busy()
    if which == "lamport":
        stuck = story.lamport
        for _ in range(4):
            story.second(silent=frozenset({"n2"}))
            story.stand("n2")
            story.event("n2", "clock", interval_us=50_000, lamport=stuck)
        assert troubles(story.frame())["clock"].startswith("n2's Lamport time stands at")
    else:
        for _ in range(4):
            story.second(silent=frozenset({"n2"}))
            story.stand("n2")
            story.event("n2", "clock", interval_us=50_000, ts=WALL)
        assert troubles(story.frame())["clock"].startswith("n2's wall clock stands")
    for _ in range(6):
        story.second()
    assert story.frame().trouble == ()


def test_the_clock_of_a_node_that_is_not_heard_is_no_matter() -> None:
    story = busy()
    story.now += 0.4
    story.event("n3", "commit", index=story.index, previous=story.index - 1)
    for _ in range(25):
        story.now += 0.1
        for node in ("n1", "n2"):
            story.event(node, "clock", interval_us=50_000)
        assert "clock" not in troubles(story.frame())


def test_a_restart_begins_its_clocks_anew() -> None:
    story = busy()
    for second in range(5):
        story.now += 1
        for node in ("n1", "n3"):
            story.event(node, "clock", interval_us=50_000)
            story.stand(node)
        story.event("n2", "clock", interval_us=50_000, boot="n2-2", lamport=second + 1, mono_ns=second * 10**9)
    assert "clock" not in troubles(story.frame())


def test_a_checkpoint_brings_a_late_viewer_up_to_date() -> None:
    state = ClusterState()
    for seq in range(1, 4):
        fields = {"source": "n9", "topic": "t", "missing": 2, "reason": "gone"}
        envelope = {"node": "collector", "boot": "c", "seq": seq, "ts": WALL, "lamport": seq, "type": "gap"}
        state.fold({**envelope, **fields})
    story = busy()
    story.event("n1", "role", role="leader", previous="candidate", reason="won")
    story.event("collector", "checkpoint", boot="c", position=9, state_hash="", state=state.to_json())
    frame = story.frame()
    assert frame.lost == 6
    assert [event["type"] for event in frame.notable] == ["gap"] * 3 + ["role"], "what was before comes before"


def test_leader_changes_are_those_of_the_record_and_its_first_leader_is_none() -> None:
    recorded = ClusterState()
    for seq, node in enumerate(("n3", "n2", "n1"), 1):
        envelope = {"node": node, "boot": "b", "seq": seq, "order": seq, "ts": WALL, "lamport": seq, "term": 4 + seq}
        recorded.fold({**envelope, "type": "role", "role": "leader", "previous": "candidate", "reason": "won"})
    story = busy()
    assert story.frame().leader_changes is None, "what was before isn't known yet"
    story.event("collector", "checkpoint", boot="c", position=9, state_hash="", state=recorded.to_json())
    assert story.frame().leader_changes == 2
    story.second()
    assert story.frame().leader_changes == 2, "n1 leads term 7 as recorded"
    story.event("n2", "role", role="leader", previous="candidate", reason="won", term=8)
    assert story.frame().leader_changes == 3
    story.figures.poll(rows(), story.now)
    assert story.frame().leader_changes is None, "nodes don't tell"


def test_a_cluster_that_has_had_one_leader_has_changed_none() -> None:
    story = busy()
    story.event("collector", "checkpoint", boot="c", position=0, state_hash="", state=ClusterState().to_json())
    assert story.frame().leader_changes == 0
    story.second()
    assert (story.frame().leader, story.frame().leader_changes) == ("n1", 0)


def test_odd_events_are_no_reason_to_stop() -> None:
    story = busy()
    for kind in ("apply", "storage", "clock", "role", "standing", "metrics", "gap", "violation"):
        story.event("n1", kind)
        story.event("collector", kind)
        story.event("n1", kind, commands="x", what="log", commit_us="y", lamport=None, role=3, missing="z")
    assert story.frame().nodes[0].node == "n1"


def test_json_has_the_figures_and_no_drawings() -> None:
    document = busy(3).frame().to_json()
    assert document["schema"] == 1
    assert {"leader", "term", "puts_per_s", "nodes", "trouble", "events", "lost", "source", "ts"} <= set(document)
    assert not [name for name in document if "history" in name]
    assert document["nodes"][0]["sync_p99_us"] == 1239


def rows(**n2: Any) -> list[dict[str, Any]]:
    row = {
        "reachable": True,
        "term": 4,
        "leader": "n1",
        "commit_index": 90,
        "last_applied": 90,
        "revision": 500,
        "log_bytes": 2048,
        "has_room": True,
        "waiting_requests": 1,
        "uncommitted_batches": 2,
        "voters": list(THREE),
    }
    found = [{**row, "node": name, "role": "leader" if name == "n1" else "follower"} for name in THREE]
    found[1].update(n2)
    return found


def test_nodes_that_nobody_expected_come_in_order() -> None:
    story = Story("n10", "n2", "a", "n1")
    story.figures = Figures(["n2"])
    story.second()
    assert [row.node for row in story.frame().nodes] == ["n2", "a", "n1", "n10"]


def test_a_node_that_tells_its_name_later_is_one_node() -> None:
    figures = Figures()
    figures.poll([{"node": "127.0.0.1:7201", "reachable": False}], 1.0)
    figures.poll(rows()[:1], 2.0)
    assert [row.node for row in figures.frame(2.0, WALL).nodes] == ["n1"]


def test_status_rows_do_where_there_is_no_stream() -> None:
    figures = Figures(THREE)
    assert not figures.measured(0.3)
    for second in range(4):
        figures.poll([{**row, "revision": 500 + 60 * second} for row in rows()], second + 0.3)
        assert figures.measured(second + 0.3) == (second > 0)
    frame = figures.frame(3.9, WALL)
    assert [value for value in frame.puts_history if value is not None] == pytest.approx([60, 60])
    assert (frame.source, frame.leader, frame.term, frame.trouble) == ("status", "n1", 4, ())
    assert frame.puts_per_s == pytest.approx(60)
    assert (frame.nodes[0].queue, frame.nodes[0].log_bytes, frame.nodes[0].sync_p99_us) == (3, 2048, None)
    figures.poll(rows(reachable=False, role=None, commit_index=None, last_applied=None), 4.3)
    assert troubles(figures.frame(4.9, WALL)) == {"silent": "n2 is not heard for 2 s"}
    figures.poll(rows(has_room=False, last_applied=80), 5.0)
    frame = figures.frame(5.0, WALL)
    assert list(troubles(frame)) == ["no_room"]
    assert frame.nodes[1].lag == 10


def test_the_stream_takes_over_when_it_comes() -> None:
    story = Story(*THREE)
    story.figures.poll(rows(), 0.0)
    assert story.frame().source == "status"
    story.second()
    assert story.frame().source == "events"
    assert story.frame().nodes[0].rss_bytes == METRICS["rss_bytes"]
