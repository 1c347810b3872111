"""``raftzmq shell``: many commands on one connection, typed on a terminal or read from a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from raftzmq.cli.options import CONTEXT, client_options, find_endpoints
from raftzmq.cli.output import EXIT_BROKEN_PIPE, EXIT_INTERRUPTED, note, printable
from raftzmq.cli.shared import SharedClients
from raftzmq.cli.standard_input import input_on_terminal, standard_input

if TYPE_CHECKING:
    from raftzmq.cli.shell_commands import ShellCommands


@click.command(context_settings=CONTEXT)
@click.argument("batch", type=click.File("rb"), required=False, metavar="[FILE]")
@click.option("--keep-going", is_flag=True, help="In a batch: go on after a command that failed.")
@click.option(
    "--history",
    type=click.Path(path_type=Path),
    envvar="RAFTZMQ_HISTORY",
    show_envvar=True,
    metavar="FILE",
    help="Where typed lines are remembered. Without it: raftzmq/history in the user's directory for state.",
)
@client_options
def shell(
    batch: IO[bytes] | None,
    keep_going: bool,
    history: Path | None,
    endpoints: str | None,
    config: Path | None,
    timeout: float,
    as_json: bool,
) -> None:
    """Type commands on one connection, or run a batch of them from FILE or standard input.

    On a terminal: history (arrow keys, Ctrl-R), completion of commands, options and stored keys (the tabulator),
    hints. Ctrl-C drops the line or ends the command, Ctrl-D leaves.

    A batch has one command a line, quoted as in sh; # begins a comment. It stops at the first command that fails and
    ends with its exit code; with --keep-going it runs to its end, and ends with the first exit code that wasn't 0.
    Values that it prints end with a line end.

    \b
    Examples:
      raftzmq shell
      raftzmq shell setup.raftzmq
      printf 'put a 1\\nput b 2\\nrange ""\\n' | raftzmq shell --json
      raftzmq shell --keep-going < many.raftzmq
    """
    find_endpoints(endpoints, config)  # what is wrong with them is said now, once
    clients = SharedClients()
    with _settings_for_all(endpoints, config, timeout, as_json):
        from raftzmq.cli.shell_commands import ShellCommands

        commands = ShellCommands(clients)
        try:
            if batch is None and input_on_terminal() and sys.stdout.isatty():
                from raftzmq.cli.shell_prompt import converse

                converse(commands, clients, history, find_endpoints(endpoints, config))
                code = 0
            else:
                code = run_batch(commands, batch if batch is not None else standard_input(), keep_going)
        finally:
            clients.close()
    click.get_current_context().exit(code)


@contextmanager
def _settings_for_all(endpoints: str | None, config: Path | None, timeout: float, as_json: bool) -> Iterator[None]:
    """What the shell was told holds for its commands, where they say nothing else: they find it where they look."""
    settings = {
        # What was told to the shell goes before what its environment says, as everywhere.
        "RAFTZMQ_ENDPOINTS": ",".join(find_endpoints(endpoints, config)) if endpoints is not None else None,
        "RAFTZMQ_CONFIG": str(config) if config is not None else None,
        "RAFTZMQ_TIMEOUT": str(timeout),
        "RAFTZMQ_JSON": "1" if as_json else None,
    }
    before = {name: os.environ.get(name) for name in settings}
    _set_environment(settings)
    try:
        yield
    finally:
        _set_environment(before)


def _set_environment(variables: dict[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def run_batch(commands: ShellCommands, lines: Iterable[bytes], keep_going: bool) -> int:
    """Run the commands of ``lines``; the exit code of the first that failed, 0 if none did."""
    from raftzmq.cli.shell_commands import LEAVE, say_usage
    from raftzmq.cli.words import split_words

    first_failure = 0
    for number, line in enumerate(lines, 1):
        text = os.fsdecode(line).strip()
        try:
            words = split_words(text)
        except ValueError as error:
            code = say_usage(f"{printable(text)!r} cannot be read: {error}")
        else:
            if not words:
                continue
            if words[0] in LEAVE:
                break
            code = commands.run(words)
        if code == 0:
            continue
        first_failure = first_failure or code
        if code in (EXIT_BROKEN_PIPE, EXIT_INTERRUPTED):
            break
        note(f"line {number} ended with exit code {code}{'' if keep_going else ': the rest was not run'}")
        if not keep_going:
            break
    return first_failure
