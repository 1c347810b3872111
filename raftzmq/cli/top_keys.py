"""Single keys from the terminal, without an Enter behind them."""

from __future__ import annotations

import os
import select
import sys
import termios
import time
import tty
from types import TracebackType
from typing import Any, Self


class Keys:
    """While it is open, keys come one by one and aren't shown. Without a terminal on standard input none come."""

    def __init__(self) -> None:
        self._descriptor = sys.stdin.fileno() if sys.stdin is not None and sys.stdin.isatty() else -1
        self._before: list[Any] | None = None

    def __enter__(self) -> Self:
        if self._descriptor >= 0:
            self._before = termios.tcgetattr(self._descriptor)
            tty.setcbreak(self._descriptor)  # Ctrl-C stays a signal
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._before is not None:
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)

    def read(self, wait_s: float) -> str:
        """The keys that were pressed, after ``wait_s`` seconds at the latest; empty if none was."""
        if self._descriptor < 0:
            time.sleep(wait_s)
            return ""
        if not select.select([self._descriptor], [], [], wait_s)[0]:
            return ""
        pressed = os.read(self._descriptor, 100)
        if not pressed:  # the terminal is gone
            self._descriptor = -1
        return pressed.decode(errors="replace")
