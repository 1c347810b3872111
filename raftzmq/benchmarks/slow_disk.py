"""`raftzmq` on a disk whose syncs take longer while a file stands there: a launcher for experiments.

``python -m raftzmq.benchmarks.slow_disk --sync-delay-ms 300 --trigger FILE node --node n1 …``

Nothing in what is shipped can make a disk slow. This replaces the two methods that commit, that of the log and that of
the state, in the one process that it starts: each waits first, on whatever thread it was called, and then does all
that it always does. So what was not synced before is still not synced while it waits, and nothing is acknowledged
sooner. Installing a snapshot, which is rare, is as fast as ever.
"""

from __future__ import annotations

import argparse
import runpy
import sys
import time
from pathlib import Path

from raftzmq.core.types import Mark
from raftzmq.node.work import LogJob
from raftzmq.storage.log import LmdbLog
from raftzmq.storage.state import LmdbState


def launcher(delay_ms: float, trigger: Path) -> tuple[str, ...]:
    """The command that stands in for ``raftzmq``: syncs take ``delay_ms`` longer while ``trigger`` exists."""
    module = ("-P", "-m", "raftzmq.benchmarks.slow_disk")
    return (sys.executable, *module, "--sync-delay-ms", f"{delay_ms:g}", "--trigger", str(trigger))


def plant(delay_s: float, trigger: Path) -> None:
    """Let each commit of the log and of the state wait ``delay_s`` seconds first, while ``trigger`` exists."""
    write, commit = LmdbLog.write, LmdbState.commit

    def write_slowly(self: LmdbLog, job: LogJob) -> None:
        if trigger.exists():
            time.sleep(delay_s)
        write(self, job)

    def commit_slowly(self: LmdbState) -> Mark:
        if trigger.exists():
            time.sleep(delay_s)
        return commit(self)

    LmdbLog.write = write_slowly  # type: ignore[method-assign]
    LmdbState.commit = commit_slowly  # type: ignore[method-assign]


def start(arguments: list[str]) -> None:
    """Be ``raftzmq`` with these arguments."""
    sys.argv = ["raftzmq", *arguments]
    # By its name, as `python -m` does: a benchmark knows nothing of the command line above it.
    runpy.run_module("raftzmq", run_name="__main__")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="raftzmq, with slow syncs while FILE exists")
    parser.add_argument("--sync-delay-ms", type=float, required=True, metavar="MS")
    parser.add_argument("--trigger", type=Path, required=True, metavar="FILE")
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="raftzmq's arguments")
    given = parser.parse_args()
    plant(given.sync_delay_ms / 1000, given.trigger)
    start(given.rest)
