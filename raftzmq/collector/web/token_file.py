"""Where the control token lies, for who starts the collector and for who opens its page; needs no web library."""

from __future__ import annotations

from pathlib import Path

TOKEN_FILE = "token"
"""Beside the recordings."""


def read_token(directory: Path) -> str | None:
    """What the collector that records there wrote last; None if it wrote none, or not for this user."""
    try:
        return (directory / TOKEN_FILE).read_text().strip() or None
    except (OSError, UnicodeDecodeError):
        return None
