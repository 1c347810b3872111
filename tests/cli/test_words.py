"""Lines of the shell as words."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftzmq.cli.words import split_unfinished, split_words, without_comment


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("put k v", ["put", "k", "v"]),
        ("  put\tk   v  ", ["put", "k", "v"]),
        ("", []),
        ("# all of it", []),
        ("   # indented", []),
        ("get k # why", ["get", "k"]),
        ("put a#b c#", ["put", "a#b", "c#"]),
        ("put '# k' \"# v\" # c", ["put", "# k", "# v"]),
        (r"put \# \'", ["put", "#", "'"]),
        (r'put "a\" # b" c', ["put", 'a" # b', "c"]),
        ('range ""', ["range", ""]),
        ("raftzmq put k v", ["put", "k", "v"]),
        ("bin/raftzmq status", ["status"]),
        ("put raftzmq raftzmq", ["put", "raftzmq", "raftzmq"]),
        ("raftzmq", []),
    ],
)
def test_words_of_a_line(line: str, words: list[str]) -> None:
    assert split_words(line) == words


@pytest.mark.parametrize("line", ["put 'a", 'put "a', "put a\\"])
def test_what_isnt_closed_is_no_line(line: str) -> None:
    with pytest.raises(ValueError):
        split_words(line)


@given(st.lists(st.text(), min_size=1))
def test_quoted_words_come_back(words: list[str]) -> None:
    assert split_words("x " + shlex.join(words)) == ["x", *words]


@given(st.text())
def test_without_comment_is_a_beginning(line: str) -> None:
    assert line.startswith(without_comment(line))


@pytest.mark.parametrize(
    ("line", "words", "beginning"),
    [
        ("", [], ""),
        ("pu", [], "pu"),
        ("put", [], "put"),
        ("put ", ["put"], ""),
        ("get app/", ["get"], "app/"),
        ("get 'app/x y", ["get"], "app/x y"),
        ('get "app', ["get"], "app"),
        ("get k --js", ["get", "k"], "--js"),
        ("raftzmq pu", [], "pu"),
    ],
)
def test_a_line_that_is_being_typed(line: str, words: list[str], beginning: str) -> None:
    assert split_unfinished(line) == (words, beginning)
