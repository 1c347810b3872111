"""Judges lost messages: is the picture of the course in the events, step by step?"""

from __future__ import annotations

from collections.abc import Iterator

from raftzmq.labs.history import END, History
from raftzmq.labs.lost_entry import LostEntry, chain_there, joined_log, lost_entries
from raftzmq.labs.verdict import Verdict
from raftzmq.labs.words import Words, both

LOST = Words(
    "A message with an entry left the leader and never arrived: one log lacked what the others had",
    "エントリを載せたメッセージがリーダーを出たまま届かず、1台のログだけがそれを欠いた",
)
REFUSED = Words(
    "The consistency check failed: the follower was asked to go on after an entry that it lacks, and refused",
    "一貫性検査は失敗した。フォロワーは自分にないエントリの続きを求められ、拒否した",
)
AGAIN = Words(
    "The leader went back and sent the missing entry again, and the new one behind it, in one message",
    "リーダーは後戻りし、欠けたエントリと新しいエントリを1つのメッセージで送り直した",
)
SAME = Words(
    "The follower's log then was the leader's, by the checksums of both, and nothing of it had to be dropped",
    "その後フォロワーのログはチェックサムまでリーダーと一致し、捨てるものは何もなかった",
)
COMMITTED = Words("Every node committed the new entry", "全ノードが新しいエントリをコミットした")
LOGS = Words(
    "The last entries of each log, by index: before the loss, when it was noticed, in the end",
    "各ログの末尾のエントリ番号: 失われる前、気づいたとき、最後",
)


def judge(history: History) -> Verdict:
    """The lost entry, the refusal, the way back and the same logs in the end, for one message that was lost."""
    verdict = Verdict()
    story = _story(history)
    if story is None:
        verdict.check(LOST, held=False, seen=Words("every message with entries arrived", "エントリはすべて届いた"))
        for sentence in (REFUSED, AGAIN, SAME, COMMITTED):
            verdict.check(sentence, held=False)
        return verdict
    _check_loss(verdict, history, story)
    _check_refusal(verdict, story)
    _check_again(verdict, story)
    _check_logs(verdict, history, story)
    verdict.exhibit(LOGS, _picture(history, story))
    return verdict


def _story(history: History) -> LostEntry | None:
    """The loss that tells most: one that was noticed, if any was."""
    found = lost_entries(history)
    return max(found, key=lambda one: (one.again_last > one.last, one.again is not None), default=None)


def _picture(history: History, story: LostEntry) -> Iterator[str]:
    """The picture of the course: a line for each log."""
    first = [joined_log(history, node, story.first) for node in history.nodes]
    began = min((moment.position for moment in first if moment is not None), default=END)
    noticed = story.refusal.position if story.refusal is not None else END
    for node in history.nodes:
        shown = []
        for before in (began, noticed, END):
            ends = [m.event["last"] for m in history.of("append", node, before=before)]
            # Of the log's beginning nobody needs to see more than one entry.
            entries = range(max(1, story.first - 1), max(ends, default=0) + 1)
            shown.append(f"[{' '.join(map(str, entries))}]")
        yield f"{node}  " + "   ".join(f"{text:<9}" for text in shown).rstrip()


def _others(history: History, story: LostEntry) -> list[str]:
    return [node for node in history.nodes if node != story.peer]


def _check_loss(verdict: Verdict, history: History, story: LostEntry) -> None:
    noticed = story.refusal.position if story.refusal is not None else None
    had = [joined_log(history, node, story.last) for node in _others(history, story)]
    own = joined_log(history, story.peer, story.last)
    held = (
        noticed is not None
        and all(moment is not None and moment.position < noticed for moment in had)
        and (own is None or own.position > noticed)
    )
    seen = Words(
        "{leader} → {peer}: entry {first} was lost; {others} had it",
        "{leader} → {peer}: エントリ{first}が失われ、{others}は持っていた",
    ).fill(leader=story.leader, peer=story.peer, first=story.first, others=", ".join(_others(history, story)))
    verdict.check(LOST, held, [story.lost.position, *(m.position for m in had if m is not None)], seen=seen)


def _check_refusal(verdict: Verdict, story: LostEntry) -> None:
    refusal, question = story.refusal, story.question
    if refusal is None or question is None:
        verdict.check(REFUSED, held=False)
        return
    body = refusal.event["body"]
    held = body["prev_log_index"] >= story.first > body["hint_index"]
    seen = Words(
        "{peer}: no entry {previous} here, mine end at {hint}", "{peer}: エントリ{previous}はない、手元は{hint}まで"
    ).fill(peer=story.peer, previous=body["prev_log_index"], hint=body["hint_index"])
    verdict.check(REFUSED, held, [question.position, refusal.position], seen=seen)


def _check_again(verdict: Verdict, story: LostEntry) -> None:
    if story.again is None:
        verdict.check(AGAIN, held=False)
        return
    body = story.again.event["body"]
    first, last = body["entries"]
    held = first <= story.first and last > story.last and body["prev_log_index"] == first - 1
    seen = Words("after {previous}: entries {first} to {last}", "{previous}の後ろ: エントリ{first}から{last}まで").fill(
        previous=body["prev_log_index"], first=first, last=last
    )
    verdict.check(AGAIN, held, [story.again.position], seen=seen)


def _check_logs(verdict: Verdict, history: History, story: LostEntry) -> None:
    last = story.again_last
    theirs, own = joined_log(history, story.leader, last), joined_log(history, story.peer, last)
    held = theirs is not None and own is not None and chain_there(theirs, last) == chain_there(own, last)
    dropped = history.of("truncate", story.peer)
    places = [moment.position for moment in (theirs, own, *dropped) if moment is not None]
    chains = [f"{moment.node} {chain_there(moment, last):08x}" for moment in (theirs, own) if moment is not None]
    verdict.check(SAME, held and not dropped, places, seen=both(" = ".join(chains)))
    reached = {
        node: next((m for m in history.commits(node) if m.event["index"] >= last), None) for node in history.nodes
    }
    seen = Words("entry {last} on {nodes}", "エントリ{last}: {nodes}").fill(
        last=last, nodes=", ".join(node for node, moment in reached.items() if moment is not None)
    )
    everywhere = bool(last) and all(reached.values())
    verdict.check(COMMITTED, everywhere, [m.position for m in reached.values() if m is not None], seen=seen)
