"""A cluster of etcd on free ports of loopback, and its own load tool, which alone is fair to it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from raftzmq.benchmarks.local_cluster import free_ports
from raftzmq.errors import RaftzmqError

LEFT_OUT: Final = "etcd: left out: "
_PATIENCE_S: Final = 60.0
_LOAD_S: Final = 300.0
_PAUSE_S: Final = 0.1
_LOG_LINES: Final = 15


class EtcdFailed(RaftzmqError):
    """etcd or its load tool did not do what they were started for."""


@dataclass(frozen=True, slots=True)
class EtcdPrograms:
    """Where etcd and its load tool are."""

    server: str
    tool: str


def find_etcd(server: str | None, tool: str | None) -> tuple[EtcdPrograms | None, str]:
    """The programs, or None and the reason why etcd is left out. Raises EtcdFailed for a path that names nothing."""
    for option, path in (("--etcd", server), ("--etcd-benchmark", tool)):
        if path is not None and shutil.which(path) is None:
            raise EtcdFailed(f"{option}: there is no program {path}")
    found = shutil.which(server or "etcd")
    if found is None:
        return None, f"{LEFT_OUT}no `etcd` on PATH (name it with --etcd PATH)"
    if tool is None:
        return None, (
            f"{LEFT_OUT}it is there, but its load tool wasn't named (--etcd-benchmark PATH; it is tools/benchmark in "
            "etcd's sources), and any other client would measure itself"
        )
    return EtcdPrograms(found, shutil.which(tool) or tool), ""


class EtcdCluster:
    """``count`` nodes in a fresh directory below ``directory``. A context manager: entering waits until all are well.

    Leaving kills them, by pid, and removes the directory. Every setting is etcd's own default: each write is synced.
    """

    def __init__(self, count: int, programs: EtcdPrograms, directory: Path | None) -> None:
        ports = free_ports(2 * count)
        self._programs = programs
        self._path = Path(tempfile.mkdtemp(prefix="raftzmq-bench-etcd-", dir=directory))
        self._clients = [f"http://127.0.0.1:{port}" for port in ports[:count]]
        self._peers = [f"http://127.0.0.1:{port}" for port in ports[count:]]
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        try:
            for number in range(len(self._clients)):
                self._start(number)
            self._wait()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()
        shutil.rmtree(self._path, ignore_errors=True)

    def _log(self, number: int) -> Path:
        return self._path / f"e{number}.log"

    def _start(self, number: int) -> None:
        members = ",".join(f"e{k}={peer}" for k, peer in enumerate(self._peers))
        client, peer = self._clients[number], self._peers[number]
        command = [self._programs.server, "--name", f"e{number}", "--data-dir", str(self._path / f"e{number}")]
        command += ["--listen-client-urls", client, "--advertise-client-urls", client]
        command += ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer]
        command += ["--initial-cluster", members, "--initial-cluster-state", "new"]
        with self._log(number).open("wb") as log:
            # A process group of its own: Ctrl-C is for this program, which then ends its nodes itself.
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={"PATH": ""}, process_group=0
            )
        self._processes.append(process)

    def _wait(self) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while not all(map(_is_well, self._clients)):
            for number, process in enumerate(self._processes):
                if process.poll() is not None:
                    tail = "\n".join(self._log(number).read_text(errors="replace").splitlines()[-_LOG_LINES:])
                    raise EtcdFailed(f"etcd ended with exit code {process.returncode}:\n{tail}")
            if time.monotonic() > deadline:
                raise EtcdFailed(f"etcd was not well within {_PATIENCE_S:g} s")
            time.sleep(_PAUSE_S)

    def load(self, in_flight: int, operations: int, value_size: int, keys: int) -> dict[str, float]:
        """Run its tool: as many clients as puts in flight, at most 100 connections, aimed at the leader.

        The figures are those of `read_tool`. Raises EtcdFailed.
        """
        command = [self._programs.tool, "--endpoints", ",".join(self._clients), "--target-leader"]
        command += ["--conns", str(min(in_flight, 100)), "--clients", str(in_flight)]
        command += ["put", "--total", str(operations), "--key-size", "8", "--val-size", str(value_size)]
        command += ["--key-space-size", str(keys)]
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, process_group=0
        )
        try:
            output, _ = process.communicate(timeout=_LOAD_S)
        except subprocess.TimeoutExpired:
            raise EtcdFailed(f"etcd's load tool was not done within {_LOAD_S:g} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                process.wait()
        text = output.decode(errors="replace")
        if process.returncode != 0:
            raise EtcdFailed(f"etcd's load tool ended with exit code {process.returncode}: {text[-500:]}")
        return read_tool(text)


def _is_well(client: str) -> bool:
    try:
        with urllib.request.urlopen(f"{client}/health", timeout=1) as answer:
            return str(json.load(answer).get("health")) == "true"
    except (OSError, ValueError):
        return False


def read_tool(text: str) -> dict[str, float]:
    """``puts_per_second``, ``latency_p50_ms`` and ``latency_p99_ms`` of what the tool printed; raises EtcdFailed.

    A run in which requests failed has no figures.
    """
    if "Error distribution" in text:
        raise EtcdFailed(f"requests of etcd's load tool failed: {text[text.index('Error distribution') :][:300]}")
    rate = re.search(r"Requests/sec:\s*([0-9.]+)", text)
    if rate is None:
        raise EtcdFailed(f"etcd's load tool printed no requests per second: {text[-300:]!r}")
    figures = {"puts_per_second": float(rate[1])}
    for percent in ("50", "99"):
        # Newer releases say milliseconds, older ones seconds.
        found = re.search(rf"^\s*{percent}%\s+in\s+([0-9.]+)\s+(ms|secs)", text, re.MULTILINE)
        if found:
            figures[f"latency_p{percent}_ms"] = round(float(found[1]) * (1000 if found[2] == "secs" else 1), 3)
    return figures
