"""Who has the interpreter: samples of a leader's stacks by py-spy, in runs that no other figure is taken from.

Only threads that hold the GIL are looked at: the others wait, or are in the kernel, and hold up nobody.
"""

from __future__ import annotations

import subprocess
import sysconfig
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

from raftzmq.benchmarks.concurrency_point import Setting, cluster_of, plans_of
from raftzmq.benchmarks.contenders import Contender
from raftzmq.benchmarks.load import run_load
from raftzmq.benchmarks.result import Cell, Table
from raftzmq.errors import RaftzmqError

SAMPLES_PER_SECOND = 200
SHOWN = 15
"""Functions of each runtime: after them none has more than a percent or two."""
_PATIENCE_S = 30.0


class ProfileFailed(RaftzmqError):
    """py-spy could not look into a node."""


def profile(contenders: Sequence[Contender], setting: Setting, in_flight: int, seconds: float) -> Table:
    """The functions in which each runtime's leader held the GIL most often, in percent of the time.

    The load goes on for a little longer than the profile. Raises ProfileFailed, LoadFailed, ClusterFailed.
    """
    rows: list[list[Cell]] = []
    for contender in contenders:
        with cluster_of(contender, setting) as cluster, TemporaryDirectory(prefix="raftzmq-spy-") as place:
            leader, _ = cluster.leader()
            stacks = Path(place) / "stacks"
            with _py_spy(cluster.pid(leader), seconds, stacks) as spy:
                run_load(plans_of(cluster, setting, in_flight, seconds + 1.0), lambda done: None)
                _finish(spy)
            rows += rows_of(contender.name, stacks.read_text(), SAMPLES_PER_SECOND * _duration(seconds))
    title = f"Who holds the leader's GIL, {in_flight} in flight (py-spy, {SAMPLES_PER_SECOND} samples a second)"
    return Table(title, ("runtime", "function", "own_percent", "with_callees_percent"), rows)


def _duration(seconds: float) -> int:
    """py-spy takes whole seconds."""
    return max(1, round(seconds))


def _py_spy(pid: int, seconds: float, stacks: Path) -> subprocess.Popen[bytes]:
    command = [py_spy(), "record", "--pid", str(pid), "--format", "raw", "--gil"]
    command += ["--rate", str(SAMPLES_PER_SECOND), "--duration", f"{_duration(seconds)}", "--output", str(stacks)]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def py_spy() -> str:
    """Where the program is, of this installation or on the PATH. Raises ProfileFailed."""
    beside = Path(sysconfig.get_path("scripts")) / "py-spy"
    program = str(beside) if beside.exists() else which("py-spy")
    if program is None:
        raise ProfileFailed("py-spy is not installed: pip install py-spy, or leave out --profile")
    return program


def _finish(spy: subprocess.Popen[bytes]) -> None:
    try:
        said, _ = spy.communicate(timeout=_PATIENCE_S)
    except subprocess.TimeoutExpired:
        spy.kill()
        raise ProfileFailed(f"py-spy did not end within {_PATIENCE_S:g} s") from None
    if spy.returncode != 0:
        words = said.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        raise ProfileFailed(f"py-spy ended with exit code {spy.returncode}: {words[-1]} (it may need to be root)")


def rows_of(runtime: str, raw: str, samples: int) -> list[list[Cell]]:
    """From lines ``outer;…;inner count``: every stack counts once for each function in it, and once for all of them."""
    own: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        # Without line numbers: `name (file.py:12)` at two lines is one function.
        functions = [frame.rpartition(":")[0].replace(" (", " ") or frame for frame in stack.split(";")]
        own[functions[-1]] += int(count)
        for function in set(functions):
            total[function] += int(count)
    busy = round(100 * own.total() / samples, 1)
    shares: list[list[Cell]] = [
        [runtime, function, round(100 * count / samples, 1), round(100 * total[function] / samples, 1)]
        for function, count in own.most_common(SHOWN)
    ]
    return [[runtime, "all of them", busy, busy], *shares]
