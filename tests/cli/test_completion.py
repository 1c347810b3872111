"""Shell completion: the scripts, run by a real bash, and what raftzmq answers to them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from raftzmq.cli.keys import COMPLETIONS_MAX, KEY
from raftzmq.cli.main import COMMANDS, main
from raftzmq.client.sync import Client
from tests.cli.support import COMMAND, environment, on_terminal, raftzmq
from tests.live.harness import LiveCluster
from tests.live.runtimes import EITHER

NOWHERE = {"RAFTZMQ_ENDPOINTS": "127.0.0.1:1"}


@pytest.fixture
def programs(tmp_path: Path) -> str:
    """A PATH with a raftzmq that is this tree's."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "raftzmq"
    program.write_text(f'#!/bin/sh\nexec {" ".join(COMMAND)} "$@"\n')
    program.chmod(0o755)
    return f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"


def in_bash(line: str, path: str, variables: dict[str, str]) -> list[str]:
    """What bash offers after ``line`` when the tabulator is pressed."""
    if shutil.which("bash") is None:
        pytest.skip("bash is missing")
    words = line.split(" ")
    array = " ".join(f"'{word}'" for word in words)
    script = (
        'eval "$(raftzmq completion bash)"\n'
        f"complete -p raftzmq >&2\nCOMP_WORDS=({array}); COMP_CWORD={len(words) - 1}\n"
        f"_raftzmq_completion {words[0]}\nprintf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    done = subprocess.run(
        ["bash", "--norc", "-euc", script],
        env=environment(PATH=path, **variables),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "_raftzmq_completion raftzmq" in done.stderr, "the function is registered for the program"
    return done.stdout.split()


def test_bash_completes_commands_and_options(programs: str) -> None:
    assert in_bash("raftzmq pu", programs, NOWHERE) == ["put"]
    assert in_bash("raftzmq ", programs, NOWHERE) == list(COMMANDS)
    assert set(in_bash("raftzmq range --k", programs, NOWHERE)) == {"--keys-only"}
    assert in_bash("raftzmq generate s", programs, NOWHERE) == ["supervisord"]
    assert in_bash("raftzmq completion f", programs, NOWHERE) == ["fish"]
    program = programs.split(os.pathsep)[0]
    assert in_bash(f"{program}/raftzmq pu", programs, NOWHERE) == ["put"], "also where it is called by its path"
    assert in_bash("raftzmq frobnicate x", programs, NOWHERE) == []
    assert in_bash("raftzmq get k", programs, NOWHERE) == [], "no cluster, no keys, no complaint"


@pytest.mark.parametrize(("shell", "word"), [("zsh", "compdef"), ("fish", "complete"), ("bash", "complete")])
def test_the_scripts(shell: str, word: str) -> None:
    done = raftzmq("completion", shell)
    assert done.returncode == 0
    assert done.stderr == b"", "what is evaluated is all that is said"
    text = done.stdout.decode()
    assert f"_RAFTZMQ_COMPLETE={shell}_complete" in text
    assert word in text
    assert raftzmq("completion", "tcsh").returncode == 2
    assert "To install it: " in on_terminal("completion", shell)[1]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_what_the_other_shells_are_answered(shell: str) -> None:
    def answer(words: str, current: str) -> str:
        asked = {"_RAFTZMQ_COMPLETE": f"{shell}_complete", "COMP_WORDS": words, "COMP_CWORD": current, **NOWHERE}
        done = raftzmq(variables=asked)
        assert done.stderr == b""
        return done.stdout.decode()

    assert "put" in answer("raftzmq pu", "1" if shell == "zsh" else "pu")
    assert COMMANDS["put"].help in answer("raftzmq pu", "1" if shell == "zsh" else "pu")


def test_names_are_completed_without_loading_their_commands() -> None:
    program = (
        "import sys\nfrom raftzmq.cli.main import main\n"
        "from click.shell_completion import ShellComplete\n"
        "items = ShellComplete(main, {}, 'raftzmq', '').get_completions([], '')\n"
        "print(len(items), sorted(m for m in sys.modules if m.startswith('raftzmq.cli.')))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, env=environment(), check=True
    )
    count, _, modules = done.stdout.partition(" ")
    assert int(count) == len(COMMANDS)
    loaded = {lazy.target.partition(":")[0] for lazy in COMMANDS.values()}
    assert not [module for module in loaded if f"'{module}'" in modules]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCluster]:
    with LiveCluster(tmp_path_factory.mktemp("cluster"), 1, runtime=EITHER) as cluster:
        cluster.start()
        cluster.leader()
        with Client(cluster.endpoints, timeout=30) as client:
            for key in ("app/colour", "app/size", "b", "with space", "quo'te", "x\x1b[31m", b"\xff"):
                client.put(key, "1")
            for number in range(COMPLETIONS_MAX + 20):
                client.put(f"many/{number:04}", "")
        yield cluster


@pytest.mark.live
def test_keys_are_completed_from_what_is_stored(cluster: LiveCluster, programs: str) -> None:
    here = {"RAFTZMQ_ENDPOINTS": ",".join(cluster.endpoints)}
    for command in ("get", "put", "del", "cas", "range"):
        assert in_bash(f"raftzmq {command} app/", programs, here) == ["app/colour", "app/size"]
    assert in_bash("raftzmq get app/s", programs, here) == ["app/size"]
    assert in_bash("raftzmq put b ", programs, here) == [], "a value is nobody else's business"
    assert in_bash(f"raftzmq get --endpoints {cluster.endpoints[0]} app/s", programs, NOWHERE) == ["app/size"]
    typed = f"raftzmq get --config {cluster.data / 'cluster.toml'} app/s"
    assert in_bash(typed, programs, NOWHERE) == ["app/size"], "what is typed goes before what the environment says"


@pytest.mark.live
def test_only_keys_that_can_be_typed_as_they_are(cluster: LiveCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAFTZMQ_ENDPOINTS", ",".join(cluster.endpoints))
    command = main.get_command(click.Context(main), "get")
    assert command is not None
    context = command.make_context("get", [], resilient_parsing=True)
    offered = [item.value for item in KEY.shell_complete(context, command.params[0], "")]
    assert offered[:3] == ["app/colour", "app/size", "b"]
    assert len(offered) == COMPLETIONS_MAX
    assert not {"with space", "quo'te", "x\x1b[31m"} & set(offered)
    assert KEY.shell_complete(context, command.params[0], "x") == []
