"""How this process, and those that it starts, take signals: whoever started the tests may have had some ignored."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def handled(number: signal.Signals, how: signal.Handlers) -> Iterator[None]:
    """Take the signal so for a while, as ``nohup`` has SIGHUP ignored and a terminal doesn't."""
    before = signal.signal(number, how)
    try:
        yield
    finally:
        signal.signal(number, before)
