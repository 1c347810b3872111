"""A program on a terminal of its own that a test types on, and whose screen it reads."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from typing import Self

from tests.cli.support import COMMAND, PATIENCE_S, environment

ASKS_WHERE, SAYS_WHERE = b"\x1b[6n", b"\x1b[1;1R"
"""A program asks its terminal where the cursor is, and gets a row and a column."""
_BECOME_LEADER = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)


class Terminal:
    """A command of raftzmq with a terminal as its controlling one, so that Ctrl-C reaches it as a signal."""

    def __init__(
        self,
        *arguments: str,
        columns: int = 100,
        variables: Mapping[str, str] = {},
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-c", _BECOME_LEADER, *command, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment(**{"TERM": "xterm", **variables}),
            start_new_session=True,
        )
        os.close(theirs)
        self._screen = b""
        self._seen = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        os.close(self._ours)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    def expect(self, text: str) -> None:
        """Wait until ``text`` is shown behind what was expected before."""
        wanted = text.encode()
        deadline = time.monotonic() + PATIENCE_S
        while (found := self._screen.find(wanted, self._seen)) < 0:
            assert time.monotonic() < deadline, f"{text!r} was never shown, but: {self._screen[self._seen :]!r}"
            if not self._read():
                raise AssertionError(f"the program ended before {text!r} was shown: {self._screen[self._seen :]!r}")
        self._seen = found + len(wanted)

    def press_until(self, keys: str, text: str) -> None:
        """Press keys again and again until ``text`` is shown: a program may not be listening yet."""
        deadline = time.monotonic() + PATIENCE_S
        while text.encode() not in self._screen[self._seen :]:
            assert time.monotonic() < deadline, f"{text!r} was never shown, but: {self._screen[self._seen :]!r}"
            self.type(keys)
            until = time.monotonic() + 1
            while time.monotonic() < until and text.encode() not in self._screen[self._seen :]:
                assert self._read(), f"the program ended before {text!r} was shown: {self._screen[self._seen :]!r}"
        self.expect(text)

    def wait(self) -> int:
        """Wait for the end of the program; its exit code."""
        while self._read():
            pass
        return self.process.wait(PATIENCE_S)

    @property
    def screen(self) -> str:
        """All that was ever shown."""
        return self._screen.decode(errors="replace")

    def _read(self) -> bool:
        """Take in what is shown next, within a moment; False if the program is gone."""
        if not select.select([self._ours], [], [], 0.1)[0]:
            return True
        try:
            chunk = os.read(self._ours, 65_536)
        except OSError:  # EIO: nobody holds the other end any more
            return False
        self._screen += chunk
        for _ in range(chunk.count(ASKS_WHERE)):
            os.write(self._ours, SAYS_WHERE)
        return bool(chunk)
