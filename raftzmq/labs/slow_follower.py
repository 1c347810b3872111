"""A follower is away for longer than the leader's log remembers, and gets the state instead of the entries."""

from __future__ import annotations

import os
from dataclasses import dataclass

from raftzmq.config import LOG_BYTES_MAX, MIB
from raftzmq.labs.history import History, Moment
from raftzmq.labs.lab import Lab
from raftzmq.labs.narration import Step
from raftzmq.labs.stage import Stage
from raftzmq.labs.verdict import Verdict
from raftzmq.labs.words import Words

VALUE_BYTES = MIB // 4
FILL_BYTES = LOG_BYTES_MAX // 2 + 8 * MIB
"""A leader keeps what a follower lacks until its log has half of its bound; this is some more."""
KEYS = 16
IN_FLIGHT = 32
LOOK_S = 0.5

_START = Step(
    Words("Start three nodes and write a little.", "3台を起動し、少し書き込む。"),
    Words(
        "Each keeps a log of entries and, beside it, the state that they add up to.",
        "各ノードはエントリのログと、その積み重ねである状態を持つ。",
    ),
    Words(
        "Raft §7: a log can't grow for ever. What the state contains durably, the log may forget.",
        "Raft §7: ログは無限には伸ばせない。状態に永続化された分は、ログから忘れてよい。",
    ),
)
_AWAY = Step(
    Words("Kill {away}, and write {mib} MiB.", "{away}を止め、{mib} MiBを書き込む。"),
    Words(
        "The leader, {leader}, keeps what {away} lacks for a while; past half of its log's bound it compacts it.",
        "リーダー{leader}は{away}に欠けた分をしばらく残すが、ログの上限の半分を超えると、それでも圧縮する。",
    ),
    Words(
        "Thesis 5.1: a slow follower must not stop the others from compacting.",
        "博士論文 5.1: 遅いフォロワーのために他のノードの圧縮を止めてはならない。",
    ),
)
_BACK = Step(
    Words("Start {away} again.", "{away}を再び起動する。"),
    Words(
        "What it lacks is in nobody's log any more. The leader sends a snapshot of the state, in chunks, while "
        "heartbeats go on; {away} puts it in the place of its own.",
        "欠けたエントリはもうどこのログにもない。リーダーはハートビートを続けながら状態のスナップショットを分割して送り、"
        "{away}はそれを自分の状態と入れ替える。",
    ),
    Words("Raft §7, figure 13: InstallSnapshot", "Raft §7、図13: InstallSnapshot"),
)
_FOLLOWS = Step(
    Words("Write a little more.", "もう少し書き込む。"),
    Words(
        "{away} has the state as of the snapshot's last entry, and takes the entries after it like everybody else.",
        "{away}はスナップショットの最後のエントリまでの状態を持ち、その後のエントリは他と同じように受け取る。",
    ),
    Words(
        "Raft §5.3: from there on the consistency check holds, so the logs agree.",
        "Raft §5.3: そこから先は一貫性検査が成り立ち、ログは一致する。",
    ),
)


