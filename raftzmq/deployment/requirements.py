"""What the package raftzmq needs, as pip reads it: for an image that is built elsewhere."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from raftzmq.errors import ConfigurationError

EXTRA = "collector"
"""The extra that a running cluster needs: the collector's page, metrics and recordings."""
_MARKER = re.compile(rf"""\s*;\s*extra\s*==\s*['"]{EXTRA}['"]\s*$""")


def requirements(package: Path) -> list[str]:
    """The dependencies of the package at ``package``, those of its collector included, without other extras.

    From the pyproject.toml beside it, which is right also where it was never installed, else from what pip noted down.
    Raises ConfigurationError where there is neither.
    """
    try:
        project = tomllib.loads((package.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        if project["name"] == package.name:
            return [*project["dependencies"], *project["optional-dependencies"][EXTRA]]
    except (OSError, ValueError, KeyError):
        pass  # installed from a wheel: then its metadata are there
    try:
        lines = [_MARKER.sub("", line) for line in requires(package.name) or []]
        return [line for line in lines if "extra ==" not in line]
    except PackageNotFoundError:
        raise ConfigurationError(
            f"what {package} needs is not known: it is not installed, and no pyproject.toml is beside it"
        ) from None
