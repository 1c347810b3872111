"""``raftzmq verify``: verdicts, windows, errors and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from raftzmq.cli.main import main
from tests.cli.support import on_terminal, raftzmq

GOOD = """\
INFO  jepsen.util - 0	:invoke	:write	3
INFO  jepsen.util - 0	:ok	:write	3
INFO  jepsen.util - 1	:invoke	:read	nil
INFO  jepsen.util - 1	:ok	:read	3
"""
BAD = (
    GOOD
    + """\
INFO  jepsen.util - 2	:invoke	:write	4
INFO  jepsen.util - 2	:ok	:write	4
INFO  jepsen.util - 1	:invoke	:read	nil
INFO  jepsen.util - 1	:ok	:read	3
"""
)


def recorded(*results: tuple[str, int]) -> str:
    """Puts of one key one after the other: values and the revisions that they were told, then a get of the last."""
    lines = ['{"type":"open","version":1,"client":"c"}']
    for number, (value, revision) in enumerate(results, 1):
        head = f'"client":"c","id":{number},"at_us":'
        operation = f'{{"op":"put","key":"k\\u001b","value":"{value}"}}'
        lines.append(f'{{"type":"call",{head}{number * 1000},"operation":{operation}}}')
        lines.append(f'{{"type":"return",{head}{number * 1000 + 500},"result":{{"revision":{revision}}}}}')
    return "\n".join(lines) + "\n"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["verify", *map(str, arguments)], catch_exceptions=False)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.log"
    path.write_text(GOOD)
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.log"
    path.write_text(BAD)
    return path


def test_a_good_history(good: Path) -> None:
    result = run(good)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{good}: linearizable (2 operations on 1 object, 0.0")
    assert result.stdout.count("\n") == 1


def test_a_torn_last_line_is_told_and_the_rest_judged(tmp_path: Path) -> None:
    path = tmp_path / "h.jsonl"
    path.write_text(recorded(("a", 1), ("b", 2))[:-9])
    result = run(path)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{path}: linearizable (2 operations on 1 object")
    assert result.stderr == f"note: {path}:5: this line is cut off, as a crash leaves it, and was passed over\n"
    assert json.loads(run(path, "--json").stdout)["files"][0]["torn"] == [5]


def test_a_torn_line_alone_is_no_linearizable_history(tmp_path: Path) -> None:
    path = tmp_path / "h.jsonl"
    path.write_text('{"type":"call","client":"c","id":1,"at_')
    result = run(path)
    assert (result.exit_code, result.stdout) == (1, "")
    assert (
        result.stderr
        == f"error: {path}:1: this line is cut off, and there is no operation beside it: nothing to judge\n"
    )
    row = json.loads(run(path, "--json").stdout)["files"][0]
    assert (row["linearizable"], row["decided"]) == (False, False)


def test_an_empty_file_is_no_history(tmp_path: Path) -> None:
    path = tmp_path / "h.jsonl"
    path.touch()
    result = run(path)
    assert (result.exit_code, result.stderr) == (1, f"error: {path}: the file is empty: nothing to judge\n")


def test_a_bad_history_and_the_smallest_window(good: Path, bad: Path) -> None:
    result = run(good, bad)
    assert result.exit_code == 1
    _, *lines, last = result.stdout.splitlines()
    assert lines[0].startswith(f"{bad}: not linearizable: these operations have no possible order (4 operations")
    assert lines[1:] == [
        "  A  client 2  line 5–6  ├──┤        write 4",
        "  B  client 1  line 7–8        ├──┤  read → 3",
        "  at best A fit, in this order; the register holds 4 then, and B can't come next",
        "  whatever the 2 other operations did: none of them can have had this effect",
    ]
    assert last == "1 of 2 files are linearizable"


def test_json(good: Path, bad: Path) -> None:
    result = run(good, bad, "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert document["schema"] == 1
    first, second = document["files"]
    assert first.pop("seconds") >= 0
    assert first.pop("steps") > 0
    assert first == {
        "file": str(good),
        "format": "jepsen",
        "linearizable": True,
        "decided": True,
        "operations": 2,
        "keys": 1,
        "unknown": 0,
        "failed": 0,
        "unread": 0,
        "torn": [],
        "reason": None,
        "key": None,
        "window": None,
    }
    assert (second["linearizable"], second["decided"]) == (False, True)
    assert [item["operation"] for item in second["window"]["operations"]] == ["write 4", "read → 3"]
    assert run(good, "--json").exit_code == 0


def test_recordings_of_our_clients(tmp_path: Path) -> None:
    path = tmp_path / "h.jsonl"
    path.write_text(recorded(("x", 1), ("y", 2)))
    assert run(path).exit_code == 0
    path.write_text(recorded(("x", 2), ("y", 1)))
    result = run(path, "--json")
    assert result.exit_code == 1
    (row,) = json.loads(result.stdout)["files"]
    assert (row["format"], row["key"]) == ("raftzmq", "k\x1b")
    shown = run(path).stdout
    assert "0.000–0.500 ms" in shown
    assert 'put "y" → revision 1' in shown
    assert "\x1b" not in shown, "what others stored doesn't steer a terminal"


def test_a_store_that_was_empty(tmp_path: Path) -> None:
    path = tmp_path / "h.jsonl"
    get = '{"type":"call","client":"c","id":1,"at_us":1,"operation":{"op":"get","key":"k"}}'
    row = '{"value":"x","create_revision":1,"mod_revision":1,"version":1,"lease":0}'
    path.write_text(f'{get}\n{{"type":"return","client":"c","id":1,"at_us":2,"result":{row}}}\n')
    assert run(path).exit_code == 0
    assert run(path, "--empty").exit_code == 1


def test_what_cannot_be_read_is_an_error_and_no_verdict(good: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.log"
    broken.write_text(BAD + "INFO  jepsen.util - 9	:ok	:read	3\n")
    result = run(broken, tmp_path / "none", good)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"error: {broken}:9: process 9 ends a call that it didn't make",
        f"error: {tmp_path}/none: cannot be read: No such file or directory",
    ]
    rows = json.loads(run(broken, good, "--json").stdout)["files"]
    assert [row["linearizable"] for row in rows] == [False, True]
    assert rows[0]["error"] == f"{broken}:9: process 9 ends a call that it didn't make"


def test_a_format_that_is_given(bad: Path) -> None:
    assert run(bad, "--format", "jepsen").exit_code == 1
    result = run(bad, "--format", "porcupine-kv")
    assert result.exit_code == 1
    assert "bad.log:1: this is no map" in result.stderr


def test_out_of_time_is_undecided_and_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "hard.log"
    lines = [f"INFO jepsen.util - {n} :invoke :write {n}" for n in range(18)]
    lines += [f"INFO jepsen.util - {n} :info :write :timed-out" for n in range(18)]
    for n in range(36):
        lines += ["INFO jepsen.util - 99 :invoke :read nil", f"INFO jepsen.util - 99 :ok :read {n % 18}"]
    path.write_text("\n".join(lines) + "\n")
    result = run(path, "--timeout", "0.05")
    assert result.exit_code == 1
    assert "undecided: no verdict within 0.05 s" in result.stdout
    (row,) = json.loads(run(path, "--timeout", "0.05", "--json").stdout)["files"]
    assert (row["linearizable"], row["decided"]) == (False, False)
    assert row["reason"].startswith("undecided")


@pytest.mark.parametrize("arguments", [(), ("--format", "xml", "f"), ("--timeout", "0", "f")])
def test_usage(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2


def test_on_a_terminal_and_by_variables(bad: Path) -> None:
    code, screen = on_terminal("verify", str(bad))
    assert code == 1
    assert "\x1b[" in screen
    assert "├──┤" in click.unstyle(screen)
    done = raftzmq("verify", str(bad), variables={"RAFTZMQ_VERIFY_FORMAT": "raftzmq", "RAFTZMQ_JSON": "1"})
    assert json.loads(done.stdout)["files"][0]["error"].startswith(f"{bad}:1: this line is no JSON")
