"""Reads data-driven cases, as etcd's Raft keeps them: a command with arguments, its input, ``----``, the output.

::

    # Comments, and blank lines between the cases.
    committed cfg=(1,2,3) idx=(12,5,_)
    ----
    the expected output, up to a blank line
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_ARGUMENT = re.compile(r"([\w-]+)(?:=(?:\(([^)]*)\)|(\S+)))?")
_SEPARATOR = "----"


@dataclass(frozen=True, slots=True)
class Case:
    """One case. ``line`` is where its command stands; an argument's values are text."""

    line: int
    command: str
    arguments: dict[str, list[str]]
    input: str
    output: str

    def values(self, name: str) -> list[str]:
        """The values of an argument; none if it isn't given."""
        return self.arguments.get(name, [])


def read_cases(path: Path) -> list[Case]:
    """All cases of a file."""
    lines = path.read_text().splitlines()
    cases, place = [], 0
    while place < len(lines):
        if not lines[place].strip() or lines[place].startswith("#"):
            place += 1
            continue
        start, command = place, lines[place]
        while command.endswith("\\"):
            place += 1
            command = command[:-1] + lines[place]
        place += 1
        given = place
        while lines[place] != _SEPARATOR:
            place += 1
        place, output = _output(lines, place + 1)
        name, _, rest = command.partition(" ")
        arguments = {m[1]: _values(m[2] if m[2] is not None else m[3]) for m in _ARGUMENT.finditer(rest)}
        separator = lines.index(_SEPARATOR, given)
        cases.append(Case(start + 1, name, arguments, "\n".join(lines[given:separator]), "\n".join(output)))
    return cases


def _output(lines: list[str], place: int) -> tuple[int, list[str]]:
    """Where the output that begins at ``place`` ends, and its lines. With a second separator blank lines are part."""
    output = []
    if lines[place : place + 1] == [_SEPARATOR]:
        place += 1
        while lines[place : place + 2] != [_SEPARATOR, _SEPARATOR]:
            output.append(lines[place])
            place += 1
        return place + 2, output
    while place < len(lines) and lines[place].strip():
        output.append(lines[place])
        place += 1
    return place, output


def _values(text: str | None) -> list[str]:
    return [value.strip() for value in (text or "").split(",") if value.strip()]
