"""`raftzmq` with a fault planted: LMDB's meta page is not synced, so a commit returns before it is durable."""

from __future__ import annotations

import sys
from typing import Any

import lmdb

SIGN = "planted: metasync=False"
_Environment = lmdb.Environment


def open_without_metasync(*arguments: Any, **options: Any) -> lmdb.Environment:
    """What `lmdb.open` does, less the second sync of every commit."""
    options["metasync"] = False
    print(SIGN, file=sys.stderr, flush=True)
    return _Environment(*arguments, **options)


if __name__ == "__main__":
    lmdb.open = lmdb.Environment = open_without_metasync  # type: ignore[assignment, misc]
    from raftzmq.cli.main import main

    main()
