"""Reading histories: every format, outcomes known and unknown, and what is wrong in which line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from raftzmq.verify.formats import read_history
from raftzmq.verify.history import History, HistoryError, Operation
from raftzmq.verify.linearizability import check

JEPSEN = """\
INFO  jepsen.core - Running test
INFO  jepsen.util - :nemesis	:info	:start	nil
INFO  jepsen.util - 0	:invoke	:write	3
INFO  jepsen.util - 0	:ok	:write	3
INFO  jepsen.util - 1	:invoke	:cas	[3 4]
INFO  jepsen.util - 2	:invoke	:cas	[9 1]
INFO  jepsen.util - 2	:fail	:cas	[9 1]
INFO  jepsen.util - 1	:info	:cas	:timed-out
INFO  jepsen.util - 3	:invoke	:read	nil
INFO  jepsen.util - 3	:ok	:read	4
INFO  jepsen.util - 3	:invoke	:read	nil
INFO  jepsen.util - 3	:fail	:read	:timed-out
INFO  jepsen.util - 3	:invoke	:write	8
"""
EDN = """\
{:process :nemesis, :type :info, :f :start, :value nil}
{:process 0, :type :invoke, :f :write, :value 3, :index 0, :time 17}
{:process 0, :type :ok, :f :write, :value 3}
#jepsen.history.Op{:process 1, :type :invoke, :f :cas, :value [3 4]}
{:process 1, :type :fail, :f :cas, :value [3 4], :error :not-found}
{:process 2, :type :invoke, :f :read, :value nil}
"""
PORCUPINE = """\
{:process 0, :type :invoke, :f :put, :key "a", :value "x"}
{:process 1, :type :invoke, :f :append, :key "a", :value "y \\"z\\""}
{:process 0, :type :ok, :f :put, :key "a", :value "x"}
{:process 2, :type :invoke, :f :get, :key "a", :value nil}
{:process 2, :type :ok, :f :get, :key "a", :value "x"}
{:process 3, :type :invoke, :f :get, :key "a", :value nil}
{:process 4, :type :invoke, :f :append, :key "b", :value "q"}
{:process 4, :type :fail, :f :append, :key "b", :value "q"}
"""


def read(tmp_path: Path, content: str | bytes, *, format: str | None = None, empty: bool = False) -> History:  # noqa: A002
    path = tmp_path / "h"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_history(path, format, empty=empty)


def brief(operations: tuple[Operation, ...]) -> list[tuple[Any, ...]]:
    return [(o.client, o.key, o.name, o.arguments, o.result, o.called, o.returned) for o in operations]


def test_a_log_of_jepsen(tmp_path: Path) -> None:
    history = read(tmp_path, JEPSEN)
    assert (history.format, history.model, history.failed, history.unread) == ("jepsen", "register", 1, 0)
    assert brief(history.operations) == [
        ("0", None, "write", (3,), True, 3, 4),
        ("1", None, "cas", (3, 4), None, 5, None),
        ("2", None, "cas", (9, 1), False, 6, 7),
        ("3", None, "read", (), 4, 9, 10),
        ("3", None, "write", (8,), None, 13, None),
    ]
    assert check(history).linearizable


def test_edn_of_jepsen(tmp_path: Path) -> None:
    history = read(tmp_path, EDN)
    assert (history.format, history.failed, history.unread) == ("jepsen", 1, 1)
    assert brief(history.operations) == [("0", None, "write", (3,), True, 2, 3)]


def test_porcupine(tmp_path: Path) -> None:
    history = read(tmp_path, PORCUPINE)
    assert (history.format, history.model, history.failed, history.unread) == ("porcupine-kv", "strings", 1, 1)
    assert brief(history.operations) == [
        ("0", "a", "put", ("x",), None, 1, 3),
        ("1", "a", "append", ('y "z"',), None, 2, None),
        ("2", "a", "get", (), "x", 4, 5),
    ]
    assert check(history).linearizable


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("INFO  jepsen.util - 0\t:ok\t:write\t3\n", "h:1: process 0 ends a call that it didn't make"),
        (JEPSEN + "INFO jepsen.util - 3 :invoke :write 9\n", "h:14: process 3 calls, but its call of line 13"),
        (JEPSEN + "INFO jepsen.util - 3 :ok :read 9\n", "h:14: process 3 ends read, but its call of line 13 is"),
        (JEPSEN + "INFO jepsen.util - 5 :invoke :cas 9\n", "h:14: a cas has two values"),
        (JEPSEN + "INFO jepsen.util - 5 :invoke :push 9\n", "h:14: :invoke :push is none of"),
        (JEPSEN + "INFO jepsen.util - 5 :invoke :write 9 9\n", "h:14: an operation has one value, not 2"),
        (JEPSEN + "INFO jepsen.util - 5 :invoke :write (9\n", "h:14: no value can be read at '(9'"),
        (JEPSEN + "what?\n", "h:14: this is neither a line of Jepsen's log nor a map"),
        (EDN + "{:process 1 :type}\n", "h:7: a map has a keyword before each value"),
        (EDN + "{:process 1\n", "h:7: this is no map"),
        (PORCUPINE + '{:process 9, :type :invoke, :f :put, :key "a"}\n', "h:9: the :value of put is text, not None"),
        (PORCUPINE + '{:process 9, :type :ok, :f :get, :key "a", :value nil}\n', "h:9: the :value of get is text"),
        (PORCUPINE + '{:process 9, :type :invoke, :f :put, :key 3, :value "a"}\n', "h:9: an operation has a :process"),
        (PORCUPINE + '{:process 9, :type :invoke, :f :cut, :key "a"}\n', "h:9: :invoke :cut is none of"),
        (PORCUPINE.encode() + b'{:process 9, :type :invoke, :f :put, :key "\xff"}\n', "h:9: this line is no UTF-8"),
        ("root:x:0:0\n", "h: no known format"),
        ("", "h: the file is empty"),
    ],
)
def test_what_is_wrong_and_where(tmp_path: Path, content: str | bytes, says: str) -> None:
    with pytest.raises(HistoryError) as caught:
        read(tmp_path, content)
    assert str(caught.value).startswith(f"{tmp_path}/{says}")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="cannot be read: No such file"):
        read_history(tmp_path / "none")
    with pytest.raises(HistoryError, match="cannot be read: Is a directory"):
        read_history(tmp_path)


# --- our own recordings ---

OPEN = {"type": "open", "version": 1, "client": "c", "pid": 1, "boot": "b"}
ROW = {"value": "x", "create_revision": 5, "mod_revision": 5, "version": 1, "lease": 0}


def call(number: int, at_us: int, **operation: Any) -> dict[str, Any]:
    return {"type": "call", "client": "c", "id": number, "at_us": at_us, "operation": operation}


def end(number: int, at_us: int, **outcome: Any) -> dict[str, Any]:
    return {"type": "return", "client": "c", "id": number, "at_us": at_us, **outcome}


def lines(*items: dict[str, Any]) -> str:
    return "".join(json.dumps(item) + "\n" for item in items)


WHOLE = lines(
    OPEN,
    call(1, 10, op="put", key="a", value="x"),
    call(2, 12, op="cas", key="a", value={"b64": "/w=="}, expected="x"),
    end(1, 20, result={"revision": 5}),
    call(3, 21, op="get", key="a"),
    end(3, 30, result=ROW),
    call(4, 31, op="delete", key={"b64": "/w=="}),
    end(4, 40, result={"deleted": False, "revision": 5}),
    end(2, 41, unknown="outcome_unknown"),
    call(5, 42, op="put", key="a", value="lost"),
    end(5, 43, failed="overloaded"),
    call(6, 44, op="range", start="", end=None, limit=10, revision=0),
    end(6, 50, result={"revision": 5, "more": True, "resume_key": "b", "items": [{"key": "a", **ROW}]}),
    call(7, 51, op="get", key="a", revision=5),
    end(7, 52, result=ROW),
    call(8, 53, op="get", key="a"),
    end(8, 54, unknown="closed"),
    call(9, 55, op="cas", key="a", value="y", mod_revision=5),
    end(9, 60, result={"succeeded": True, "revision": 7}),
    call(10, 61, op="put", key="a", value="z", lease=3),
)


def test_a_recording(tmp_path: Path) -> None:
    history = read(tmp_path, WHOLE, empty=True)
    assert (history.format, history.model, history.timed) == ("raftzmq", "empty-store", True)
    assert (history.failed, history.unread) == (1, 1)
    row = (b"x", 5, 5, 1, 0)
    assert brief(history.operations) == [
        ("c", b"a", "put", (b"x", 0), 5, 10, 20),
        ("c", b"a", "cas", (b"x", b"\xff", None), None, 12, None),
        ("c", b"a", "get", (), row, 21, 30),
        ("c", b"\xff", "delete", (), (False, 5), 31, 40),
        ("c", None, "range", (b"", None), (5, {b"a": row}, b"b"), 44, 50),
        ("c", b"a", "get-at", (5,), row, 51, 52),
        ("c", b"a", "cas", (None, b"y", 5), (True, 7), 55, 60),
        ("c", b"a", "put", (b"z", 3), None, 61, None),
    ]
    assert check(history).linearizable
    assert read(tmp_path, WHOLE).model == "store"


@pytest.mark.parametrize("cut", range(1, 80))
def test_a_crash_of_the_recording_process_leaves_a_readable_file(tmp_path: Path, cut: int) -> None:
    torn = read(tmp_path, WHOLE[:-cut])
    assert len(torn.operations) == (8 if cut == 1 else 7)
    last = WHOLE.count("\n")
    assert torn.torn == (() if cut == 1 else (last,)), "what was passed over is told"
    again = read(
        tmp_path, WHOLE[:-cut] + "\n" + lines({**OPEN, "client": "d"}, call(11, 70, op="put", key="k", value="v"))
    )
    assert len(again.operations) == len(torn.operations) + 1, "somebody went on in the same file"
    assert again.torn == torn.torn


@pytest.mark.parametrize("before", ["", lines(OPEN)])
@pytest.mark.parametrize("torn", ['{"type":"call","cli', '{"', "\0\0\0"])
def test_nothing_but_a_torn_line_is_no_history(tmp_path: Path, before: str, torn: str) -> None:
    path = tmp_path / "h"
    path.write_text(before + torn)
    number = 2 if before else 1
    with pytest.raises(HistoryError, match=f"h:{number}: this line is cut off, and there is no operation"):
        read_history(path, "raftzmq")


def test_a_last_line_that_no_crash_cut_off_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="this is no line of a recording"):
        read(tmp_path, WHOLE + '{"type":"begin"}')


def test_what_a_crash_cannot_have_done_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="h:20: this line is no JSON"):
        read(tmp_path, WHOLE[:-20] + "\n" + lines(call(11, 70, op="put", key="k", value="v")))


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ({**OPEN, "version": 2}, "version 2 of the format; this release reads version 1"),
        ({**OPEN, "boot": "another"}, "clocks differ"),
        (call(10, 70, op="get", key="a"), "client c made call 10 before"),
        (call(9, 70, op="get", key="a"), "client c made call 9 before"),
        (end(9, 70, failed="no_leader"), "client c didn't make call 9, or it has returned already"),
        (end(99, 70, failed="no_leader"), "client c didn't make call 99"),
        (end(10, 60, failed="no_leader"), "call 10 returns before it was made: at 60 after 61"),
        (end(10, 70), "exactly one of result, failed, unknown"),
        (end(10, 70, result={"revision": 8}, failed="no_leader"), "exactly one of result, failed, unknown"),
        (end(10, 70, result={"revision": "8"}), "Expected `int`, got `str`"),
        (end(10, 70, result=None), "Expected `object`, got `null`"),
        (end(10, 70, result={"revision": 8, "more": 1}), "unknown field `more`"),
        (call(11, 70, op="push", key="a"), "Invalid value 'push'"),
        (call(11, 70, op="put", key="a"), "missing required field `value`"),
        (call(11, 70, op="put", key=1, value="a"), "Expected `str | object`, got `int`"),
        (call(11, 70, op="put", key={"b64": "?"}, value="a", ttl=1), "unknown field `ttl`"),
        ({"type": "begin"}, "Invalid value 'begin'"),
        ({"client": "c"}, "missing required field `type`"),
    ],
)
def test_a_broken_recording(tmp_path: Path, item: dict[str, Any], says: str) -> None:
    with pytest.raises(HistoryError) as caught:
        read(tmp_path, WHOLE + lines(item, call(12, 80, op="get", key="a")))
    assert str(caught.value).startswith(f"{tmp_path}/h:21: ")
    assert says in str(caught.value)


def test_broken_base64_and_a_cas_that_expects_two_things(tmp_path: Path) -> None:
    for broken in ({"op": "get", "key": {"b64": "?"}}, {"op": "range", "start": "", "end": {"b64": "YQ"}}):
        with pytest.raises(HistoryError, match="h:2: "):
            read(tmp_path, lines(OPEN, call(1, 1, **broken), OPEN))
    both = call(1, 1, op="cas", key="a", value="b", expected="x", mod_revision=3)
    with pytest.raises(HistoryError, match="h:2: a cas expects a value or a mod_revision, not both"):
        read(tmp_path, lines(OPEN, both))


def test_text_and_base64_of_the_same_bytes_are_one_key(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        lines(
            OPEN,
            call(1, 1, op="put", key="a", value="x"),
            end(1, 2, result={"revision": 1}),
            call(2, 3, op="get", key={"b64": "YQ=="}),
            end(2, 4, result=None),
        ),
        empty=True,
    )
    assert not check(history).linearizable


def test_a_format_that_is_named_is_not_guessed(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="h:1: this is no map"):
        read(tmp_path, JEPSEN, format="porcupine-kv")
