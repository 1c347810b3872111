"""`raftzmq` with one LMDB map that is small: that of the `log` or of the `state`, as its last argument says.

A fifth of a map is kept free: here that is still more than a light load writes until the node looks again.
"""

from __future__ import annotations

import sys

from raftzmq.cli.main import main
from raftzmq.config import MIB
from raftzmq.storage import opening, snapshots, state

LOG_MAP_BYTES = 16 * MIB
"""Compaction leaves as much: so this map fills, where a larger one would not."""
STATE_MAP_BYTES = 48 * MIB

if __name__ == "__main__":
    # The last argument is ours.
    which = sys.argv.pop()
    if which == "log":
        vars(opening)["LOG_MAP_BYTES"] = LOG_MAP_BYTES
    else:
        for module in (opening, snapshots, state):
            vars(module)["STATE_MAP_BYTES"] = STATE_MAP_BYTES
    main()
