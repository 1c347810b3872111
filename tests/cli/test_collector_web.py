"""``collector --web``: where the page is, that it can be left out, and what is said when it cannot be."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from raftzmq.benchmarks.local_cluster import free_cluster, free_ports
from raftzmq.collector.web.extra import check_web_libraries
from raftzmq.config import ClusterConfig
from raftzmq.errors import ConfigurationError
from tests.cli.support import COMMAND, PATIENCE_S, environment, raftzmq


@pytest.fixture
def cluster() -> ClusterConfig:
    return replace(free_cluster(1), web=f"http://127.0.0.1:{free_ports(1)[0]}")


@pytest.fixture
def file(cluster: ClusterConfig, tmp_path: Path) -> Path:
    path = tmp_path / "cluster.toml"
    path.write_text(cluster.to_toml())
    return path


def lines_until(process: subprocess.Popen[bytes], event: str) -> list[dict[str, Any]]:
    """The lines of its log up to the one that says this."""
    found: list[dict[str, Any]] = []
    assert process.stdout is not None
    while not found or found[-1]["event"] != event:
        line = process.stdout.readline()
        assert line, f"it ended: {found}"
        found.append(json.loads(line))
    return found


def run(file: Path, *arguments: str) -> subprocess.Popen[bytes]:
    command = [*COMMAND, "collector", "--config", str(file), "--directory", str(file.parent / "events"), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, env=environment())


def ended(process: subprocess.Popen[bytes]) -> int:
    """Ask it to end; its exit code."""
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE_S)
    return process.returncode


def refused(file: Path, *arguments: str) -> str:
    """What it says when it ends with 10."""
    done = raftzmq("collector", "--config", str(file), "--directory", str(file.parent / "events"), *arguments)
    assert done.returncode == 10, done.stdout
    text = json.loads(done.stdout.splitlines()[-1])["error"]
    assert isinstance(text, str)
    return text


def test_the_page_is_where_the_cluster_has_it(cluster: ClusterConfig, file: Path) -> None:
    process = run(file)
    lines_until(process, "serving HTTP")
    with urllib.request.urlopen(cluster.web + "/livez", timeout=PATIENCE_S) as answer:
        assert json.load(answer) == {"live": True}
    assert ended(process) == 0


def test_the_command_line_goes_before_it(cluster: ClusterConfig, file: Path) -> None:
    other = f"http://127.0.0.1:{free_ports(1)[0]}"
    process = run(file, "--web", other)
    assert lines_until(process, "serving HTTP")[-1]["address"] == other
    with urllib.request.urlopen(other + "/livez", timeout=PATIENCE_S) as answer:
        assert answer.status == 200
    with pytest.raises(OSError):
        urllib.request.urlopen(cluster.web + "/livez", timeout=PATIENCE_S)
    assert ended(process) == 0


def test_none_is_none_and_loads_no_web_server(cluster: ClusterConfig, file: Path) -> None:
    process = run(file, "--web", "none")
    assert lines_until(process, "collector started")[-1]["web"] == ""
    with pytest.raises(OSError):
        urllib.request.urlopen(cluster.web + "/livez", timeout=PATIENCE_S)
    maps = Path(f"/proc/{process.pid}/maps").read_text()
    assert "aiohttp" not in maps
    assert ended(process) == 0


def test_what_is_no_address_or_is_taken_is_told(file: Path) -> None:
    assert "no address for the web: give one like http://" in refused(file, "--web", "127.0.0.1:7480")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = refused(file, "--web", f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert "cannot serve HTTP" in said
    assert "--web none" in said
    assert not (file.parent / "events").exists(), "nothing is begun"


def test_a_missing_library_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    with pytest.raises(ConfigurationError, match=r"aiohttp cannot be found.*raftzmq\[collector\].*--web none"):
        check_web_libraries()
    program = "import sys; sys.modules['aiohttp'] = None; from raftzmq.cli.main import run; run(sys.argv[1:])"
    command = [sys.executable, "-c", program, "collector", "--config", str(file), "--directory", str(file.parent / "e")]
    done = subprocess.run(command, capture_output=True, env=environment(), timeout=PATIENCE_S, check=False)
    assert done.returncode == 10
    assert "pip install 'raftzmq[collector]'" in json.loads(done.stdout.splitlines()[-1])["error"]
