"""Where a leader spends its time: samples of its threads' stacks by py-spy, in runs that nothing else is taken from."""

from __future__ import annotations

import subprocess
import sysconfig
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
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
    """The functions in which each runtime's leader was found most often, of all samples in which it was at work.

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
            rows += rows_of(contender.name, stacks.read_text())
    title = f"Where the leader is when it works, {in_flight} in flight (py-spy, {SAMPLES_PER_SECOND} samples a second)"
    return Table(title, ("runtime", "function", "own_percent", "with_callees_percent"), rows)


def _py_spy(pid: int, seconds: float, stacks: Path) -> subprocess.Popen[bytes]:
    program = Path(sysconfig.get_path("scripts")) / "py-spy"
    command = [str(program) if program.exists() else "py-spy", "record", "--pid", str(pid), "--format", "raw"]
    command += ["--rate", str(SAMPLES_PER_SECOND), "--duration", f"{max(1, round(seconds))}", "--output", str(stacks)]
    try:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except FileNotFoundError:
        raise ProfileFailed("py-spy is not installed: pip install py-spy, or leave out --profile") from None


def _finish(spy: subprocess.Popen[bytes]) -> None:
    try:
        said, _ = spy.communicate(timeout=_PATIENCE_S)
    except subprocess.TimeoutExpired:
        spy.kill()
        raise ProfileFailed(f"py-spy did not end within {_PATIENCE_S:g} s") from None
    if spy.returncode != 0:
        words = said.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        raise ProfileFailed(f"py-spy ended with exit code {spy.returncode}: {words[-1]} (it may need to be root)")


def rows_of(runtime: str, raw: str) -> list[list[Cell]]:
    """From lines ``outer;…;inner count``: every stack counts once for each function in it."""
    own: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        # Without line numbers: `name (file.py:12)` at two lines is one function.
        functions = [frame.rpartition(":")[0].replace(" (", " ") or frame for frame in stack.split(";")]
        own[functions[-1]] += int(count)
        for function in set(functions):
            total[function] += int(count)
    samples = own.total()
    return [
        [runtime, function, round(100 * count / samples, 1), round(100 * total[function] / samples, 1)]
        for function, count in own.most_common(SHOWN)
    ]
