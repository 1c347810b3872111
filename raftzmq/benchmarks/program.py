"""A benchmark as a program: how it is started, and how it ends so that nothing outlives it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import click

from raftzmq.errors import RaftzmqError


def run(command: click.Command) -> None:
    """Run a benchmark's command by itself and exit: 0, 1 if it failed, 2 for wrong usage.

    Every option has an environment variable, the same as below ``raftzmq bench``: RAFTZMQ_BENCH_<COMMAND>_<OPTION>.
    """
    try:
        command(auto_envvar_prefix=f"RAFTZMQ_BENCH_{command.name}".upper())
    except RaftzmqError as error:
        print(f"no figures: {error}", file=sys.stderr)
        sys.exit(1)


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end what runs inside as Ctrl-C does: through the context managers that end processes."""

    def leave(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before: dict[int, Any] = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
