"""What is wrong, on purpose, with the link to one peer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LinkFaults:
    """Faults of the messages that go one way. Probabilities are per message, from 0 to 1.

    Each message that is not lost takes ``delay_us``, give or take up to ``jitter_us``; with ``duplicate`` a second
    copy of it comes too, in a time of its own. A cut link carries nothing at all, whatever else is set.
    """

    drop: float = 0.0
    delay_us: int = 0
    jitter_us: int = 0
    duplicate: float = 0.0
    cut: bool = False

    def __bool__(self) -> bool:
        """Is there anything that they do?"""
        return bool(self.cut or self.drop or self.delay_us or self.jitter_us or self.duplicate)


SOUND = LinkFaults()
"""Nothing is wrong."""
