"""What the figures were measured on: a figure without its machine says nothing."""

from __future__ import annotations

import os
import platform
import re
import tempfile
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from raftzmq.benchmarks.figures import Figures
from raftzmq.errors import ConfigurationError
from raftzmq.storage.directory import file_system, free_bytes
from raftzmq.storage.library import lmdb_version
from raftzmq.transport.library import libzmq_version

PACKAGES = (
    *("raftzmq", "pyzmq", "lmdb", "msgspec", "orjson", "uvloop", "click", "rich", "structlog"),
    *("numpy", "scipy", "hdrhistogram", "matplotlib", "pysyncobj"),
)
"""Whose releases move the figures, or draw them."""
_CPU_MODEL = re.compile(r"^(?:model name|Model|cpu model)\s*:\s*(.+)$", re.MULTILINE)
_MEMORY = re.compile(r"^MemTotal:\s*(\d+) kB$", re.MULTILINE)
_SYSTEM = re.compile(r'^PRETTY_NAME="?([^"\n]+)"?$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Machine:
    """Facts and releases by name, as text for people; ``floors`` are figures (`raftzmq.benchmarks.floors`)."""

    facts: dict[str, str]
    versions: dict[str, str]
    floors: Figures = field(default_factory=dict)


def describe_machine(directory: Path | None) -> Machine:
    """This machine, and the disk that ``directory`` (default: the system's for temporary files) is on."""
    place = directory or Path(tempfile.gettempdir())
    facts = {
        "processor": cpu_model(_text("/proc/cpuinfo")),
        "cores": cores(),
        "memory": memory(_text("/proc/meminfo")),
        "virtual machine": "yes" if re.search(r"^flags.*\bhypervisor\b", _text("/proc/cpuinfo"), re.M) else "no",
        "data on": disk(place),
        "free on it": f"{free_bytes(place) / 2**30:.1f} GiB",
        "system": system_name(_text("/etc/os-release")),
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "load before": "{:.2f} {:.2f} {:.2f}".format(*os.getloadavg()),
    }
    return Machine(facts, versions())


def versions() -> dict[str, str]:
    """Releases of Python and of what does the work, as installed; those that are missing are left out."""
    found = {
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "libzmq": ".".join(map(str, libzmq_version())),
        "LMDB": ".".join(map(str, lmdb_version())),
    }
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def cpu_model(cpuinfo: str) -> str:
    """From the text of ``/proc/cpuinfo``."""
    match = _CPU_MODEL.search(cpuinfo)
    return " ".join(match[1].split()) if match else platform.processor() or "unknown"


def cores() -> str:
    """How many the machine has, and how many this process may use."""
    have, may = os.cpu_count() or 1, len(os.sched_getaffinity(0))
    return str(have) if have == may else f"{have}, of which {may} may be used here"


def memory(meminfo: str) -> str:
    """From the text of ``/proc/meminfo``."""
    match = _MEMORY.search(meminfo)
    return f"{int(match[1]) / 2**20:.1f} GiB" if match else "unknown"


def system_name(release: str) -> str:
    """From the text of ``/etc/os-release``."""
    match = _SYSTEM.search(release)
    return match[1] if match else "unknown"


def disk(place: Path) -> str:
    """The file system under a directory, with those of its options that decide about syncs."""
    try:
        kind, options = file_system(place)
    except ConfigurationError as error:
        return str(error)
    telling = sorted(each for each in options if each.startswith(("barrier", "nobarrier", "data=", "commit=", "volat")))
    return f"{kind} ({', '.join(telling)})" if telling else kind


def _text(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""
