"""Help that teaches: every command explains itself, with examples that can be called; colours for terminals only."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import click
import pytest

from raftzmq.cli.main import COMMANDS, EXAMPLES, EXIT_CODES, main
from raftzmq.cli.shared import SharedClients
from raftzmq.cli.shell_commands import EXAMPLES as SHELL_EXAMPLES
from raftzmq.cli.shell_commands import ShellCommands
from raftzmq.cli.words import without_comment
from tests.cli.support import on_terminal, raftzmq

PROGRAMS = ("raftzmq", "bin/raftzmq")
OPERATORS = {"|", "||", "&&", ";", "<", ">", ">>"}


def commands(command: click.Command, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command with its path, groups included."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from commands(inner, f"{path} {name}".strip())


ALL = {path: command for path, command in commands(main) if path}


def examples(command: click.Command) -> list[str]:
    """The lines below ``Examples:`` of a command's help."""
    found: list[str] = []
    inside = False
    for line in (command.help or "").splitlines():
        if re.fullmatch(r"\s*Examples?:", line):
            inside = True
        elif inside and line.strip():
            found.append(line.strip())
        else:
            inside = False
    return found


def calls(line: str) -> list[list[str]]:
    """The arguments of every call of raftzmq in a line of sh."""
    line = without_comment(line)
    found = [shlex.split(inner) for inner in re.findall(r"\$\(raftzmq ([^)]*)\)", line)]
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.commenters = ""
    lexer.whitespace_split = True
    words: list[str] | None = None
    skipping = False
    for word in lexer:
        if word in OPERATORS:
            skipping = word in ("<", ">", ">>")
            if not skipping:
                words = None
        elif skipping:
            skipping = False
        elif words is None and word in PROGRAMS:
            words = []
            found.append(words)
        elif words is not None:
            words.append(word)
    return found


def parse(command: click.Command, name: str, words: list[str], parent: click.Context | None = None) -> None:
    """Have the command take ``words`` without running it; raises a usage error."""
    if isinstance(command, click.Group) and words and not words[0].startswith("-"):
        with click.Context(command, parent=parent, info_name=name) as context:
            inner_name, inner, rest = command.resolve_command(context, words)
            assert inner is not None
            parse(inner, inner_name or "", rest, context)
    else:
        # An option that answers by itself, such as --types, has done so by then.
        with suppress(click.exceptions.Exit), command.make_context(name, list(words), parent=parent):
            pass


def check(lines: list[str], directory: Path) -> int:
    """Parse every call in the lines; how many there were."""
    count = 0
    for line in lines:
        for words in calls(line):
            for word in words:
                if re.fullmatch(r"[\w-]+\.\w+", word):  # a file that an option may want to be there
                    (directory / word).touch()
            try:
                parse(main, "raftzmq", words)
            except click.UsageError as error:
                raise AssertionError(f"{line}: {error.format_message()}") from error
            count += 1
    return count


def test_examples_are_found_in_lines_of_sh() -> None:
    assert calls("raftzmq put k - < file.json") == [["put", "k", "-"]]
    assert calls("until raftzmq health --timeout 1; do :; done") == [["health", "--timeout", "1"]]
    assert calls("raftzmq status --json | jq -r '.a | .b'   # why") == [["status", "--json"]]
    assert calls('eval "$(raftzmq completion bash)"  # x') == [["completion", "bash"]]
    assert calls("raftzmq health && raftzmq get k") == [["health"], ["get", "k"]]
    with pytest.raises(AssertionError, match="--frob"):
        check(["raftzmq put a b --frob"], Path())


@pytest.mark.parametrize("path", ALL)
def test_every_command_explains_itself_with_examples_that_can_be_called(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ALL[path]
    assert command.help, f"{path} explains nothing"
    paragraph = command.help.split("\n\n")[0]
    assert len(paragraph.split()) >= 5, f"{path} hardly explains itself: {paragraph!r}"
    assert examples(command), f"{path} has no example"
    assert check(examples(command), tmp_path), f"{path} has no example of a call"


def test_the_examples_of_the_whole_can_be_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [command for _, block in EXAMPLES for command, _ in block]
    assert check(lines, tmp_path) >= 12


def test_the_examples_of_the_shell_can_be_called() -> None:
    clients = SharedClients()
    group = ShellCommands(clients)
    for _, block in SHELL_EXAMPLES:
        for line, _ in block:
            words = shlex.split(line)
            if words[0] not in ("help", "exit"):
                parse(group, "", words)
    clients.close()


def test_the_exit_codes_are_in_the_help() -> None:
    text = raftzmq("--help").stdout.decode()
    section = text.partition("Exit codes:")[2]
    for code, meaning in EXIT_CODES:
        assert re.search(rf"^  {code} +{re.escape(meaning)}$", section, re.MULTILINE)
    assert {code for code, _ in EXIT_CODES} >= set("01234578")


@pytest.mark.parametrize("arguments", [["--help"], ["put", "--help"], ["generate", "compose", "--help"]])
def test_help_has_colours_on_a_terminal_and_the_same_words_without(arguments: list[str]) -> None:
    plain = raftzmq(*arguments, variables={"COLUMNS": "80"}).stdout.decode()
    assert "\x1b" not in plain
    code, screen = on_terminal(*arguments, columns=80)
    assert code == 0
    assert "\x1b[32m" in screen, "examples stand out"
    assert "\x1b[36m" in screen, "options and commands stand out"
    assert click.unstyle(screen).replace("\r\n", "\n") == plain
    assert "\x1b[3" not in on_terminal(*arguments, variables={"NO_COLOR": "1"})[1]


def test_the_sections_hold_every_command_once() -> None:
    text = raftzmq("--help").stdout.decode()
    for name in COMMANDS:
        assert len(re.findall(rf"^  {name} +[A-Z]", text, re.MULTILINE)) == 1
