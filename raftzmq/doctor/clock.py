"""The clocks: timers run by the monotonic one; events are stamped by the wall clock."""

from __future__ import annotations

import ctypes
import threading
import time

from raftzmq.doctor.finding import Finding, ok, warn

COARSE_NS = 1_000_000
"""A resolution above this is too coarse for heartbeats of some tens of milliseconds."""
SAMPLE_S = 0.2
STEP_MS = 5.0
"""NTP slews by at most 0.5 ms a second: more within the sample is a step."""
_TIME_ERROR = 5
_TIMEX_BYTES = 256
"""More than struct timex has on any architecture; all zero it asks and sets nothing."""


def check_clock() -> list[Finding]:
    """Resolution, steps of the wall clock, and whether NTP keeps it."""
    return [_resolution(), _steps(), _synchronised(clock_state())]


def _resolution() -> Finding:
    steps = []
    for _ in range(20):
        begun = now = time.monotonic_ns()
        while now == begun:
            now = time.monotonic_ns()
        steps.append(now - begun)
    found = f"the monotonic clock moves in steps of {min(steps)} ns"
    if min(steps) > COARSE_NS:
        return warn("monotonic clock", found, "timers cannot be kept", "choose another clock source of the kernel")
    return ok("monotonic clock", found)


def _steps() -> Finding:
    wall, monotonic = time.time_ns(), time.monotonic_ns()
    threading.Event().wait(SAMPLE_S)
    apart_ms = ((time.time_ns() - wall) - (time.monotonic_ns() - monotonic)) / 1e6
    if abs(apart_ms) >= STEP_MS:
        return warn(
            "wall clock",
            f"it was set by {apart_ms:+.1f} ms within {SAMPLE_S:g} s",
            "consensus and leases don't use it, but the time stamps of events jump with it",
            "let NTP slew it rather than set it",
        )
    return ok("wall clock", f"no step within {SAMPLE_S:g} s")


def clock_state() -> int | None:
    """What adjtimex(2) returns: 5 (TIME_ERROR) if nothing synchronises the clock; None where it can't be asked."""
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return None
    return int(state) if state >= 0 else None


def _synchronised(state: int | None) -> Finding:
    if state is None:
        return ok("time synchronisation", "this system doesn't say")
    if state == _TIME_ERROR:
        return warn(
            "time synchronisation",
            "the kernel says that nothing synchronises the wall clock",
            "consensus and leases don't need it, but time stamps of events from several machines can't be compared",
            "run chrony, ntpd or systemd-timesyncd",
        )
    return ok("time synchronisation", "the wall clock is synchronised")
