"""Options that several benchmarks have in common, so that they mean and say the same everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from raftzmq.benchmarks.load import HEAD
from raftzmq.config import VALUE_BYTES_MAX

F = TypeVar("F", bound=Callable[..., Any])

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


def load_options(command: F) -> F:
    """``--clients``, ``--client``, ``--read-share``, ``--runtime``, ``--uvloop``: who calls what, and who answers."""
    options = [
        click.option("--clients", default=1, show_default=True, type=click.IntRange(1), help="Client processes."),
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
