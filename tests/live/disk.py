"""A small disk of its own whose power can be cut: ext4 on a loop device."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest

EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2
"""EXT4_GOING_FLAGS_NOLOGFLUSH: neither data nor journal are flushed first, as when the power fails."""
TOOLS = ("mkfs.ext4", "losetup", "mount", "umount")
IMAGE_BYTES = 1 << 30


def require() -> None:
    """Skip, by name, what is missing on this machine."""
    missing = [tool for tool in TOOLS if shutil.which(tool, path=_path()) is None]
    if missing:
        pytest.skip(f"a power cut needs {', '.join(missing)}")
    if os.geteuid() != 0:
        pytest.skip("a power cut needs root, to mount a disk")


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def _run(*command: str) -> str:
    environment = {**os.environ, "PATH": _path()}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"{' '.join(command)} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


class LoopDisk:
    """An ext4 file system in a file, mounted at ``path`` while the context lasts."""

    def __init__(self, directory: Path) -> None:
        self.image = directory / "disk.img"
        self.path = directory / "disk"
        self._device = ""

    def __enter__(self) -> LoopDisk:
        self.path.mkdir()
        with self.image.open("wb") as image:
            image.truncate(IMAGE_BYTES)
        _run("mkfs.ext4", "-q", "-F", str(self.image))
        self._device = _run("losetup", "--find", "--show", str(self.image)).strip()
        try:
            self.mount()
        except OSError:
            _run("losetup", "--detach", self._device)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if os.path.ismount(self.path):
                self.unmount()
        finally:
            _run("losetup", "--detach", self._device)
            self.image.unlink()

    def mount(self) -> None:
        """Mount it; after a cut the journal is replayed, as at a boot."""
        _run("mount", "-t", "ext4", self._device, str(self.path))

    def unmount(self) -> None:
        """Unmount it: every process that used it must be gone."""
        _run("umount", str(self.path))

    def cut_power(self) -> None:
        """What is not on the device at this instant never gets there; every later write fails."""
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, EXT4_IOC_SHUTDOWN, NO_LOG_FLUSH.to_bytes(4, "little"))
        finally:
            os.close(descriptor)
