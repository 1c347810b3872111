"""How a command finds its cluster."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from raftzmq.cli.options import client_options, cluster_options, find_collector, find_endpoints, load_cluster
from raftzmq.config import local_cluster
from raftzmq.errors import ConfigurationError
from tests.collector.support import cluster


@click.command()
@client_options
def client(endpoints: str | None, config: Path | None, timeout: float, as_json: bool) -> None:
    """Print what a client would be given."""
    click.echo(json.dumps([*find_endpoints(endpoints, config), timeout, as_json]))


@click.command()
@cluster_options
def process(config: Path | None, nodes: int | None) -> None:
    """Print the size of the cluster that a process would belong to."""
    click.echo(len(load_cluster(config, nodes).nodes))


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "cluster.toml"
    path.write_text(cluster(2).to_toml())
    return path


def asked(command: click.Command, *arguments: str, **variables: str) -> list[object]:
    """What the command printed."""
    unset = dict.fromkeys(("RAFTZMQ_ENDPOINTS", "RAFTZMQ_CONFIG", "RAFTZMQ_TIMEOUT", "RAFTZMQ_JSON", "RAFTZMQ_NODES"))
    done = CliRunner(env={**unset, **variables}).invoke(command, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    return found if isinstance(found, list) else [found]


def test_without_options_it_is_the_local_cluster(path: Path) -> None:
    local = [address.client for address in local_cluster(5).nodes]
    assert asked(client) == [*local, 5.0, False]
    assert asked(process) == [5]


def test_the_local_cluster_has_the_size_that_was_written_down(path: Path) -> None:
    Path(".raftzmq").mkdir()
    Path(".raftzmq/nodes").write_text("3\n")
    assert asked(client)[:-2] == [address.client for address in local_cluster(3).nodes]
    assert asked(process) == [3]
    Path(".raftzmq/nodes").write_text("many")
    assert asked(process) == [5]


@pytest.mark.parametrize(
    ("typed", "endpoints"),
    [
        ("127.0.0.1:1", ["tcp://127.0.0.1:1"]),
        (" tcp://a:1, b:2 ,a:1,", ["tcp://a:1", "tcp://b:2"]),
        ("ipc:///run/raftzmq", ["ipc:///run/raftzmq"]),
        ("[::1]:7201", ["tcp://[::1]:7201"]),
    ],
)
def test_endpoints_are_a_list_with_commas(path: Path, typed: str, endpoints: list[str]) -> None:
    assert asked(client, "--endpoints", typed)[:-2] == endpoints


NO_ENDPOINTS = ["foo", "a:b", "tcp://", "tcp://a:1/x", "udp://a:1", "*:7201", "::1:7201", "a b:7201", "ipc://", "a:١"]
NO_PORTS = ["a:0", "a:65536", "b:1,a:123456"]


@pytest.mark.parametrize("typed", ["", " , ", *NO_ENDPOINTS])
def test_what_is_no_endpoint_is_refused(typed: str) -> None:
    with pytest.raises(ConfigurationError, match=r"127\.0\.0\.1:7201"):
        find_endpoints(typed, None)


@pytest.mark.parametrize("typed", NO_PORTS)
def test_what_is_no_port_is_refused(typed: str) -> None:
    with pytest.raises(ConfigurationError, match=r"'a:\d+' is no endpoint: ports are 1 to 65535"):
        find_endpoints(typed, None)


@pytest.mark.parametrize("typed", ["", " ", *NO_ENDPOINTS, *NO_PORTS, "a:1,b:2"])
def test_a_collector_is_one_endpoint(typed: str) -> None:
    with pytest.raises(ConfigurationError, match="is no endpoint"):
        find_collector(typed, None)


def test_a_collector_is_that_of_the_cluster_unless_it_is_named(path: Path) -> None:
    assert find_collector(None, None) == "tcp://127.0.0.1:7400"
    assert find_collector("a:1", None) == "tcp://a:1"


def test_the_environment_says_the_same_as_the_options(path: Path) -> None:
    found = asked(client, RAFTZMQ_ENDPOINTS="a:1,b:2", RAFTZMQ_TIMEOUT="0.5", RAFTZMQ_JSON="1")
    assert found == ["tcp://a:1", "tcp://b:2", 0.5, True]
    assert asked(process, RAFTZMQ_NODES="4") == [4]


def test_what_is_typed_goes_before_the_environment(path: Path) -> None:
    of_file = [address.client for address in load_cluster(path).nodes]
    assert asked(client, "--config", str(path))[:-2] == of_file
    assert asked(client, "--config", str(path), RAFTZMQ_ENDPOINTS="a:1")[:-2] == of_file
    assert asked(client, "--endpoints", "a:1", RAFTZMQ_CONFIG=str(path))[:-2] == ["tcp://a:1"]
    assert asked(client, "--endpoints", "a:1", "--config", str(path))[:-2] == ["tcp://a:1"]
    assert asked(process, "--nodes", "3", RAFTZMQ_CONFIG=str(path)) == [3]
    assert asked(process, "--config", str(path), RAFTZMQ_NODES="3") == [2]


def test_a_file_that_cannot_be_read_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for path, says in ((tmp_path / "none", "No such file"), (tmp_path, "directory"), (tmp_path / "binary", "no text")):
        with pytest.raises(ConfigurationError, match=says):
            load_cluster(path)
