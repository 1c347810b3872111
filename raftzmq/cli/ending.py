"""How a command ends that cannot go on: in one sentence and with an exit code, never with a traceback."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from raftzmq.cli.output import (
    EXIT_BROKEN_PIPE,
    EXIT_INTERRUPTED,
    JSON_WANTED,
    OutputError,
    exit_code_of,
    report,
)
from raftzmq.errors import RaftzmqError
from raftzmq.standard_streams import show, silence_output

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""What the system says of a file that takes nothing more."""


@contextmanager
def ended_in_words(context: click.Context | None = None) -> Iterator[None]:
    """Raise click's Exit for whatever ends a command, once it has been said; what only a bug can raise passes.

    ``context``: of the command line, once it has been read; it knows whether errors are JSON.
    """
    try:
        try:
            yield
        except click.exceptions.Exit:
            sys.stdout.flush()  # nobody reports what fails after this
            raise
        sys.stdout.flush()
    except click.ClickException as error:
        show(error)
        raise click.exceptions.Exit(error.exit_code) from None
    except RaftzmqError as error:
        _end(error, context)
    except KeyboardInterrupt:
        raise click.exceptions.Exit(EXIT_INTERRUPTED) from None
    except BrokenPipeError:  # the reader has seen enough
        silence_output()
        raise click.exceptions.Exit(EXIT_BROKEN_PIPE) from None
    except OSError as error:
        if error.filename is not None:
            _end(RaftzmqError(f"{os.fsdecode(error.filename)}: {error.strerror}"), context)
        if error.errno not in FULL:
            raise
        _end(OutputError.of(error), context)


def _end(error: RaftzmqError, context: click.Context | None) -> None:
    if isinstance(error, OutputError):
        silence_output()
    report(error, as_json=context is not None and bool(context.meta.get(JSON_WANTED)))
    raise click.exceptions.Exit(exit_code_of(error)) from None
