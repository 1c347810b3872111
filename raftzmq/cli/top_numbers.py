"""Numbers that fit into a column of fixed width, whatever they are: what doesn't fit gets a larger unit, no cut."""

from __future__ import annotations

from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"
UNKNOWN = "-"
_METRIC = ("", "k", "M", "G", "T", "P", "E")
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def whole(value: float | None, width: int) -> str:
    """A count in at most ``width`` (5 or more) characters: all digits, or three of them and a letter."""
    if value is None:
        return UNKNOWN
    digits = f"{value:.0f}"
    return digits if len(digits) <= width else compact(value)


def compact(value: float | None) -> str:
    """A count in at most 5 characters: ``999``, ``1.2k``, ``12k``, ``3.4M``."""
    return UNKNOWN if value is None else _scaled(value, 1000, _METRIC, "")


def size(count: int | None) -> str:
    """Bytes in at most 8 characters: ``12 B``, ``3.4 KiB``, ``1023 MiB``."""
    return UNKNOWN if count is None else _scaled(count, 1024, _BINARY, " ")


def _scaled(value: float, step: int, units: Sequence[str], gap: str) -> str:
    """Two digits at least, and as many as stand before the point."""
    place = 0
    while round(value) >= step and place < len(units) - 1:
        value /= step
        place += 1
    digits = f"{value:.1f}" if place and value < 9.95 else f"{value:.0f}"
    return f"{digits}{gap}{units[place]}"


def duration(microseconds: float | None) -> str:
    """A short time in at most 7 characters: ``850 µs``, ``1.23 ms``, ``45.6 ms``, ``12.3 s``."""
    if microseconds is None:
        return UNKNOWN
    if round(microseconds) < 1000:
        return f"{microseconds:.0f} µs"
    if microseconds < 999_500:
        return f"{_three(microseconds / 1000)} ms"
    if microseconds < 999_500_000:
        return f"{_three(microseconds / 1_000_000)} s"
    return age(microseconds / 1_000_000)


def _three(value: float) -> str:
    """Three digits, from 1 to 999."""
    if value < 9.995:
        return f"{value:.2f}"
    return f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def age(seconds: float | None) -> str:
    """A time since something in at most 6 characters: ``0.1 s``, ``59 s``, ``12 min``, ``3 h``, ``9 d``."""
    if seconds is None:
        return UNKNOWN
    if seconds < 9.95:
        return f"{max(0.0, seconds):.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    if seconds < 99 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 99 * 3600 else f"{min(9999, seconds / 86_400):.0f} d"


def sparkline(values: Sequence[float | None], width: int) -> str:
    """The last ``width`` values as bars from 0 to their highest; a blank where there is none."""
    shown = values[-width:] if width > 0 else []
    highest = max((value for value in shown if value is not None), default=0.0)
    top = len(BARS) - 1
    return "".join(
        " " if value is None else BARS[round(top * max(0.0, value) / highest) if highest > 0 else 0] for value in shown
    ).rjust(width)
