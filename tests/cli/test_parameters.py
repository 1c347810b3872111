"""What all parameters of all commands have in common: what they never take, and variables named after the flags."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from raftzmq.cli.loading import load_command
from raftzmq.cli.main import COMMANDS, main
from raftzmq.parameters import INTEGER_MAX

ENDLESS = ("nan", "inf", "-inf", "1e300", str(10**23))
OF_SEVERAL_COMMANDS = {
    *("RAFTZMQ_JSON", "RAFTZMQ_CONFIG", "RAFTZMQ_ENDPOINTS", "RAFTZMQ_TIMEOUT", "RAFTZMQ_NODES", "RAFTZMQ_HISTORY"),
    *("RAFTZMQ_COLLECTOR", "RAFTZMQ_COLLECTOR_DIRECTORY", "RAFTZMQ_COLLECTOR_WEB", "RAFTZMQ_CHAOS_SUPERVISOR"),
}
"""Variables that options share, so that one says it to all."""
ASKED_ONCE = {"--version", "--catalogue", "--schema"}
"""Instead of what the command does otherwise: kept in a variable, they would be in its way for ever."""


def options(command: click.Command, above: click.Context | None = None) -> Iterator[tuple[click.Context, click.Option]]:
    """Every option of a command and of those below it, with a context such as a command line is read in."""
    name = command.name if above else "raftzmq"
    context = click.Context(command, parent=above, info_name=name, **command.context_settings)
    yield from ((context, parameter) for parameter in command.params if isinstance(parameter, click.Option))
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            assert found is not None
            yield from options(found, context)


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


def test_every_option_has_a_variable_named_after_its_flag_and_none_named_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen, wrong = 0, []
    for context, option in options(main):
        flag = next(flag for flag in option.opts if flag.startswith("--"))
        words = "_".join((*context.command_path.split(), flag.removeprefix("--"))).replace("-", "_").upper()
        inside = "_".join((*context.command_path.split(), option.name or "")).upper()
        shared = {name for name in OF_SEVERAL_COMMANDS if name.endswith(flag.replace("--", "_").upper())}
        answered = set()
        for name in {words, inside, *shared}:
            with monkeypatch.context() as environment:
                environment.setenv(name, "said")
                if option.resolve_envvar_value(context) == "said":
                    answered.add(name)
        seen += bool(answered)
        named_otherwise = inside in answered and inside != words
        if bool(answered) == (flag in ASKED_ONCE) or named_otherwise:
            wrong.append((context.command_path, flag, answered))
    assert seen > 300
    assert wrong == []


@pytest.mark.parametrize(
    ("variable", "value", "arguments"),
    [
        ("RAFTZMQ_CHAOS_LINK_FOR", "soon", ["chaos", "link", "n1", "n2"]),
        ("RAFTZMQ_EVENTS_TYPE", "no_such_type", ["events"]),
    ],
)
def test_what_a_variable_says_is_read_as_the_flag_is(variable: str, value: str, arguments: list[str]) -> None:
    done = CliRunner(env={variable: value}).invoke(main, arguments)
    assert done.exit_code == 2
    assert f"--{variable.rpartition('_')[2].lower()}" in done.stderr.splitlines()[-1]
