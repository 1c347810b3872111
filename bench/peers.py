#!/usr/bin/env python3
"""Other replicated stores beside this one; `--help` says how. The work is in raftzmq.benchmarks.peers."""

from __future__ import annotations

import sys
from pathlib import Path

# Of this tree, installed or not.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from raftzmq.benchmarks.program import run

if __name__ == "__main__":
    run("peers:peers")
