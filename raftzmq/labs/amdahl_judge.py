"""Judges what more workers gained: does Amdahl's law tell three kinds of work apart, and what of a replicated log?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from raftzmq.labs.history import History
from raftzmq.labs.speed_up import Line, Load, lines_of, loads_of, lost_updates
from raftzmq.labs.verdict import Verdict
from raftzmq.labs.words import Words, both

PARALLEL, PARTLY, LOCKED = "parallel", "partly_serial", "locked_counter"
MOST = 16
SHARED_MIN = 8.0
"""So many times faster 16 workers must be where everything can be shared, on a busy machine too."""
PARTLY_MIN, PARTLY_MAX = 0.5, 0.95
"""Of p where a fifth is serial; 0.8 if waiting were all that workers do."""
LOCKED_MAX = 1.6
"""So many times faster 16 workers may seem where nothing can be shared: passing the lock on is not free for one."""
PREDICTED, ERROR_MAX = 8, 0.5
LOG_MIN = 1.5

_MEASURED = Words(
    "Three kinds of work were measured with 1 to 16 workers, as coroutines and as threads",
    "3種類の仕事が、コルーチンとスレッド、1〜16の働き手で測られた",
)
_SHARED = Words(
    "What everybody can do at the same time gets faster with every worker",
    "全員が同時にできる仕事は、働き手が増えるほど速くなる",
)
_CEILING = Words(
    "A fifth under a lock is a ceiling: 16 workers stay below 1 / (1 - p)",
    "5分の1がロックの中にあれば頭打ちになる。16でも 1 / (1 - p) を超えない",
)
_SERIAL = Words(
    "What is all under a lock gets no faster: p is about zero", "すべてロックの中なら速くならない。pはほぼ0"
)
_FORETOLD = Words(
    "The law, fitted without them, foretells what {workers} workers do with the partly serial work",
    "{workers}の働き手を除いて当てはめた法則が、その一部直列の速さを言い当てる",
)
_RIGHT = Words(
    "With the lock no update was lost; without it coroutines lost some at every await",
    "ロックがあれば更新は失われない。なければコルーチンはawaitのたびに失う",
)
_BATCHED = Words(
    "The replicated log took more puts per second the more were under way, because they shared entries",
    "複製ログは、同時の書き込みが多いほど毎秒多くを受けた。1エントリを分け合うからである",
)
_TABLE = Words(
    "Speed-up over workers, Amdahl's p, and where the law says that it ends",
    "働き手の数に対する速度向上、アムダールのp、法則の言う限界",
)


def judge(history: History) -> Verdict:
    """The three kinds told apart by the law, the counter right under its lock, the log faster by sharing entries."""
    verdict = Verdict()
    lines, loads = lines_of(history), loads_of(history)
    kinds = {line.kind for line in lines}
    by_task = {task: [line for line in lines if line.task == task] for task in (PARALLEL, PARTLY, LOCKED)}
    complete = len(kinds) == 2 and all(len(found) == 2 for found in by_task.values())
    if verdict.check(_MEASURED, complete and all(MOST in line.rates for line in lines)):
        verdict.exhibit(_TABLE, _table(lines, loads))
        _check_lines(verdict, by_task)
    _check_counter(verdict, history)
    _check_log(verdict, loads)
    return verdict


def _check_lines(verdict: Verdict, by_task: dict[str, list[Line]]) -> None:
    gains = {task: [line.speed_ups[MOST] for line in lines] for task, lines in by_task.items()}
    fractions = {task: [line.parallel_fraction for line in lines] for task, lines in by_task.items()}
    verdict.check(_SHARED, min(gains[PARALLEL]) >= SHARED_MIN, seen=_times(gains[PARALLEL]))
    below = all(
        PARTLY_MIN <= line.parallel_fraction <= PARTLY_MAX and line.speed_ups[MOST] < 1.1 * (line.limit or 0.0)
        for line in by_task[PARTLY]
    )
    verdict.check(_CEILING, below, seen=_times(gains[PARTLY], fractions[PARTLY]))
    verdict.check(_SERIAL, max(gains[LOCKED]) <= LOCKED_MAX, seen=_times(gains[LOCKED], fractions[LOCKED]))
    told = [(line.predicted(PREDICTED), line.speed_ups[PREDICTED]) for line in by_task[PARTLY]]
    close = all(abs(predicted / measured - 1) <= ERROR_MAX for predicted, measured in told)
    seen = Words("foretold {told}, measured {measured}", "予測{told}、実測{measured}").fill(
        told=" and ".join(f"{predicted:.2f}" for predicted, _ in told),
        measured=" and ".join(f"{measured:.2f}" for _, measured in told),
    )
    verdict.check(_FORETOLD.fill(workers=PREDICTED), close, seen=seen)


def _times(gains: Sequence[float], fractions: Sequence[float] = ()) -> Words:
    text = " / ".join(f"{gain:.1f}" for gain in gains)
    shares = f", p = {' / '.join(f'{fraction:.2f}' for fraction in fractions)}" if fractions else ""
    return Words("{n} workers: {text} times{p}", "{n}の働き手: {text}倍{p}").fill(n=MOST, text=text, p=shares)


def _check_counter(verdict: Verdict, history: History) -> None:
    lost = lost_updates(history)
    kept = [count for (_, locked), (count, _) in lost.items() if locked == "locked"]
    forgotten = lost.get(("asyncio", "unlocked"), (0, 0))[0]
    text = ", ".join(f"{kind} {locked} {count}/{of}" for (kind, locked), (count, of) in lost.items())
    verdict.check(_RIGHT, kept and not any(kept) and forgotten > 0, seen=both(text))


def _check_log(verdict: Verdict, loads: Sequence[Load]) -> None:
    held, seen = False, None
    if len(loads) > 1:
        first, last = loads[0], loads[-1]
        held = last.rate >= LOG_MIN * first.rate and last.per_entry > first.per_entry
        seen = Words(
            "{few.in_flight}: {few.rate:.0f} puts/s, {few.per_entry:.1f} per entry; {many.in_flight}: {many.rate:.0f} "
            "puts/s, {many.per_entry:.1f} per entry",
            "{few.in_flight}個: 毎秒{few.rate:.0f}、1エントリに{few.per_entry:.1f}、{many.in_flight}個: "
            "毎秒{many.rate:.0f}、1エントリに{many.per_entry:.1f}",
        ).fill(few=first, many=last)
    verdict.check(_BATCHED, held, [load.position for load in loads], seen=seen)


def _table(lines: Sequence[Line], loads: Sequence[Load]) -> Iterator[str]:
    workers = sorted(lines[0].rates)
    yield f"{'':<24}" + "".join(f"{n:>7}" for n in workers) + f"{'p':>8}{'limit':>8}"
    for line in lines:
        limit = line.limit
        end = f"{limit:>8.1f}" if limit is not None and limit < 100 else f"{'-':>8}"
        name = f"{line.task.replace('_', ' ')}, {line.kind}"
        gains = "".join(f"{gain:>7.2f}" for gain in line.speed_ups.values())
        yield f"{name:<24}{gains}{line.parallel_fraction:>8.3f}{end}"
    if loads:
        gains = "".join(f"{load.rate / loads[0].rate:>7.2f}" for load in loads)
        yield f"{'replicated log, puts':<24}{gains}"
