"""A few writes and a few heartbeats, after which five logs and five states are the same."""

from __future__ import annotations

from raftzmq.labs.history import History
from raftzmq.labs.lab import CALM, Lab
from raftzmq.labs.logs import all_equal, disagreement, log_of, on_disk_at, states
from raftzmq.labs.narration import Step
from raftzmq.labs.stage import Stage
from raftzmq.labs.verdict import Verdict
from raftzmq.labs.words import Words

WRITES = 20
HEARTBEATS = 10
"""Of a leader to each follower that its rest must have at least: a second of them is twenty."""

_QUIET = Step(
    Words(
        "Start five nodes; {leader} leads term {term}. Nothing is written yet.",
        "5台を起動し、{leader}が任期{term}のリーダーになった。まだ何も書き込まない。",
    ),
    Words(
        "Heartbeats are AppendEntries without entries. Each names the entry before (its index and term) and the "
        "leader's commit index, and is answered.",
        "ハートビートはエントリのないAppendEntries。直前のエントリ(番号と任期)とリーダーのコミット番号を載せ、返事が返る。",
    ),
    Words("Raft §5.2, figure 2: heartbeats, and what they carry.", "Raft §5.2、図2: ハートビートとその中身。"),
)
_WRITE = Step(
    Words("Put {writes} keys, one after the other.", "キーを{writes}個、1つずつ書き込む。"),
    Words(
        "Every put becomes an entry of the leader's log and goes to all others. On three disks it is committed.",
        "書き込みはリーダーのログのエントリになり、フォロワーへ送られ、3台のディスクに載ってからコミットされる。",
    ),
    Words(
        "Raft §5.3: an entry is committed once a majority has stored it. Thesis 10.2.1: disks write in parallel.",
        "Raft §5.3: 過半数が保存したエントリがコミットされる。博士論文 10.2.1: ディスクへの書き込みは並行する。",
    ),
)
_SAME = Step(
    Words("Compare the five logs and the five states.", "5つのログと5つの状態を比べる。"),
    Words(
        "Each entry carries a checksum chained with all before it: where two are equal, so are the logs up to there.",
        "各エントリには以前のすべてと連鎖した検査値がある。1つの数が等しければ、ログ全体が等しい。",
    ),
    Words(
        "Raft §5.3, figure 3: log matching. §5.4.3: state machine safety.",
        "Raft §5.3、図3: ログ一致。§5.4.3: 状態機械の安全性。",
    ),
)


def act(stage: Stage) -> None:
    """Start, rest, write, rest."""
    stage.start()
    leader, term = stage.leader()
    stage.tell(_QUIET, leader=leader, term=term)
    stage.rest(1.5)
    stage.tell(_WRITE, writes=WRITES)
    client = stage.client()
    for number in range(WRITES):
        client.put(f"agreement/{number:02}", f"value {number}")
    stage.settle()
    stage.tell(_SAME)
    stage.rest(1.0)


def judge(history: History) -> Verdict:
    """Heartbeats reached all and were answered; the logs are equal; no commit came before a majority's disks."""
    verdict = Verdict()
    _check_heartbeats(verdict, history)
    _check_logs(verdict, history)
    _check_commits(verdict, history)
    found = states(history)
    verdict.check(
        Words(
            "All nodes applied the same entries and have the same state", "全ノードが同じエントリを適用し、状態も等しい"
        ),
        all_equal(history) and _written(history) >= WRITES,
        [m.position for node in found if (m := history.last("apply", node)) is not None],
        seen=Words("revision {revisions}", "リビジョン {revisions}").fill(
            revisions=", ".join(sorted({str(state.revision) if state else "?" for state in found.values()}))
        ),
    )
    return verdict


def _written(history: History) -> int:
    return max((int(moment.event["revision"]) for moment in history.of("apply")), default=0)


def _check_heartbeats(verdict: Verdict, history: History) -> None:
    reigns = history.reigns()
    leader = reigns[-1].node if reigns else ""
    followers = [node for node in history.nodes if node != leader]
    heard = {node: history.of("heartbeat_received", node, peer=leader, message="AppendEntries") for node in followers}
    answers = {
        node: history.of("heartbeat_received", leader, peer=node, message="AppendEntriesResponse") for node in followers
    }
    fewest = min((len(found) for found in [*heard.values(), *answers.values()]), default=0)
    verdict.check(
        Words(
            "Every follower heard the leader's heartbeats and answered, with nothing to write, too",
            "書き込みがないときも、全フォロワーがハートビートを受け取り、返事をした",
        ),
        fewest >= HEARTBEATS,
        [found[0].position for found in [*heard.values(), *answers.values()] if found],
        seen=Words("at least {count} each way", "どの方向にも{count}回以上").fill(count=fewest),
    )


def _check_logs(verdict: Verdict, history: History) -> None:
    entries = max((len(log_of(history, node)) for node in history.nodes), default=0)
    first = disagreement(history)
    seen = Words("{entries} entries", "エントリ{entries}個").fill(entries=entries)
    if first is not None:
        seen = Words("entry {index} is not everywhere the same", "エントリ{index}が全員で同じではない").fill(
            index=first
        )
    verdict.check(
        Words("The logs of all nodes are equal, entry by entry", "全ノードのログが、エントリごとに等しい"),
        first is None and entries >= WRITES,
        [m.position for node in history.nodes if (m := history.last("append", node)) is not None],
        seen=seen,
    )


def _check_commits(verdict: Verdict, history: History) -> None:
    leaders = {reign.node for reign in history.reigns()}
    heard = history.heard_from
    known = history.commit_index(before=heard)
    commits = [m for m in history.commits(leaders, after=heard) if int(m.event["previous"]) >= known]
    early = [
        commit.position
        for commit in commits
        if len(on_disk_at(history, commit, int(commit.event["index"]))) < history.majority
    ]
    verdict.check(
        Words(
            "The leader committed an entry only when a majority had it on disk",
            "リーダーは、過半数のディスクに載ったエントリだけをコミットした",
        ),
        len(commits) >= WRITES and not early,
        early or [commit.position for commit in commits],
        seen=Words("{count} commits", "コミット{count}回").fill(count=len(commits)),
    )


LAB = Lab("agreement", act, judge, options=CALM, details=("heartbeat_sent", "heartbeat_received"))
