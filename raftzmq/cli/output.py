"""What leaves the process: results, as text or JSON, and errors, as one sentence.

What other people stored is shown with control characters escaped: a value must not be able to steer a terminal.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from raftzmq.errors import ConfigurationError, DirectoryInUse, RaftzmqError, RequestError

if TYPE_CHECKING:
    from rich.console import Console

EXIT_OK = 0
EXIT_ERROR = 1
EXIT_USAGE = 2
EXIT_KEY_NOT_FOUND = 3
EXIT_PRECONDITION = 4
EXIT_UNHEALTHY = 5
EXIT_NOT_APPLIED = 7
EXIT_MAYBE_APPLIED = 8
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141
"""128 and the number of the signal, as a shell says it."""

JSON_WANTED = "raftzmq.json"
"""In a context's ``meta``: the command was called with --json."""


class OutputError(RaftzmqError):
    """Standard output cannot be written."""

    @classmethod
    def of(cls, error: OSError) -> OutputError:
        """What the system said, as a sentence."""
        return cls(f"the output cannot be written ({error.strerror}): it is incomplete")


def on_terminal() -> bool:
    """Is standard output a terminal?"""
    return sys.stdout.isatty()


def colours_wanted() -> bool:
    """Colours only for a terminal that has some, and not against the user's NO_COLOR."""
    return on_terminal() and _with_colours()


def _with_colours() -> bool:
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def write(data: bytes) -> None:
    """Write to standard output at once; raises OutputError, or BrokenPipeError if its reader is gone."""
    rest = memoryview(data)
    try:
        while rest:
            # With PYTHONUNBUFFERED this is the bare file, which may take less than it is given.
            rest = rest[sys.stdout.buffer.write(rest) :]
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError.of(error) from None


def say(text: str) -> None:
    """A line, or lines, on standard output."""
    write(text.encode("utf-8", "backslashreplace") + b"\n")


def say_json(document: Any) -> None:
    """One JSON document on one line of standard output."""
    import orjson

    write(orjson.dumps(document) + b"\n")


def note(text: str) -> None:
    """A line for the user beside the result: on standard error, if that can be written."""
    with suppress(OSError):
        click.echo(text, err=True)


def console() -> Console:
    """Rich's console on standard output, for tables on a terminal."""
    import rich.console

    class Console(rich.console.Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # as every other output; rich would end the process with 1

    return Console(no_color=not colours_wanted(), highlight=False)


def exit_code_of(error: RaftzmqError) -> int:
    """The exit code of a client's command that ended with ``error``."""
    if isinstance(error, ConfigurationError):
        return EXIT_USAGE  # of a command: an option names what cannot be
    if isinstance(error, DirectoryInUse):
        return error.exit_code  # as of a node: a script may wait for it
    if not isinstance(error, RequestError):
        return EXIT_ERROR
    if not error.definite:
        return EXIT_MAYBE_APPLIED
    if error.code in ("deadline_exceeded", "closed"):
        return EXIT_NOT_APPLIED
    return error.exit_code


def report(error: RaftzmqError, *, as_json: bool) -> None:
    """Say on standard error what went wrong: a sentence, or ``{"error": {"code", "message", "definite"}}``."""
    if not as_json:
        head = "error: "
        note((click.style(head, fg="red", bold=True) if _with_colours() else head) + printable(str(error)))
        return
    import orjson

    code, definite = (error.code, error.definite) if isinstance(error, RequestError) else ("error", True)
    note(orjson.dumps({"error": {"code": code, "message": str(error), "definite": definite}}).decode())


def printable(text: str) -> str:
    """``text`` on one line with whatever could steer a terminal escaped."""
    return text if text.isprintable() else "".join(c if c.isprintable() else _escape(c) for c in text)


def printable_bytes(data: bytes) -> str:
    """Stored bytes for people: text where they are UTF-8, ``\\xNN`` where they aren't; on one line."""
    return printable(data.decode("utf-8", "surrogateescape"))


def printable_lines(data: bytes) -> str:
    """The same, but line ends and tabs stay: for a value that stands alone."""
    text = data.decode("utf-8", "surrogateescape")
    return "".join(c if c.isprintable() or c in "\n\t" else _escape(c) for c in text)


def _escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8 (PEP 383)
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()
