"""What labs there are, in the order of a course: of each its title and what it shows, in a few words.

It stands apart from the labs, and imports nothing that runs anything, since a page lists what it cannot run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from raftzmq.labs.words import Words


@dataclass(frozen=True, slots=True)
class Subject:
    """``title``; ``shows``: what is to be seen; ``rule``: which rule makes it so, with its section; all for people."""

    title: Words
    shows: Words
    rule: Words

    def to_json(self) -> dict[str, Any]:
        """As the page gets it."""
        return {"title": self.title.to_json(), "shows": self.shows.to_json(), "rule": self.rule.to_json()}


SYLLABUS: dict[str, Subject] = {
    "clean-election": Subject(
        Words("A clean election", "きれいな選挙"),
        Words(
            "Five nodes start as equals. The first to lose its patience gets the votes of a majority and leads; "
            "its heartbeats keep the others from trying.",
            "5台が対等に起動する。最初に待ちきれなくなった1台が過半数の票を得てリーダーになり、そのハートビートが他のノードの"
            "立候補を抑える。",
        ),
        Words("Raft §5.2; pre-vote: thesis 9.6", "Raft §5.2、事前投票は博士論文 9.6"),
    ),
    "split-votes": Subject(
        Words("Split votes", "票割れ"),
        Words(
            "The leader is lost again and again. Where election timeouts hardly differ, all campaign at once and "
            "vote for themselves, and term after term passes without a leader: a histogram over the spread.",
            "リーダーを何度も失う。選挙タイムアウトの幅が狭いと全員が同時に立候補して自分に投票し、リーダーのない任期が続く。"
            "幅ごとのヒストグラム。",
        ),
        Words("Raft §5.2, §9.3 (figure 16)", "Raft §5.2、§9.3 (図16)"),
    ),
    "agreement": Subject(
        Words("Heartbeats and log agree", "ハートビートとログの一致"),
        Words(
            "A leader, a few writes, a few heartbeats: five logs and five states are the same, entry by entry, and "
            "nothing was committed before it was on a majority's disks.",
            "リーダーと少しの書き込みとハートビート。5つのログと5つの状態はエントリごとに等しく、過半数のディスクに載る前には何も"
            "コミットされない。",
        ),
        Words("Raft §5.3, figure 3 (log matching)", "Raft §5.3、図3 (ログ一致)"),
    ),
    "leader-dies": Subject(
        Words("The leader dies", "リーダーの死"),
        Words(
            "The leader is killed. Within about a second another leads, with everything that was committed; "
            "the old one comes back and follows.",
            "リーダーを殺す。1秒ほどで、コミット済みのものをすべて持つ別のリーダーが現れる。元のリーダーは戻って従う。",
        ),
        Words("Raft §5.2, §5.4.1; figure 3 (leader completeness)", "Raft §5.2、§5.4.1、図3 (リーダー完全性)"),
    ),
    "three-of-five": Subject(
        Words("Three of five die", "5台中3台の死"),
        Words(
            "Two of five are left. The leader steps down, elections find nobody, nothing commits; with a third node "
            "everything goes on, and what waited commits after all.",
            "5台中2台だけが残る。リーダーは退き、選挙は決まらず、何もコミットされない。3台目が戻ると再び動き出し、待っていたものも"
            "コミットされる。",
        ),
        Words(
            "Raft §5.1 (majorities); thesis 6.2 (stepping down)", "Raft §5.1 (過半数)、博士論文 6.2 (リーダーの辞任)"
        ),
    ),
    "minority-leader": Subject(
        Words("Leader in the minority", "少数派のリーダー"),
        Words(
            "The leader is cut off with one other node and goes on taking writes that it cannot commit. The majority "
            "elects another; after healing, the tail of the old one's log is overwritten.",
            "リーダーがもう1台とともに切り離され、コミットできない書き込みを受け続ける。多数派は別のリーダーを選び、"
            "復旧後に元のリーダーのログの末尾は上書きされる。",
        ),
        Words("Raft §5.3 (conflicts), §5.4.1", "Raft §5.3 (衝突)、§5.4.1"),
    ),
    "lost-messages": Subject(
        Words("Lost messages", "失われたメッセージ"),
        Words(
            "One follower has [gya], the others have [gya, fuga], and the client adds hoge: the follower refuses what "
            "doesn't fit, and the leader goes back and sends what is missing.",
            "1台のログは[gya]、他は[gya, fuga]。クライアントがhogeを加えると、そのフォロワーは合わないものを拒否し、"
            "リーダーは後戻りして欠けたものを送り直す。",
        ),
        Words("Raft §5.3 (consistency check)", "Raft §5.3 (一貫性検査)"),
    ),
    "pre-vote": Subject(
        Words("Pre-vote, on and off", "事前投票の有無"),
        Words(
            "A follower is cut off and comes back. With pre-vote nobody notices; without it, it brings a higher term "
            "and deposes a leader who did nothing wrong.",
            "フォロワーが切り離されて戻ってくる。事前投票があれば誰も気づかない。なければ高い任期を持ち帰り、"
            "何も悪くないリーダーを退ける。",
        ),
        Words("Thesis 9.6; disruptive servers: thesis 4.2.3", "博士論文 9.6、邪魔をするサーバーは 4.2.3"),
    ),
    "power-loss": Subject(
        Words("All power lost at once", "全台同時の停電"),
        Words(
            "All five nodes are killed in the same moment, under load. They come back with nothing but their disks, "
            "and everything that was acknowledged is there.",
            "負荷の最中に5台すべてを同時に殺す。ディスクだけを頼りに戻ってきても、応答済みのものはすべて残っている。",
        ),
        Words("Raft figure 2 (persistent state)", "Raft 図2 (永続状態)"),
    ),
    "exactly-once": Subject(
        Words("Exactly once, under drops", "取りこぼしの下でもちょうど1回"),
        Words(
            "Answers get lost, so the client sends again, and the same command stands in the log twice. It is executed "
            "once all the same.",
            "返事が失われ、クライアントは再送し、同じコマンドがログに2度載る。それでも実行は1度だけ。",
        ),
        Words("Raft §8; thesis 6.3 (sessions)", "Raft §8、博士論文 6.3 (セッション)"),
    ),
    "slow-follower": Subject(
        Words("A snapshot for a slow follower", "遅れたフォロワーへのスナップショット"),
        Words(
            "A follower is away for so long that the leader's log no longer has what it lacks: it gets the state "
            "instead, and follows from there.",
            "フォロワーの不在が長く、欠けたエントリはもうリーダーのログにない。代わりに状態そのものを受け取り、"
            "そこから後を追う。",
        ),
        Words("Raft §7, figure 13; thesis chapter 5", "Raft §7、図13、博士論文5章"),
    ),
    "runtimes": Subject(
        Words("Threads and coroutines", "スレッドとコルーチン"),
        Words(
            "The same script on nodes run by threads, by coroutines, and by both in one cluster: the same state on all "
            "nodes every time. What differs is how they wait.",
            "同じ台本を、スレッドのノード、コルーチンのノード、両方が混ざったクラスタで動かす。状態は毎回全ノードで同じ。"
            "違うのは待ち方である。",
        ),
        Words("Raft figure 3 (state machine safety)", "Raft 図3 (状態機械の安全性)"),
    ),
    "blocking-call": Subject(
        Words("A blocking call", "ブロックする呼び出し"),
        Words(
            "The leader makes one blocking call on the thread of its loop: no heartbeats, and it is voted out though "
            "it is alive. The same call in an executor: nobody notices.",
            "リーダーがループの中でブロックする呼び出しを1つ行う。ハートビートが止まり、生きているのに交代させられる。"
            "同じ呼び出しをエグゼキュータで行えば、誰も気づかない。",
        ),
        Words("Raft §5.2 (heartbeats, election timeout)", "Raft §5.2 (ハートビート、選挙タイムアウト)"),
    ),
    "amdahl": Subject(
        Words("Amdahl's law", "アムダールの法則"),
        Words(
            "1 to 16 workers share work that is all parallel, partly under a lock, or all under a lock, and 1 to 16 "
            "clients share a replicated log: what more of them gain, and what the law says.",
            "1〜16人の働き手が、すべて並列、一部ロックの中、すべてロックの中の仕事を分け合い、1〜16のクライアントが"
            "複製ログを分け合う。増やすと何が得られ、法則は何を言うか。",
        ),
        Words("Amdahl 1967: S(n) = 1 / ((1 - p) + p / n)", "Amdahl 1967: S(n) = 1 / ((1 - p) + p / n)"),
    ),
}
"""By name."""
