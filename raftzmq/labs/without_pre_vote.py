"""`raftzmq` whose nodes campaign without asking first whether they could win: a launcher for one lesson.

``python -m raftzmq.labs.without_pre_vote node --node n1 --lab …``

Nothing in what is shipped can turn pre-vote off. This replaces one method of the core in the one process that it
starts, and starts none but a node in lab mode, which says of itself that anybody may break it. Votes, terms and logs
are decided as ever: what is lost is that a node which nobody hears leaves the others alone when it comes back.
"""

from __future__ import annotations

import sys

from raftzmq.benchmarks.slow_disk import start
from raftzmq.core.elections import Elections


def launcher() -> tuple[str, ...]:
    """The command that stands in for ``raftzmq``."""
    return (sys.executable, "-P", "-m", "raftzmq.labs.without_pre_vote")


def plant() -> None:
    """Let every campaign begin with the election itself, as in Raft §5.2, without the question of thesis 9.6."""
    campaign = Elections._campaign

    def campaign_at_once(self: Elections, *, pre_vote: bool, told: bool = False) -> None:
        campaign(self, pre_vote=False, told=told)

    Elections._campaign = campaign_at_once  # type: ignore[method-assign]


if __name__ == "__main__":
    if "node" not in sys.argv or "--lab" not in sys.argv:
        sys.exit(
            "this stands in for raftzmq in a lesson about elections, and only starts nodes in lab mode: use raftzmq, "
            "or raftzmq lab run pre-vote"
        )
    plant()
    start(sys.argv[1:])
