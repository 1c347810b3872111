"""Generated clusters: started and serving under a real supervisord, or parsed as their readers will."""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from supervisor.options import ServerOptions

from raftzmq.benchmarks.local_cluster import free_ports
from raftzmq.cli.main import main
from raftzmq.config import ClusterConfig, parse_cluster
from raftzmq.deployment.addresses import loopback_cluster
from tests.cli.support import ROOT, environment, raftzmq
from tests.live.harness import PATIENCE, eventually


def free_base_port(count: int) -> int:
    """The first of ``count`` ports in a row that nobody holds."""

    def free(port: int) -> bool:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
        return True

    while True:
        (base,) = free_ports(1)
        if all(free(port) for port in range(base, base + count)):
            return base


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory whose name is short enough for a unix socket."""
    path = Path(tempfile.mkdtemp(prefix="rz"))
    yield path
    shutil.rmtree(path)


def made(*arguments: str) -> dict[str, Any]:
    """What ``generate … --json`` says."""
    done = CliRunner().invoke(main, ["generate", *arguments, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@pytest.mark.live
@pytest.mark.timeout(240)
@pytest.mark.parametrize("nodes", [1, 3, 7])
def test_a_generated_cluster_starts_and_serves(home: Path, nodes: int) -> None:
    directory = home / "a cluster"  # a path that configuration files must quote
    base = free_base_port(3 * nodes + 2)
    done = raftzmq("generate", "supervisord", "--nodes", str(nodes), "--base-port", str(base), "--out", str(directory))
    assert done.returncode == 0, done.stderr
    file = str(directory / "cluster.toml")
    command = [sys.executable, "-P", "-m", "supervisor.supervisord", "--nodaemon"]
    command += ["-c", str(directory / "supervisord.conf")]
    with (home / "out").open("wb") as out:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment(), cwd="/"
        )
    try:

        def rows() -> list[dict[str, Any]] | None:
            assert process.poll() is None, (home / "out").read_text()
            found = json.loads(raftzmq("status", "--json", "--config", file).stdout or b'{"nodes": []}')["nodes"]
            leaders = {row["leader"] for row in found}
            return found if len(found) == nodes and len(leaders) == 1 and leaders != {None} else None

        eventually(rows, f"{nodes} nodes follow one leader")
        put = raftzmq("put", "k", "v", "--config", file, "--timeout", "30")
        assert put.returncode == 0, put.stderr
        assert raftzmq("get", "k", "--config", file, "--timeout", "30").stdout == b"v"
        page = parse_cluster((directory / "cluster.toml").read_text()).web
        eventually(lambda: b'"ready":true' in fetched(page + "/readyz"), "the collector's page knows the leader")
        running = [f'raftzmq_process_running{{process="node:n{k}"}} 1.0'.encode() for k in range(1, nodes + 1)]
        eventually(
            lambda: set(running) <= set(fetched(page + "/metrics").splitlines()), "what supervisord says is told"
        )
        for name in [*(f"n{k}" for k in range(1, nodes + 1)), "collector"]:
            assert (directory / "data" / name).is_dir()
            assert (directory / "logs" / f"{name}.log").exists()
        assert (directory / "run" / "supervisor.sock").exists()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)
        for log in sorted(directory.glob("logs/*.log")):
            print(f"--- {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-10:]))


def fetched(url: str) -> bytes:
    """The body of an answer; empty as long as there is none."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            body: bytes = answer.read()
            return body
    except OSError:
        return b""


def programs(directory: Path) -> list[Any]:
    """Every process of a supervisord.conf, as supervisord itself reads it."""
    options = ServerOptions()
    options.configfile = str(directory / "supervisord.conf")
    options.here = str(directory)
    options.process_config(do_usage=False)
    return [process for group in options.process_group_configs for process in group.process_configs]


def check_distinct(cluster: ClusterConfig, nodes: int) -> None:
    """All addresses differ, and there are as many nodes as asked for."""
    assert [address.node for address in cluster.nodes] == [f"n{k}" for k in range(1, nodes + 1)]
    endpoints = [e for a in cluster.nodes for e in (a.peer, a.client, a.events)] + [cluster.collector]
    endpoints.append(cluster.web.replace("http://", "tcp://"))
    assert len(set(endpoints)) == 3 * nodes + 2


