"""The colours: one set for light and one for dark, both complete, and every word readable on what it stands on."""

from __future__ import annotations

import re

import pytest

from raftzmq.collector.web.assets import STATIC

CONTRAST_MIN = 4.5
"""What WCAG 2.2 asks for of text of usual size (success criterion 1.4.3, level AA)."""
WORDS = (
    *(
        (words, ground)
        for words in ("ink", "soft", "accent", "good", "unsure", "alarm")
        for ground in ("panel", "raised")
    ),
    *((words, "ground") for words in ("ink", "soft", "candidate", "alarm")),
    *((f"on-{role}", role) for role in ("leader", "follower", "candidate", "alarm")),
    ("panel", "accent"),
)
"""Which colour is read on which."""


def palettes() -> dict[str, dict[str, str]]:
    """By theme, the colours by name, as #rrggbb."""
    text = (STATIC / "styles" / "palette.css").read_text()
    blocks = re.findall(r'^:root(?:\[data-theme="(\w+)"\])? \{(.*?)^\}', text, re.DOTALL | re.MULTILINE)
    return {name or "light": dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block)) for name, block in blocks}


def luminance(colour: str) -> float:
    """Relative luminance, from 0 for black to 1 for white."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """From 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_both_palettes_have_the_same_colours() -> None:
    found = palettes()
    assert set(found) == {"light", "dark"}
    assert found["light"].keys() == found["dark"].keys()
    assert len(found["light"]) > 20


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_can_be_read(theme: str) -> None:
    colours = palettes()[theme]
    poor = {pair: contrast(*(colours[name] for name in pair)) for pair in WORDS}
    assert {pair: value for pair, value in poor.items() if value < CONTRAST_MIN} == {}


def test_contrast_is_reckoned_as_the_standard_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)
