"""Numbers in columns of fixed width: never too long, never cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftzmq.cli.top_numbers import age, compact, duration, size, sparkline, whole
from raftzmq.cli.top_seconds import Samples, Seconds, percentile


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (compact(0), "0"),
        (compact(999.4), "999"),
        (compact(999.6), "1.0k"),
        (compact(12_345), "12k"),
        (compact(999_600), "1.0M"),
        (compact(None), "-"),
        (size(1023), "1023 B"),
        (size(1024), "1.0 KiB"),
        (size(10 << 20), "10 MiB"),
        (size((1 << 30) - 1), "1.0 GiB"),
        (duration(0), "0 µs"),
        (duration(999.7), "1.00 ms"),
        (duration(1234), "1.23 ms"),
        (duration(45_678), "45.7 ms"),
        (duration(999_499), "999 ms"),
        (duration(999_500), "1.00 s"),
        (duration(12_300_000), "12.3 s"),
        (duration(3_600_000_000), "60 min"),
        (age(0.04), "0.0 s"),
        (age(9.96), "10 s"),
        (age(3_600), "60 min"),
        (age(90_000), "25 h"),
        (age(1_000_000), "12 d"),
        (whole(1_234_567_890, 10), "1234567890"),
        (whole(12_345_678_901, 10), "12G"),
        (whole(None, 5), "-"),
    ],
)
def test_numbers_as_people_read_them(shown: str, text: str) -> None:
    assert shown == text


@given(st.integers(0, 2**64), st.floats(0, 1e15))
def test_every_number_fits_its_column(number: int, real: float) -> None:
    for width in (5, 6, 10):
        assert len(whole(number, width)) <= width
    assert len(compact(number)) <= 5
    assert len(size(number)) <= 8
    assert len(duration(real)) <= 7
    assert len(age(min(real, 8e8))) <= 6


def test_a_sparkline_shows_the_last_values_from_zero_to_the_highest() -> None:
    assert sparkline([0.0, 1.0, 7.0], 3) == "▁▂█"
    assert sparkline([None, 0.0, 0.0], 5) == "   ▁▁"
    assert sparkline([9.0, 1.0, 1.0], 2) == "██", "what is not shown has no part in the scale"
    assert sparkline([], 4) == "    "
    assert sparkline([1.0], 0) == ""


def test_seconds_are_whole_ones() -> None:
    seconds = Seconds()
    assert seconds.last(5.0) is None
    for now, amount in ((10.7, 5), (11.1, 7), (11.9, 8), (12.2, 100)):
        seconds.add(now, amount)
    assert seconds.last(11.5) is None, "counting began within the second before"
    assert seconds.last(12.3) == 15
    assert seconds.history(14.0, 4) == [None, 15, 100, 0], "a second without anything is one of 0"
    assert seconds.total(12.3, 1) == 115


def test_seconds_forget_what_is_old() -> None:
    seconds = Seconds(keep=10)
    for second in range(10_000):
        seconds.add(second, 1)
    assert len(seconds._sums) <= 20
    assert seconds.history(10_000, 3) == [1, 1, 1]


def test_percentiles() -> None:
    assert percentile([], 0.5) is None
    assert percentile([3], 0.99) == 3
    assert percentile(list(range(1, 101)), 0.99) == 99
    assert percentile([4, 1, 3, 2], 0.5) == 2
    samples = Samples()
    for second in range(30):
        samples.add(second + 0.5, second)
    assert samples.percentile(29.9, 0.5, 10) == 24, "of the last ten seconds and this one"
    assert samples.history(30.0, 0.99, 3) == [27, 28, 29]
    assert samples.history(33.0, 0.99, 4) == [29, None, None, None]
