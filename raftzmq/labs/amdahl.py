"""What more workers gain: of work that can be shared, of work under a lock, and of a replicated log."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from pathlib import Path

from raftzmq.benchmarks.result import Chart, Series
from raftzmq.benchmarks.scaling_schedule import interleaved
from raftzmq.benchmarks.scaling_tasks import KINDS, Task, lost_updates, run, tasks_of
from raftzmq.benchmarks.scaling_waits import Waits
from raftzmq.client.results import PutResult
from raftzmq.client.sync import Client
from raftzmq.labs.amdahl_judge import judge
from raftzmq.labs.history import History
from raftzmq.labs.lab import Lab
from raftzmq.labs.narration import Step
from raftzmq.labs.speed_up import LOADED, LOADS, lines_of, loads_of, lost_tag, rate_tag
from raftzmq.labs.stage import Stage
from raftzmq.labs.words import Words

WORKERS = (1, 2, 4, 8, 16)
WAIT_S = 0.006
"""A unit of work: it waits for another process, as for a disk or a network, so cores don't matter."""
REPEATS = 3
STEADY = 0.1
"""By so much the best two repeats of a point may differ."""
MEASURE_S = 18.0
"""As long as some differ by more, all are measured again, but no more is begun after this time."""
UPDATES = 1600
LOAD_S = 0.6
LOOK_S = 0.2

_TASKS = Step(
    Words(
        "Let 1 to 16 workers, coroutines and threads, share three kinds of work; measure each {repeats} times or more.",
        "1〜16の働き手 (コルーチンとスレッド) に3種類の仕事を分け合わせ、それぞれ{repeats}回以上測る。",
    ),
    Words(
        "Parallel: everybody waits at the same time. Partly serial: a fifth of it under a lock. Locked counter: all of "
        "it under a lock.",
        "並列: 全員が同時に待つ。一部直列: 5分の1がロックの中。ロック付きカウンタ: すべてがロックの中。",
    ),
    Words(
        "Amdahl 1967: S(n) = 1 / ((1 - p) + p / n), where p is the part that can be shared",
        "Amdahl 1967: S(n) = 1 / ((1 - p) + p / n)。pは分け合える割合",
    ),
)
_COUNTER = Step(
    Words(
        "Let 16 workers count to {updates}, with the lock and without.",
        "16の働き手に、ロックありとなしで{updates}まで数えさせる。",
    ),
    Words(
        "Without it, who reads before another has written back forgets that other's step.",
        "ロックがないと、他が書き戻す前に読んだ者が、その一歩を忘れさせる。",
    ),
    Words(
        "What must be done one at a time can't be shared: that is what a lock costs, and what it is for.",
        "1つずつ行うべきことは分け合えない。それがロックの代償であり、役目である。",
    ),
)
_RECORD = Step(
    Words(
        "Start three nodes, and write every measurement into the cluster, as a request whose tag says it.",
        "3台を起動し、測定値を1つずつ、タグに書いたリクエストとしてクラスタに書き込む。",
    ),
    Words(
        "So what was measured outside the cluster stands in its recording, where alone the judge looks.",
        "クラスタの外での測定も、判定者が見る唯一のもの、記録の中に残る。",
    ),
    Words(
        "The recorded events show the figures; that they were measured so is the script's word.",
        "記録されたイベントは数値を示す。そう測ったことは台本の言葉による。",
    ),
)
_LOG = Step(
    Words(
        "Load the cluster with 1 to 16 puts under way at a time.",
        "クラスタに、同時に1〜16個の書き込みを流す。",
    ),
    Words(
        "A log is as serial as it gets: one entry after the other. What do more clients gain?",
        "ログは直列そのもの、エントリは1つずつ。クライアントを増やすと何が得られるか?",
    ),
    Words(
        "Thesis 10.2.2: entries that wait share a batch, so the serial part is paid once for many.",
        "博士論文 10.2.2: 待っている書き込みは1つにまとめられ、直列部分は多数で1回分になる。",
    ),
)


