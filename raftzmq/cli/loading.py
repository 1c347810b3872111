"""Commands as they are when they are called: loaded by then, with what all of them have in common."""

from __future__ import annotations

from importlib import import_module

import click

from raftzmq.cli.help_format import with_colours
from raftzmq.parameters import prepare


def load_command(target: str, above: str = "RAFTZMQ") -> click.Command:
    """The command that is ``module:attribute``; ``above`` as `prepare` says."""
    module, _, attribute = target.partition(":")
    command = getattr(import_module(module), attribute)
    assert isinstance(command, click.Command)
    prepare(command, above)
    return _coloured(command)


def _coloured(command: click.Command) -> click.Command:
    """The command, and all commands of a group that has them at hand."""
    with_colours(command)
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            _coloured(inner)
    return command
