"""`raftzmq page`: the address that gives control, the one that doesn't, and sentences where there is neither."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.support import raftzmq
from tests.collector.streams import standing
from tests.collector.support import Publisher, Running, cluster, collecting, free_endpoints, wait_until


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """A collector that serves a page."""
    config = replace(cluster(1), web=free_endpoints(1)[0].replace("tcp", "http"))
    with collecting(config, tmp_path / "recorded") as found:
        yield found


def page(running: Running, *arguments: str) -> tuple[int, str, str]:
    """Exit code and what is said."""
    done = raftzmq("page", "--web", running.config.web, "--directory", str(running.directory), *arguments)
    assert b"Traceback" not in done.stderr
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_the_address_has_the_token_and_the_read_only_one_has_not(running: Running) -> None:
    assert running.collector.web is not None
    token = running.collector.web.token.text
    code, said, noted = page(running)
    assert (code, said) == (0, f"{running.config.web}/#token={token}\n")
    assert "bin/up --lab" in noted, "nobody is in lab mode"
    assert page(running, "--read-only") == (0, f"{running.config.web}/\n", "")
    code, said, noted = page(running, "--json")
    assert json.loads(said) == {
        "schema": 1,
        "url": f"{running.config.web}/#token={token}",
        "control": True,
        "lab": [],
        "supervised": False,
    }
    assert noted == ""


def test_it_is_the_page_of_the_collector_that_records_there(running: Running, tmp_path: Path) -> None:
    (running.directory / "token").write_text("0" * 32 + "\n")
    code, said, why = page(running)
    assert (code, said) == (1, "")
    assert "holds another token" in why
    (running.directory / "token").unlink()
    assert "cannot be read" in page(running)[2]
    assert page(running, "--read-only")[0] == 0, "that needs none"


def test_where_nobody_answers_it_says_how_to_start_one(tmp_path: Path) -> None:
    nowhere = free_endpoints(1)[0].replace("tcp", "http")
    done = raftzmq("page", "--web", nowhere, "--directory", str(tmp_path))
    assert done.returncode == 1
    assert b"bin/up starts one" in done.stderr
    assert raftzmq("page", "--web", "ftp://x").returncode == 2


def test_lab_mode_is_known_from_the_nodes_themselves(running: Running) -> None:
    publisher = Publisher(running.config.nodes[0], "b1")
    try:
        publisher.wait_for_listener("standing")
        envelope = {"v", "node", "boot", "seq", "order", "ts", "mono_ns", "lamport", "term", "type"}
        fields = {name: value for name, value in standing("n1").items() if name not in envelope}

        def known() -> bool:
            publisher.publish("standing", **{**fields, "lab": True})
            return bool(json.loads(page(running, "--json")[1])["lab"] == ["n1"])

        wait_until(known, "the collector has heard of it")
        assert page(running)[2] == ""
    finally:
        publisher.close()
