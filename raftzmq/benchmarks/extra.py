"""Libraries that only some benchmarks need: asked for when they are used, so that the others run without them."""

from __future__ import annotations

from importlib.util import find_spec

from raftzmq.errors import RaftzmqError


class ExtraMissing(RaftzmqError):
    """A library is not installed that this benchmark, or a drawing of it, needs."""


def need(*modules: str, purpose: str, extra: str = "bench") -> None:
    """Raise ExtraMissing unless all of these top-level modules are installed; ``purpose`` ends "… is needed to"."""
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        are = "is" if len(missing) == 1 else "are"
        raise ExtraMissing(
            f"{' and '.join(missing)} {are} not installed, and needed to {purpose}: pip install 'raftzmq[{extra}]'"
        )
