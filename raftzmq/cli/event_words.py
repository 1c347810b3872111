"""What happened in an event, in a few words: one phrase for every type of the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Event = Mapping[str, Any]
ENVELOPE = frozenset({"v", "node", "boot", "seq", "order", "ts", "mono_ns", "lamport", "term", "type"})


def describe(event: Event) -> str:
    """What happened, in a few words; the bare fields for a type, or a shape, that this release doesn't know."""
    words = WORDS.get(event["type"])
    if words is not None:
        try:
            return words(event)
        except (KeyError, TypeError, ValueError, AttributeError):
            pass  # a newer node says it in other fields: show those
    return fields(event)


def fields(event: Event) -> str:
    """The fields beside the envelope, as they are."""
    return " ".join(f"{key}={value}" for key, value in event.items() if key not in ENVELOPE)


def size(count: int) -> str:
    """Bytes for people."""
    if count < 1024:
        return f"{count} B"
    return f"{count / 1024:.1f} KiB" if count < 1024 * 1024 else f"{count / 1024 / 1024:.1f} MiB"


def _entries(event: Event) -> str:
    first, last = event["first"], event["last"]
    return f"{first}" if first == last else f"{first}…{last}"


def _count(number: int, noun: str, nouns: str = "") -> str:
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


def _ms(microseconds: int) -> str:
    return f"{microseconds / 1000:.1f} ms"


def _boot(e: Event) -> str:
    voters = f", voters {' '.join(e['voters'])}" if "voters" in e else ""
    return (
        f"log {e['first_index']}…{e['last_index']}, state at {e['applied_index']}, "
        f"vote {e['voted_for'] or 'none'}{voters}"
    )


def _vote(e: Event) -> str:
    verb = "grants" if e["granted"] else "refuses"
    return f"{verb} {e['candidate']} {'a pre-vote' if e['pre_vote'] else 'its vote'}: {e['reason']}"


def _leader(e: Event) -> str:
    if not e["leader"]:
        return "knows no leader"
    return "leads" if e["leader"] == e["node"] else f"follows {e['leader']}"


def _election(e: Event) -> str:
    asks = "asks whether it would win" if e["pre_vote"] else "asks for votes"
    return f"{asks}; its log ends at {e['last_log_index']}"


def _apply(e: Event) -> str:
    return (
        f"{_entries(e)}: {_count(e['commands'], 'command')} in {_ms(e['elapsed_us'])}, revision {e['revision']}, "
        f"digest {e['digest']:08x}"
    )


def _storage(e: Event) -> str:
    parts = [f"{e['what']}: {_ms(e['elapsed_us'])}"]
    if e["commit_us"]:
        parts.append(f"sync {_ms(e['commit_us'])}")
    if e["entries"]:
        parts.append(f"{_count(e['entries'], 'entry', 'entries')}, {size(e['bytes'])}")
    return ", ".join(parts)


def _reply(e: Event) -> str:
    return f"{_entries(e)}: {_count(e['requests'], 'request')} answered, commit index {e['commit_index']}"


_TRACED = ("proposed_us", "logged_us", "committed_us", "applied_us", "replied_us")


def _trace(e: Event) -> str:
    """Only the steps of the node itself: `raftzmq explain` shows those of the peers, and what took the time."""
    who = f"{e['tag']!r}" if e["tag"] else "the slowest of a second"
    steps = ", ".join(f"{name[:-3]} {_ms(e[name])}" for name in _TRACED if e[name] is not None)
    return f"{who}: {e['kind']} of {e['commands']:,} at {e['index']}: {steps}"


def _standing(e: Event) -> str:
    if e["role"] == "leader":
        stands = "leads"
    else:
        stands = f"{e['role']} of {e['leader']}" if e["leader"] else f"{e['role']} without a leader"
    room = "" if e["has_room"] else ", no room on disk"
    return (
        f"{stands}: log {e['mark_index'] + 1}…{e['last_index']}, on disk {e['stable_index']}, commit "
        f"{e['commit_index']}, applied {e['applied_index']}, revision {e['revision']}{room}"
    )


def _metrics(e: Event) -> str:
    parts = [
        f"{_count(e['proposals_pending'], 'proposal')} and {_count(e['reads_pending'], 'read')} wait",
        f"log {size(e['log_bytes'])}",
        f"behind by {size(e['lag_bytes'])}",
        _count(e["clients"], "client"),
    ]
    if e["rss_bytes"] is not None:
        parts.append(f"memory {size(e['rss_bytes'])}")
    if e["round_trip_us"]:
        trips = " ".join(f"{peer} {_ms(us)}" for peer, us in sorted(e["round_trip_us"].items()))
        parts.append(f"round trips {trips}")
    return ", ".join(parts)


