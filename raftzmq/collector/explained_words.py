"""Where the time of a request went, in words: names of parts, and sentences about what counted."""

from __future__ import annotations

from raftzmq.collector.explaining import Beside, Explanation, Part, Step

_NAMES = {
    Step.CLIENT: "between the client and {node}",
    Step.QUEUE: "{node}'s queue",
    Step.SEND: "waiting to be sent to {node}",
    Step.NETWORK: "to {node} and back",
    Step.DISK: "{node}'s disk",
    Step.FOLLOWER: "{node}'s network and disk",
    Step.COMMIT: "{leader} counting it",
    Step.CONFIRM: "a majority confirming {node}",
    Step.APPLY: "applying it to {node}'s state",
    Step.READ: "reading it from {node}'s state",
    Step.REPLY: "{node} answering",
}
_ORDINALS = ("", "single", "second", "third", "fourth", "fifth", "sixth", "seventh")
MOST = 0.7
"""The longest parts are named until they are this much of the whole."""
LAGS_US = 2_000
"""A follower that takes so much longer than the one that decided, and twice as long, is worth a sentence."""


def part_name(part: Part, explanation: Explanation) -> str:
    """A part for people, such as ``n3's disk``; ``the leader's disk`` is ``n1's disk (the leader's)``."""
    name = _NAMES[part.step].format(node=part.node, leader=explanation.node)
    leads = part.step is Step.DISK and part.node == explanation.node
    return f"{name} (the leader's)" if leads else name


def milliseconds(us: int) -> str:
    """Microseconds as milliseconds, with as many digits as say something."""
    return f"{us / 1000:.0f} ms" if us >= 100_000 else f"{us / 1000:.1f} ms" if us >= 10_000 else f"{us / 1000:.2f} ms"


def words(explanation: Explanation) -> list[str]:
    """Sentences: what took most of the time, what completed the majority, who lags and costs nothing."""
    said = [_most(explanation)]
    if explanation.decided_by is not None:
        said.append(_decision(explanation))
        said += [text for beside in explanation.beside if (text := _beside(beside, explanation))]
    return said


def longest(explanation: Explanation) -> list[Part]:
    """The parts that took most of the time, the longest first: three at most."""
    left = MOST * max(1, explanation.latency_us)
    found: list[Part] = []
    for part in sorted(explanation.parts, key=lambda part: -part.us):
        if left <= 0 or len(found) == 3:
            break
        left -= part.us
        found.append(part)
    return found


def silent(explanation: Explanation) -> list[str]:
    """Followers of which nothing was heard of this request."""
    return [beside.node for beside in explanation.beside if beside.answered_us is None and beside.disk_us is None]


def lags(beside: Beside, explanation: Explanation) -> bool:
    """Did its disk take so much longer than the one that decided that it is worth a sentence?"""
    decided_us = sum(p.us for p in explanation.parts if p.node == explanation.decided_by and p.step is not Step.CLIENT)
    return beside.disk_us is not None and beside.disk_us > max(2 * decided_us, decided_us + LAGS_US)


def _most(explanation: Explanation) -> str:
    total = max(1, explanation.latency_us)
    named = [
        f"{100 * part.us / total:.0f} % ({milliseconds(part.us)}) was {part_name(part, explanation)}"
        for part in longest(explanation)
    ]
    who = "the client" if explanation.by_client else explanation.node
    return f"{milliseconds(explanation.latency_us)} as {who} measured it: {', '.join(named)}."


def _decision(explanation: Explanation) -> str:
    decided, leader = explanation.decided_by, explanation.node
    if decided == leader:
        if not explanation.beside:
            return f"{leader} is alone: its own disk is the majority."
        return f"The leader's disk, {leader}'s, completed the majority."
    unheard = silent(explanation)
    ordinal = _ORDINALS[explanation.answer] if explanation.answer < len(_ORDINALS) else f"{explanation.answer}th"
    text = f"The leader waited for a {ordinal} answer: {decided}'s"
    late = next((p for p in explanation.parts if p.step is Step.DISK and p.node == leader), None)
    if late is not None:
        text += f", and then {milliseconds(late.us)} for its own disk, which its state waits for"
    if unheard:
        text += f"; of {' and '.join(unheard)} nothing was heard, so {decided}'s had to be waited for"
    return f"{text}."


def _beside(beside: Beside, explanation: Explanation) -> str:
    if beside.disk_us is None or not lags(beside, explanation):
        return ""
    took = f"its disk took {milliseconds(beside.disk_us)}"
    return f"{beside.node} lags: {took}. It costs nothing here, a majority doesn't wait for it."
