"""The commands as the shell offers them: the same ones, run in this process, with clients that stay connected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from raftzmq.cli.main import COMMANDS, Lazy, Main
from raftzmq.cli.options import CONTEXT
from raftzmq.cli.output import EXIT_ERROR, EXIT_INTERRUPTED, EXIT_USAGE
from raftzmq.cli.shared import META, SharedClients

SECTIONS = ("Keys and values", "Looking at the cluster")
LEFT_OUT = ("shell", "events", "completion")
"""Of these sections. Events never end, and a shell in a shell helps nobody."""
OFFERED: dict[str, Lazy] = {
    name: lazy for name, lazy in COMMANDS.items() if lazy.section in SECTIONS and name not in LEFT_OUT
}
EXAMPLES = (
    ("One command a line", (("put colour blue", ""), ("get colour --json", ""), ("range app/ --limit 10", ""))),
    ("Of the shell itself", (("help put", "what put can do"), ("exit", "as Ctrl-D does"))),
)
LEAVE = ("exit", "quit")


class ShellCommands(Main):
    """The group of commands of one shell; whatever ends a command, the shell goes on."""

    def __init__(self, clients: SharedClients) -> None:
        help_text = "The same commands as outside, without 'raftzmq' before them, on one connection."
        settings = {**CONTEXT, "auto_envvar_prefix": "RAFTZMQ"}
        super().__init__(
            name="", context_settings=settings, help=help_text, subcommand_metavar="COMMAND …", options_metavar=""
        )
        self.table = OFFERED
        self.examples = EXAMPLES
        self.lists = "help"
        self._clients = clients

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """A context in which `raftzmq.cli.options.open_client` finds the clients."""
        context = super().make_context(info_name, args, parent, **extra)
        context.meta[META] = self._clients
        return context

    def run(self, words: Sequence[str]) -> int:
        """Run one command; its exit code. Everything that it has to say it says itself."""
        if words[0] == "help":
            words = [*words[1:], "--help"]
        try:
            with self.make_context("", list(words)) as context:
                self.invoke(context)
        except click.exceptions.Exit as end:
            return end.exit_code
        except click.UsageError as error:
            if error.ctx is None or error.ctx.command is self:
                # No command of ours: there is no usage to show, and nothing to call with --help.
                return say_usage(error.format_message())
            error.show()
            return error.exit_code
        except click.ClickException as error:
            error.show()
            return EXIT_ERROR
        except (click.Abort, KeyboardInterrupt):
            return EXIT_INTERRUPTED
        return 0


def say_usage(message: str) -> int:
    """A line that is no command at all; the exit code."""
    click.echo(f"Error: {message}", err=True)
    return EXIT_USAGE
