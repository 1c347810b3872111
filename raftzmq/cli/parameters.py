"""What no command takes, whatever the parameter: numbers that nobody can count with, and paths without a name."""

from __future__ import annotations

from typing import Any

import click

LARGEST = 1e9
"""Of numbers with fractions and no bound of their own: thirty years in seconds. Waiting ends at 9.2e9 s in Python."""
INTEGER_MAX = 2**63 - 1
"""What messages and JSON hold."""


class _Finite(click.FloatRange):
    """A range without infinity and without what is no number, which no bound keeps out: nan is never too large."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        if not -LARGEST <= found <= LARGEST:
            self.fail(f"{value!r} is not a number up to {LARGEST:,.0f}.", param, ctx)
        return found


class _Whole(click.IntRange):
    """A range of whole numbers that fit into messages."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        if not -INTEGER_MAX <= found <= INTEGER_MAX:
            self.fail(f"{value!r} is not a whole number up to {INTEGER_MAX}.", param, ctx)
        return found


class _Named(click.Path):
    """A path; the empty one, which a variable that isn't set leaves behind, would be the current directory."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("a path is not empty; the current directory is '.'", param, ctx)
        return super().convert(value, param, ctx)

    @classmethod
    def like(cls, given: click.Path) -> _Named:
        """The same, but for that."""
        return cls(
            exists=given.exists,
            file_okay=given.file_okay,
            dir_okay=given.dir_okay,
            writable=given.writable,
            readable=given.readable,
            resolve_path=given.resolve_path,
            allow_dash=given.allow_dash,
            path_type=given.type,
            executable=given.executable,
        )


def with_bounds(command: click.Command) -> click.Command:
    """The command, its ranges of numbers and paths so; the help says what it said."""
    for parameter in command.params:
        given = parameter.type
        if type(given) is click.FloatRange:
            parameter.type = _Finite(given.min, given.max, given.min_open, given.max_open, given.clamp)
        elif type(given) is click.IntRange:
            parameter.type = _Whole(given.min, given.max, given.min_open, given.max_open, given.clamp)
        elif type(given) is click.Path:
            parameter.type = _Named.like(given)
    return command
