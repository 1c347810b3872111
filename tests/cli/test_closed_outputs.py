"""A caller may close an output: the command does its work, ends with its own code, and shows no traceback."""

from __future__ import annotations

import subprocess

import pytest

from tests.cli.support import COMMAND, PATIENCE_S, environment


def run(line: str) -> subprocess.CompletedProcess[bytes]:
    """A command line of ours, ``{}``, in a shell that redirects."""
    command = line.format(" ".join(COMMAND))
    return subprocess.run(
        ["sh", "-c", command], env=environment(), capture_output=True, check=False, timeout=PATIENCE_S
    )


@pytest.mark.parametrize("arguments", ["--help", "put --help", "simulate --seeds 1 --events 20", "completion bash"])
def test_nobody_hears(arguments: str) -> None:
    done = run(f"{{}} {arguments} >&-")
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full"])
def test_errors_keep_their_codes(closed: str) -> None:
    done = run(f"{{}} get nokey --endpoints 127.0.0.1:1 --timeout 0.1 {closed}")
    assert (done.returncode, done.stdout) == (7, b"")
