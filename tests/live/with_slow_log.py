"""`raftzmq` with a disk that can be made slow: the log waits at every write while ``DIR.slow`` stands beside DIR."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from raftzmq.cli.main import main
from raftzmq.node.work import LogJob
from raftzmq.storage.log import LmdbLog

DELAY_SECONDS = 0.5


def slow_file(data: Path) -> Path:
    """The file that makes the disk of a data directory slow."""
    return data.with_name(data.name + ".slow")


def plant(slow: Path) -> None:
    """Let every write of the log wait first, while ``slow`` exists."""
    write = LmdbLog.write

    def write_slowly(self: LmdbLog, job: LogJob) -> None:
        if slow.exists():
            threading.Event().wait(DELAY_SECONDS)
        write(self, job)

    LmdbLog.write = write_slowly  # type: ignore[method-assign]


if __name__ == "__main__":
    plant(slow_file(Path(sys.argv[sys.argv.index("--data") + 1])))
    main()
