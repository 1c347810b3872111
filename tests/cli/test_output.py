"""What is shown to people cannot steer their terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftzmq.cli.output import printable, printable_bytes, printable_lines
from raftzmq.cli.ranges import Token, resume_token


@given(st.binary())
def test_bytes_become_one_printable_line(data: bytes) -> None:
    assert printable_bytes(data).isprintable()


@given(st.binary())
def test_lines_keep_line_ends_and_tabs_only(data: bytes) -> None:
    shown = printable_lines(data)
    assert all(character.isprintable() or character in "\n\t" for character in shown)
    assert shown.count("\n") == data.count(b"\n")


@given(st.text(st.characters(exclude_categories=[])))
def test_text_becomes_one_printable_line(text: str) -> None:
    assert printable(text).isprintable()


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"plain \\ text", "plain \\ text"),
        ("grün 日本 €".encode(), "grün 日本 €"),
        (b"\x1b[2J\x07", "\\x1b[2J\\x07"),
        (b"\xff\xfe", "\\xff\\xfe"),
        ("\u202eabc\u2028".encode(), "\\u202eabc\\u2028"),
        (b"a\tb\nc\0", "a\\tb\\nc\\x00"),
    ],
)
def test_what_is_not_printable_is_escaped(data: bytes, shown: str) -> None:
    assert printable_bytes(data) == shown


@given(st.binary(min_size=1))
def test_a_resume_key_survives_being_printed_and_typed(key: bytes) -> None:
    import json

    token = resume_token(key)
    typed = token if isinstance(token, str) else json.dumps(token)
    assert typed.isprintable()
    assert Token().convert(typed, None, None) == key
