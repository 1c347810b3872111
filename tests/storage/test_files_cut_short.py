"""A data file that was cut short is said to be: to read where the map goes beyond it would end the process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from raftzmq.errors import CorruptionError
from raftzmq.storage.environment import DATA_FILE, UNWRITTEN_BYTES_MAX, open_environment

MAP_BYTES = 64 << 20
VALUE = b"v" * 5000


def written(path: Path) -> int:
    """An environment with rows; how long its file is."""
    path.mkdir()
    environment = open_environment(path, MAP_BYTES)
    with environment.begin(write=True) as transaction:
        for number in range(1000):
            transaction.put(b"%08d" % number, VALUE, append=True)
    environment.close()
    return (path / DATA_FILE).stat().st_size


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.7])
def test_a_file_that_was_cut_short_is_not_opened(tmp_path: Path, share: float) -> None:
    size = written(tmp_path / "state")
    os.truncate(tmp_path / "state" / DATA_FILE, max(3 * 4096, int(size * share)))
    with pytest.raises(CorruptionError, match=r"data\.mdb was cut short: it has [\d,]+ bytes of [\d,]+"):
        open_environment(tmp_path / "state", MAP_BYTES)


def test_an_end_that_was_never_written_is_made_whole(tmp_path: Path) -> None:
    size = written(tmp_path / "state")
    os.truncate(tmp_path / "state" / DATA_FILE, size - UNWRITTEN_BYTES_MAX // 2)
    environment = open_environment(tmp_path / "state", MAP_BYTES)
    assert (tmp_path / "state" / DATA_FILE).stat().st_size == size
    with environment.begin() as transaction:
        assert transaction.get(b"00000000") == VALUE
    environment.close()