def act(stage: Stage) -> None:
    """Keep a follower away until the log has forgotten what it lacks, and let it come back."""
    stage.tell(_START)
    stage.start()
    leader, _ = stage.leader()
    away = stage.others(leader)[0]
    client = stage.client(timeout=30.0)
    for number in range(5):
        client.put(f"before/{number}", "a little")
    stage.settle()
    stage.tell(_AWAY, away=away, leader=leader, mib=FILL_BYTES // MIB)
    stage.kill(away)
    fill(stage, FILL_BYTES)
    stage.tell(_BACK, away=away)
    stage.start(away)
    stage.settle()
    stage.tell(_FOLLOWS, away=away)
    for number in range(5):
        client.put(f"after/{number}", "a little more")
    stage.settle()
    stage.rest(LOOK_S)


def fill(stage: Stage, size: int) -> None:
    """Write so many bytes, over a few keys, several puts at a time."""
    client = stage.client(timeout=30.0)
    numbers = range(size // VALUE_BYTES)
    for first in numbers[::IN_FLIGHT]:
        some = numbers[first : first + IN_FLIGHT]
        for future in [client.put_async(f"bulk/{number % KEYS}", os.urandom(VALUE_BYTES)) for number in some]:
            future.result()


@dataclass(slots=True)
class Return:
    """A node's later boot, and the snapshot that it installed in it, with the leader who sent that."""

    boot: Moment
    sent: Moment | None
    installed: Moment | None

    @property
    def had(self) -> int:
        """The last entry that it came back with."""
        return int(self.boot.event["last_index"])


_GONE = Words(
    "A node came back to a leader whose log began after all that the node had",
    "戻ってきたノードの持つ分はすべて、リーダーのログの始まりより前だった",
)
_SENT = Words(
    "The leader sent a snapshot instead of entries, and the node installed it",
    "リーダーはエントリの代わりにスナップショットを送り、ノードはそれを組み込んだ",
)
_EQUAL = Words(
    "What it installed is the state that others had at that entry, by the checksums of all writes",
    "組み込んだ状態は、そのエントリでの他のノードの状態と、全書き込みのチェックサムで一致する",
)
_AFTER = Words(
    "No entry that the snapshot contains was sent to it; those after it were, and it committed them",
    "スナップショットに含まれるエントリは送られず、その後のエントリは送られてコミットされた",
)


def judge(history: History) -> Verdict:
    """The log was compacted past what a node had, which then got the state, the right one, and followed."""
    verdict = Verdict()
    back = _return(history)
    compacted = _compacted(history, back) if back is not None else None
    if back is None or compacted is None:
        verdict.check(_GONE, held=False, evidence=[back.boot.position] if back is not None else ())
        return verdict
    seen = Words(
        "{node} had entries up to {had}, the log of {leader} began after {index}",
        "{node}はエントリ{had}まで、{leader}のログは{index}の後ろから",
    ).fill(node=back.boot.node, had=back.had, leader=compacted.node, index=compacted.event["index"])
    verdict.check(_GONE, compacted.event["index"] > back.had, [compacted.position, back.boot.position], seen=seen)
    places = _places(back.sent, back.installed)
    if back.installed is None:
        verdict.check(_SENT, held=False, evidence=places)
        return verdict
    verdict.check(_SENT, back.sent is not None, places, seen=_chunks(history, back.boot, back.installed))
    _check_state(verdict, history, back.installed)
    _check_entries(verdict, history, back.installed)
    return verdict


def _places(*moments: Moment | None) -> list[int]:
    return [moment.position for moment in moments if moment is not None]


def _return(history: History) -> Return | None:
    """The later boot of a node: that with a snapshot, if there is one."""
    found = []
    for node in history.nodes:
        for boot in history.of("boot", node)[1:]:
            installed = history.first("snapshot", node, after=boot.position, step="installed")
            sent = history.last("snapshot", step="send", peer=node, before=installed.position) if installed else None
            found.append(Return(boot, sent, installed))
    return max(found, key=lambda each: each.installed is not None, default=None)


def _compacted(history: History, back: Return) -> Moment | None:
    """How far the log of who sends had forgotten entries before."""
    leader = back.sent.node if back.sent is not None else None
    until = back.sent.position if back.sent is not None else back.boot.position
    return history.last("compact", leader, before=until)


def _chunks(history: History, boot: Moment, installed: Moment) -> Words:
    """What arrived of it, by single messages."""
    chunks = history.of("received", boot.node, after=boot.position, before=installed.position, message="SnapshotChunk")
    return Words(
        "{count} chunks, {mib:.0f} MiB, {seconds:.1f} s after its start",
        "{count}個、{mib:.0f} MiB、起動から{seconds:.1f}秒",
    ).fill(count=len(chunks), mib=sum(m.event["bytes"] for m in chunks) / MIB, seconds=installed.ts - boot.ts)


def _check_state(verdict: Verdict, history: History, installed: Moment) -> None:
    index, digest = installed.event["index"], installed.event["digest"]
    others = [node for node in history.nodes if node != installed.node]
    same = [m for m in history.of("apply", others) if m.event["last"] == index]
    held = same and all(moment.event["digest"] == digest for moment in same)
    seen = Words("entry {index}: {digest:08x} on {nodes}", "エントリ{index}: {nodes}で{digest:08x}").fill(
        index=index, digest=digest, nodes=", ".join([installed.node, *(m.node for m in same)])
    )
    verdict.check(_EQUAL, held, _places(installed, *same), seen=seen)


def _check_entries(verdict: Verdict, history: History, installed: Moment) -> None:
    node, index = installed.node, installed.event["index"]
    boot = history.last("boot", node, before=installed.position)
    appended = history.of("append", node, after=boot.position if boot is not None else 0)
    within = [moment for moment in appended if moment.event["first"] <= index]
    later = [moment for moment in appended if moment.event["first"] > index]
    commits = history.commits(node, after=installed.position)
    reached = bool(commits and later) and commits[-1].event["index"] >= later[-1].event["last"]
    seen = Words(
        "{count} entries after {index}, committed up to {last}", "{index}の後に{count}個、{last}までコミット"
    ).fill(
        count=sum(m.event["last"] - m.event["first"] + 1 for m in later),
        index=index,
        last=commits[-1].event["index"] if commits else index,
    )
    verdict.check(_AFTER, reached and not within, _places(*(within or later), *commits[-1:]), seen=seen)


LAB = Lab("slow-follower", act, judge, nodes=3, details=("sent", "received"))
