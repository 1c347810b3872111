"""Standard output and standard error that are closed or full, or that nobody reads: a program ends with its own code.

Python would otherwise try once more to write what is left when it ends, complain, and exit with a code of its own.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click


def open_closed() -> None:
    """Where the caller closed an output (``>&-``), what is to be said is said to nobody."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - while the process lasts


def silence_output() -> None:
    """Let standard output lead nowhere from now on, with what is still to be written."""
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def show(error: click.ClickException) -> None:
    """Say what is wrong with a command line, if that can be written: the exit code tells it as well."""
    with suppress(OSError):
        error.show()
