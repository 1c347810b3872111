"""How long a node waits before it starts, after it ended badly several times in a row.

A supervisor that restarts at once would otherwise turn a crash at start into a loop that fills logs and disks.
"""

from __future__ import annotations

import json
from pathlib import Path

STARTS = "starts.json"
WINDOW_S = 60.0
FREE_STARTS = 3
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 10.0


class StartBackoff:
    """Remembers starts that no orderly stop followed. A hint only: a damaged file counts as none."""

    def __init__(self, data: Path) -> None:
        self._file = data / STARTS

    def _recent(self, now_s: float) -> list[float]:
        try:
            starts = json.loads(self._file.read_text())
        except (OSError, ValueError):
            return []
        if not isinstance(starts, list):
            return []
        return [start for start in starts if isinstance(start, (int, float)) and 0 <= now_s - start < WINDOW_S]

    def begin(self, now_s: float) -> float:
        """Note a start at wall time ``now_s`` (seconds); how many seconds to wait first."""
        recent = self._recent(now_s)
        self._file.write_text(json.dumps([*recent[-20:], now_s]))
        if len(recent) < FREE_STARTS:
            return 0.0
        return float(min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (len(recent) - FREE_STARTS)))

    def end(self) -> None:
        """The node stops in good order."""
        self._file.unlink(missing_ok=True)
