"""The little of EDN that histories are written in: a flat map a line, of keywords, text, numbers and vectors."""

from __future__ import annotations

import json
import re
from typing import Any

_MAP = re.compile(r"#?[\w./]*\{(.*)\}\s*")
_TOKEN = re.compile(
    r"""\s*(?: (?P<keyword>:[^\s,\[\]{}"]+)
        | (?P<text>"(?:[^"\\]|\\.)*")
        | (?P<number>-?\d+)(?![\w.])
        | (?P<word>nil|true|false)(?!\w)
        | (?P<vector>\[[^\[\]]*\]) )[\s,]*""",
    re.VERBOSE,
)
_WORDS = {"nil": None, "true": True, "false": False}


def parse_map(line: str) -> dict[str, Any]:
    """The map of a line, keywords without their colon; raises ValueError saying what is wrong."""
    match = _MAP.fullmatch(line)
    if match is None:
        raise ValueError("this is no map {:key value …}")
    items = parse_values(match[1])
    keys = items[::2]
    if len(items) % 2 or not all(isinstance(key, str) for key in keys):
        raise ValueError("a map has a keyword before each value")
    return dict(zip(keys, items[1::2], strict=True))


def parse_values(text: str) -> list[Any]:
    """Values in a row; raises ValueError."""
    values: list[Any] = []
    place = 0
    while text[place:].strip():
        match = _TOKEN.match(text, place)
        if match is None:
            raise ValueError(f"no value can be read at {text[place : place + 20]!r}")
        values.append(_value(match))
        place = match.end()
    return values


def _value(match: re.Match[str]) -> Any:
    if match["keyword"] is not None:
        return match["keyword"][1:]
    if match["text"] is not None:
        return json.loads(match["text"])
    if match["number"] is not None:
        return int(match["number"])
    if match["word"] is not None:
        return _WORDS[match["word"]]
    return tuple(parse_values(match["vector"][1:-1]))
