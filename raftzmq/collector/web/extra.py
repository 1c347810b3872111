"""The libraries of the extra ``collector``: asked for when they are used, so that all else runs without them."""

from __future__ import annotations

from importlib.util import find_spec

from raftzmq.errors import ConfigurationError


def check_web_libraries() -> None:
    """Raise ConfigurationError unless what serves HTTP and metrics is installed."""
    missing = [name for name in ("aiohttp", "prometheus_client") if find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"{' and '.join(missing)} cannot be found, and the collector's page and metrics need it: "
            "pip install 'raftzmq[collector]', or start the collector with --web none"
        )
