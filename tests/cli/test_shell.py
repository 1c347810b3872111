"""``raftzmq shell`` against a real cluster: batches, and typed on a terminal."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from raftzmq.cli.shared import SharedClients
from raftzmq.cli.shell_commands import OFFERED, ShellCommands
from raftzmq.cli.shell_prompt import completions, describe_leader, hint, history_file
from tests.cli.support import raftzmq
from tests.cli.terminal import Terminal
from tests.live.harness import LiveCluster
from tests.live.runtimes import EITHER

UP, CTRL_C, CTRL_D, CTRL_E, TAB = "\x1b[A", "\x03", "\x04", "\x05", "\t"


class Typed(Terminal):
    """A shell that is typed into."""

    def prompted(self) -> None:
        """Wait for the prompt: what is typed before would be shown by the terminal, not by the shell."""
        self.expect("\x1b[?2004h")  # a line may be pasted from now on
        self.expect("]>")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCluster]:
    with LiveCluster(tmp_path_factory.mktemp("cluster"), 3, runtime=EITHER) as cluster:
        cluster.start()
        cluster.leader()
        yield cluster


@pytest.fixture(scope="module")
def variables(cluster: LiveCluster) -> dict[str, str]:
    """Where the commands find the cluster."""
    return {"RAFTZMQ_ENDPOINTS": ",".join(cluster.endpoints), "RAFTZMQ_TIMEOUT": "20"}


def batch(
    text: str | bytes, *options: str, variables: dict[str, str], code: int = 0
) -> subprocess.CompletedProcess[bytes]:
    """Run a batch on standard input."""
    done = raftzmq("shell", *options, given=text.encode() if isinstance(text, str) else text, variables=variables)
    assert done.returncode == code, (done.stdout, done.stderr)
    return done


@pytest.mark.live
def test_a_batch_runs_line_by_line(variables: dict[str, str]) -> None:
    done = batch(
        "# a comment\n\nput b/1 'one word'\nraftzmq put b/2 two # and why\nget b/1\nget b/2\ncas b/2 two 2\nrange b/\n",
        variables=variables,
    )
    first, second, *rest = done.stdout.decode().splitlines()
    revision = int(first.removeprefix("revision "))
    assert second == f"revision {revision + 1}"
    assert rest == ["one word", "two", f"revision {revision + 2}", "b/1\tone word", "b/2\t2"]
    assert done.stderr == b""


@pytest.mark.live
def test_a_batch_stops_at_the_first_failure_with_its_code(variables: dict[str, str]) -> None:
    done = batch("put s/1 x\nget s/none\nput s/2 x\n", variables=variables, code=3)
    assert done.stderr.decode().splitlines() == [
        "key not found: s/none",
        "line 2 ended with exit code 3: the rest was not run",
    ]
    assert batch("range s/ --keys-only", variables=variables).stdout == b"s/1\n"
    assert batch("cas s/1 y z\n", variables=variables, code=4).stdout == b""


@pytest.mark.live
def test_a_batch_that_keeps_going_ends_with_the_first_code(variables: dict[str, str]) -> None:
    done = batch("get g/none\nput 'g\nfrob\nput g/1 x --frob\nput g/1 x\n", "--keep-going", variables=variables, code=3)
    assert done.stdout.startswith(b"revision ")
    told = done.stderr.decode()
    for line, code in ((1, 3), (2, 2), (3, 2), (4, 2)):
        assert f"line {line} ended with exit code {code}\n" in told
    assert "line 5" not in told
    assert "No closing quotation" in told
    assert "No such command 'frob'" in told
    assert "Traceback" not in told


@pytest.mark.live
def test_json_and_other_settings_hold_for_every_command(variables: dict[str, str], cluster: LiveCluster) -> None:
    done = batch("put j/1 x\nget j/1\nget j/none\n", "--json", variables=variables, code=3)
    put, get = (json.loads(line) for line in done.stdout.splitlines())
    assert put == {"revision": get["mod_revision"]}
    assert json.loads(done.stderr.splitlines()[0])["error"]["code"] == "key_not_found"
    nowhere = {"RAFTZMQ_ENDPOINTS": "127.0.0.1:1"}
    told = batch("get j/1", "--endpoints", ",".join(cluster.endpoints), variables=nowhere)
    assert told.stdout == b"x\n", "what the shell was told goes before the environment"
    batch("get j/1", "--timeout", "0.2", variables=nowhere, code=7)
    own = batch(f"get j/1 --endpoints {','.join(cluster.endpoints)}", variables=nowhere)
    assert own.stdout == b"x\n", "what a line says goes before what the shell was told"
    path = cluster.data / "cluster.toml"
    assert batch("get j/1", "--config", str(path), variables={}).stdout == b"x\n"


@pytest.mark.live
def test_a_file_serves_as_well_and_bytes_stay_bytes(variables: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "batch"
    file.write_bytes(b"put f/1 \xff\xfe\nget f/1\nexit\nput f/2 never\n")
    done = raftzmq("shell", str(file), variables=variables)
    assert done.returncode == 0
    assert done.stdout.splitlines()[1] == b"\xff\xfe"
    assert batch("get f/2", variables=variables, code=3).stdout == b""
    assert raftzmq("shell", str(tmp_path / "none"), variables=variables).returncode == 2


@pytest.mark.live
def test_standard_input_has_the_commands_and_no_value(variables: dict[str, str]) -> None:
    done = batch("put v/1 -\nthis would have been the value\n", variables=variables, code=2)
    assert b"a value cannot be read from standard input here" in done.stderr


@pytest.mark.live
def test_one_connection_for_all(variables: dict[str, str], cluster: LiveCluster) -> None:
    leader = cluster.leader()

    def clients() -> int:
        row = cluster.status(leader)
        assert row is not None
        return int(row["clients"])

    before = clients()
    batch("put o/1 x\nget o/1\n" * 20, variables=variables)
    # one for the shell, and those by which this test asks
    assert clients() - before <= 3


@pytest.mark.live
def test_typing(variables: dict[str, str], tmp_path: Path) -> None:
    history = tmp_path / "state" / "history"
    with Typed("shell", variables={**variables, "RAFTZMQ_HISTORY": str(history)}) as terminal:
        terminal.prompted()
        terminal.expect("leads, term")
        terminal.type("put t/colour blue\r")
        terminal.expect("revision ")
        terminal.prompted()
        terminal.type("get t/c")
        terminal.press_until(TAB, "olour")  # completed from what is stored; not by a cluster that takes its time
        terminal.type("\r")
        terminal.expect("blue")
        terminal.prompted()
        terminal.type("get t/none\r")
        terminal.expect("key not found: t/none")
        terminal.prompted()
        terminal.type("put 'oops\r")
        terminal.expect("No closing quotation")
        terminal.prompted()
        terminal.type("put t/colour rubbish")
        terminal.expect("rubbish")
        terminal.type(CTRL_C)
        terminal.prompted()
        terminal.type(f"{UP}{UP}{UP}\r")  # the line before the last two
        terminal.expect("blue")
        terminal.prompted()
        terminal.type("put t/c")
        terminal.expect("olour blue")  # the hint: what was typed before
        terminal.type(f"{CTRL_E}\r")
        terminal.expect("revision ")
        terminal.prompted()
        terminal.type(CTRL_D)
        assert terminal.wait() == 0
        assert "Traceback" not in terminal.screen
    assert "+put t/colour blue\n" in history.read_text()
    assert stat.S_IMODE(history.stat().st_mode) == 0o600, "it holds values"
    assert raftzmq("get", "t/colour", variables=variables).stdout == b"blue", "the dropped line was not run"


@pytest.mark.live
def test_ctrl_c_ends_a_command_and_not_the_shell(tmp_path: Path) -> None:
    nowhere = {"RAFTZMQ_ENDPOINTS": "127.0.0.1:1", "RAFTZMQ_HISTORY": str(tmp_path / "h")}
    with Typed("shell", "--timeout", "600", variables=nowhere) as terminal:
        terminal.prompted()
        terminal.expect("no node answers")
        terminal.type("get k\r")
        terminal.expect("\x1b[?2004l")  # the line is taken, the command runs
        terminal.press_until(CTRL_C, "\x1b[?2004h")
        terminal.type("exit\r")
        assert terminal.wait() == 0, terminal.screen
        assert "Traceback" not in terminal.screen


@pytest.mark.live
def test_a_history_that_cannot_be_kept_is_told(variables: dict[str, str]) -> None:
    with Typed("shell", "--history", "/proc/none/history", variables=variables) as terminal:
        terminal.expect("not remembered")
        terminal.prompted()
        terminal.type("quit\r")
        assert terminal.wait() == 0


@pytest.mark.live
def test_without_its_library_the_shell_is_plain(variables: dict[str, str]) -> None:
    program = "import sys; sys.modules['prompt_toolkit'] = None; from raftzmq.cli.main import run; run()"
    with Terminal("shell", variables=variables, command=(sys.executable, "-P", "-c", program)) as terminal:
        terminal.expect("pip install 'raftzmq[shell]'")
        terminal.expect("raftzmq> ")
        terminal.type("put plain/1 rubbish")
        terminal.expect("rubbish")
        terminal.press_until(CTRL_C, "raftzmq> ")
        terminal.type("put plain/1 x\r")
        terminal.expect("revision ")
        terminal.expect("raftzmq> ")
        terminal.type(CTRL_D)
        assert terminal.wait() == 0
        assert "Traceback" not in terminal.screen
    assert raftzmq("get", "plain/1", variables=variables).stdout == b"x"


@pytest.fixture
def commands() -> Iterator[ShellCommands]:
    clients = SharedClients()
    yield ShellCommands(clients)
    clients.close()


def test_what_the_shell_offers(commands: ShellCommands) -> None:
    assert {"put", "get", "del", "range", "cas", "status", "health"} <= set(OFFERED)
    assert not {"shell", "node", "collector", "events", "bench"} & set(OFFERED)
    assert commands.run(["help"]) == 0
    assert commands.run(["help", "put"]) == 0
    assert commands.run(["put"]) == 2
    assert commands.run(["node"]) == 2


def test_completion_in_the_shell(commands: ShellCommands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAFTZMQ_ENDPOINTS", "127.0.0.1:1")
    assert [value for value, _ in completions(commands, "he")[1]] == ["health", "help"]
    assert completions(commands, "pu") == ("pu", [("put", OFFERED["put"].help)])
    assert [value for value, _ in completions(commands, "help pu")[1]] == ["put"]
    assert "--keys-only" in [value for value, _ in completions(commands, "range --")[1]]
    assert completions(commands, "get k") == ("k", []), "without a cluster there are no keys, and no error"
    assert completions(commands, "frob x") == ("x", [])


def test_hints(commands: ShellCommands) -> None:
    assert hint(commands, "put k") == " put [OPTIONS] KEY VALUE · Set a key. "
    assert "exit" in hint(commands, "")


def test_the_prompt_names_the_leader() -> None:
    row = {"reachable": True, "node": "n1", "role": "leader", "term": 3}
    assert describe_leader([row]) == "n1 leads, term 3"
    assert describe_leader([row, {**row, "node": "n2", "term": 4}]) == "n2 leads, term 4"
    assert describe_leader([{**row, "role": "follower"}]) == "no leader"
    assert describe_leader([{"reachable": False}]) == "no node answers"


def test_where_the_history_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert history_file() == tmp_path / "raftzmq" / "history"
    monkeypatch.delenv("XDG_STATE_HOME")
    assert history_file() == Path(os.path.expanduser("~")) / ".local" / "state" / "raftzmq" / "history"
