"""A follower is cut off and comes back: first as nodes are, then without the question that keeps it from disturbing."""

from __future__ import annotations

from raftzmq.labs.absence import Absence, absence_of
from raftzmq.labs.chapters import chapters
from raftzmq.labs.history import History
from raftzmq.labs.lab import Lab
from raftzmq.labs.narration import Step
from raftzmq.labs.stage import Stage
from raftzmq.labs.verdict import Verdict
from raftzmq.labs.without_pre_vote import launcher
from raftzmq.labs.words import Words

AWAY_S = 2.5
"""Several of the longest election timeouts."""
AFTER_S = 1.5
"""What its return sets off is over by then."""

_WITH = Step(
    Words("Start three nodes. Write something.", "3台を起動し、書き込む。"),
    Words(
        "They use pre-vote: who loses patience first asks whether it could win, and raises no term for that.",
        "事前投票を使う。待ちきれないノードは、まず勝てるかどうかを尋ね、それだけでは任期を上げない。",
    ),
    Words("Thesis 9.6: pre-vote", "博士論文 9.6: 事前投票"),
)
_GONE = Step(
    Words("Cut {node} off from the others for {seconds:g} s.", "{node}を{seconds:g}秒間、他から切り離す。"),
    Words(
        "It hears no leader and wants to campaign. Watch its term: it is {term} now.",
        "リーダーの声が届かないので立候補しようとする。任期に注目: 今は{term}。",
    ),
    Words(
        "Raft §5.2: without heartbeats a follower campaigns when its timer runs out.",
        "Raft §5.2: ハートビートがなければ、タイマーが切れたフォロワーは立候補する。",
    ),
)
_BACK_WITH = Step(
    Words("Heal the links.", "回線を戻す。"),
    Words(
        "{node} never got an answer, so its term is what it was: it follows {leader} again as if nothing had been.",
        "{node}は返事を得られず、任期は元のまま。何事もなかったように{leader}に従う。",
    ),
    Words(
        "Thesis 9.6: a node that cannot win an election does not raise its term.",
        "博士論文 9.6: 選挙に勝てないノードは任期を上げない。",
    ),
)
_WITHOUT = Step(
    Words(
        "Start the nodes again, with that question replaced in their processes by the election itself.",
        "プロセスの中でその質問を選挙そのものに置き換えて、ノードを起動し直す。",
    ),
    Words(
        "This launcher belongs to this lab alone: nothing that is shipped turns pre-vote off.",
        "この起動方法はこの実験専用。製品には事前投票を切るスイッチはない。",
    ),
    Words("Raft §5.2: elections as in the paper", "Raft §5.2: 論文どおりの選挙"),
)
_BACK_WITHOUT = Step(
    Words("Heal the links.", "回線を戻す。"),
    Words(
        "{node} comes back with a higher term. {leader}, who did nothing wrong, hears of it and steps down; somebody "
        "has to be elected anew.",
        "{node}は高い任期を持って戻る。何も悪くない{leader}がそれを聞いて退き、選挙がやり直しになる。",
    ),
    Words(
        "Raft §5.1: who hears of a higher term becomes a follower. Thesis 4.2.3, 9.6: disruptive servers",
        "Raft §5.1: より高い任期を聞いた者はフォロワーになる。博士論文 4.2.3、9.6: 邪魔をするサーバー",
    ),
)


def act(stage: Stage) -> None:
    """The same absence twice, with nodes as they are and with those of the launcher."""
    stage.tell(_WITH)
    stage.start()
    _absence(stage, _BACK_WITH)
    stage.kill(*stage.running)  # all at once: stopped one by one, those that are left would hold an election
    stage.tell(_WITHOUT)
    stage.start(launcher=launcher())
    _absence(stage, _BACK_WITHOUT)


def _absence(stage: Stage, back: Step) -> None:
    leader, term = stage.leader()
    stage.client().put("before", "somebody is cut off")
    node = stage.others(leader)[0]
    stage.tell(_GONE, node=node, seconds=AWAY_S, term=term)
    stage.partition([node], stage.others(node))
    stage.rest(AWAY_S)
    stage.tell(back, node=node, leader=leader)
    stage.heal()
    stage.rest(AFTER_S)
    stage.leader()
    stage.client().put("after", "it came back")


_AWAY = Words(
    "Twice a follower was cut off for several election timeouts, and came back",
    "2度、フォロワーが選挙タイムアウト数回分のあいだ切り離され、戻ってきた",
)
_ASKED = Words(
    "With pre-vote it asked in vain whether it could win, and its term did not rise",
    "事前投票ありでは、勝てるか尋ねても返事はなく、任期は上がらなかった",
)
_STAYED = Words(
    "With pre-vote its return disturbed nobody: same leader, same term, no election",
    "事前投票ありでは、戻っても誰も邪魔されなかった。リーダーも任期も同じ、選挙なし",
)
_ROSE = Words(
    "Without it, it campaigned again and again, alone, and its term rose each time",
    "なしでは、独りで立候補を繰り返し、そのたびに任期が上がった",
)
_DEPOSED = Words(
    "Without it, the leader was deposed by the higher term, and an election followed",
    "なしでは、リーダーが高い任期に退けられ、選挙になった",
)
_TERMS = Words("{count} campaigns, term {before} → {after}", "立候補{count}回、任期{before} → {after}")
LEAST = 2
"""Campaigns without an answer that count as again and again."""


def judge(history: History) -> Verdict:
    """The same absence did no harm with pre-vote, and deposed the leader without."""
    verdict = Verdict()
    found = [absence for chapter in chapters(history) if (absence := absence_of(chapter)) is not None]
    places = [moment.position for absence in found for moment in (absence.gone, absence.back)]
    if not verdict.check(_AWAY, len(found) == 2, places):
        return verdict
    _with_pre_vote(verdict, found[0])
    _without_pre_vote(verdict, found[1])
    return verdict


def _with_pre_vote(verdict: Verdict, absence: Absence) -> None:
    asked = absence.asked
    seen = Words("{count} questions, term {term} → {back}", "質問{count}回、任期{term} → {back}").fill(
        count=len(asked), term=absence.term, back=absence.term_back
    )
    quiet = not absence.campaigned and absence.term_back == absence.term
    verdict.check(_ASKED, asked and quiet, [moment.position for moment in asked], seen=seen)
    same = (absence.leader_after, absence.term_after) == (absence.leader, absence.term)
    harm = [moment.position for moment in [*absence.elections, absence.deposed] if moment is not None]
    seen = _leaders(absence)
    verdict.check(_STAYED, same and not harm, harm or [absence.back.position], seen=seen)


def _without_pre_vote(verdict: Verdict, absence: Absence) -> None:
    campaigns = absence.campaigned
    seen = _TERMS.fill(count=len(campaigns), before=absence.term, after=absence.term_back)
    rose = len(campaigns) >= LEAST and absence.term_back == absence.term + len(campaigns)
    verdict.check(_ROSE, rose, [moment.position for moment in campaigns], seen=seen)
    places = [moment.position for moment in [absence.deposed, *absence.elections] if moment is not None]
    held = absence.deposed is not None and absence.elections and absence.term_after > absence.term_back
    verdict.check(_DEPOSED, held, places, seen=_leaders(absence))


def _leaders(absence: Absence) -> Words:
    return Words("{before} in term {term} → {after} in term {later}", "{before} 任期{term} → {after} 任期{later}").fill(
        before=absence.leader, term=absence.term, after=absence.leader_after, later=absence.term_after
    )


LAB = Lab("pre-vote", act, judge, nodes=3, details=("sent", "received"))
