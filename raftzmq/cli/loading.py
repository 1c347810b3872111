"""Commands as they are when they are called: loaded by then, with what all of them have in common."""

from __future__ import annotations

from importlib import import_module

import click

from raftzmq.cli.help_format import with_colours
from raftzmq.cli.parameters import with_bounds


def load_command(target: str) -> click.Command:
    """The command that is ``module:attribute``."""
    module, _, attribute = target.partition(":")
    command = getattr(import_module(module), attribute)
    assert isinstance(command, click.Command)
    return _prepared(command)


def _prepared(command: click.Command) -> click.Command:
    """The command, and all commands of a group that has them at hand."""
    with_bounds(with_colours(command))
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            _prepared(inner)
    return command
