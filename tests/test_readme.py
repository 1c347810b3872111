"""The README's commands and programs, run as they stand there, in a copy of the tree with nothing installed."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from raftzmq.config import parse_cluster
from tests.live.clone import Clone
from tests.live.harness import ROOT

README = (ROOT / "README.md").read_text()


class Line(NamedTuple):
    """A command of the README: its words, and the exit codes that its comment speaks of."""

    words: list[str]
    codes: set[int]


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def commands() -> list[Line]:
    """Every command of the shell blocks; a comment that begins with an exit code says how the command ends."""
    found = []
    for line in "".join(blocks("sh")).splitlines():
        words = shlex.split(line, comments=True)
        comment = line.partition(" # ")[2].strip()
        said = re.findall(r"(?:^exit |\()(\d)", comment) if comment.startswith("exit ") else []
        if words:
            found.append(Line(words, {int(code) for code in said} or {0}))
    return found


@contextmanager
def running(clone: Clone, words: list[str]) -> Iterator[None]:
    """A command that goes on by itself, and is ended with this; by then it must have said something."""
    process = subprocess.Popen(
        [str(clone.path / words[0]), *words[1:]],
        env=clone.environment,
        cwd=clone.path,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield
            assert process.stdout is not None
            assert process.stdout.readline().strip(), f"{words} ended without a word"
        finally:
            process.terminate()


@pytest.mark.live
@pytest.mark.timeout(600)
def test_the_commands_end_as_the_readme_says(clone: Clone) -> None:
    done = []
    with ExitStack() as in_the_background:
        for words, codes in commands():
            # bin/down comes last; the tests themselves and the benches are run by others.
            if words[0] not in ("bin/up", "bin/raftzmq", ".venv/bin/supervisorctl") or words[1:2] == ["bench"]:
                continue
            if "--follow" in words or "--page" in words:
                in_the_background.enter_context(running(clone, words))
                continue
            few = ["3" if word == "300" else word for word in words]
            result = clone.run(*few, directory=clone.path)
            said = f"{result.stdout}{result.stderr}"
            assert result.returncode in codes, f"{words} ended with {result.returncode}:\n{said}"
            done.append(words)
    assert ["bin/up", "--lab"] in done
    assert any(words[:2] == ["bin/raftzmq", "put"] for words in done)

    client, subscriber = blocks("python")
    python = [".venv/bin/python", "-u", "-W", "error", "-c"]
    assert clone.done(*python, client, directory=clone.path).splitlines() == ["b'blue'", "True"]
    with running(clone, [*python, subscriber]):
        pass
    clone.done("bin/down")
    assert clone.processes() == []


def test_the_subscriber_is_short_and_needs_nothing_of_raftzmq() -> None:
    _, subscriber = blocks("python")
    lines = [line for line in subscriber.splitlines() if line.strip()]
    assert len(lines) <= 15
    imported = {line.split()[1] for line in lines if line.startswith(("import ", "from "))}
    assert imported <= {"json", "zmq"}


def test_the_cluster_file_is_one() -> None:
    (text,) = blocks("toml")
    assert [address.node for address in parse_cluster(text).nodes] == ["n1"]


def test_the_files_that_it_names_are_there() -> None:
    named = set(re.findall(r"`((?:raftzmq|tests|bench|bin)/[\w./]+)`", README))
    assert named
    missing = [name for name in named if not Path(ROOT / name).exists()]
    assert not missing, f"the README names what isn't there: {missing}"
