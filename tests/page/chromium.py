"""Headless Chromium for tests: a page, what it says, and whom it asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from raftzmq.benchmarks.chromium import Browser, ChromiumMissing, PageFailed, Tab, chromium_path
from raftzmq.benchmarks.chromium import browser as any_browser

__all__ = ["Browser", "PageFailed", "Tab", "browser", "tab"]


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """A browser of its own; skips the test where none is installed."""
    try:
        chromium_path()
    except ChromiumMissing:
        pytest.skip("chromium is not installed")
    async with any_browser() as found:
        yield found


@asynccontextmanager
async def tab(width: int = 1280, height: int = 900) -> AsyncIterator[Tab]:
    """A tab of a browser of its own."""
    async with browser() as one, one.tab(width, height) as found:
        yield found
