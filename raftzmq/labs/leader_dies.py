"""The leader's process is killed; another takes over with everything that was committed, and the old one follows."""

from __future__ import annotations

from raftzmq.labs.clean_election import votes_for
from raftzmq.labs.history import History, Life, Reign
from raftzmq.labs.lab import CALM, Lab
from raftzmq.labs.logs import all_equal, log_of
from raftzmq.labs.narration import Step
from raftzmq.labs.stage import Stage
from raftzmq.labs.verdict import Verdict
from raftzmq.labs.words import Words

WRITES = 5

_BEFORE = Step(
    Words(
        "Five nodes run, {leader} leads term {term}. Put {writes} keys.",
        "5台が動き、{leader}が任期{term}のリーダー。キーを{writes}個書き込む。",
    ),
    Words("The commit index of all nodes rises together.", "全ノードのコミット番号がそろって進む。"),
    Words("Raft §5.3: what a majority has stored is committed.", "Raft §5.3: 過半数が保存したものはコミット済み。"),
)
_KILL = Step(
    Words(
        "Kill {leader} with SIGKILL: it has no time to say good-bye.", "{leader}をSIGKILLで殺す。別れを告げる暇もない。"
    ),
    Words(
        "No heartbeat winds up the followers' timers any more. The first to run out asks the others.",
        "フォロワーのタイマーを巻き戻すハートビートが止まる。最初に切れた者が他に尋ねる。",
    ),
    Words(
        "Raft §5.2: who hears no leader within its election timeout campaigns.",
        "Raft §5.2: 選挙タイムアウトの間リーダーの声を聞かない者が立候補する。",
    ),
)
_NEXT = Step(
    Words(
        "{leader} leads term {term}. Put {writes} more keys.",
        "{leader}が任期{term}のリーダーになった。さらに{writes}個書き込む。",
    ),
    Words(
        "It could only win with a log that is at least as new as those of a majority: it has all that was committed.",
        "過半数のログと同じかそれより新しいログを持つ者しか勝てない。だからコミット済みのものはすべて持っている。",
    ),
    Words(
        "Raft §5.4.1: the voters' comparison of logs. Figure 3: leader completeness.",
        "Raft §5.4.1: 投票者によるログの比較。図3: リーダー完全性。",
    ),
)
_BACK = Step(
    Words("Start {old} again.", "{old}を再び起動する。"),
    Words(
        "It comes back as a follower, hears the higher term, and gets the entries that it missed.",
        "フォロワーとして戻り、より高い任期を聞き、抜けていたエントリを受け取る。",
    ),
    Words(
        "Raft §5.1: who hears of a higher term follows. §5.3: the consistency check finds where its log ends.",
        "Raft §5.1: より高い任期を聞いた者は従う。§5.3: 一貫性検査がログの続きの位置を見つける。",
    ),
)


def act(stage: Stage) -> None:
    """Write, kill the leader, write, let it come back."""
    stage.start()
    old, term = stage.leader()
    stage.tell(_BEFORE, leader=old, term=term, writes=WRITES)
    client = stage.client(timeout=10)
    for number in range(WRITES):
        client.put(f"before/{number}", "written under the first leader")
    stage.settle()
    stage.rest(0.5)
    old, term = stage.leader()
    stage.tell(_KILL, leader=old)
    stage.kill(old)
    leader, term = stage.leader(stage.others(old), above_term=term)
    stage.tell(_NEXT, leader=leader, term=term, writes=WRITES)
    for number in range(WRITES):
        client.put(f"after/{number}", "written under the next leader")
    stage.rest(1.5)
    stage.tell(_BACK, old=old)
    stage.start(old)
    stage.leader()
    stage.settle()
    stage.rest(1.0)


def judge(history: History) -> Verdict:
    """A leader fell silent; a majority elected another that had all that was committed; the old one came to follow."""
    verdict = Verdict()
    dead, old = fallen_leader(history)
    after = dead.last.position if dead is not None else history.end.position
    verdict.check(
        Words("The leader fell silent in the middle of its term", "リーダーが任期の途中で沈黙した"),
        dead is not None,
        [old.position, dead.last.position] if old and dead else (),
        seen=old.words if old else None,
    )
    following = [reign for reign in history.reigns(after=after) if old and reign.term > old.term]
    new = following[0] if following and dead else None
    _check_succession(verdict, history, dead, new)
    _check_kept(verdict, history, after if new else None, new)
    writes = history.commits(new.node, after=new.position) if new else []
    verdict.check(
        Words("Writes went on under the next leader", "次のリーダーの下で書き込みが続いた"),
        new and sum(m.event["requests"] for m in history.of("reply", new.node, after=new.position)) >= WRITES,
        [moment.position for moment in writes],
    )
    _check_return(verdict, history, dead)
    return verdict


def fallen_leader(history: History) -> tuple[Life | None, Reign | None]:
    """The first boot that ended while its node led, and that reign; otherwise None and the first reign, if any."""
    reigns = history.reigns()
    for life in sorted(history.ended(), key=lambda life: life.last.position):
        roles = history.of("role", life.node, after=life.first.position - 1, before=life.last.position + 1)
        led = [reign for reign in reigns if roles and reign.position == roles[-1].position]
        if led and history.others_went_on(life):
            return life, led[0]
    return None, reigns[0] if reigns else None


def _check_succession(verdict: Verdict, history: History, dead: Life | None, new: Reign | None) -> None:
    votes = votes_for(history, new)
    voters = {vote.node for vote in votes} | ({new.node} if new else set())
    seen = None
    if new is not None and dead is not None:
        seen = Words(
            "{node}, term {term}, {ms} ms after the last sign of life", "{node}、任期{term}、最後の声から{ms} ms後"
        )
        seen = seen.fill(node=new.node, term=new.term, ms=round(1000 * (new.ts - dead.last.ts)))
    verdict.check(
        Words(
            "A majority of all five elected another leader in a higher term",
            "5台の過半数が、より高い任期で別のリーダーを選んだ",
        ),
        new and dead and new.node != dead.node and len(voters) >= history.majority,
        [vote.position for vote in votes] + ([new.position] if new else []),
        seen=seen,
    )


def _check_kept(verdict: Verdict, history: History, after: int | None, new: Reign | None) -> None:
    """Leader completeness, by the checksum of the last entry that anybody had committed."""
    commits = history.commits(before=after) if after is not None else []
    last = max(commits, key=lambda moment: int(moment.event["index"]), default=None)
    held = False
    if last is not None and new is not None:
        entry = log_of(history, new.node, before=new.position).get(int(last.event["index"]))
        held = entry is not None and entry.chain == last.event["chain"]
    verdict.check(
        Words(
            "Its log had every entry that was committed before",
            "それまでにコミットされたエントリは、すべて新しいリーダーのログにあった",
        ),
        held,
        [last.position] if last is not None else (),
        seen=None if last is None else Words("up to {index}", "{index}まで").fill(index=last.event["index"]),
    )


def _check_return(verdict: Verdict, history: History, dead: Life | None) -> None:
    back = history.first("boot", dead.node, after=dead.last.position) if dead else None
    follows = None
    if back is not None:
        known = [m for m in history.of("leader", back.node, after=back.position) if m.event["leader"]]
        follows = next((m for m in known if m.event["leader"] != back.node), None)
    verdict.check(
        Words(
            "The old leader came back as a follower, and caught up until all states were equal",
            "元のリーダーはフォロワーとして戻り、追いついて、全員の状態が等しくなった",
        ),
        follows and all_equal(history),
        [m.position for m in (back, follows) if m is not None],
    )


LAB = Lab("leader-dies", act, judge, options=CALM)
