"""Options that several benchmarks have in common, so that they mean and say the same everywhere."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from raftzmq.benchmarks.load import HEAD
from raftzmq.config import VALUE_BYTES_MAX

F = TypeVar("F", bound=Callable[..., Any])

LOAD_SECONDS_MAX = 300
"""Of one load: its clients keep a note of every call, with room for as many as there could be."""
SECONDS_MAX = 86_400
"""Of anything else."""
OPERATIONS_MAX = 100_000_000
"""Of one load: 12 bytes of notes for each."""
IN_FLIGHT_MAX = 100_000
PROCESSES_MAX = 99


in_flight_range = click.IntRange(1, IN_FLIGHT_MAX)
clients_range = click.IntRange(1, PROCESSES_MAX)
operations_range = click.IntRange(1, OPERATIONS_MAX)

directory_option = click.option(
    "--directory",
    type=click.Path(path_type=Path, exists=True, file_okay=False, writable=True),
    help="Where the nodes' data go, which chooses the disk. [default: the system's for temporary files]",
)
KEYS_MAX = 100_000_000
"""Keys are 8 digits."""
nodes_option = click.option(
    "--nodes", default=3, show_default=True, type=click.IntRange(1, 99), help="Size of the cluster."
)
keys_option = click.option(
    "--keys", default=100_000, show_default=True, type=click.IntRange(1, KEYS_MAX), help="Keys, chosen uniformly."
)
seed_option = click.option("--seed", default=1, show_default=True, help="Of keys and values.")
value_size_option = click.option(
    "--value-size",
    "--payload",
    "value_size",
    default=256,
    show_default=True,
    type=click.IntRange(HEAD.size, VALUE_BYTES_MAX),
    help="Bytes of a value.",
)


def json_option(instead_of: str) -> Callable[[F], F]:
    """``--json`` (as_json); RAFTZMQ_JSON asks every command for it. ``instead_of``: what is printed otherwise."""
    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        envvar="RAFTZMQ_JSON",
        show_envvar=True,
        help=f"One JSON object instead of {instead_of}.",
    )


def check_writable(directory: Path, option: str) -> None:
    """Raise BadParameter for this option unless files can be made in its directory, which is made if need be.

    Nobody should learn after minutes of measuring that there is no place for what was found.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise click.BadParameter(
            f"nothing can be written to {directory} ({error.strerror}): choose another directory",
            param_hint=f"'{option}'",
        ) from None


def was_given(name: str) -> bool:
    """Did the user choose the option that is called so in the program, or does it have its default?"""
    source = click.get_current_context().get_parameter_source(name)
    return source not in (None, ParameterSource.DEFAULT)


def refuse_unused(without: str, names: Collection[str], instead: str = "") -> None:
    """Raise UsageError if the user gave options of these names in the program: what is measured has no use for them.

    ``without``: the options that make it so, as they are written; ``instead``: what to give for them.
    """
    options = click.get_current_context().command.params
    unused = [option.opts[0] for option in options if option.name in names and was_given(option.name)]
    if unused:
        flags = ", ".join(unused)
        them = "it" if len(unused) == 1 else "them"
        raise click.UsageError(f"{without} has no use for {flags}: leave {them} out{instead and f', or {instead}'}")


def refuse_of_other_parts(parts: Collection[str], needed: Mapping[str, Collection[str]]) -> None:
    """The same of a benchmark with ``--part``: ``needed`` are the options' names, and the parts that have use for them.

    What is in none of them is for all parts.
    """
    unused = [name for name, users in needed.items() if not set(users) & set(parts)]
    refuse_unused(" ".join(f"--part {part}" for part in parts), unused)


def load_options(command: F) -> F:
    """``--clients``, ``--client``, ``--read-share``, ``--runtime``, ``--uvloop``: who calls what, and who answers."""
    options = [
        click.option("--clients", default=1, show_default=True, type=clients_range, help="Client processes."),
        click.option(
            "--client",
            default="asyncio",
            show_default=True,
            type=click.Choice(["asyncio", "sync"]),
            help="The shipped client: raftzmq.aio.Client, or raftzmq.Client with its futures.",
        ),
        click.option(
            "--read-share",
            default=0.0,
            show_default=True,
            type=click.FloatRange(0, 1),
            help="Of the calls are linearizable gets; the rest are puts.",
        ),
        click.option(
            "--runtime",
            default="threads",
            show_default=True,
            type=click.Choice(["threads", "coroutines", "coroutines-blocking"]),
            help="What the nodes run on.",
        ),
        click.option("--uvloop", is_flag=True, help="With --runtime coroutines…: on uvloop's event loop."),
    ]
    for option in reversed(options):
        command = option(command)
    return command
