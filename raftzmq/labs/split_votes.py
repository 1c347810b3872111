"""The leader is lost again and again, with election timeouts that lie closer together or farther apart."""

from __future__ import annotations

import time

from raftzmq.labs.history import History
from raftzmq.labs.lab import Lab
from raftzmq.labs.narration import Step
from raftzmq.labs.split_figures import Spread, draw, histogram, spreads_of
from raftzmq.labs.stage import Stage
from raftzmq.labs.verdict import Verdict
from raftzmq.labs.words import Words

LOW_MS = 200
WIDTHS_MS = (1, 20, 200)
"""Of the range that election timeouts are drawn from: next to nothing, a little, the usual."""
DELAY_S = 0.005
"""By which every message is late, as between cities: on one machine a vote is there before a second timer runs out."""
SEARCHES = 8
"""For a leader, with each of them."""
CHAPTER_S = 5.0
"""No more searches are begun after it: those with hardly any spread take long."""
PATIENCE_S = 1.8
"""For one search; then the old leader is let back, whose vote decides it."""

_START = Step(
    Words(
        "Start three nodes whose election timeouts are drawn from {low} to {high} ms, and wait for a leader.",
        "選挙タイムアウトを{low}〜{high} msから選ぶ3台を起動し、リーダーを待つ。",
    ),
    Words("{expected.en}", "{expected.ja}"),
    Words(
        "Raft §5.2, §9.3: timeouts are random so that one timer runs out well before the others.",
        "Raft §5.2、§9.3: 1つのタイマーだけが十分早く切れるよう、タイムアウトは無作為にする。",
    ),
)
_EXPECTED = (
    Words(
        "Every message takes 5 ms, as between two cities: so long nobody knows that another campaigns. 1 ms of spread "
        "is less than that.",
        "都市間のように、どのメッセージも5 msかかる。その間、他の立候補は誰にも見えない。1 msの幅はそれより短い。",
    ),
    Words(
        "20 ms of spread is four times a message's way: often one is early enough, often not.",
        "20 msの幅はメッセージの道のりの4倍。間に合うことも、間に合わないことも多い。",
    ),
    Words(
        "200 ms of spread, the usual: one is nearly always early enough.",
        "普段どおりの200 msの幅。ほぼ必ず1台だけが間に合う。",
    ),
)
"""What is to be seen with each of the spreads."""
_SEARCH = Step(
    Words(
        "Cut the leader off, see who is elected, let it back: {searches} times over.",
        "リーダーを切り離し、誰が選ばれるかを見て、回線を戻す。これを{searches}回。",
    ),
    Words(
        "Two nodes are left, and each needs the other's vote: do both ask at the same moment?",
        "残るのは2台で、互いの票が要る。2台が同時に頼むことにならないか?",
    ),
    Words(
        "Raft §5.2: a node votes once in a term, first come, first served; candidates vote for themselves.",
        "Raft §5.2: 1任期に1票、先着順。候補者は自分に投票する。",
    ),
)
_FOUND = Step(
    Words("It took {terms} terms to be led {searches} times.", "{searches}回のリーダー選出に{terms}任期かかった。"),
    Words(
        "A term that nobody wins is a split vote: all wait for another timeout, and draw a new one.",
        "勝者のない任期が票割れである。全員が次のタイムアウトを引き直して待つ。",
    ),
    Words(
        "Raft §5.2: split votes resolve by themselves, the sooner the wider timeouts spread.",
        "Raft §5.2: 票割れは自然に解ける。タイムアウトの幅が広いほど早い。",
    ),
)

_ENOUGH = Words(
    "With each of {count} spreads a leader was lost and looked for at least {least} times",
    "{count}通りの幅のそれぞれで、少なくとも{least}回リーダーを失い、探した",
)
_DREW = Words(
    "The timers that ran out first lay close together to begin with, and far apart in the end",
    "最初の設定では切れたタイマーが互いに近く、最後の設定では大きく離れていた",
)
_SPLIT = Words(
    "With hardly any spread, votes were split in at least a third of the searches",
    "幅がほとんどないと、探索の3分の1以上で票が割れた",
)
_WON = Words(
    "With the usual spread, at least half of the leaders were elected in the first term",
    "通常の幅では、リーダーの半分以上が最初の任期で選ばれた",
)
_SOONER = Words(
    "A wide spread costs fewer terms, and less time without a leader, than a narrow one",
    "幅が広いほうが、費やす任期も、リーダー不在の時間も少ない",
)
_HISTOGRAM = Words(
    "Terms until there was a leader; none: not before the old one was let back. Heads: the middle half of the timers, "
    "searches, how many had a split vote, terms on average, median (and range) of the time without a leader",
    "リーダーが決まるまでの任期数。none: 元のリーダーを戻すまで決まらず。見出し: タイマーの中央半分、探索数、票割れの"
    "回数、平均任期数、リーダー不在の時間の中央値 (範囲)",
)
LEAST = 3
"""Searches with each spread, below which nothing can be said."""
CLOSER = 3.0
"""So many times closer together the first timers must lie than the last."""


