"""A rule, and the code without it: every test of this folder runs as it is, and again with its rule taken out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Bug:
    """``function`` in the place of ``owner.name``, and the rule is gone; ``what`` says how the code then behaves."""

    what: str
    owner: Any
    name: str
    function: Any


def fails_with(*bugs: Bug) -> Callable[[Callable[[], None]], Callable[..., None]]:
    """The test must pass, and fail once each of ``bugs`` is planted.

    Failing means that a sentence of the test turns out false: an exception from inside the code is luck, no test.
    """
    assert bugs, "nothing shows that the test can fail"

    def decorate(test: Callable[[], None]) -> Callable[..., None]:
        def run(bug: Bug | None, monkeypatch: pytest.MonkeyPatch) -> None:
            if bug is None:
                test()
                return
            monkeypatch.setattr(bug.owner, bug.name, bug.function)
            with pytest.raises(AssertionError) as caught:
                test()
            assert Path(caught.traceback[-1].path).is_relative_to(TESTS), "the code itself found it, not the test"
            assert "name='running'" not in str(caught.value), "a node ended: nothing was found out"

        run.__name__, run.__qualname__, run.__doc__ = test.__name__, test.__qualname__, test.__doc__
        run.__module__ = test.__module__
        return pytest.mark.parametrize("bug", [None, *bugs], ids=_label)(run)

    return decorate


def rule(name: str, *bugs: Bug) -> Callable[[Callable[[], None]], Callable[..., None]]:
    """The test holds the rule ``name`` of the catalogue, and `fails_with` each of ``bugs``."""
    return fails_with(*bugs)


def _label(bug: Bug | None) -> str:
    return "as it is" if bug is None else f"bug: {bug.what}"
