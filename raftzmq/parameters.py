"""What all parameters of commands have in common, wherever the command is started from: bounds, and variables' names.

No command takes numbers that nobody can count with, nor paths without a name; and every option has an environment
variable that is named after its flag.
"""

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


def prepare(command: click.Command, above: str) -> None:
    """Bound the command's parameters and name its options' variables; so for all that a group has at hand, too.

    ``above`` is what variables of the group that it stands in begin with, such as ``RAFTZMQ`` or ``RAFTZMQ_BENCH``.
    """
    prefix = f"{above}_{command.name}".upper().replace("-", "_")
    for parameter in command.params:
        _bound(parameter)
        if isinstance(parameter, click.Option):
            _name_variable(parameter, prefix)
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            prepare(inner, prefix)


def _bound(parameter: click.Parameter) -> None:
    """Its type so, if it is a range of numbers or a path; the help says what it said."""
    given = parameter.type
    if type(given) is click.FloatRange:
        parameter.type = _Finite(given.min, given.max, given.min_open, given.max_open, given.clamp)
    elif type(given) is click.IntRange:
        parameter.type = _Whole(given.min, given.max, given.min_open, given.max_open, given.clamp)
    elif type(given) is click.Path:
        parameter.type = _Named.like(given)


def _name_variable(option: click.Option, prefix: str) -> None:
    """PREFIX_FLAG, unless it says a name itself: click would take the name that the option has in the program."""
    flag = flag_name(option)
    if flag == option.name:
        return
    if option.allow_from_autoenv and option.envvar is None:
        option.envvar = f"{prefix}_{flag}".upper()
    option.allow_from_autoenv = False


def flag_name(option: click.Option) -> str:
    """``--in-flight`` is in_flight: the first long one, if there are several."""
    flag = next((flag for flag in option.opts if flag.startswith("--")), option.opts[0])
    return flag.lstrip("-").replace("-", "_")
