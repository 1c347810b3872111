"""What comes into the process: its standard input, which a caller may have closed (`<&-`)."""

from __future__ import annotations

import sys
from typing import BinaryIO

from raftzmq.errors import RaftzmqError


class InputError(RaftzmqError):
    """Standard input cannot be read."""


def input_on_terminal() -> bool:
    """Is standard input a terminal?"""
    return sys.stdin is not None and sys.stdin.isatty()


def standard_input() -> BinaryIO:
    """Standard input as bytes; raises InputError if there is none, which is not the same as an empty one."""
    if sys.stdin is None:
        raise InputError("standard input is closed, so there is nothing to read: give it a file or a pipe")
    return sys.stdin.buffer


def read_all() -> bytes:
    """All of standard input; raises InputError."""
    try:
        return standard_input().read()
    except OSError as error:
        raise InputError(f"standard input cannot be read: {error.strerror}") from None
