"""How help looks: headings, names and examples in colours on a terminal, the same text without them in a pipe."""

from __future__ import annotations

import re
from collections.abc import Iterable

import click

from raftzmq.cli.output import colours_wanted

_EXAMPLE = re.compile(r"^( {2,})(\S.*?)( {2,}# .*)?$")
_EXAMPLES_HEADING = re.compile(r"^ *Examples?:$")


class HelpFormatter(click.HelpFormatter):
    """click's, in colours where they are wanted. Widths don't change: click measures text without them."""

    def __init__(self, indent_increment: int = 2, width: int | None = None, max_width: int | None = None) -> None:
        super().__init__(indent_increment, width, max_width)
        self._colours = colours_wanted()

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """The first line."""
        super().write_usage(self._styled(prog, bold=True), args, prefix)

    def write_heading(self, heading: str) -> None:
        """The name of a section."""
        self.write(f"{'':>{self.current_indent}}{self._styled(f'{heading}:', bold=True)}\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Commands or options, and what they are."""
        super().write_dl([(self._styled(name, fg="cyan"), text) for name, text in rows], col_max, col_spacing)

    def write_text(self, text: str) -> None:
        """A text, whose examples stand out."""
        begin = len(self.buffer)
        super().write_text(text)
        if self._colours:
            written = "".join(self.buffer[begin:])
            self.buffer[begin:] = [self._with_examples(written)]

    def write_example(self, command: str, meaning: str = "") -> None:
        """A command line, with what it does."""
        line = f"    {command:<38}  # {meaning}" if meaning else f"    {command}"
        self.write(f"{self._example(line)}\n")

    def _with_examples(self, text: str) -> str:
        lines, inside = [], False
        for line in text.split("\n"):
            if _EXAMPLES_HEADING.match(line):
                inside = True
                line = self._styled(line, bold=True)
            elif inside and line:
                line = self._example(line)
            elif not line:
                inside = False
            lines.append(line)
        return "\n".join(lines)

    def _example(self, line: str) -> str:
        match = _EXAMPLE.match(line)
        if not self._colours or match is None:
            return line
        indent, command, comment = match.groups(default="")
        return f"{indent}{self._styled(command, fg='green')}{self._styled(comment, dim=True) if comment else ''}"

    def _styled(self, text: str, *, fg: str | None = None, bold: bool | None = None, dim: bool | None = None) -> str:
        return click.style(text, fg=fg, bold=bold, dim=dim) if self._colours and text else text


class HelpContext(click.Context):
    """A context whose help is formatted so."""

    formatter_class = HelpFormatter


def with_colours(command: click.Command) -> click.Command:
    """The command, with such a help."""
    command.context_class = HelpContext
    return command
