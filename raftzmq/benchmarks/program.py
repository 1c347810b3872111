"""A benchmark as a program: how it is started, and how it ends so that nothing outlives it."""

from __future__ import annotations

import errno
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from raftzmq.errors import RaftzmqError
from raftzmq.standard_streams import open_closed, show, silence_output

if TYPE_CHECKING:
    import click

EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141
"""128 and the number of the signal, as a shell says it."""
_OF_A_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT, errno.EIO})
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_shields: list[None] = []
"""A place for each `undisturbed` that runs, in whatever thread."""
_waiting: list[int] = []
"""Signals that came meanwhile."""


class MeasurementImpossible(RaftzmqError):
    """The system refuses what a measurement needs: room on the disk, a directory, a process, a port."""


class OutputFailed(RaftzmqError):
    """Standard output cannot be written."""


def run(target: str) -> None:
    """Run a benchmark's command by itself and exit as below ``raftzmq bench``; ``target`` is MODULE:COMMAND.

    0, 1 if it failed, 2 for wrong usage, 130 after Ctrl-C, 141 if the reader of its output is gone. Every option has an
    environment variable, the same as there: RAFTZMQ_BENCH_<COMMAND>_<OPTION>; and its bounds are the same.
    """
    open_closed()
    sys.exit(_code_of(target))


def _code_of(target: str) -> int:
    # Loaded here, where Ctrl-C is no accident: it takes a moment.
    try:
        import click

        from raftzmq.parameters import prepare
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    try:
        module, _, attribute = target.partition(":")
        command: click.Command = getattr(import_module(f"raftzmq.benchmarks.{module}"), attribute)
        prepare(command, "RAFTZMQ_BENCH")
        with command.make_context(
            Path(sys.argv[0]).name,
            sys.argv[1:],
            auto_envvar_prefix=f"RAFTZMQ_BENCH_{command.name}".upper(),
            help_option_names=["-h", "--help"],
        ) as context:
            command.invoke(context)
            sys.stdout.flush()
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.ClickException as wrong:
        show(wrong)
        return wrong.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        silence_output()
        return EXIT_BROKEN_PIPE
    except RaftzmqError as error:
        note(f"error: {error}")
        return 1
    except OSError as error:  # of the help, which click prints
        silence_output()
        note(f"error: the output cannot be written ({error.strerror}): it is incomplete")
        return 1
    return 0


def note(text: str) -> None:
    """A line for the user beside the figures: on standard error, if that can be written."""
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)


@contextmanager
def output() -> Iterator[None]:
    """For whatever prints figures: raises OutputFailed if standard output does not take all of it.

    BrokenPipeError passes: its reader has seen enough.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        silence_output()
        raise OutputFailed(f"the output cannot be written ({error.strerror}): it is incomplete") from None


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Let SIGINT, SIGTERM and SIGHUP end what runs inside through the context managers that end processes.

    Only the first one counts: whoever presses Ctrl-C twice must not interrupt the cleaning up. A signal that this
    program was started to ignore (nohup) stays ignored. Errors as `plainly` says.
    """
    before: dict[int, Any] = {
        number: signal.getsignal(number) for number in _SIGNALS if signal.getsignal(number) != signal.SIG_IGN
    }
    came: list[int] = []

    def leave(number: int, _: FrameType | None) -> None:
        if _shields:
            _waiting.append(number)
            return
        if came:
            return
        came.append(number)
        _leave(KeyboardInterrupt() if number == signal.SIGINT else SystemExit(128 + number))

    for number in before:
        signal.signal(number, leave)
    try:
        with plainly():
            yield
    finally:
        if came:
            note(f"interrupted by {signal.Signals(came[0]).name}")
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(leaving: BaseException) -> None:
    """Raise it; out of an event loop that runs, if there is one, and not out of whichever task is at work."""
    try:
        loop = sys.modules["asyncio"].get_running_loop()
    except (KeyError, RuntimeError):
        raise leaving from None

    def leave() -> None:
        raise leaving

    loop.call_soon_threadsafe(leave)


@contextmanager
def plainly() -> Iterator[None]:
    """Raise MeasurementImpossible for what the system refuses, and of a group of errors the first by itself."""
    try:
        yield
    except OSError as error:
        raise MeasurementImpossible(refusal(error)) from error
    except BaseExceptionGroup as group:
        cause = _cause(group)
        if cause is group:
            raise
        raise cause from group


@contextmanager
def undisturbed() -> Iterator[None]:
    """Inside `ending_in_order`: let its signals wait until this is over.

    Between the start of a process and the note of it an interruption would leave it alone for ever.
    """
    _shields.append(None)
    try:
        yield
    finally:
        _shields.pop()
        while _waiting and not _shields:
            signal.raise_signal(_waiting.pop(0))


def refusal(error: OSError) -> str:
    """What the system refused, as a sentence."""
    what = error.strerror or str(error) or type(error).__name__
    where = f" ({error.filename})" if error.filename is not None else ""
    hint = "; with --directory its data go somewhere else" if error.errno in _OF_A_DISK else ""
    return f"the measurement cannot go on: {what}{where}{hint}"


def _cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error in it that is one of ours or of the system; the group itself if there is none."""
    known, _ = group.split((RaftzmqError, OSError))
    if known is None:
        return group
    first: BaseException = known
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return MeasurementImpossible(refusal(first)) if isinstance(first, OSError) else first
