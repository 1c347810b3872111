"""The power fails under load, on a real file system: what was acknowledged is there afterwards.

All five data directories lie on one disk, so one cut takes all nodes at the same instant: no majority remembers for
the others. The same run with one sync of LMDB's two left out must lose something, or the test could not see a loss.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.live import disk
from tests.live.harness import LAUNCHER, LiveCluster, eventually
from tests.live.load import Load, Told, check
from tests.live.runtimes import EITHER
from tests.live.without_metasync import SIGN

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]

CUTS = 5
STORAGE_ERROR = 11


class PowerCuts:
    """A cluster on a disk of its own, its power cut again and again; ``tellings`` is what clients were told."""

    def __init__(
        self, directory: Path, device: disk.LoopDisk, runtime: str, launcher: Sequence[str] = LAUNCHER
    ) -> None:
        self.cluster = LiveCluster(directory, data=device.path, launcher=launcher, runtime=runtime)
        self.device = device
        self.tellings: list[Told] = []

    def cut(self, number: int) -> None:
        """Write, cut the power right after an acknowledgement, and boot again."""
        armed, dark = threading.Event(), threading.Event()
        lock = threading.Lock()

        def acknowledged(_: int) -> None:
            with lock:
                if armed.is_set() and not dark.is_set():
                    self.device.cut_power()
                    dark.set()

        # One writer: nothing follows the last acknowledged write. Several: the cut falls into the next commit.
        threads = 1 if number % 2 == 0 else 6
        with Load(
            self.cluster.endpoints, f"cut{number}", threads=threads, timeout=2.0, acknowledged=acknowledged
        ) as load:
            load.wait_for(60)
            armed.set()
            eventually(dark.is_set, "the cut")
            if threads > 1:
                eventually(self.somebody_noticed, "a node notices that its disk is gone")
            self.cluster.kill_all()
            self.tellings.append(load.stop())
        codes = {node.process.returncode for node in self.cluster.nodes.values() if node.process is not None}
        assert codes <= {-signal.SIGKILL, STORAGE_ERROR}, f"exit codes after the cut: {codes}"
        self.device.unmount()
        self.device.mount()
        self.cluster.start()

    def somebody_noticed(self) -> bool:
        """Has a node ended by itself? What is acknowledged from the cut until then counts as well."""
        return any(not node.running for node in self.cluster.nodes.values())

    def verify(self) -> None:
        """The cluster works, and everything acknowledged so far is there, once."""
        self.cluster.leader()
        check(self.cluster.endpoints, *self.tellings)


@pytest.mark.mixed
def test_five_power_cuts_lose_nothing_acknowledged(tmp_path: Path, runtime: str) -> None:
    disk.require()
    with disk.LoopDisk(tmp_path) as device:
        run = PowerCuts(tmp_path, device, runtime)
        with run.cluster:
            run.cluster.start()
            run.cluster.leader()
            for number in range(CUTS):
                run.cut(number)
                run.verify()
            run.cluster.agreement()
            assert len(run.cluster.state_hashes()) == 1


def test_the_same_run_without_metasync_loses_something(tmp_path: Path) -> None:
    disk.require()
    launcher = (sys.executable, "-P", str(Path(__file__).with_name("without_metasync.py")))
    with disk.LoopDisk(tmp_path) as device:
        run = PowerCuts(tmp_path, device, EITHER, launcher)
        with run.cluster:
            run.cluster.start()
            run.cluster.leader()
            assert all(SIGN in node.log.read_text() for node in run.cluster.nodes.values()), "the fault is not planted"
            lost = ""
            for number in range(CUTS):
                run.cut(number)
                try:
                    run.verify()
                except AssertionError as error:
                    lost = str(error)
                    print(f"cut {number}: {lost}")
                    break
            assert lost, (
                "nothing was lost without the sync of the meta page: this file system, or the disk under it, keeps "
                "what was never synced, so the run with all syncs proves nothing here"
            )
            assert "lost" in lost or "ended by itself" in lost, f"something else went wrong: {lost}"
