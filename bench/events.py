#!/usr/bin/env python3
"""What the event stream costs, and what a collector takes; `--help` says how. See raftzmq.benchmarks.events."""

from __future__ import annotations

import sys
from pathlib import Path

# Of this tree, installed or not.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from raftzmq.benchmarks.program import run

if __name__ == "__main__":
    run("events:events")
