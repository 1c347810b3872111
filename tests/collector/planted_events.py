"""Violations to plant into recordings of sound runs: each changes what some node says, and names what that breaks."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from tests.collector.audited_runs import Event

Plant = Callable[[list[Event]], None]


class NothingFits(Exception):
    """The run has nothing that this could be planted into."""


def find(events: list[Event], kind: str, fits: Callable[[Event], bool] = lambda _: True, after: int = -1) -> int:
    """The place of the first event of a type that ``fits``, behind the place ``after``; raises NothingFits."""
    for place in range(after + 1, len(events)):
        if events[place]["type"] == kind and fits(events[place]):
            return place
    raise NothingFits(kind)


def of(node: str, boot: str) -> Callable[[Event], bool]:
    """Events of one boot of a node."""
    return lambda event: (event["node"], event["boot"]) == (node, boot)


def stored_by(node: str, events: list[Event]) -> list[Event]:
    """What a node said of its log's writes."""
    return [e for e in events if e["node"] == node and e["type"] == "storage" and e["what"] == "log"]


def insert(events: list[Event], place: int, kind: str, **fields: Any) -> Event:
    """Have the node of the event at ``place`` say something right after it."""
    envelope = ("v", "node", "boot", "seq", "order", "ts", "mono_ns", "lamport", "term")
    event = {**{name: events[place][name] for name in envelope}, "type": kind, **fields}
    events.insert(place + 1, event)
    return event


def _first_of(mine: Callable[[Event], bool], last: int) -> Callable[[Event], bool]:
    return lambda event: mine(event) and event["index"] == last and event["previous"] < last


def leader_commit(events: list[Event], after: int = -1) -> tuple[int, int]:
    """The places of an append of several nodes' leader, and of the commit that is the first of its last entry."""
    while True:
        append = find(events, "append", lambda event: event["role"] == "leader", after)
        node, boot, last = events[append]["node"], events[append]["boot"], events[append]["last"]
        mine = of(node, boot)
        try:
            commit = find(events, "commit", _first_of(mine, last), append)
        except NothingFits:
            after = append
            continue
        if not any(e["type"] == "commit" and e["index"] >= last for e in events[:commit]):
            return append, commit
        after = append


def two_leaders(events: list[Event]) -> None:
    """Somebody else says in the leader's term that it leads."""
    place = find(events, "role", lambda event: event["role"] == "leader")
    other = find(events, "standing", lambda e: e["node"] != events[place]["node"], place)
    said = insert(events, other, "role", role="leader", previous="candidate", reason="planted")
    said["term"] = events[other]["term"] = events[place]["term"]


def vote_twice(events: list[Event]) -> None:
    """A voter grants another candidate the same vote."""
    place = find(events, "vote", lambda event: event["granted"] and not event["pre_vote"])
    vote = events[place]
    other = next(e["node"] for e in events if e["node"] not in (vote["node"], vote["candidate"]))
    insert(events, place, "vote", candidate=other, granted=True, pre_vote=False, reason="planted")


def other_entry(events: list[Event]) -> None:
    """A follower's entry isn't the leader's of that index and term."""
    place = find(events, "append", lambda event: event["role"] == "follower")
    events[place]["chains"][-1] ^= 1


def other_state(events: list[Event]) -> None:
    """After the same entry, a node's state isn't that of another which applied it before."""
    seen: dict[int, str] = {}
    for event in events:
        if event["type"] == "apply" and seen.setdefault(event["last"], event["node"]) != event["node"]:
            event["digest"] ^= 1
            return
    raise NothingFits("apply")


def leader_without_entry(events: list[Event]) -> None:
    """What was committed stands in the log of the majority alone: the next leader had something else there."""
    for place, event in enumerate(events):
        if event["type"] != "role" or event["role"] != "leader":
            continue
        mine = of(event["node"], event["boot"])
        for before in range(place - 1, -1, -1):
            append = events[before]
            if append["type"] != "append" or not mine(append):
                continue
            last = append["last"]
            earlier = [
                e
                for e in events[:place]
                if e["type"] == "commit" and e["index"] == last and not mine(e) and e["term"] < event["term"]
            ]
            if earlier and not any(e["type"] == "commit" and mine(e) and e["index"] >= last for e in events[:place]):
                append["chains"][-1] ^= 1
                return
            break
    raise NothingFits("role")


