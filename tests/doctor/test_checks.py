"""The doctor's checks one by one, on sockets, files and limits of this process."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from raftzmq.benchmarks.local_cluster import free_cluster, free_ports
from raftzmq.doctor import clock, disk, limits, versions
from raftzmq.doctor.agreement import check_agreement
from raftzmq.doctor.finding import Verdict, fail, ok, warn, worst
from raftzmq.doctor.ports import check_ports
from raftzmq.port_owner import port_owner
from tests.cli.support import environment


def verdicts(findings: list[Any]) -> list[str]:
    """Check and verdict of each finding."""
    return [f"{finding.check}: {finding.verdict}" for finding in findings]


def test_the_worst_verdict_counts() -> None:
    assert worst([]) == Verdict.OK
    assert worst([ok("a", ""), warn("b", "", "", "")]) == Verdict.WARN
    assert worst([fail("c", "", "", ""), ok("a", ""), warn("b", "", "", "")]) == Verdict.FAIL


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        yield found


def test_a_held_port_is_told_with_its_owner(listener: socket.socket) -> None:
    cluster = free_cluster(1)
    port = listener.getsockname()[1]
    taken = type(cluster)(cluster.cluster_id, cluster.nodes, f"tcp://127.0.0.1:{port}")
    assert port_owner(port) == os.getpid()
    found = check_ports(taken, {})
    assert verdicts(found) == ["ports: fail", "ports: ok"]
    assert f"port {port} of the collector is held by process {os.getpid()}" in found[0].found
    assert "stop it" in found[0].next
    assert found[1].found == "3 free"
    assert verdicts(check_ports(cluster, {})) == ["ports: ok"]


def test_the_port_of_the_collectors_page_is_looked_at_too(listener: socket.socket) -> None:
    cluster = free_cluster(1)
    port = listener.getsockname()[1]
    assert check_ports(cluster, {})[0].found == "4 free", "this one has no page"
    (held, _) = check_ports(replace(cluster, web=f"http://127.0.0.1:{port}"), {})
    assert f"port {port} of the collector's page is held by process {os.getpid()}" in held.found
    (free,) = check_ports(replace(cluster, web=f"http://127.0.0.1:{free_ports(1)[0]}/"), {})
    assert free.found == "5 free"


def test_a_port_held_by_its_node_is_well_and_by_another_process_is_not(listener: socket.socket) -> None:
    cluster = free_cluster(1)
    (address,) = cluster.nodes
    taken = type(address)(address.node, f"tcp://127.0.0.1:{listener.getsockname()[1]}", address.client, address.events)
    mine = type(cluster)(cluster.cluster_id, (taken,), cluster.collector)
    assert verdicts(check_ports(mine, {"n1": {"pid": os.getpid()}})) == ["ports: ok"]
    (wrong, _) = check_ports(mine, {"n1": {"pid": 1}})
    assert wrong.verdict == Verdict.FAIL
    assert "n1 is process 1" in wrong.found


def test_addresses_of_other_machines_are_left_alone() -> None:
    cluster = free_cluster(1)
    (address,) = cluster.nodes
    away = type(address)("n1", "tcp://192.0.2.7:7101", "tcp://no-such-host.invalid:7201", "ipc:///tmp/x")
    (found,) = check_ports(type(cluster)("c", (away,), cluster.collector), {})
    assert found.found == "1 free; 3 of other machines, not looked at"


def test_a_directory_that_is_to_be_made_is_judged_by_the_one_above(tmp_path: Path) -> None:
    found = disk.check_disk(tmp_path / "a" / "b")
    assert [finding.check for finding in found] == ["file system", "free space", "disk sync"]
    assert f"to be made in {tmp_path}" in found[0].found
    assert not list(tmp_path.iterdir()), "nothing is left behind"
    (tmp_path / "file").write_text("")
    assert verdicts(disk.check_disk(tmp_path / "file")) == ["disk: fail"]


@pytest.mark.parametrize(
    ("mount", "verdict", "says"),
    [
        ("ext4", "ok", "ext4"),
        ("xfs", "ok", "xfs"),
        ("btrfs", "ok", "btrfs"),
        ("tmpfs", "fail", "forgets"),
        ("nfs4", "fail", "--any-file-system"),
        ("overlay", "warn", "vanish"),
        ("overlay volatile", "fail", "never syncs"),
    ],
)
def test_file_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mount: str, verdict: str, says: str) -> None:
    """The mounts of machines that are not at hand; what reads them is tested with the storage."""
    kind, *options = mount.split()
    monkeypatch.setattr(disk, "file_system", lambda _: (kind, frozenset(options)))
    found = disk.check_disk(tmp_path)[0]
    assert (found.check, str(found.verdict)) == ("file system", verdict)
    assert says in f"{found.found} {found.why} {found.next}"


def test_a_shared_memory_file_system_is_recognised() -> None:
    if not Path("/dev/shm").is_dir():
        pytest.skip("this machine has no /dev/shm")
    assert "file system: fail" in verdicts(disk.check_disk(Path("/dev/shm")))


def test_slow_syncs_are_told() -> None:
    judged = {
        name: disk._judge_syncs(times, "here")
        for name, times in {
            "fast": [0.2] * 99 + [30.0],
            "slow": [12.0] * 100,
            "stalling": [0.2] * 90 + [400.0] * 10,
            "once": [0.5],
        }.items()
    }
    assert {name: str(finding.verdict) for name, finding in judged.items()} == {
        "fast": "ok",
        "slow": "warn",
        "stalling": "fail",
        "once": "ok",
    }
    assert "0.20 ms (median), 400.00 ms (p99)" in judged["stalling"].found


def test_syncs_really_reach_the_disk_and_are_bounded(tmp_path: Path) -> None:
    with (tmp_path / "f").open("w+b") as file:
        assert len(disk.sync_times_ms(file.fileno(), syncs=5)) == 5
        assert len(disk.sync_times_ms(file.fileno(), syncs=10**6, seconds=0)) == 1
        assert os.fstat(file.fileno()).st_size == 5 * disk.BLOCK_BYTES


def test_little_space_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for free, verdict in ((2**40, "ok"), (2**31, "warn"), (2**20, "fail")):
        monkeypatch.setattr(disk, "free_bytes", lambda _, free=free: free)
        assert str(disk.check_disk(tmp_path)[1].verdict) == verdict


def limited(**soft: int) -> str:
    """The findings of a process with such limits."""
    setting = "".join(f"resource.setrlimit(resource.{name}, ({value}, {value}))\n" for name, value in soft.items())
    program = (
        "import resource\nfrom raftzmq.doctor.limits import check_limits\n"
        f"{setting}for f in check_limits(): print(f.check, f.verdict, f.next, sep=': ')"
    )
    command = [sys.executable, "-P", "-c", program]
    return subprocess.run(command, capture_output=True, text=True, env=environment(), check=True).stdout


def test_limits_of_the_process() -> None:
    assert "open files: warn: ulimit -n 4096" in limited(RLIMIT_NOFILE=1024)
    assert "open files: fail" in limited(RLIMIT_NOFILE=100)
    assert "address space: fail: ulimit -v unlimited" in limited(RLIMIT_AS=8 << 30)
    assert "file size: warn: ulimit -f unlimited" in limited(RLIMIT_FSIZE=1 << 30)
    assert limits._count(resource.RLIM_INFINITY) == "unlimited"


def test_clock() -> None:
    found = clock.check_clock()
    assert [finding.check for finding in found] == ["monotonic clock", "wall clock", "time synchronisation"]
    assert str(found[0].verdict) == "ok"
    assert str(clock._synchronised(5).verdict) == "warn"
    assert str(clock._synchronised(0).verdict) == "ok"
    assert str(clock._synchronised(None).verdict) == "ok"
    assert clock.clock_state() in range(6), "Linux says one of six states"


def test_a_step_of_the_wall_clock_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.time_ns
    steps = iter([0, 3_600 * 10**9])
    monkeypatch.setattr(time, "time_ns", lambda: real() + next(steps))
    assert str(clock._steps().verdict) == "warn"


def test_versions() -> None:
    assert verdicts(versions.check_versions()) == ["python: ok", "zeromq: ok", "lmdb: ok"]
    assert str(versions._python((3, 10, 2)).verdict) == "fail"
    assert str(versions._libzmq((4, 2, 5)).verdict) == "fail"
    assert str(versions._lmdb((1, 0, 2)).verdict) == "fail"


def row(node: str, **fields: Any) -> dict[str, Any]:
    """A node's status, as far as agreement goes."""
    usual = {"cluster": "c", "voters": ["n1", "n2"], "release": "1.0"}
    return {"node": node, "reachable": True, **usual, **fields}


