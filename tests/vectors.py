"""Where the test data of other projects are: in the directory that RAFTZMQ_VECTORS names, else beside the tree."""

from __future__ import annotations

import os
from pathlib import Path

VECTORS = Path(os.environ.get("RAFTZMQ_VECTORS") or Path(__file__).parents[2] / "shared" / "vectors")
