"""Which release of raftzmq this is."""

from __future__ import annotations

UNKNOWN = ""


def release() -> str:
    """The version of the installed package, `UNKNOWN` for a source tree that is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("raftzmq")
    except PackageNotFoundError:
        return UNKNOWN