def act(stage: Stage) -> None:
    """Measure, write down what was measured, and load the cluster."""
    stage.tell(_TASKS, repeats=REPEATS)
    tags = measure()
    stage.tell(_COUNTER, updates=UPDATES)
    tags += count()
    stage.tell(_RECORD)
    stage.start()
    stage.leader()
    stage.rest(LOOK_S)
    client = stage.client(timeout=10.0)
    for tag in tags:
        note(client, tag)
    stage.tell(_LOG)
    for in_flight in WORKERS:
        note(client, f"{LOADS} {in_flight}")
        client.trace = ""
        load(client, in_flight, LOAD_S)
        note(client, f"{LOADED} {in_flight}")
        stage.rest(LOOK_S)
    stage.settle()


def tasks() -> Sequence[Task]:
    """All shared, a fifth under a lock, all under a lock."""
    return tasks_of(WAIT_S)


def measure() -> list[str]:
    """Every point several times, in mixed order: a machine that becomes slower slows all alike.

    Where other programs make the figures unsteady, it goes on for a while: the best of more repeats says more.
    """
    points = [(task, kind, workers) for task in tasks() for kind in KINDS for workers in WORKERS]
    found: dict[tuple[str, str, int], list[float]] = {(task.name, kind, n): [] for task, kind, n in points}
    until, repeats = time.monotonic() + MEASURE_S, 0
    with Waits(max(WORKERS)) as waits:
        while repeats < REPEATS or (time.monotonic() < until and not _steady(found.values())):
            for task, kind, workers in interleaved(points, 1, f"lab {repeats}"):
                done = run(kind, task, workers, task.rounds(workers, 1), waits.lines)
                found[task.name, kind, workers].append(done.rate)
            repeats += 1
    return [rate_tag(*key, rate) for key, rates in found.items() for rate in rates]


def _steady(rates: Iterable[list[float]]) -> bool:
    """Are the best two of each within `STEADY` of one another?"""
    best = (sorted(each)[-2:] for each in rates)
    return all(second >= (1 - STEADY) * first for second, first in best)


def count() -> list[str]:
    """What a shared counter forgets."""
    return [
        lost_tag(kind, name, lost_updates(kind, max(WORKERS), UPDATES, locked=locked), UPDATES)
        for kind in KINDS
        for name, locked in (("locked", True), ("unlocked", False))
    ]


def note(client: Client, tag: str) -> None:
    """A request whose tag carries a measurement into the recording."""
    client.trace = tag
    client.put("measured", tag)


def load(client: Client, in_flight: int, seconds: float) -> None:
    """Keep so many puts under way for so long."""
    until, number = time.monotonic() + seconds, 0
    waiting: deque[Future[PutResult]] = deque()
    while time.monotonic() < until:
        while len(waiting) < in_flight:
            waiting.append(client.put_async(f"load/{number % 100}", str(number)))
            number += 1
        waiting.popleft().result()
    for future in waiting:
        future.result()


def draw(history: History, directory: Path) -> Sequence[Path]:
    """Speed-up over workers, as PNG and SVG; none without the library that draws."""
    from raftzmq.benchmarks.charts import draw_all
    from raftzmq.benchmarks.extra import ExtraMissing

    series = [
        Series(f"{line.task.replace('_', ' ')}, {line.kind}", list(line.speed_ups), list(line.speed_ups.values()))
        for line in lines_of(history)
    ]
    loads = loads_of(history)
    if loads:
        rates = [each.rate / loads[0].rate for each in loads]
        series.append(Series("puts of the cluster", [each.in_flight for each in loads], rates))
    chart = Chart(
        "amdahl",
        "What more workers gain",
        "workers (of the cluster: puts under way)",
        "speed-up",
        series,
        log_x=True,
        log_y=True,
        note="Each point is the best of its repeats, above that of one worker.",
    )
    try:
        return draw_all([chart], directory) if series else ()
    except ExtraMissing:
        return ()


LAB = Lab("amdahl", act, judge, nodes=3, draw=draw)
