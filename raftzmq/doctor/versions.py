"""Versions of Python and of the libraries that do the work."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from raftzmq.doctor.finding import Finding, fail, ok
from raftzmq.storage.library import lmdb_version
from raftzmq.transport.library import libzmq_version

PYTHON_MIN = (3, 11)
LIBZMQ_MIN = (4, 3, 0)
"""Since then a socket can be told how long a connection, a handshake and a silence may take."""
LMDB_LINE = (0, 9)
"""The files of 1.0 are others."""


def check_versions() -> list[Finding]:
    """Python, ZeroMQ, LMDB."""
    return [_python(sys.version_info[:3]), _libzmq(libzmq_version()), _lmdb(lmdb_version())]


def _python(found: tuple[int, ...]) -> Finding:
    text = f"{platform.python_implementation()} {_dotted(found)} on {platform.system()} {platform.release()}"
    if found < PYTHON_MIN:
        return fail("python", text, "raftzmq is written for newer ones", f"install Python {_dotted(PYTHON_MIN)}")
    return ok("python", text)


def _libzmq(found: tuple[int, ...]) -> Finding:
    text = f"libzmq {_dotted(found)}, pyzmq {_release('pyzmq')}"
    if found < LIBZMQ_MIN:
        return fail("zeromq", text, "it lacks options of sockets that nodes set", "pip install --upgrade pyzmq")
    return ok("zeromq", text)


def _lmdb(found: tuple[int, ...]) -> Finding:
    text = f"LMDB {_dotted(found)}, py-lmdb {_release('lmdb')}"
    if found[:2] != LMDB_LINE:
        return fail("lmdb", text, "its files are others than those that nodes write", "pip install 'lmdb>=1.6,<4'")
    return ok("lmdb", text)


def _release(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "of unknown version"


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