def _message(arrow: str) -> Callable[[Event], str]:
    def words(e: Event) -> str:
        body = " ".join(f"{name}={_plain(value)}" for name, value in e["body"].items())
        load = f", {size(e['bytes'])}" if e["bytes"] else ""
        return f"{arrow} {e['peer']} {e['message']}{load}: {body} ({e['mid']})"

    return words


def _plain(value: Any) -> str:
    if isinstance(value, list) and len(value) == 2:
        return f"{value[0]}…{value[1]}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


def _fault(e: Event) -> str:
    if e["what"] == "elect":
        return "is told to campaign"
    parts = ["cut"] if e["cut"] else []
    parts += [f"{name} {e[name]:.0%}" for name in ("drop", "duplicate") if e[name]]
    parts += [f"{name} {_ms(e[name + '_us'])}" for name in ("delay", "jitter") if e[name + "_us"]]
    end = f", for {e['for_us'] / 1e6:g} s" if e["for_us"] else ""
    return f"link to {e['peer']} {e['what']}: {', '.join(parts)}{end}"


def _gap(e: Event) -> str:
    span = e["expected"] if e["missing"] == 1 else f"{e['expected']}…{e['received'] - 1}"
    why = f": {e['reason']}" if e.get("reason") else ""
    return f"{_count(e['missing'], 'event')} of {e['topic']} lost (seq {span}), {e['total']:,} in all{why}"


def _process(e: Event) -> str:
    how = f" with status {e['exit_status']}" if e["state"] == "EXITED" else ""
    who = f" (pid {e['pid']})" if e["pid"] else ""
    return f"{e['name']}: {e['previous'] or 'not seen before'} → {e['state']}{how}{who}"


def _violation(e: Event) -> str:
    where = f"; recorded in {e['recording']}" if e["recording"] else ""
    who = f" ({', '.join(e['nodes'])})" if e.get("nodes") else ""
    return f"{e['rule']} does not hold{who}: {e['text']}{where}"


def _verdict(e: Event) -> str:
    if e["known"]:
        return f"{e['source']} is whole again: {e['reason']}"
    return f"unknown from here on, as events of {e['source']} are missing: {e['reason']}"


WORDS: dict[str, Callable[[Event], str]] = {
    "boot": _boot,
    "corrupt": lambda e: str(e["what"]),
    "role": lambda e: f"{e['previous']} → {e['role']}: {e['reason']}",
    "term": lambda e: f"{e['previous']} → {e['term']}: {e['reason']}",
    "election": _election,
    "vote": _vote,
    "leader": _leader,
    "disrupt_refused": lambda e: f"{e['candidate']} asked for a vote while a leader is heard",
    "append": lambda e: f"{_entries(e)}: {size(e['bytes'])} as {e['role']}",
    "truncate": lambda e: f"{_entries(e)} dropped: {e['leader']} has others",
    "commit": lambda e: f"{e['previous']} → {e['index']}",
    "compact": lambda e: f"up to {e['index']}; {size(e['bytes'])} left",
    "snapshot": lambda e: f"{e['step']} up to {e['index']} ({e['peer'] or 'unknown'})",
    "room": lambda e: "there is room again" if e["has_room"] else "the disk is nearly full: no entries are taken",
    "apply": _apply,
    "storage": _storage,
    "request": lambda e: f"{e['kind']}: {e['commands']:,} in {size(e['bytes'])}",
    "reply": _reply,
    "read": lambda e: f"{_count(e['count'], 'read')} answered at {e['index']}",
    "trace": _trace,
    "client_refused": lambda e: str(e["reason"]),
    "peer_refused": lambda e: str(e["reason"]),
    "dropped": lambda e: f"{_count(e['count'], 'message')} ({e['what']}) not sent: no room, or nobody there",
    "sent": _message("→"),
    "received": _message("←"),
    "heartbeat_sent": _message("→"),
    "heartbeat_received": _message("←"),
    "clock": lambda e: f"Lamport time {e['lamport']:,}",
    "standing": _standing,
    "metrics": _metrics,
    "fault": _fault,
    "gap": _gap,
    "late": lambda e: f"{e['topic']} (seq {e['source_seq']}) came after Lamport time {e['lamport_passed']:,}",
    "process": _process,
    "checkpoint": lambda e: f"after {e['position']:,} events the state hashes to {e['state_hash'][:12]}",
    "violation": _violation,
    "verdict": _verdict,
}
"""A phrase for each type, made of its fields."""
