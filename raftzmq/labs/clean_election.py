"""Five nodes start as equals, and one of them gets the others to follow it."""

from __future__ import annotations

from raftzmq.labs.history import History, Moment, Reign
from raftzmq.labs.lab import CALM, Lab
from raftzmq.labs.narration import Step
from raftzmq.labs.stage import Stage
from raftzmq.labs.verdict import Verdict
from raftzmq.labs.words import Words

QUIET_S = 2.5
"""Longer than any election timeout: without heartbeats somebody would have campaigned by then."""

_START = Step(
    Words(
        "Start five nodes. They are equals: all of them begin as followers.",
        "5台のノードを起動する。どれも対等で、全員がフォロワーとして始まる。",
    ),
    Words(
        "Each node waits for a time of its own, drawn from 500 to 1000 ms, before it asks whether it would win.",
        "各ノードは500〜1000 msから無作為に選んだ時間だけ待ち、それから「自分は勝てるか」と尋ねる。",
    ),
    Words(
        "Raft §5.2: random election timeouts. Thesis 9.6: a pre-vote costs no term.",
        "Raft §5.2: 選挙タイムアウトは無作為。博士論文 9.6: 事前投票では任期が進まない。",
    ),
)
_ELECTED = Step(
    Words(
        "{leader} was the first that a majority would have voted for: now it leads term {term}.",
        "過半数の支持を最初に得たのは{leader}だった。任期{term}のリーダーになった。",
    ),
    Words(
        "The term rose by one, and every node votes at most once in it, so nobody else can win it.",
        "任期が1つ進んだ。各ノードは1任期に1票しか投じないので、他の誰もこの任期では勝てない。",
    ),
    Words(
        "Raft §5.2: who gets the votes of a majority in a term leads it.",
        "Raft §5.2: ある任期で過半数の票を得た者がリーダーになる。",
    ),
)
_QUIET = Step(
    Words("Nothing is written for some seconds.", "数秒間、何も書き込まない。"),
    Words(
        "The leader's heartbeats, every 50 ms, wind up all election timers anew: nobody campaigns, the term stays.",
        "50 msごとのハートビートが全員の選挙タイマーを巻き戻す。誰も立候補せず、任期も変わらない。",
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
        Words("Somebody was elected, and no term had two leaders", "リーダーが選ばれ、どの任期にも2人はいなかった"),
        reigns and len(set(terms)) == len(terms),
        [reign.position for reign in reigns],
    )
    reign = reigns[-1] if reigns else None
    _check_votes(verdict, history, reign)
    _check_followers(verdict, history, reign)
    _check_quiet(verdict, history, reign)
    return verdict


def votes_for(history: History, reign: Reign | None, *, pre_vote: bool = False) -> list[Moment]:
    """The votes of others that can have made somebody leader: granted in its term, before it led by Lamport time."""
    if reign is None:
        return []
    led = history.first("role", reign.node, after=reign.position - 1, role="leader")
    assert led is not None
    return [
        vote
        for vote in history.of("vote", candidate=reign.node, granted=True, pre_vote=pre_vote)
        if vote.event["lamport"] < led.event["lamport"] and vote.term in (reign.term - pre_vote, reign.term)
    ]


def _check_votes(verdict: Verdict, history: History, reign: Reign | None) -> None:
    for pre_vote, sentence in (
        (
            True,
            Words(
                "It asked before it raised the term, and a majority said that they would vote for it",
                "任期を進める前に尋ね、過半数が「投票する」と答えた",
            ),
        ),
        (False, Words("Then a majority voted for it, itself included", "そして自身を含む過半数が投票した")),
    ):
        votes = votes_for(history, reign, pre_vote=pre_vote)
        voters = {vote.node for vote in votes} | ({reign.node} if reign else set())
        verdict.check(
            sentence,
            len(voters) >= history.majority,
            [vote.position for vote in votes],
            seen=Words("{count} of {nodes}", "{nodes}台中{count}台").fill(count=len(voters), nodes=len(history.nodes)),
        )


def _check_followers(verdict: Verdict, history: History, reign: Reign | None) -> None:
    followed: dict[str, int] = {}
    if reign is not None:
        for moment in history.of("leader", leader=reign.node):
            if moment.term == reign.term:
                followed.setdefault(moment.node, moment.position)
    verdict.check(
        Words("All nodes came to follow it", "全ノードがそのリーダーに従った"),
        followed and set(followed) == set(history.nodes),
        followed.values(),
    )


def _check_quiet(verdict: Verdict, history: History, reign: Reign | None) -> None:
    led_s = history.end.ts - reign.ts if reign is not None else 0.0
    after = reign.position if reign is not None else 0
    # Before it was heard of everywhere, others could not know that they needn't ask.
    known = [moment.position for moment in history.of("leader", after=after)]
    challenges = history.of("election", after=max(known, default=after))
    verdict.check(
        Words(
            "Nobody campaigned from then on: its heartbeats were enough",
            "それからは誰も立候補しなかった。ハートビートだけで足りた",
        ),
        led_s >= QUIET_S and not challenges,
        [moment.position for moment in challenges],
        seen=Words("for {seconds} s", "{seconds}秒間").fill(seconds=f"{led_s:.1f}"),
    )


LAB = Lab("clean-election", act, judge, options=CALM)
