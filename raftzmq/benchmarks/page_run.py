"""What the page costs in a browser: a recording is served without a cluster, opened, played at a rate, and scrubbed."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from raftzmq.benchmarks.chromium import PageFailed, Tab, browser, chromium_path
from raftzmq.benchmarks.display import Advance
from raftzmq.benchmarks.launching import LAUNCHER, own_environment
from raftzmq.benchmarks.local_cluster import free_ports
from raftzmq.benchmarks.recordings import forget, stream, write

WARM_UP_S = 2.0
"""Of playing, before anything counts: Chromium compiles what runs often."""
BEGIN_NS = 1_700_000_000_000_000_000
_FRAMES = "void (window.frames_ = 0, (function count() { window.frames_ += 1; requestAnimationFrame(count); })())"
_OPENED = "window.raftzmq?.player.position > 0 && document.body.dataset.leader"
_SCRUB = """
(async () => {
  const found = [];
  for (const position of %s) {
    const begun = performance.now();
    await raftzmq.player.scrub(position);
    await raftzmq.frames.drawn();
    await new Promise((shown) => setTimeout(shown));
    if (raftzmq.player.position !== position) throw new Error(`at ${raftzmq.player.position}, not at ${position}`);
    found.push(performance.now() - begun);
  }
  return found;
})()
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long the recording is, how fast it is played and for how long, and how many places are scrubbed to.

    ``panels`` are played one after the other, each in front for ``seconds``; none: all of the page.
    """

    events: int
    rate: int
    seconds: float
    steps: int
    seed: int
    panels: tuple[str, ...]
    directory: Path | None


@dataclass(frozen=True, slots=True)
class Played:
    """A panel in front, while the recording was played: frames and events a second, and shares of a core.

    ``main`` is the main thread's; ``script``, ``layout`` and ``style`` are parts of it. ``heap_mb`` is what
    JavaScript holds afterwards.
    """

    panel: str
    frames: float
    events: float
    main: float
    script: float
    layout: float
    style: float
    heap_mb: float


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds until a recording is shown, milliseconds of each step of scrubbing, and what playing cost."""

    opening_s: float
    far_ms: list[float]
    near_ms: list[float]
    played: list[Played]
    errors: list[str]


def spaced(rate: int) -> Callable[[], int]:
    """A wall clock on which ``rate`` events are made in a second, whoever makes them: nanoseconds since 1970."""
    made = 0

    def tell() -> int:
        nonlocal made
        made += 1
        return BEGIN_NS + made * 1_000_000_000 // rate

    return tell


@contextmanager
def _served(recording: Path, position: int) -> Iterator[str]:
    """The recording's page, with no cluster behind it, as a user has it served; the address of a moment of it."""
    [port] = free_ports(1)
    options = ("--page", "--from", str(position), "--web", f"127.0.0.1:{port}", "--json")
    command = [*LAUNCHER, "replay", str(recording), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=own_environment()) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            if not said:
                raise PageFailed(f"raftzmq replay --page ended by itself, exit code {process.wait()}")
            yield str(json.loads(said)["address"]).replace("/#", "/?language=en#")
        finally:
            process.terminate()


def measure_page(plan: Plan, advance: Advance) -> Measured:
    """Everything, in a browser of its own. Raises ChromiumMissing, PageFailed and ConfigurationError."""
    chromium_path()  # who has none learns it before a million events are written
    with TemporaryDirectory(prefix="page-", dir=plan.directory) as place:
        recording = Path(place)
        write(recording, plan.events, advance, stream(spaced(plan.rate)))
        forget(recording)
        with _served(recording, plan.events) as address:
            return asyncio.run(_measure(plan, address))


async def _measure(plan: Plan, address: str) -> Measured:
    async with browser() as one, one.tab() as tab:
        begun = time.perf_counter()
        await tab.open(address)
        await tab.until(_OPENED)
        opening_s = time.perf_counter() - begun
        there = await tab.value("raftzmq.panels.names")
        unknown = sorted(set(plan.panels) - set(there))
        if unknown:
            raise PageFailed(f"the page has no panel {', '.join(unknown)}; it has: {', '.join(there)}")
        rng = random.Random(plan.seed)
        far = [rng.randint(1, plan.events) for _ in range(plan.steps)]
        middle = plan.events // 2
        near = [min(middle + 97 * number, plan.events) for number in range(plan.steps)]
        far_ms = await tab.value(_SCRUB % json.dumps(far))
        near_ms = await tab.value(_SCRUB % json.dumps(near))
        await tab.value(_FRAMES)
        played = [await _play(tab, panel, plan) for panel in plan.panels or there]
        return Measured(opening_s, far_ms, near_ms, played, tab.errors)


async def _play(tab: Tab, panel: str, plan: Plan) -> Played:
    await tab.value(f"raftzmq.panels.show({json.dumps(panel)})")
    await tab.value("raftzmq.player.goTo({ position: 1000 })")  # before it nobody has led yet
    await tab.value("void raftzmq.player.play(1)")
    await asyncio.sleep(WARM_UP_S)
    before, frames, position, begun = await _look(tab)
    await asyncio.sleep(plan.seconds)
    after, frames_after, position_after, ended = await _look(tab)
    await tab.value("raftzmq.player.pause()")
    passed = ended - begun

    def share(name: str) -> float:
        return (after[name] - before[name]) / passed

    return Played(
        panel,
        (frames_after - frames) / passed,
        (position_after - position) / passed,
        share("TaskDuration"),
        share("ScriptDuration"),
        share("LayoutDuration"),
        share("RecalcStyleDuration"),
        after["JSHeapUsedSize"] / 1e6,
    )


async def _look(tab: Tab) -> tuple[dict[str, float], Any, Any, float]:
    costs = await tab.costs()
    frames, position = await tab.value("[window.frames_, raftzmq.player.position]")
    return costs, frames, position, time.perf_counter()
