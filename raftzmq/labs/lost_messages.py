"""A follower misses an entry, is asked to go on after it, refuses, and is sent what it lacks."""

from __future__ import annotations

import time
from contextlib import suppress

from raftzmq.errors import InvalidRequest
from raftzmq.labs.lab import Lab
from raftzmq.labs.lost_messages_judge import judge
from raftzmq.labs.narration import Step
from raftzmq.labs.stage import Stage
from raftzmq.labs.words import Words

LEADER, UNLUCKY = "n1", "n2"
HEARTBEAT_MS, ELECTION_MS = 1500, "4000-6000"
"""So slow that there is time between two heartbeats: the next one would find the loss as well."""
MARGIN_S = 0.4
"""More than the script can be wrong about when heartbeats leave."""
LOOK_S = 0.3
AGAIN_S = 0.2

_START = Step(
    Words(
        "Start three nodes with slow heartbeats, and let {leader} be elected. Write gya.",
        "ハートビートの遅い3台を起動し、{leader}をリーダーに選ばせる。gyaを書き込む。",
    ),
    Words("All three logs: [gya]", "3台のログ: [gya]"),
    Words(
        "Raft §5.3: the leader appends an entry and sends it to everybody (AppendEntries).",
        "Raft §5.3: リーダーはエントリを追記し、全員に送る (AppendEntries)。",
    ),
)
_LOSE = Step(
    Words(
        "Cut the link from {leader} to {unlucky}, and write fuga.",
        "{leader}から{unlucky}への回線を切り、fugaを書き込む。",
    ),
    Words(
        "The message to {unlucky} is lost: it has [gya], the others have [gya, fuga]. Two of three are a majority, so "
        "fuga is committed all the same.",
        "{unlucky}へのメッセージは失われる。{unlucky}は[gya]、他は[gya, fuga]。3台中2台で過半数なので、"
        "fugaはコミットされる。",
    ),
    Words("Raft §5.3: committed is what a majority has stored.", "Raft §5.3: 過半数が保存したものがコミットされる。"),
)
_NEXT = Step(
    Words("Heal the link, and write hoge.", "回線を戻し、hogeを書き込む。"),
    Words(
        "The leader believes that {unlucky} has fuga, and sends hoge alone, to stand behind fuga. {unlucky} refuses.",
        "リーダーは{unlucky}にfugaがあるつもりで、その後ろに置くhogeだけを送る。{unlucky}は拒否する。",
    ),
    Words(
        "Raft §5.3: a follower without the entry before the new ones refuses them (consistency check).",
        "Raft §5.3: 新しいエントリの直前のエントリを持たないフォロワーは拒否する (一貫性検査)。",
    ),
)
_MEND = Step(
    Words(
        "The leader goes back to the last entry that both have, and sends [fuga, hoge].",
        "リーダーは両者にある最後のエントリまで戻り、[fuga, hoge]を送る。",
    ),
    Words("All three logs: [gya, fuga, hoge]", "3台のログ: [gya, fuga, hoge]"),
    Words(
        "Raft §5.3: after a refusal the leader lowers nextIndex and tries again, until the logs agree.",
        "Raft §5.3: 拒否されたリーダーはnextIndexを下げ、ログが合うまで送り直す。",
    ),
)


def act(stage: Stage) -> None:
    """Write three words, and lose the second on its way to one node."""
    stage.tell(_START, leader=LEADER)
    stage.start()
    leads_since = enthrone(stage, LEADER)
    client = stage.client()
    client.put("gya", "gya")
    stage.settle()
    stage.tell(_LOSE, leader=LEADER, unlucky=UNLUCKY)
    lose(stage)
    client.put("fuga", "fuga")
    stage.rest(LOOK_S)
    stage.tell(_NEXT, leader=LEADER, unlucky=UNLUCKY)
    await_gap(stage, leads_since)
    stage.heal()
    client.put("hoge", "hoge")
    stage.tell(_MEND)
    stage.settle()


def enthrone(stage: Stage, node: str) -> float:
    """Make ``node`` the leader, whoever else's timer runs out first; since when it leads, in monotonic seconds."""
    stage.wait(lambda: True if len(stage.rows()) == len(stage.nodes) else None, "all nodes are there")

    def look() -> float | None:
        rows = stage.rows()
        if rows.get(node, {}).get("role") != "leader":
            with suppress(InvalidRequest):  # it leads by now
                stage.elect(node)  # in vain as long as its links aren't there, so again
            stage.rest(AGAIN_S)
            return None
        return time.monotonic() if all(row["leader"] == node for row in rows.values()) else None

    found = stage.wait(look, f"{node} leads")
    return found - AGAIN_S


def await_gap(stage: Stage, leads_since: float) -> None:
    """Wait until a heartbeat has just left: the next one would find the loss, and must not come before hoge."""
    interval = HEARTBEAT_MS / 1000
    since_heartbeat = (time.monotonic() - leads_since) % interval
    if not MARGIN_S <= since_heartbeat <= interval / 2:
        stage.rest((MARGIN_S - since_heartbeat) % interval)


def lose(stage: Stage) -> None:
    """What the leader sends to one follower gets lost from now on."""
    stage.link(LEADER, UNLUCKY, cut=True)


LAB = Lab(
    "lost-messages",
    act,
    judge,
    nodes=3,
    details=("sent", "received", "heartbeat_sent", "heartbeat_received"),
    options=("--heartbeat-ms", str(HEARTBEAT_MS), "--election-timeout-ms", ELECTION_MS),
)
