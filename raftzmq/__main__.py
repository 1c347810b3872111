"""``python -m raftzmq``: the command line."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    try:
        from raftzmq.cli.main import main
    except KeyboardInterrupt:  # Ctrl-C while modules load
        sys.exit(130)
    main(prog_name="raftzmq")
