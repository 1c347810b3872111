"""Five nodes start as equals, and one of them gets the others to follow it."""

from __future__ import annotations

from raftzmq.labs.history import History, Reign
from raftzmq.labs.lab import Lab
from raftzmq.labs.narration import Step
from raftzmq.labs.stage import Stage
from raftzmq.labs.verdict import Verdict
from raftzmq.labs.words import Words

QUIET_S = 2.0
"""Five of the longest election timeouts: without heartbeats somebody would have campaigned by then."""

_START = Step(
    Words(
        "Start five nodes. They are equals: all of them begin as followers.",
        "5台のノードを起動する。どれも対等で、全員がフォロワーとして始まる。",
    ),
    Words(
        "Each node's election timer runs for a time of its own, drawn from 200 to 400 ms.",
        "各ノードの選挙タイマー。長さは200〜400 msからそれぞれ無作為に選ばれる。",
    ),
    Words(
        "Raft §5.2: random election timeouts make a tie unlikely.",
        "Raft §5.2: タイムアウトを無作為にすることで票割れを起こりにくくする。",
    ),
)
_ELECTED = Step(
    Words(
        "{leader} was the first to lose its patience, and a majority voted for it: it leads term {term}.",
        "最初に待ちきれなくなった{leader}が過半数の票を得て、任期{term}のリーダーになった。",
    ),
    Words(
        "The term rises by one; every node votes at most once in it.",
        "任期が1つ進む。各ノードはその任期で一度しか投票しない。",
    ),
    Words(
        "Raft §5.2: who gets a majority of the votes of a term leads it.",
        "Raft §5.2: 任期の過半数の票を得た者がリーダーになる。",
    ),
)
_QUIET = Step(
    Words("Nothing is written for two seconds.", "2秒間、何も書き込まない。"),
    Words(
        "The leader's heartbeats start every follower's timer anew: nobody else campaigns.",
        "リーダーのハートビートが全フォロワーのタイマーを巻き戻すので、他の誰も立候補しない。",
    ),
    Words("Raft §5.2: heartbeats keep a leader's authority.", "Raft §5.2: ハートビートがリーダーの権威を保つ。"),
)


def act(stage: Stage) -> None:
    """Start everybody, wait for a leader, and leave it alone."""
    stage.tell(_START)
    stage.start()
    leader, term = stage.leader()
    stage.tell(_ELECTED, leader=leader, term=term)
    stage.rest(1.0)
    stage.tell(_QUIET)
    stage.rest(QUIET_S)


def judge(history: History) -> Verdict:
    """One leader, by a majority's votes, whom all follow and nobody challenges."""
    verdict = Verdict()
    reigns = history.reigns()
    terms = [reign.term for reign in reigns]
    verdict.check(
        Words(
            "Somebody was elected, and no term had two leaders", "リーダーが選ばれ、どの任期にもリーダーは2人いなかった"
        ),
        reigns and len(set(terms)) == len(terms),
        [reign.position for reign in reigns],
    )
    reign = reigns[-1] if reigns else Reign(0, "", 0, 0.0)
    votes = history.of("vote", before=reign.position, candidate=reign.node, granted=True, pre_vote=False)
    voters = {moment.node for moment in votes if moment.term == reign.term}
    verdict.check(
        Words("A majority voted for it before it led", "リーダーになる前に、過半数がそのノードに投票した"),
        len(voters | {reign.node}) >= history.majority and reigns,
        [moment.position for moment in votes],
    )
    return verdict


LAB = Lab("clean-election", act, judge)
