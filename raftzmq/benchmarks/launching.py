"""How programs of ours are started beside the one that runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import raftzmq.config

LAUNCHER = (sys.executable, "-P", "-m", "raftzmq")
"""What starts a program of ours."""


def own_environment() -> dict[str, str]:
    """The environment in which a program is of this tree, installed or not, and has none of the caller's settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAFTZMQ_")}
    environment["PYTHONPATH"] = str(Path(raftzmq.config.__file__).parent.parent)
    return environment
