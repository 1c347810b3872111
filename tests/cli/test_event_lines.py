"""Events as lines for people."""

from __future__ import annotations

from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftzmq.cli.event_lines import _WORDS, describe, event_line
from raftzmq.events import EVENT_TYPES

ENVELOPE: dict[str, Any] = {"v": 1, "node": "n1", "boot": "b", "seq": 1, "ts": 0.5, "mono_ns": 1, "term": 4}

SAMPLES: dict[str, tuple[dict[str, Any], str]] = {
    "boot": (
        {"first_index": 1, "last_index": 9, "applied_index": 7, "voted_for": None, "voters": ["n1", "n2"]},
        "log 1…9, state at 7, vote none, voters n1 n2",
    ),
    "corrupt": ({"what": "entry 3 from n2 fails its checksum"}, "entry 3 from n2 fails its checksum"),
    "role": ({"role": "leader", "previous": "candidate", "reason": "won"}, "candidate → leader: won"),
    "term": ({"previous": 3, "reason": "starts an election"}, "3 → 4: starts an election"),
    "election": ({"pre_vote": False, "last_log_index": 12}, "asks for votes; its log ends at 12"),
    "vote": (
        {"candidate": "n2", "granted": False, "pre_vote": True, "reason": "its log is behind"},
        "refuses n2 a pre-vote: its log is behind",
    ),
    "leader": ({"leader": "n1"}, "leads"),
    "disrupt_refused": ({"candidate": "n3", "pre_vote": False}, "n3 asked for a vote while a leader is heard"),
    "append": ({"first": 3, "last": 5, "bytes": 2048, "batch": 3, "role": "leader"}, "3…5: 2.0 KiB as leader"),
    "truncate": ({"first": 3, "last": 3, "leader": "n2"}, "3 dropped: n2 has others"),
    "commit": ({"index": 9, "previous": 7}, "7 → 9"),
    "compact": ({"index": 900, "bytes": 1 << 24}, "up to 900; 16.0 MiB left"),
    "snapshot": ({"step": "install", "index": 7, "peer": "n1"}, "install up to 7 (n1)"),
    "room": ({"has_room": False}, "the disk is nearly full: no entries are taken"),
    "apply": (
        {"first": 3, "last": 4, "commands": 1200, "revision": 5, "digest": 255, "elapsed_us": 1500},
        "3…4: 1,200 commands in 1.5 ms, revision 5, digest 000000ff",
    ),
    "storage": (
        {"what": "log", "elapsed_us": 2000, "commit_us": 1500, "entries": 1, "bytes": 10},
        "log: 2.0 ms, sync 1.5 ms, 1 entry, 10 B",
    ),
    "request": ({"kind": "execute", "commands": 12, "bytes": 3 << 20}, "execute: 12 in 3.0 MiB"),
    "read": ({"count": 2, "index": 8}, "2 reads answered at 8"),
    "client_refused": ({"reason": "no handshake"}, "no handshake"),
    "peer_refused": ({"reason": "another cluster"}, "another cluster"),
    "dropped": ({"what": "peer", "count": 1}, "1 message (peer) not sent: no room, or nobody there"),
    "gap": (
        {"topic": "raftzmq.n1.commit", "expected": 3, "received": 6, "missing": 3, "total": 4},
        "3 events of raftzmq.n1.commit lost (seq 3…5), 4 in all",
    ),
}


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_every_type_has_words(kind: str) -> None:
    fields, words = SAMPLES[kind]
    assert set(fields) <= set(EVENT_TYPES[kind].fields)
    assert describe({**ENVELOPE, "type": kind, **fields}) == words
    assert kind in _WORDS


def test_what_is_not_known_is_shown_as_it_is() -> None:
    assert describe({**ENVELOPE, "type": "lease", "id": 3, "until": "x"}) == "id=3 until=x"
    assert describe({**ENVELOPE, "type": "commit", "position": 3}) == "position=3"
    assert describe({**ENVELOPE, "type": "apply", "first": 1, "last": None}) == "first=1 last=None"


def test_a_line_has_time_node_term_type_and_words() -> None:
    line = event_line({**ENVELOPE, "type": "commit", "index": 2, "previous": 1}, colours=False)
    assert line.endswith(".500 n1   t4    commit   1 → 2")


def test_colours_add_nothing_but_colours() -> None:
    for kind, (fields, _) in SAMPLES.items():
        event = {**ENVELOPE, "type": kind, **fields}
        assert click.unstyle(event_line(event, colours=True)) == event_line(event, colours=False)


def test_a_long_line_goes_on_below_its_beginning() -> None:
    event = {**ENVELOPE, "type": "role", "role": "follower", "previous": "leader", "reason": "word " * 20}
    first, *rest = event_line(event, colours=False, width=80).split("\n")
    assert rest
    assert max(map(len, [first, *rest])) <= 80
    assert all(line.startswith(" " * 33 + "word") for line in rest)


@given(st.text(st.characters(exclude_categories=[])), st.sampled_from(sorted(SAMPLES)), st.integers(0, 200))
def test_no_text_of_an_event_steers_the_terminal(text: str, kind: str, width: int) -> None:
    fields = {name: text if isinstance(value, str) else value for name, value in SAMPLES[kind][0].items()}
    line = event_line({**ENVELOPE, "node": text, "type": kind, **fields}, colours=False, width=width)
    assert line.replace("\n", "").isprintable()