def test_nodes_that_agree() -> None:
    assert check_agreement([{"node": "n1", "reachable": False}], None, "1.0") == []
    found = check_agreement([row("n1"), row("n2"), {"node": "n3", "reachable": False}], None, "1.0")
    assert verdicts(found) == ["configuration: ok", "release: ok"]


def test_nodes_that_do_not_agree() -> None:
    def first(*rows: dict[str, Any]) -> tuple[str, str]:
        finding = check_agreement(rows, free_cluster(2), "1.0")[0]
        return str(finding.verdict), finding.found

    assert first(row("n1"), row("n2", cluster="d")) == (
        "fail",
        "the nodes are of several clusters: n1 is of 'c', n2 is of 'd'",
    )
    assert first(row("n1"))[0] == "fail", "another cluster than the file's"
    alike = check_agreement([row("n1"), row("n2", voters=["n2", "n3"])], None, "1.0")
    assert verdicts(alike) == ["configuration: warn", "release: ok"]
    mixed = check_agreement([row("n1"), row("n2", release="2.0")], None, "1.0")
    assert verdicts(mixed) == ["configuration: ok", "release: warn"]
    assert "raftzmq 1.0: n1; raftzmq 2.0: n2" in mixed[1].found
    older = check_agreement([row("n1", release="0.9")], None, "1.0")
    assert "raftzmq 0.9: n1; this is raftzmq 1.0" in older[1].found


def test_a_file_that_names_others_than_the_log() -> None:
    cluster = free_cluster(2)
    rows = [row("n1", cluster=cluster.cluster_id, voters=["n1", "n3"])]
    found = check_agreement(rows, cluster, "1.0")[0]
    assert str(found.verdict) == "warn"
    assert "n2, n3" in found.found


def test_faults_on_purpose_are_not_forgotten() -> None:
    found = check_agreement([row("n1", faults={"delay_ms_mean": 20.0, "loss": 0.1, "seed": 7})], None, "1.0")
    assert verdicts(found)[-1] == "network: warn"
    assert "by 20 ms on average and loses 10% of them" in found[-1].found
