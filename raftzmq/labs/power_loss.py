"""All five nodes are killed in the same moment, under load, and come back with nothing but their disks."""

from __future__ import annotations

from raftzmq.labs.history import END, History, Moment
from raftzmq.labs.lab import CALM, Lab
from raftzmq.labs.load import Load
from raftzmq.labs.logs import all_equal, log_of, state_of
from raftzmq.labs.narration import Step
from raftzmq.labs.stage import Stage
from raftzmq.labs.three_of_five import fallen_together
from raftzmq.labs.verdict import Verdict
from raftzmq.labs.words import Words

IN_FLIGHT = 8
LOAD_S = 1.5
ANSWERED = 100
"""Puts that are answered before, however long a busy machine takes for them."""
BUSY_S = 2.0
"""That nodes are busy shows in answers so shortly before the end."""

_LOAD = Step(
    Words(
        "{leader} leads term {term}. A client puts keys as fast as it can, {count} at a time.",
        "{leader}が任期{term}のリーダー。クライアントは同時に{count}個ずつ、全速でキーを書き込む。",
    ),
    Words(
        "A put is answered once a majority has it on disk: synced, not merely written to the system's memory.",
        "書き込みへの応答は、過半数のディスクに同期されてから返る。OSのメモリに書いただけでは返らない。",
    ),
    Words(
        "Raft figure 2: term, vote and log are on stable storage before any answer.",
        "Raft 図2: 任期と票とログは、返事の前に永続的な記憶に載る。",
    ),
)
_DARK = Step(
    Words("Kill all five nodes in the same moment.", "5台すべてを同じ瞬間に殺す。"),
    Words(
        "Whatever the processes had only in memory is gone: roles, commit indexes, answers under way. A power "
        "cut would also take what the system had not yet written: nothing that was acknowledged is among that.",
        "プロセスがメモリにだけ持っていたもの、役割もコミット番号も途中の応答も、すべて消える。本物の停電ではOSが未書き込みのデータも"
        "失われるが、応答済みのものはその中にない。",
    ),
    Words(
        "Raft figure 2: the commit index isn't stored. It is found again.",
        "Raft 図2: コミット番号は保存されない。後で改めて見いだされる。",
    ),
)
_LIGHT = Step(
    Words("Start all five again, with nothing but their disks.", "5台を再び起動する。頼りはディスクだけ。"),
    Words(
        "Each reads its term, its vote and its log, and begins as a follower. Somebody with the newest log is elected.",
        "各ノードは任期と票とログを読み、フォロワーとして始める。最も新しいログを持つ誰かが選ばれる。",
    ),
    Words(
        "Raft §5.4.1: of any majority, somebody has each committed entry. §5.4.2: its own entry commits all before it.",
        "Raft §5.4.1: どの過半数にもコミット済みのエントリを持つ者がいる。§5.4.2: 新任期のエントリが以前を確定する。",
    ),
)
_READ = Step(
    Words(
        "{leader} leads term {term}. Read every key back that was acknowledged: {count} of them.",
        "{leader}が任期{term}のリーダー。応答済みの{count}個のキーをすべて読み返す。",
    ),
    Words(
        "What was acknowledged is there. What wasn't may be there: its client was never told.",
        "応答済みのものはある。応答がなかったものは、あるかもしれない。クライアントは何も聞いていない。",
    ),
    Words("Raft §8: linearizable reads.", "Raft §8: 線形化可能な読み出し。"),
)


def act(stage: Stage) -> None:
    """Load, darkness, light, and a look at what is there."""
    stage.start()
    leader, term = stage.leader()
    stage.tell(_LOAD, leader=leader, term=term, count=IN_FLIGHT)
    client = stage.client(timeout=1.5)
    load = Load(client, "power", IN_FLIGHT)
    load.run(LOAD_S, least=ANSWERED)
    stage.tell(_DARK)
    stage.kill(*stage.nodes)
    load.finish()
    stage.tell(_LIGHT)
    stage.start()
    leader, term = stage.leader()
    stage.settle()
    stage.tell(_READ, leader=leader, term=term, count=f"{len(load.acknowledged):,}")
    for future in [client.get_async(key, timeout=10) for key in load.acknowledged]:
        future.result()
    stage.rest(1.0)


