"""The heap of a process that has come up: what stays is left out of collections, what is made later is not."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import gc, weakref
from raftzmq.heap import settle

class Knot:
    def __init__(self):
        self.itself = self

early = weakref.ref(Knot())
settle()
late = weakref.ref(Knot())
before = len(gc.get_objects())
gc.collect()
print(early() is None, late() is None, gc.get_freeze_count() > 1000, before < 100)
"""


def test_what_has_come_up_is_left_out_and_what_comes_is_still_collected() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"] * 4
