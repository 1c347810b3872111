"""What a planted bug is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from tests.scenarios.harness import Lab

SEEDS = 300
"""Seeds within which every planted bug must be found."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """``function`` takes the place of ``owner.name``; one of ``properties`` must break, in runs of ``events`` events.

    ``scenario`` brings about what chance meets too rarely: it is played if no seed finds the bug. A node that ends with
    an exception counts for nothing: that would be found without any of the properties.
    """

    owner: type | ModuleType
    name: str
    function: Callable[..., Any] | property
    properties: tuple[str, ...]
    events: int = 1_000
    scenario: Callable[[], Lab] | None = None

    @contextmanager
    def planted(self) -> Iterator[None]:
        """While this holds, the bug is in."""
        original = vars(self.owner)[self.name]
        setattr(self.owner, self.name, self.function)
        try:
            yield
        finally:
            setattr(self.owner, self.name, original)
