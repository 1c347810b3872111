"""A line of the shell as words: quotes and backslashes as in sh, and comments."""

from __future__ import annotations

import shlex


def without_comment(line: str) -> str:
    """The line up to a ``#`` that begins a word outside of quotes."""
    quote = ""
    position = 0
    while position < len(line):
        character = line[position]
        if quote:
            if character == "\\" and quote == '"':
                position += 1
            elif character == quote:
                quote = ""
        elif character == "\\":
            position += 1
        elif character in "'\"":
            quote = character
        elif character == "#" and (position == 0 or line[position - 1].isspace()):
            return line[:position]
        position += 1
    return line


def split_words(line: str) -> list[str]:
    """The words of a line; none for an empty one or a comment. Raises ValueError for a quote that isn't closed.

    A ``raftzmq`` at its beginning is left out, so that lines of scripts and of the documentation work as they are.
    """
    words = shlex.split(without_comment(line))
    return words[1:] if words[:1] in (["raftzmq"], ["bin/raftzmq"]) else words


def split_unfinished(line: str) -> tuple[list[str], str]:
    """The words of a line that is being typed, and the beginning of one that the cursor stands in or behind."""
    for closing in ("", "'", '"'):
        try:
            words = split_words(line + closing)
        except ValueError:
            continue
        inside = closing or (line and not line[-1].isspace())
        return (words[:-1], words[-1]) if inside and words else (words, "")
    return [], ""
