"""The command line as a whole: help, lazy loading, usage errors, exit codes, environment variables."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from raftzmq.cli.main import COMMANDS, main
from raftzmq.cli.output import exit_code_of
from raftzmq.errors import (
    REQUEST_ERRORS,
    ConfigurationError,
    DeadlineExceeded,
    Overloaded,
    RequestError,
    StorageError,
    request_error,
)
from tests.cli.support import COMMAND, PATIENCE_S, environment, on_terminal, raftzmq
from tests.collector.support import wait_until

HEAVY = ("zmq", "rich", "msgspec", "orjson", "structlog", "lmdb", "asyncio")


def leaves(command: click.Command, name: str) -> list[tuple[str, click.Command]]:
    """A command, or all that it groups."""
    if not isinstance(command, click.Group):
        return [(name, command)]
    context = click.Context(command)
    found = []
    for sub in command.list_commands(context):
        inner = command.get_command(context, sub)
        assert inner is not None
        found += leaves(inner, f"{name} {sub}")
    return found


def test_help_names_every_command_and_fits_a_terminal() -> None:
    done = raftzmq("--help", variables={"COLUMNS": "80"})
    text = done.stdout.decode()
    assert done.returncode == 0
    for name, lazy in COMMANDS.items():
        assert f"\n  {name} " in text
        assert lazy.help in text
    assert max(map(len, text.splitlines())) <= 80


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys\nfrom raftzmq.cli.main import main\n"
        "try: main(['--help'], prog_name='raftzmq')\n"
        f"except SystemExit: print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, env=environment(), check=True
    )
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_explains_itself(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert isinstance(command, click.Command)
    for path, leaf in leaves(command, name):
        shown = CliRunner().invoke(main, [*path.split(), "--help"])
        assert shown.exit_code == 0, shown.output
        assert leaf.help
        for parameter in leaf.params:
            if isinstance(parameter, click.Option) and parameter.name != "help":
                assert parameter.help, f"{path} {parameter.name} says nothing about itself"


@pytest.mark.parametrize(
    ("option", "variable"),
    [
        ("endpoints", "RAFTZMQ_ENDPOINTS"),
        ("config", "RAFTZMQ_CONFIG"),
        ("timeout", "RAFTZMQ_TIMEOUT"),
        ("as_json", "RAFTZMQ_JSON"),
    ],
)
def test_shared_options_have_one_variable_for_all_commands(option: str, variable: str) -> None:
    found = 0
    for name in ("put", "get", "del", "range", "cas", "status", "health", "events", "collector"):
        command = main.get_command(click.Context(main), name)
        assert command is not None
        for parameter in command.params:
            if parameter.name == option:
                assert parameter.envvar == variable
                found += 1
    assert found >= 7


def test_options_of_one_command_have_variables_of_its_own() -> None:
    done = raftzmq("range", "", variables={"RAFTZMQ_RANGE_LIMIT": "none"})
    assert done.returncode == 2
    assert b"RAFTZMQ_RANGE_LIMIT" in done.stderr or b"--limit" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["pt", "a", "b"], "Did you mean 'put'?"),
        (["frobnicate"], "lists them"),
        (["put", "a"], "Missing argument 'VALUE'"),
        (["put", "a", "b", "--timeout", "0"], "--timeout"),
        (["put", "a", "b", "--frob"], "--frob"),
        (["get", "a", "--revision", "0"], "--revision"),
        (["range"], 'raftzmq range ""'),
        (["range", "a", "--start", "b"], "exclude"),
        (["range", "a", "--resume-key", "{"], "resume key"),
        (["cas", "a", "b"], "EXPECTED"),
        (["cas", "a", "b", "c", "--absent"], "without EXPECTED"),
        (["cas", "a", "b", "--absent", "--mod-revision", "3"], "give one"),
        (["events", "--type", "frob"], "no such type"),
        (["events", "--since", "yesterday"], "no time"),
        (["collector", "--nodes", "0"], "--nodes"),
        (["put", "a", "b", "--endpoints", "foo"], "no endpoint"),
        (["put", "a", "b", "--endpoints", ","], "empty"),
        (["put", "a", "b", "--endpoints", "*:7201"], "no endpoint"),
        (["put", "a", "b", "--endpoints", "a:0"], "ports are 1 to 65535"),
        (["put", "a", "b", "--timeout", "nan"], "--timeout"),
        (["top", "--collector", "nonsense"], "--collector"),
        (["events", "--follow", "--collector", ""], "--collector"),
        (["events", "--node", ","], "names none"),
        (["lab", "run", "leader-dies", "--web", "nonsense"], "no address for the web"),
        (["page", "--web", ""], "no address for the web"),
        (["simulate", "--workers", "9999999999"], "--workers"),
        (["chaos", "partition", "n1", "/", "n2", "--for", f"{'9' * 400}h"], "not within"),
        (["put", "a", "b", "--config", "/nowhere.toml"], "No such file"),
    ],
)
def test_usage_errors_exit_with_2_and_say_what_to_do(arguments: list[str], says: str) -> None:
    done = raftzmq(*arguments)
    assert done.returncode == 2, done.stderr.decode()
    assert says in done.stderr.decode()
    assert done.stdout == b""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        *((kind("…", definite=True), 7) for kind in (Overloaded, DeadlineExceeded)),
        *((request_error(code, "…", definite=False), 8) for code in REQUEST_ERRORS),
        *((request_error(code, "…", definite=True), 7) for code in ("no_leader", "unreachable", "refused", "closed")),
        *((request_error(code, "…", definite=True), 1) for code in ("invalid", "too_large", "compacted", "corrupted")),
        (RequestError("…"), 1),
        (ConfigurationError("…"), 2),
        (StorageError("…"), 1),
    ],
)
def test_exit_codes_tell_whether_a_write_can_have_been_applied(error: RequestError, code: int) -> None:
    assert exit_code_of(error) == code


def test_nobody_answers_is_7_and_one_sentence() -> None:
    for command in (["put", "a", "b"], ["del", "a"], ["cas", "a", "b", "c"], ["get", "a"], ["range", "a"]):
        done = raftzmq(*command, variables={"RAFTZMQ_ENDPOINTS": "127.0.0.1:1,127.0.0.1:2", "RAFTZMQ_TIMEOUT": "0.3"})
        assert done.returncode == 7, done.stderr.decode()
        assert done.stdout == b""
        [line] = done.stderr.decode().splitlines()
        assert line.startswith("error: ")
        assert "127.0.0.1:1" in line


def test_with_json_errors_are_json_too() -> None:
    import json

    done = raftzmq("put", "a", "b", "--json", "--timeout", "0.3", variables={"RAFTZMQ_ENDPOINTS": "127.0.0.1:1"})
    assert done.returncode == 7
    assert done.stdout == b""
    error = json.loads(done.stderr)["error"]
    assert error["code"] == "unreachable"
    assert error["definite"] is True
    assert "127.0.0.1:1" in error["message"]


def test_nobody_answers_is_unhealthy() -> None:
    for command, says in ((["status"], "unreachable"), (["health"], "")):
        done = raftzmq(*command, "--endpoints", "127.0.0.1:1", "--timeout", "0.3")
        assert done.returncode == 5
        assert says in done.stdout.decode()
        assert done.stderr.decode().startswith("unhealthy: ")


def test_a_full_disk_behind_the_output_is_an_error() -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "raftzmq", "status", "--endpoints", "127.0.0.1:1", "--timeout", "0.1"],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.decode() == "error: the output cannot be written (No space left on device): it is incomplete\n"


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_errors_have_colours_only_where_they_are_wanted(variables: dict[str, str], coloured: bool) -> None:
    code, screen = on_terminal("get", "k", "--endpoints", "x", variables=variables)
    assert code == 2
    assert ("\x1b[31m" in screen) is coloured
    assert ("\x1b" in screen) is coloured


def children(pid: int) -> list[int]:
    """The processes that a process has started and that run."""
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(file.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(file.parent.name))
    return found


def poke(pids: list[int]) -> bool:
    """Interrupt them all."""
    for pid in pids:
        os.kill(pid, signal.SIGINT)
    return True


def test_ctrl_c_while_workers_start_ends_them_without_a_word() -> None:
    process = subprocess.Popen(
        [*COMMAND, "simulate", "--seeds", "5000", "--workers", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        start_new_session=True,
    )
    try:
        # The resource tracker and two workers, from before they can say what they do with it until they work.
        wait_until(lambda: len(children(process.pid)) >= 3, "workers are there")
        pokes = count(1)
        wait_until(lambda: poke(children(process.pid)) and next(pokes) >= 100, "they have been interrupted often")
        assert process.poll() is None
        os.killpg(process.pid, signal.SIGINT)
        output, errors = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, output, errors) == (130, b"", b"")


def test_version() -> None:
    assert raftzmq("--version").stdout.startswith(b"raftzmq")
