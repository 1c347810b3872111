"""The measurement of floods as users start it: one row a flood, and an exit code that follows from its figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from raftzmq.benchmarks.strangers import Noticed
from tests.benchmarks.test_programs import bench

pytestmark = pytest.mark.live


def test_a_row_for_each_flood(tmp_path: Path) -> None:
    done = bench(
        "strangers", "--flood", "garbage", "--flood", "tiny_frames", "--seconds", "1", "--json",
        "--directory", str(tmp_path),
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert [row["flood"] for row in told["floods"]] == ["garbage", "tiny_frames"]
    for row in told["floods"]:
        assert row["puts_before"] > 0
        assert row["puts_during"] > 0
        assert 0 < row["before_p50_ms"] <= row["before_p99_ms"]
        assert row["allowed_p99_ms"] == pytest.approx(2 * row["before_p99_ms"], abs=0.01)
        assert row["ok"] is (row["during_p99_ms"] <= row["allowed_p99_ms"])
    assert told["ok"] is all(row["ok"] for row in told["floods"])
    assert done.returncode == (0 if told["ok"] else 1), done.stderr
    assert not list(tmp_path.iterdir())


def test_twice_the_normal_is_allowed_and_two_seconds_of_large_values() -> None:
    before = [0.001] * 98 + [0.01] * 2
    assert Noticed("garbage", before, [0.02] * 10, 1.0, 1).ok
    assert not Noticed("garbage", before, [0.001] * 98 + [0.021] * 2, 1.0, 1).ok
    assert Noticed("large_values", before, [1.9] * 10, 1.0, 1).ok
    assert not Noticed("large_values", before, [2.1] * 10, 1.0, 1).ok