def judge(history: History) -> Verdict:
    """Everybody fell silent at once and came back; what had been acknowledged is in the log that then committed."""
    verdict = Verdict()
    dead = fallen_together(history)
    dark = max((life.last.position for life in dead), default=END)
    everybody = {life.node for life in dead} == set(history.nodes)
    replies = [m for life in dead for m in history.of("reply", life.node, before=dark + 1)]
    busy = [m for m in replies if m.ts >= max(life.last.ts for life in dead) - BUSY_S]
    verdict.check(
        Words(
            "All nodes fell silent at once, while they were answering writes",
            "書き込みに応答している最中に、全ノードが同時に沈黙した",
        ),
        everybody and busy,
        [life.last.position for life in dead],
        seen=Words("{nodes} of {all} nodes", "{all}台中{nodes}台").fill(nodes=len(dead), all=len(history.nodes)),
    )
    boots = [m for life in dead if (m := history.first("boot", life.node, after=dark)) is not None]
    _check_disks(verdict, history, boots, dark)
    last = max(replies, key=lambda m: int(m.event["last"]), default=None)
    requests = sum(int(m.event["requests"]) for m in replies)
    _check_acknowledged(verdict, history, boots, last, requests)
    _check_elected(verdict, history, last, dark)
    _check_states(verdict, history, last, dark)
    return verdict


def _check_disks(verdict: Verdict, history: History, boots: list[Moment], dark: int) -> None:
    """Each came back with what its disk had, as far as it had told of that."""
    forgot = []
    for boot in boots:
        written = [m for m in history.of("storage", boot.node, before=dark + 1, what="log") if m.event["last"]]
        kept = max((int(m.event["last"]) for m in written), default=0)
        entry = log_of(history, boot.node, before=dark + 1).get(int(boot.event["last_index"]))
        if int(boot.event["last_index"]) < kept or (entry is not None and entry.chain != boot.event["last_chain"]):
            forgot.append(boot.position)
    verdict.check(
        Words(
            "All came back with the log that they had had on disk, by its length and its checksum",
            "全ノードが、長さも検査値も同じディスク上のログを持って戻った",
        ),
        len(boots) == len(history.nodes) and not forgot,
        forgot or [boot.position for boot in boots],
    )


def _check_acknowledged(
    verdict: Verdict, history: History, boots: list[Moment], last: Moment | None, requests: int
) -> None:
    index = int(last.event["last"]) if last is not None else 0
    having = [boot.position for boot in boots if int(boot.event["last_index"]) >= index]
    verdict.check(
        Words(
            "The last acknowledged entry was on the disks of a majority when they came back",
            "最後に応答したエントリは、戻った時点で過半数のディスクにあった",
        ),
        last is not None and len(having) >= history.majority,
        ([last.position] if last is not None else []) + having,
        seen=Words(
            "{requests:,} messages of clients were answered, up to entry {index}; {count} disks have it",
            "クライアントの{requests:,}通に応答、最後はエントリ{index}。{count}台のディスクにある",
        ).fill(requests=requests, index=index, count=len(having)),
    )


def _check_elected(verdict: Verdict, history: History, last: Moment | None, dark: int) -> None:
    new = next(iter(history.reigns(after=dark)), None)
    commit = same = None
    if new is not None and last is not None:
        index = int(last.event["last"])
        acknowledged = log_of(history, last.node, before=dark + 1).get(index)
        same = acknowledged is not None and log_of(history, new.node).get(index) == acknowledged
        commit = history.told_committed(new.node, index, after=new.position)
    verdict.check(
        Words(
            "The next leader has that entry, unchanged, and has committed it",
            "次のリーダーはそのエントリをそのまま持ち、コミットした",
        ),
        new and last and new.term > last.term and same and commit,
        [m.position for m in (new, commit) if m is not None],
        seen=new.words if new else None,
    )


def _check_states(verdict: Verdict, history: History, last: Moment | None, dark: int) -> None:
    before = state_of(history, last.node, before=last.position + 1) if last is not None else None
    after = [state_of(history, node) for node in history.nodes]
    kept = [state for state in after if state and before and state.last >= before.last]
    held = before is not None and len(kept) == len(after) and all(s.revision >= before.revision for s in kept)
    verdict.check(
        Words(
            "Every node applied it again: all states are equal, and none of them lacks a write",
            "全ノードがそれを再び適用した。状態はすべて等しく、欠けた書き込みはない",
        ),
        held and dark < END and all_equal(history),
        [m.position for node in history.nodes if (m := history.last("apply", node)) is not None],
        seen=None
        if before is None or not kept
        else Words("revision {before:,} before, {after:,} after", "リビジョンは以前{before:,}、以後{after:,}").fill(
            before=before.revision, after=min(state.revision for state in kept)
        ),
    )


LAB = Lab("power-loss", act, judge, options=CALM)
