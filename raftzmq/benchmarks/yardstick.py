"""The same load on another program: what the machine would allow.

The program is called as ``PROGRAM relay --in-flight N --operations M --clients P --size BYTES`` for puts, and prints
one JSON object with ``operations_per_second``; for gets as ``PROGRAM echo --in-flight N --operations M --size BYTES``,
from one process, with ``requests_per_second``. `FLOOR_DIR` tells it where its files go.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Literal

from raftzmq.errors import RaftzmqError

_PATIENCE_S = 600.0


class YardstickFailed(RaftzmqError):
    """The other program did not give a figure."""


Mode = Literal["relay", "echo"]
_FIGURE: dict[Mode, str] = {"relay": "operations_per_second", "echo": "requests_per_second"}


def run_yardstick(
    program: Path,
    *,
    in_flight: int,
    operations: int,
    clients: int,
    value_size: int,
    directory: Path | None,
    mode: Mode = "relay",
) -> float:
    """Operations per second of the other program; raises YardstickFailed."""
    command = [sys.executable, str(program), mode, "--in-flight", str(in_flight), "--operations", str(operations)]
    command += ["--clients", str(clients)] if mode == "relay" else []
    command += ["--size", str(value_size)]
    environment = dict(os.environ) if directory is None else {**os.environ, "FLOOR_DIR": str(directory)}
    # A process group of its own: it may have children, which end with it however it ends.
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=environment, process_group=0, text=True
    )
    try:
        output, _ = process.communicate(timeout=_PATIENCE_S)
    except subprocess.TimeoutExpired:
        raise YardstickFailed(f"{program} said nothing for {_PATIENCE_S:g} s") from None
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode != 0:
        raise YardstickFailed(f"{program} ended with exit code {process.returncode}; its error is above")
    try:
        return float(json.loads(output)[_FIGURE[mode]])
    except (ValueError, KeyError, TypeError):
        raise YardstickFailed(f"{program} printed no {_FIGURE[mode]}: {output[:200]!r}") from None
