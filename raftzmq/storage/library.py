"""Which LMDB this is."""

from __future__ import annotations

import lmdb


def lmdb_version() -> tuple[int, int, int]:
    """The version of the library that reads and writes the files, not of its Python binding."""
    try:
        major, minor, patch = lmdb.version(lib_version=0)
    except TypeError:
        # Older releases of py-lmdb carry LMDB 0.9 alone and don't know the argument.
        major, minor, patch = lmdb.version()
    return major, minor, patch
