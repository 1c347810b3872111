"""A caller may close what a command reads or writes, or fill it: an exit code and a sentence, no traceback."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.cli.support import COMMAND, PATIENCE_S, environment


def run(line: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """A command line of ours, ``{}``, in a shell that redirects."""
    command = line.format(" ".join(COMMAND))
    return subprocess.run(
        ["sh", "-c", command], env=environment(**variables), capture_output=True, check=False, timeout=PATIENCE_S
    )


WRITERS = [
    "--help",
    "--version",
    "put --help",
    "bench --help",
    "simulate --seeds 1 --events 20",
    "simulate --seeds 1 --events 20 --json",
    "lab list",
    "completion bash",
]
"""By what they write with: click, rich, and our own."""


@pytest.mark.parametrize("arguments", ["--help", "put --help", "simulate --seeds 1 --events 20", "completion bash"])
def test_nobody_hears(arguments: str) -> None:
    done = run(f"{{}} {arguments} >&-")
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", WRITERS)
def test_a_full_disk_behind_the_output_is_an_error_of_one_line(arguments: str, unbuffered: str) -> None:
    done = run(f"{{}} {arguments} >/dev/full", PYTHONUNBUFFERED=unbuffered)
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1
    assert b"the output cannot be written (No space left on device): it is incomplete" in done.stderr


@pytest.mark.parametrize("arguments", WRITERS)
def test_a_pipe_whose_reader_has_left_is_141(arguments: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [*COMMAND, *arguments.split()],
            stdout=writer,
            stderr=subprocess.PIPE,
            env=environment(),
            check=False,
            timeout=PATIENCE_S,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full"])
def test_errors_keep_their_codes(closed: str) -> None:
    done = run(f"{{}} get nokey --endpoints 127.0.0.1:1 --timeout 0.1 {closed}")
    assert (done.returncode, done.stdout) == (7, b"")


@pytest.mark.parametrize("arguments", ["nosuch", "get", "get k --timeout x", "bench nosuch"])
@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full"])
def test_errors_of_usage_keep_their_code(arguments: str, closed: str) -> None:
    done = run(f"{{}} {arguments} {closed}")
    assert (done.returncode, done.stdout) == (2, b"")


@pytest.mark.parametrize("arguments", ["put key -", "shell", "audit -"])
def test_a_closed_input_is_not_an_empty_one(arguments: str) -> None:
    done = run(f"{{}} {arguments} <&-")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"error: standard input is closed")
    assert done.stderr.count(b"\n") == 1