def leader_with_short_log(events: list[Event]) -> None:
    """The leader drops what others committed, just before it is elected, and appends from there."""
    for place, event in enumerate(events):
        if event["type"] != "role" or event["role"] != "leader":
            continue
        mine = of(event["node"], event["boot"])
        commits = [e for e in events[:place] if e["type"] == "commit"]
        committed = max((e["index"] for e in commits if e["term"] < event["term"]), default=0)
        own = max((e["index"] for e in commits if mine(e)), default=0)
        if committed < 3 or own == 0:
            continue
        append = find(events, "append", mine, place)
        if events[append]["first"] != committed + 1:
            continue
        truncate = insert(events, place - 1, "truncate", first=committed, last=committed, leader="n1")
        for name in ("node", "boot", "mono_ns", "lamport", "term"):
            truncate[name] = event[name]
        events[append + 1]["first"] -= 1
        events[append + 1]["last"] -= 1
        return
    raise NothingFits("role")


def commit_goes_back(events: list[Event]) -> None:
    """A node's commit index falls."""
    place = find(events, "commit", lambda event: event["previous"] > 1)
    event = events[place]
    insert(events, place, "commit", index=event["index"] - 1, previous=event["index"], entry_term=None, chain=None)


def term_goes_back(events: list[Event]) -> None:
    """A node comes to an earlier term."""
    place = find(events, "term", lambda event: event["previous"] > 0)
    said = insert(events, place, "term", previous=events[place]["term"], reason="planted")
    said["term"] = events[place]["previous"]


def commit_without_disks(events: list[Event]) -> None:
    """The leader commits its entry as soon as it has it, before any disk does."""
    append, commit = leader_commit(events)
    moved = events.pop(commit)
    for name in ("ts", "mono_ns", "lamport", "term"):
        moved[name] = events[append][name]
    events.insert(append + 1, moved)


def follower_never_stored(events: list[Event]) -> None:
    """The followers never say that they stored what was committed; one of them is told of its commit all the same."""
    append, _ = leader_commit(events)
    leader, index = events[append]["node"], events[append]["last"]
    for event in events[append:]:
        if event["type"] == "storage" and event["what"] == "log" and event["node"] != leader:
            if event["last"] >= index:
                event["last"], event["chain"] = index - 1, None
        elif event["type"] == "standing" and event["node"] != leader:
            event["stable_index"] = min(event["stable_index"], index - 1)


def reply_before_commit(events: list[Event]) -> None:
    """A client is answered for an entry that isn't committed yet."""
    place = find(events, "reply")
    reply = events.pop(place)
    mine = of(reply["node"], reply["boot"])
    append = find(events, "append", lambda e: mine(e) and e["last"] >= reply["last"])
    reply["commit_index"] = events[append]["first"] - 1
    for name in ("ts", "mono_ns", "lamport", "term"):
        reply[name] = events[append][name]
    events.insert(append + 1, reply)


def applied_beyond_commit(events: list[Event]) -> None:
    """A node applies what it doesn't know to be committed."""
    for place, event in enumerate(events):
        if event["type"] != "commit":
            continue
        mine = of(event["node"], event["boot"])
        logged = max((e["last"] for e in events[:place] if e["type"] == "append" and mine(e)), default=0)
        apply = find(events, "apply", mine, place)
        if logged > event["index"] and events[apply]["last"] == event["index"]:
            insert(
                events,
                apply,
                "apply",
                **{name: events[apply][name] for name in ("commands", "revision", "digest", "elapsed_us")},
                first=event["index"] + 1,
                last=event["index"] + 1,
                chain=None,
            )
            return
    raise NothingFits("apply")


def applied_again(events: list[Event]) -> None:
    """A node applies an entry twice."""
    place = find(events, "apply", lambda event: event["first"] > 1)
    events.insert(place + 1, deepcopy(events[place]))


def truncated_commit(events: list[Event]) -> None:
    """A follower drops an entry that it knows to be committed."""
    place = find(events, "commit", lambda event: event["index"] > 2)
    while events[place]["node"] == events[leader_commit(events)[0]]["node"]:
        place = find(events, "commit", lambda event: event["index"] > 2, place)
    index = events[place]["index"]
    insert(events, place, "truncate", first=index, last=index, leader="n1")


def leader_truncates(events: list[Event]) -> None:
    """A leader drops the entry that it has just made."""
    append, _ = leader_commit(events)
    last = events[append]["last"]
    insert(events, append, "truncate", first=last, last=last, leader=events[append]["node"])


