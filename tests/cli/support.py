"""What the tests of the command line share: calling it in a process of its own, with pipes or on a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from pathlib import Path

PATIENCE_S = 60.0
COMMAND = (sys.executable, "-P", "-m", "raftzmq")
ROOT = Path(__file__).resolve().parent.parent.parent


def environment(**variables: str) -> dict[str, str]:
    """This process's environment without what a developer may have set for raftzmq, and with ``variables``."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RAFTZMQ_")}
    paths = os.pathsep.join(filter(None, (str(ROOT), clean.get("PYTHONPATH", ""))))
    return {**clean, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1", **variables}


def raftzmq(
    *arguments: str | bytes, given: bytes = b"", cwd: Path | None = None, variables: Mapping[str, str] = {}
) -> subprocess.CompletedProcess[bytes]:
    """Run a command with pipes at all ends."""
    return subprocess.run(
        [*COMMAND, *arguments],
        input=given,
        capture_output=True,
        env=environment(**variables),
        cwd=cwd,
        timeout=PATIENCE_S,
        check=False,
    )


def on_terminal(*arguments: str, columns: int = 80, variables: Mapping[str, str] = {}) -> tuple[int, str]:
    """Run a command with a terminal of ``columns`` as its standard output; exit code and what the terminal got."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env=environment(**{"TERM": "xterm", **variables}),
    )
    os.close(theirs)
    output = b""
    try:
        while chunk := _read(ours):
            output += chunk
        return process.wait(PATIENCE_S), output.decode()
    finally:
        os.close(ours)
        process.kill()
        process.wait()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # EIO: nobody holds the other end any more
        return b""
