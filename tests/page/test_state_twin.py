"""The page's fold of the events and the collector's: the same state, member by member, whatever comes."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Any

import pytest

from raftzmq.collector.cluster_state import KERNEL, ClusterState
from raftzmq.collector.node_state import INTEGER_MAX, TEXT_MAX
from tests.collector.audited_runs import recorded
from tests.collector.streams import boot, collectors, event, fault, standing
from tests.collector.web.support import serving
from tests.page.chromium import tab

Event = dict[str, Any]
EVERY = 25
"""States are compared after so many events."""
FOLD = """
(async () => {
  const { ClusterState } = await import("/static/state.js");
  let state = new ClusterState();
  const found = [];
  JSON.parse(%s).forEach((event, i, events) => {
    state.fold(event);
    if ((i + 1) %% %d === 0 || i === events.length - 1) {
      found.push(state.canonical());
      state = ClusterState.from(JSON.parse(JSON.stringify(state)));  // a fold may begin anywhere
    }
  });
  return found;
})()
"""


def folded(events: list[Event], every: int) -> list[str]:
    """The canonical JSON of the collector's states."""
    state, found = ClusterState(), []
    for number, one in enumerate(events, 1):
        state.fold(one)
        if number % every == 0 or number == len(events):
            text = json.dumps(state.to_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            assert hashlib.sha256(text.encode()).hexdigest() == state.hash()
            found.append(text)
    return found


def compare(events: list[Event], every: int = EVERY) -> int:
    """Fold by both; returns how many states were compared."""
    events = json.loads(json.dumps(events))

    async def in_browser() -> list[str]:
        with serving() as one:
            async with tab() as page:
                await page.open(f"http://127.0.0.1:{one.address[1]}/livez")
                await page.until("location.pathname === '/livez' && document.readyState === 'complete'")
                found: list[str] = await page.value(FOLD % (json.dumps(json.dumps(events)), every))
                return found

    here, there = folded(events, every), asyncio.run(in_browser())
    assert len(here) == len(there)
    for number, (mine, theirs) in enumerate(zip(here, there, strict=True), 1):
        assert json.loads(theirs) == json.loads(mine), f"after event {min(number * every, len(events))}"
        assert theirs == mine, "the same values, but another text: the hashes would differ"
    return len(here)


def supervised(events: list[Event]) -> list[Event]:
    """With what the collector says between: processes that end and come back, gaps, verdicts, checkpoints."""
    found: list[Event] = []
    for number, one in enumerate(events):
        found.append(one)
        ms, name = int((one["ts"] - 1_700_000_000) * 1000), one["node"]
        common: Event = {"previous": None, "pid": number, "exit_status": -9}
        if number % 300 == 100:
            found.append(collectors("process", ms=ms, name=f"node:{name}", state="EXITED", **common))
        if number % 300 == 150:
            found.append(collectors("gap", ms=ms, source=name, source_boot="b", topic="t", missing=3, total=3))
        if number % 300 == 200:
            found.append(collectors("process", ms=ms, name=f"node:{name}", state="RUNNING", **common))
        if number % 500 == 250:
            found.append(collectors("verdict", ms=ms, source=name, known=number % 1000 != 250, reason="gap"))
            broken: Event = {"rule": "Leader Completeness", "nodes": [name], "text": "…", "recording": None}
            found.append(collectors("violation", ms=ms, **broken))
    return found


@pytest.mark.parametrize("seed", [3, 11])
def test_a_run_with_faults_adds_up_to_the_same(seed: int) -> None:
    events = supervised(recorded(seed, 6_000))
    assert len(events) > 2_000
    assert {one["type"] for one in events} >= {"boot", "role", "append", "commit", "apply", "storage"}
    assert compare(events) > 100


def test_odd_events_add_up_to_the_same() -> None:
    emoji = "\U0001f600"
    names = ["__proto__", "constructor", "toString", "ｎ", emoji, "é" * 300, emoji * 300, '"\\\x00\x1f\x7f\u2028', ""]
    checkpoint = ClusterState()
    checkpoint.fold(boot("n7"))
    document = checkpoint.to_json()
    voted: Event = {"granted": True, "pre_vote": False, "reason": "r"}
    refused: list[Any] = [None, 3, [], {}, "n2"]
    kernel: Event = {"name": "n1", "previous": None, "exit_status": 0}
    spoiled: Event = {"cut": False, "delay_us": 7, "jitter_us": 3}
    events = [
        *(boot(name, boot=name) for name in names),
        *(fault(name, other) for name in names for other in ("n1", "__proto__", "é" * 300)),
        *(fault("n1", "n2", drop=value, **spoiled) for value in (0.3, 1, 0.1234565, 1e-9, 1.1, -1, True, None, "x")),
        *(fault("n1", "n3", ms=k, for_us=k) for k in (0, 1999, 9_007_199_254_740_991, -1, 1.5)),
        fault("n1", "n2", "healed"),
        fault("n1", "n2", "ended"),
        fault("n1", "n4", "odd"),
        fault("n1", None, "elect"),
        fault("n1", 3),  # type: ignore[arg-type]
        {**standing("n1"), "lab": True},
        *(collectors("process", state=state, pid=pid, **kernel) for pid in (3, 4711) for state in KERNEL),
        boot("n1", boot="again"),
        {**standing("n1"), "lab": 1},
        *(standing(name, role="leader", term=k, ms=k) for k, name in enumerate(names)),
        *({**event("metrics", "n1"), name: {name: 3}} for name in names),
        *(event("role", name, role=name, previous=name, reason=name) for name in names),
        *(event("vote", "n1", candidate=value, **voted) for value in refused),
        *(event("commit", "n1", index=value) for value in (-1, INTEGER_MAX, INTEGER_MAX + 1, None, True, "1", 1.5)),
        *({**event("commit", "n1", index=4), "term": value} for value in (-1, None, "2", 1.5, 9)),
        *({**event("commit", "n1", index=5), "lamport": value} for value in (None, -1, 7, "x", INTEGER_MAX + 1)),
        {**event("commit", "n1", index=6), "ts": None},
        {},
        {"node": "n1"},
        event("truncate", "n2", first=0, last=3, leader=None),
        event("append", "n2", last=30),
        event("storage", "n2", what="log", last=5, vote_term=1, voted_for="n4", restarted_after=2),
        event("truncate", "n2", first=20, last=30, leader=None),
        event("storage", "n2", what="log", last=6, vote_term=9, voted_for="n5", restarted_after=None),
        event("role", "n2", term=7, role="leader", previous="candidate", reason="r"),
        event("role", "n2", term=7, role="follower", previous="leader", reason="r"),
        event("snapshot", "n2", step="installed", index=9, chain=None, digest=4, entry_term=None, peer=None),
        event("snapshot", "n2", step="receive", index=19),
        event("election", "n2", pre_vote=1, last_log_index=3),
        event("boot", "n3", voters="n1"),
        collectors("process", name="g:n1", state="x" * (TEXT_MAX + 9), previous=None, pid=1, exit_status=-INTEGER_MAX),
        collectors("gap", source="nobody", missing=INTEGER_MAX),
        collectors("gap", source="n1", missing=INTEGER_MAX),
        collectors("verdict", source="__proto__", known=False, reason="r"),
        collectors("verdict", source="n1", known=False, reason="r"),
        collectors("verdict", source="n1", known=True, reason="r"),
        collectors("checkpoint", boot="c2", position=1, state_hash="", state={"schema": 2}),
        collectors("checkpoint", boot="c2", position=1, state_hash="", state={"schema": 1, "nodes": []}),
        collectors("checkpoint", boot="c2", position=1, state_hash=checkpoint.hash(), state=document),
        collectors("checkpoint", boot="c2", position=1, state_hash="", state={}),
        standing("n7", role="leader", term=4, leader="n7", ms=50),
        event("commit", "n8", ms=9000, index=3),
    ]
    assert compare(events, 1) == len(events)