@pytest.mark.parametrize("nodes", [1, 99, 100, 250])
@pytest.mark.parametrize("base", [None, 20_000])
def test_ports_and_paths_are_distinct(tmp_path: Path, nodes: int, base: int | None) -> None:
    out = tmp_path / "cluster"
    chosen = [] if base is None else ["--base-port", str(base)]
    told = made("supervisord", "--nodes", str(nodes), "--out", str(out), *chosen)
    assert told["nodes"] == nodes
    cluster = parse_cluster((out / "cluster.toml").read_text())
    assert cluster.cluster_id == told["cluster_id"]
    check_distinct(cluster, nodes)
    ports = sorted(int(e.rpartition(":")[2]) for a in cluster.nodes for e in (a.peer, a.client, a.events))
    first = base if base is not None else 7101 if nodes < 100 else 17001
    assert ports[0] == first
    assert ports[-1] <= 65_535
    found = programs(out)
    assert len(found) == nodes + 1
    commands = {process.name: process.command for process in found}
    assert set(commands) == {address.node for address in cluster.nodes} | {"collector"}
    for name, command in commands.items():
        assert f'"{out}/data/{name}"' in command
        assert name == "collector" or f"--node {name} " in command
    assert len({process.stdout_logfile for process in found}) == nodes + 1
    for process in found:
        assert Path(process.stdout_logfile).parent.is_dir(), "supervisord ends without the directory of its logs"


def test_it_supervises_as_the_local_cluster_does(tmp_path: Path) -> None:
    """Two files that say the same of restarts must not drift apart."""
    made("supervisord", "--nodes", "5", "--out", str(tmp_path / "c"))
    read = []
    for path in (tmp_path / "c" / "supervisord.conf", ROOT / "supervisord.conf"):
        parser = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"))
        parser.read(path)
        read.append(parser)
    ours, theirs = read
    assert ours.sections() == theirs.sections()
    for section in ours.sections():
        placed = {"command", "file", "logfile", "pidfile", "serverurl", "stdout_logfile", "minfds"}
        assert {k: v for k, v in ours.items(section) if k not in placed} == {
            k: v for k, v in theirs.items(section) if k not in placed
        }


@pytest.mark.parametrize("nodes", [1, 3, 250])
def test_compose_gives_every_node_a_service_a_volume_and_a_health_check(tmp_path: Path, nodes: int) -> None:
    out = tmp_path / "containers"
    made("compose", "--nodes", str(nodes), "--out", str(out))
    document = yaml.safe_load((out / "compose.yaml").read_text())
    cluster = parse_cluster((out / "cluster.toml").read_text())
    check_distinct(cluster, nodes)
    names = [address.node for address in cluster.nodes]
    services = document["services"]
    assert list(services) == [*names, "collector"]
    assert set(document["volumes"]) == {*names, "collector"}
    assert services["collector"]["ports"] == ["127.0.0.1:7480:7480"], "for the machine's own browser"
    assert cluster.web == "http://collector:7480"
    assert [name for name, service in services.items() if "build" in service] == ["n1"], "one image, built once"
    assert len({service["image"] for service in services.values()}) == 1
    seen = set()
    for name, service in services.items():
        assert service["hostname"] == name
        assert service["restart"] == "on-failure"
        (volume,) = (v for v in service["volumes"] if v.endswith(":/data"))
        assert volume == f"{name}:/data"
        assert f"./cluster.toml:{service['environment']['RAFTZMQ_CONFIG']}:ro" in service["volumes"]
        assert parses(service["command"])
        seen.add(tuple(service["command"]))
    assert len(seen) == nodes + 1
    for address in cluster.nodes:
        assert re.fullmatch(rf"tcp://{address.node}:\d+", address.peer), "addressed by the name of its service"
        kind, program, *health = services[address.node]["healthcheck"]["test"]
        assert (kind, program) == ("CMD", "raftzmq")
        assert parses(health)
        assert f"{address.node}:7201" in health


def parses(arguments: list[str]) -> bool:
    """Does the command line take these words? Raises a usage error otherwise."""
    context = main.make_context("raftzmq", list(arguments))
    name, command, rest = main.resolve_command(context, list(arguments))
    assert command is not None
    with context:
        command.make_context(name, rest, parent=context)
    return True


def test_the_image_file_copies_what_is_there_and_that_runs(tmp_path: Path) -> None:
    out = tmp_path / "containers"
    made("compose", "--nodes", "3", "--out", str(out))
    lines = [line for line in (out / "Dockerfile").read_text().splitlines() if line and not line.startswith("#")]
    instructions = [line.split()[0] for line in lines]
    assert instructions[0] == "FROM"
    assert set(instructions) <= {"FROM", "COPY", "RUN", "USER", "WORKDIR", "ENV", "ENTRYPOINT", "CMD"}
    for line in lines:
        if line.startswith("COPY"):
            assert (out / line.split()[1]).exists(), f"not in the build context: {line}"
    wanted = (out / "requirements.txt").read_text()
    for name in ("click", "lmdb", "msgspec", "orjson", "pyzmq", "rich", "structlog", "aiohttp", "prometheus-client"):
        assert re.search(rf"^{name}[<>=]", wanted, re.MULTILINE), f"{name} is missing"
    assert "pytest" not in wanted
    (entry,) = (json.loads(line.partition(" ")[2]) for line in lines if line.startswith("ENTRYPOINT"))
    assert os.access(out / "bin" / entry[0], os.X_OK)
    # The copied package, through the image's own programs, without this tree on the path.
    done = in_image(out, "status", "--endpoints", "127.0.0.1:1", "--timeout", "0.2")
    assert done.returncode == 5, done.stderr


