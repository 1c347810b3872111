"""What a judge makes of a follower that gets the state, of one that gets entries, and of a wrong state."""

from __future__ import annotations

from raftzmq.labs.history import Event
from raftzmq.labs.slow_follower import judge
from tests.labs.chronicle import Chronicle

HAD, FORGOTTEN, SNAPSHOT, LAST = 3, 5, 8, 10


def apply(chronicle: Chronicle, node: str, last: int) -> None:
    chronicle.say(node, "apply", first=last, last=last, digest=11 * last, revision=last, commands=1)


def snapshot(chronicle: Chronicle, node: str, step: str, peer: str, digest: int | None = None) -> None:
    chronicle.say(node, "snapshot", step=step, index=SNAPSHOT, peer=peer, digest=digest)


def story() -> Chronicle:
    """n3 leads; n1 has three entries when it goes, and comes back when the log begins after the fifth of eight."""
    chronicle = Chronicle()
    for node in chronicle.nodes:
        chronicle.boot(node)
        chronicle.append(node, 1, 2, HAD)
    for node in ("n2", "n3"):
        for index in range(HAD + 1, SNAPSHOT + 1):
            chronicle.append(node, index)
            apply(chronicle, node, index)
    chronicle.say("n3", "compact", index=FORGOTTEN, bytes=1)
    chronicle.boot("n1", last_index=HAD)
    snapshot(chronicle, "n3", "send", "n1")
    chronicle.message("n3", "n1", "SnapshotChunk", {})
    for event in chronicle.events[-2:]:
        event["bytes"] = 2 * 1024 * 1024
    snapshot(chronicle, "n1", "install", "n3")
    snapshot(chronicle, "n1", "installed", "n3", 11 * SNAPSHOT)
    for index in range(SNAPSHOT + 1, LAST + 1):
        chronicle.append("n1", index)
        chronicle.commit("n1", index)
    return chronicle


def held(chronicle: Chronicle) -> list[bool]:
    return [check.held for check in judge(chronicle.history()).checks]


def test_the_whole_story_is_green() -> None:
    verdict = judge(story().history())
    assert verdict.green
    seen = [check.seen.en for check in verdict.checks if check.seen is not None]
    assert "n1 had entries up to 3, the log of n3 began after 5" in seen[0]
    assert "1 chunks, 2 MiB" in seen[1]
    assert "2 entries after 8, committed up to 10" in seen[3]


def keeping(chronicle: Chronicle, *missing: str) -> Chronicle:
    def is_missing(event: Event) -> bool:
        return event["type"] in missing or event.get("step") in missing

    chronicle.events = [event for event in chronicle.events if not is_missing(event)]
    return chronicle


def test_a_follower_that_is_given_entries_shows_nothing() -> None:
    chronicle = keeping(story(), "compact", "snapshot")
    chronicle.append("n1", *range(HAD + 1, LAST + 1))
    assert held(chronicle) == [False]


def test_where_nobody_comes_back_there_is_nothing_to_judge() -> None:
    chronicle = Chronicle()
    for node in chronicle.nodes:
        chronicle.boot(node)
    assert held(chronicle) == [False]


def test_a_log_that_still_had_what_it_lacked_is_red() -> None:
    chronicle = story()
    for event in chronicle.events:
        if event["type"] == "compact":
            event["index"] = HAD
    assert held(chronicle) == [False, True, True, True]


def test_a_snapshot_that_is_never_installed_is_red() -> None:
    assert held(keeping(story(), "installed")) == [True, False]


def test_another_state_than_the_others_had_is_red() -> None:
    chronicle = story()
    for event in chronicle.events:
        if event.get("step") == "installed":
            event["digest"] += 1
    assert held(chronicle) == [True, True, False, True]


def test_a_state_that_nobody_else_told_of_is_red() -> None:
    assert held(keeping(story(), "apply")) == [True, True, False, True]


def test_entries_from_before_the_snapshot_are_red() -> None:
    chronicle = story()
    chronicle.append("n1", SNAPSHOT)
    assert held(chronicle) == [True, True, True, False]


def test_a_follower_that_commits_nothing_after_it_is_red() -> None:
    assert held(keeping(story(), "commit")) == [True, True, True, False]
