"""Options of a node that make no sense end it with exit code 10 and a sentence in its log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.support import raftzmq


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--election-timeout-ms", "²-³", "takes MIN-MAX, such as 200-400"),
        ("--election-timeout-ms", "200", "takes MIN-MAX, such as 200-400"),
        ("--election-timeout-ms", "400-200", "must be above the minimum"),
        ("--delay-ms-mean", "nan", "at most 60,000 milliseconds"),
        ("--delay-ms-mean", "1e300", "at most 60,000 milliseconds"),
        ("--delay-ms-mean", "-1", "must not be negative"),
        ("--loss", "nan", "a probability from 0 to 1"),
        ("--heartbeat-ms", "0", "must be above zero"),
        ("--nodes", "0", "1 to 250 nodes"),
        ("--node", "", "names no node ''"),
    ],
)
def test_what_makes_no_sense(tmp_path: Path, option: str, value: str, says: str) -> None:
    done = raftzmq("node", "--node", "n1", "--data", str(tmp_path / "n1"), option, value)
    assert (done.returncode, done.stderr) == (10, b"")
    (line,) = done.stdout.splitlines()
    assert says in json.loads(line)["error"]
    assert not list(tmp_path.iterdir())
