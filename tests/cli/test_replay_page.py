"""``replay --page``: the page of a recording, served without a cluster."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest

from tests.cli.support import COMMAND, PATIENCE_S, environment, raftzmq
from tests.collector.recordings import record
from tests.collector.streams import boot, event
from tests.collector.support import free_endpoints


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Two nodes and a hundred commits in ten seconds."""
    record(tmp_path / "run", [boot("n1"), boot("n2"), *(event("commit", ms=100 * k, index=k) for k in range(1, 100))])
    return tmp_path / "run"


@contextmanager
def page(*arguments: str, ends: int = signal.SIGINT) -> Iterator[dict[str, Any]]:
    """The command while it serves: its address in parts. It ends in order."""
    process = subprocess.Popen(
        [*COMMAND, "replay", *arguments, "--page", "--json"], stdout=subprocess.PIPE, env=environment()
    )
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        parts = urlsplit(told["address"])
        yield {
            "site": f"{parts.scheme}://{parts.netloc}",
            "host": parts.hostname,
            **told,
            **{name: value for name, [value] in parse_qs(parts.fragment).items()},
        }
        process.send_signal(ends)
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.wait(PATIENCE_S)
        if process.stdout is not None:
            process.stdout.close()


def said(address: str, path: str) -> Any:
    with urlopen(f"{address}{path}", timeout=PATIENCE_S) as answer:
        return json.load(answer)


@pytest.mark.parametrize("ends", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_the_recording_at_a_moment_on_this_machine_only(directory: Path, ends: int) -> None:
    with page(str(directory), "--from", "+5s", ends=ends) as served:
        address = served["site"]
        assert served["host"] == "127.0.0.1"
        [about] = said(address, "/v1/recordings")
        assert (about["id"], about["live"], about["name"]) == ("run", False, "run")
        assert served["recording"] == about["id"]
        position = int(served["at"])
        assert about["begin"] == position
        shown = said(address, f"/v1/recordings/run/state?position={position}")
        assert shown["state"]["nodes"]["n1"]["commit_index"] == 50
        assert [row["node"] for row in said(address, "/v1/state")["nodes"]] == ["n1", "n2", "n3"]
        with urlopen(f"{address}/", timeout=PATIENCE_S) as answer:
            assert b'id="timeline"' in answer.read()


def test_a_port_can_be_chosen_and_one_in_use_is_said_to_be(directory: Path) -> None:
    place = free_endpoints(1)[0].removeprefix("tcp://")
    with page(str(directory), "--web", place) as served:
        assert served["address"].startswith(f"http://{place}/")
        taken = raftzmq("replay", str(directory), "--page", "--web", place)
        assert taken.returncode == 2
        assert place.encode() in taken.stderr
        assert b"Traceback" not in taken.stderr


def test_another_port_serves_if_the_usual_one_is_taken(directory: Path) -> None:
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            holder.bind(("127.0.0.1", 7481))
            holder.listen()
        except OSError:
            pass  # somebody else holds it: all the better
        with page(str(directory)) as served:
            assert urlsplit(served["address"]).port != 7481


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--page", "--state"], "--state"),
        (["--page", "--speed", "2"], "--speed"),
        (["--page", "--grep", "x"], "--grep"),
        (["--web", "127.0.0.1:1"], "--page"),
        (["--open"], "--page"),
        (["--page", "--web", "nowhere"], "address"),
        (["--page", "--web", "http://127.0.0.1:70000"], "address"),
        (["--page", "--from", "9999999"], "after the end"),
    ],
)
def test_what_does_not_go_together_is_said(directory: Path, arguments: list[str], words: str) -> None:
    done = raftzmq("replay", str(directory), *arguments)
    assert done.returncode == 2
    assert words.encode() in done.stderr
    assert b"Traceback" not in done.stderr
    assert raftzmq("replay", str(directory / "nothing"), "--page").returncode == 1
