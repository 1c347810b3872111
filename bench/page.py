#!/usr/bin/env python3
"""Does the page keep up with a busy cluster? `--help` says how. The work is in raftzmq.benchmarks.page."""

from __future__ import annotations

import sys
from pathlib import Path

# Of this tree, installed or not.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from raftzmq.benchmarks.program import run

if __name__ == "__main__":
    run("page:page")
