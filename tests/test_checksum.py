"""Whoever computes it, the checksum is zlib's: what one machine wrote another one reads."""

from __future__ import annotations

import subprocess
import sys
import zlib

from hypothesis import given
from hypothesis import strategies as st

from raftzmq.checksum import crc32


@given(st.binary(max_size=3000), st.integers(0, 2**32 - 1), st.integers(0, 50))
def test_it_is_zlibs(data: bytes, seed: int, times: int) -> None:
    assert crc32(data) == zlib.crc32(data)
    for view in (data * times, bytearray(data), memoryview(data)[times:]):
        assert crc32(view, seed) == zlib.crc32(view, seed)


def test_known_values() -> None:
    assert crc32(b"") == 0
    assert crc32(b"123456789") == 0xCBF43926


def test_without_the_wheel_it_is_zlibs_own() -> None:
    script = (
        "import sys, zlib; sys.modules['isal'] = None; from raftzmq import checksum; "
        "assert checksum.crc32 is zlib.crc32; import raftzmq; print(checksum.crc32(b'123456789'))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == (str(0xCBF43926), "")