def image_environment(out: Path) -> dict[str, str]:
    """The variables of the image, with the generated directory in place of the image's own paths."""
    path = os.pathsep.join([str(out / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**environment(), "PYTHONPATH": str(out), "PATH": path}


def in_image(out: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the image's entry point."""
    return subprocess.run(
        ["run-raftzmq", *arguments],
        env=image_environment(out),
        cwd=out,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.live
def test_the_entry_point_keeps_down_what_must_stay_down(tmp_path: Path) -> None:
    out = tmp_path / "containers"
    made("compose", "--nodes", "1", "--out", str(out))
    base = free_base_port(5)
    (out / "local.toml").write_text(loopback_cluster(1, "c", base).to_toml())
    node = ["node", "--config", str(out / "local.toml"), "--data", str(tmp_path / "n1"), "--any-file-system"]
    wrong = in_image(out, *node, "--node", "n9")
    assert wrong.returncode == 0, "a wrong configuration must not be restarted"
    assert "ended with 10 and is not restarted" in wrong.stderr
    assert in_image(out, "frobnicate").returncode == 2, "any other code is passed on"
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            ["run-raftzmq", *node, "--node", "n1"],
            env=image_environment(out),
            stdout=log,
            stderr=log,
            cwd=out,
            process_group=0,
        )
    try:
        health = ("health", "--config", str(out / "local.toml"), "--timeout", "1")
        eventually(lambda: raftzmq(*health).returncode == 0, "the node serves")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
        assert '"node stops"' in (tmp_path / "log").read_text(), "the signal reached the node, which was waited for"
    finally:
        with suppress(ProcessLookupError):  # nobody of the group is left, as it should be
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)


def test_nothing_is_overwritten_without_force(tmp_path: Path) -> None:
    out = tmp_path / "c"
    first = made("supervisord", "--nodes", "3", "--out", str(out))
    (out / "data" / "n1").mkdir()
    refused = raftzmq("generate", "supervisord", "--nodes", "5", "--out", str(out))
    assert refused.returncode == 2
    assert b"--force" in refused.stderr
    again = made("supervisord", "--nodes", "5", "--out", str(out), "--force")
    assert again["cluster_id"] == first["cluster_id"], "its data know the cluster by this id"
    assert len(parse_cluster((out / "cluster.toml").read_text()).nodes) == 5
    assert (out / "data" / "n1").is_dir()
    assert made("supervisord", "--nodes", "3")["cluster_id"] != first["cluster_id"]


def test_without_a_directory_the_files_are_printed(tmp_path: Path) -> None:
    done = raftzmq("generate", "compose", "--nodes", "3", cwd=tmp_path)
    assert done.returncode == 0
    assert b"# ---- compose.yaml" in done.stdout
    assert b"# ---- Dockerfile" in done.stdout
    document = made("supervisord", "--nodes", "3", "--cluster-id", "orders", "--out", "-")
    assert parse_cluster(document["files"]["cluster.toml"]).cluster_id == "orders"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["supervisord", "compose"])
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--nodes", "0"], "range 1<=x<=250"),
        (["--nodes", "251"], "range 1<=x<=250"),
        (["--nodes", "many"], "--nodes"),
        ([], "Missing option '--nodes'"),
        (["--nodes", "3", "--cluster-id", 'a"b'], "letters, digits"),
        (["--nodes", "3", "--out", "/proc/nowhere"], "cannot be written"),
    ],
)
def test_what_cannot_be_generated_is_a_usage_error(kind: str, arguments: list[str], says: str) -> None:
    done = raftzmq("generate", kind, *arguments)
    assert done.returncode == 2
    assert says in done.stderr.decode()


def test_there_are_only_so_many_ports() -> None:
    done = raftzmq("generate", "supervisord", "--nodes", "250", "--base-port", "65000")
    assert done.returncode == 2
    assert b"--base-port can be at most 64784" in done.stderr
    assert made("supervisord", "--nodes", "250", "--base-port", "64784")["nodes"] == 250


def test_a_path_that_supervisord_cannot_be_started_from_is_told(tmp_path: Path) -> None:
    for name, says in (("100%", b"format"), ("d" * 110, b"socket")):
        done = raftzmq("generate", "supervisord", "--nodes", "3", "--out", str(tmp_path / name))
        assert done.returncode == 0
        assert says in done.stderr


def test_an_even_number_is_worth_a_note() -> None:
    assert b"4 nodes go on without 1, as 3 do" in raftzmq("generate", "compose", "--nodes", "4").stderr
    assert raftzmq("generate", "compose", "--nodes", "5").stderr == b""
