"""What no command takes is a mistake of usage, typed or from the environment: endless numbers, paths without a name."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from raftzmq.cli.loading import load_command
from raftzmq.cli.main import COMMANDS, main
from raftzmq.cli.parameters import INTEGER_MAX

ENDLESS = ("nan", "inf", "-inf", "1e300", str(10**23))


def ranges(command: click.Command, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], click.Option]]:
    """Every option that is a range of numbers, with the command that it is of."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        inner = [(name, command.get_command(context, name)) for name in command.list_commands(context)]
        return [found for name, one in inner if one is not None for found in ranges(one, (*path, name))]
    kinds = (click.FloatRange, click.IntRange)
    return [(path, p) for p in command.params if isinstance(p, click.Option) and isinstance(p.type, kinds)]


def takes(option: click.Option, text: str) -> bool:
    """Is ``text`` a value for the option?"""
    try:
        option.type.convert(text, option, None)
    except click.BadParameter:
        return False
    return True


def test_no_range_of_any_command_takes_what_has_no_end() -> None:
    found = ranges(main, ())
    assert len(found) > 100
    taken = [(*path, option.opts[0], text) for path, option in found for text in ENDLESS if takes(option, text)]
    assert taken == []


@pytest.mark.parametrize("text", ENDLESS)
@pytest.mark.parametrize("typed", [True, False])
def test_a_timeout_without_end_is_a_mistake_of_usage(text: str, typed: bool) -> None:
    arguments = ["get", "key", *([f"--timeout={text}"] if typed else [])]
    done = CliRunner(env={} if typed else {"RAFTZMQ_TIMEOUT": text}).invoke(main, arguments)
    assert done.exit_code == 2
    assert "Error: Invalid value for '--timeout'" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [["verify", ""], ["audit", ""], ["node", "--node", "n1", "--data", ""], ["get", "k", "--config", ""]],
)
def test_an_empty_path_is_not_the_current_directory(arguments: list[str]) -> None:
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 2
    assert "a path is not empty; the current directory is '.'" in done.stderr


def test_bounds_are_taken_as_they_were() -> None:
    named = {option.name: option for _, option in ranges(load_command(COMMANDS["range"].target), ())}
    assert takes(named["timeout"], "1e9")
    assert not takes(named["timeout"], "1.1e9")
    assert not takes(named["timeout"], "0")
    assert takes(named["limit"], str(INTEGER_MAX))
    assert not takes(named["limit"], str(INTEGER_MAX + 1))
