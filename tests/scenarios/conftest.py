"""The option that writes the outputs in the transcripts anew: ``pytest tests/scenarios --rewrite``."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Known only where this folder is named, as pytest reads no deeper conftest at its start."""
    parser.addoption("--rewrite", action="store_true", help="write the outputs in tests/scenarios/transcripts anew")


@pytest.fixture
def rewrite(request: pytest.FixtureRequest) -> bool:
    """Whether transcripts are to be written instead of compared."""
    return bool(request.config.getoption("--rewrite", default=False))
