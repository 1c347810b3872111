"""Options that several benchmarks have in common, so that they mean and say the same everywhere."""

from __future__ import annotations

from pathlib import Path

import click

from raftzmq.benchmarks.load import HEAD
from raftzmq.config import VALUE_BYTES_MAX

directory_option = click.option(
    "--directory",
    type=click.Path(path_type=Path, exists=True, file_okay=False, writable=True),
    help="Where the nodes' data go, which chooses the disk. [default: the system's for temporary files]",
)
seed_option = click.option("--seed", default=1, show_default=True, help="Of keys and values.")
value_size_option = click.option(
    "--value-size",
    default=256,
    show_default=True,
    type=click.IntRange(HEAD.size, VALUE_BYTES_MAX),
    help="Bytes of a value.",
)