def old_term_committed(events: list[Event]) -> None:
    """A leader commits an entry of an earlier term by counting its copies (Raft, figure 8)."""
    for place, event in enumerate(events):
        if event["type"] != "append" or event["role"] != "leader" or event["terms"][0] < 2:
            continue
        mine = of(event["node"], event["boot"])
        commit = find(events, "commit", mine, place)
        index = event["first"] - 1
        before = [e for e in events[:place] if e["type"] == "append" and mine(e) and e["first"] <= index <= e["last"]]
        if events[commit]["previous"] < index and before:
            at = index - before[-1]["first"]
            term, chain = before[-1]["terms"][at], before[-1]["chains"][at]
            if term == event["terms"][0]:
                continue
            previous = events[commit]["previous"]
            insert(events, place, "commit", index=index, previous=previous, entry_term=term, chain=chain)
            return
    raise NothingFits("append")


def vote_forgotten(events: list[Event]) -> None:
    """A node starts without the vote that its disk had."""
    for place, event in enumerate(events):
        if event["type"] == "boot" and event["order"] == 1 and event["voted_for"] is not None:
            before = stored_by(event["node"], events[:place])
            if before and (before[-1]["vote_term"], before[-1]["voted_for"]) == (event["term"], event["voted_for"]):
                event["voted_for"] = None
                return
    raise NothingFits("boot")


def entries_forgotten(events: list[Event]) -> None:
    """A node starts without an entry that its disk had, and that was committed."""
    for place, event in enumerate(events):
        committed = max((e["index"] for e in events[:place] if e["type"] == "commit"), default=0)
        if event["type"] == "boot" and 3 < event["last_index"] <= committed:
            stored = stored_by(event["node"], events[:place])
            if stored and stored[-1]["last"] == event["last_index"]:
                event["last_index"] = event["mark_index"] = event["applied_index"] = 2
                event["last_term"] = event["last_chain"] = event["mark_chain"] = 0
                return
    raise NothingFits("boot")


def compacted_too_far(events: list[Event]) -> None:
    """A log forgets what the state hasn't made durable."""
    place = find(events, "storage", lambda event: event["what"] == "state")
    mine = of(events[place]["node"], events[place]["boot"])
    index = max(e["last"] for e in events if e["type"] == "storage" and e["what"] == "state" and mine(e)) + 1
    insert(events, place, "compact", index=index, bytes=0)


def other_snapshot(events: list[Event]) -> None:
    """A snapshot is installed that ends at another entry than was committed."""
    events[find(events, "snapshot", lambda event: event["step"] == "installed")]["chain"] ^= 1


def acknowledged_unstored(events: list[Event]) -> None:
    """A follower tells the leader that it has entries which its disk lacks."""
    for place, event in enumerate(events):
        if event["type"] == "sent" and event["message"] == "AppendEntriesResponse" and event["body"]["success"]:
            mine = of(event["node"], event["boot"])
            logged = max((e["last"] for e in events[:place] if e["type"] == "append" and mine(e)), default=0)
            stored = list(filter(mine, stored_by(event["node"], events[:place])))
            if stored and stored[-1]["last"] < logged:
                event["body"]["match_index"] = logged
                return
    raise NothingFits("sent")


PLANTS: dict[Plant, tuple[str, ...]] = {
    two_leaders: ("election_safety",),
    vote_twice: ("one_vote",),
    other_entry: ("log_matching",),
    other_state: ("state_machine_safety",),
    leader_without_entry: ("leader_completeness", "log_matching"),
    leader_with_short_log: ("leader_completeness",),
    commit_goes_back: ("monotonic",),
    term_goes_back: ("monotonic",),
    commit_without_disks: ("durable_commit",),
    follower_never_stored: ("durable_commit",),
    reply_before_commit: ("acknowledged_writes",),
    applied_beyond_commit: ("state_behind_log",),
    applied_again: ("monotonic",),
    truncated_commit: ("state_machine_safety",),
    leader_truncates: ("leader_append_only",),
    old_term_committed: ("current_term_commit",),
    vote_forgotten: ("durability",),
    entries_forgotten: ("durability",),
    compacted_too_far: ("compaction",),
    other_snapshot: ("installed_snapshots", "log_matching"),
    acknowledged_unstored: ("durable_promise",),
}
"""What is planted, and the rules by one of which it must be found."""
