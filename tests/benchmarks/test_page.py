"""What the page costs: a short recording, opened, scrubbed and played in a real browser; and what holds a bar."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from raftzmq.benchmarks.chromium import NAMES, PageFailed, browser
from raftzmq.benchmarks.page import result_of
from raftzmq.benchmarks.page_run import Measured, Plan, Played, spaced
from tests.benchmarks.test_programs import ENVIRONMENT, ROOT, bench

PLAN = Plan(10_000, 5_000, 1.0, 2, 1, (), None)
GOOD = Played("table", 60.0, 5_000.0, 0.2, 0.1, 0.05, 0.01, 9.0)


def missed(found: Measured) -> list[str]:
    """The bars that are missed."""
    _, bars = result_of(PLAN, found)
    return [bar.what for bar in bars if not bar.met]


def test_bars_are_held_or_missed_by_what_was_measured() -> None:
    assert missed(Measured(1.0, [20.0, 30.0], [9.0, 9.0], [GOOD], [])) == []
    slow = Played("grid", 29.0, 4_000.0, 0.61, 0.5, 0.1, 0.0, 9.0)
    assert missed(Measured(5.1, [101.0], [9.0], [GOOD, slow], ["an error"])) == [
        "opening the recording",
        "a step of scrubbing, the slowest",
        "grid: frames a second",
        "grid: main thread, of a core",
        "grid: events a second",
        "errors on the page's console",
    ]


def test_a_clock_of_its_own_makes_so_many_events_a_second() -> None:
    clock = spaced(5_000)
    times = [clock() for _ in range(5_001)]
    assert times[-1] - times[0] == 1_000_000_000


@pytest.mark.skipif(not any(map(shutil.which, NAMES)), reason="chromium is not installed")
def test_a_recording_is_opened_scrubbed_and_played(tmp_path: Path) -> None:
    wanted = ("--events", "12000", "--steps", "3", "--seconds", "0.5", "--panel", "table")
    done = bench("page", *wanted, "--json", "--directory", str(tmp_path))
    figures = json.loads(done.stdout)
    # How fast is for a quiet machine to say; here, that the command ends by what it says.
    assert done.returncode == (1 if figures["bars_missed"] else 0), done.stderr
    assert (figures["events"], figures["errors"]) == (12_000, 0)
    (played,) = figures["tables"]["Played at 5,000 events a second, shares of a core"]
    assert played["panel in front"] == "table"
    assert played["events/s"] > 0
    assert 0 < played["main thread"] < 1
    assert os.listdir(tmp_path) == [], "it leaves nothing behind"


@pytest.mark.skipif(not any(map(shutil.which, NAMES)), reason="chromium is not installed")
def test_a_browser_that_left_is_waited_for_by_nobody() -> None:
    async def leave() -> None:
        async with browser() as one, one.tab() as tab:
            waiting = asyncio.create_task(tab.value("new Promise(() => {})"))
            await tab.value("1")
            await tab.call("Page.close")
            with pytest.raises(PageFailed, match="has left"):
                await waiting
            with pytest.raises(PageFailed, match="has left"):
                await tab.value("1")

    asyncio.run(leave())


def test_without_a_browser_it_says_so(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "bench" / "page.py"), "--events", "10000"]
    environment = {**ENVIRONMENT, "PATH": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 1
    assert done.stderr.startswith("error: no Chromium is installed")
    assert "Traceback" not in done.stderr
