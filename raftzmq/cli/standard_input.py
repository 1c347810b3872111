"""What comes into the process: its standard input, which a caller may have closed (`<&-`)."""

from __future__ import annotations

import sys
from typing import BinaryIO

from raftzmq.config import KIB, VALUE_BYTES_MAX
from raftzmq.errors import RaftzmqError, TooLarge


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


def read_value() -> bytes:
    """All of standard input as a value; raises InputError, and TooLarge for one without an end, too."""
    try:
        value = standard_input().read(VALUE_BYTES_MAX + 1)
    except OSError as error:
        raise InputError(f"standard input cannot be read: {error.strerror}") from None
    if len(value) > VALUE_BYTES_MAX:
        raise TooLarge(f"a value has at most {VALUE_BYTES_MAX // KIB} KiB, and standard input has more")
    return value