def act(stage: Stage) -> None:
    """Lose and find leaders with each spread in turn, on the same cluster, started anew."""
    for width, expected in zip(WIDTHS_MS, _EXPECTED, strict=True):
        high = LOW_MS + width
        stage.tell(_START, low=LOW_MS, high=high, expected=expected)
        stage.start(options=("--election-timeout-ms", f"{LOW_MS}-{high}"))
        stage.wait(lambda: True if len(stage.rows()) == len(stage.nodes) else None, "all nodes are there")
        _mend(stage)
        leader, term = _first_leader(stage)
        stage.tell(_SEARCH, searches=SEARCHES)
        first, searches, deadline = term, 0, time.monotonic() + CHAPTER_S
        while searches < SEARCHES and (searches < LEAST or time.monotonic() < deadline):
            leader, term = _search(stage, leader, term)
            searches += 1
        stage.tell(_FOUND, terms=term - first, searches=searches)
        stage.kill(*stage.running)


def _first_leader(stage: Stage) -> tuple[str, int]:
    """The first election may take as long as any: where nobody wins it in time, a node is told to try at once."""
    patient_until = time.monotonic() + PATIENCE_S

    def look() -> bool | None:
        led = any(row["role"] == "leader" for row in stage.rows().values())
        return True if led or time.monotonic() > patient_until else None

    stage.wait(look, "an election, or the end of patience")
    if not any(row["role"] == "leader" for row in stage.rows().values()):
        stage.elect(stage.nodes[0])
    return stage.leader()


def _search(stage: Stage, leader: str, term: int) -> tuple[str, int]:
    """Cut the leader off until another is elected, or for as long as patience lasts."""
    others = stage.others(leader)
    stage.partition([leader], others)
    patient_until = time.monotonic() + PATIENCE_S

    def look() -> bool | None:
        led = any(row["role"] == "leader" and int(row["term"]) > term for row in stage.rows(others).values())
        return True if led or time.monotonic() > patient_until else None

    stage.wait(look, "an election, or the end of patience")
    _mend(stage)
    return stage.leader(above_term=term)


def _mend(stage: Stage) -> None:
    """All links as they are in this lab: slow."""
    stage.link(stage.nodes, stage.nodes, delay_s=DELAY_S)


def judge(history: History) -> Verdict:
    """Narrow spreads split votes, wide ones don't, by the timers that were seen to run out."""
    verdict = Verdict()
    spreads = spreads_of(history)
    fewest = min((len(spread.searches) for spread in spreads), default=0)
    enough = len(spreads) >= 2 and fewest >= LEAST
    places = [search.position for spread in spreads for search in spread.searches]
    verdict.check(_ENOUGH.fill(count=len(spreads), least=fewest), enough, places)
    if spreads:
        verdict.exhibit(_HISTOGRAM, histogram(spreads))
    if not enough:
        return verdict
    narrow, wide = spreads[0], spreads[-1]
    verdict.check(
        _DREW,
        CLOSER * narrow.width_ms <= wide.width_ms,
        seen=Words("{narrow} at first, {wide} in the end", "最初は{narrow}、最後は{wide}").fill(
            narrow=narrow.label, wide=wide.label
        ),
    )
    _check_splits(verdict, narrow, wide)
    fewer, sooner = wide.mean_terms < narrow.mean_terms, wide.mean_ms < narrow.mean_ms
    seen = Words(
        "{wide:.1f} against {narrow:.1f} terms, {wide_ms:.0f} against {narrow_ms:.0f} ms on average",
        "平均{wide:.1f}任期対{narrow:.1f}任期、{wide_ms:.0f} ms対{narrow_ms:.0f} ms",
    ).fill(wide=wide.mean_terms, narrow=narrow.mean_terms, wide_ms=wide.mean_ms, narrow_ms=narrow.mean_ms)
    verdict.check(_SOONER, fewer and sooner, seen=seen)
    return verdict


def _check_splits(verdict: Verdict, narrow: Spread, wide: Spread) -> None:
    how_many = Words("{count} of {of}", "{of}回のうち{count}回")
    split = [search.position for search in narrow.searches if search.split_terms]
    seen = how_many.fill(count=len(split), of=len(narrow.searches))
    verdict.check(_SPLIT, 3 * len(split) >= len(narrow.searches), split, seen=seen)
    at_once = [s.ended_position for s in wide.searches if s.winner and s.terms == 1 and s.ended_position is not None]
    seen = how_many.fill(count=len(at_once), of=len(wide.searches))
    verdict.check(_WON, 2 * len(at_once) >= len(wide.searches), at_once, seen=seen)


LAB = Lab(
    "split-votes",
    act,
    judge,
    nodes=3,
    details=("received", "heartbeat_received"),
    draw=draw,
)
