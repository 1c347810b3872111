"""What stores did beside one another: figures, tables, a chart and sentences, made from the samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from raftzmq.benchmarks.figures import Figures, median
from raftzmq.benchmarks.result import Chart, Series, Table

OURS: Final = "raftzmq"
PYSYNCOBJ: Final = ("PySyncObj", "PySyncObj tuned, 10 ms", "PySyncObj tuned, 1 ms")
ETCD: Final = "etcd"
SLUGS: Final = dict(
    zip(
        (OURS, *PYSYNCOBJ, ETCD),
        ("raftzmq", "pysyncobj_default", "pysyncobj_tuned", "pysyncobj_tuned_1ms", "etcd"),
        strict=True,
    )
)
"""The beginning of the names of each store's figures."""
_DURABLE: Final = "yes: synced by a majority before the answer"
_IN_PROCESS: Final = "no: driven inside its leader"
_PROMISES: Final = {
    OURS: (_DURABLE, "yes", "yes: asyncio clients in processes of their own", "yes: sessions", "yes"),
    **dict.fromkeys(
        PYSYNCOBJ,
        ("no: journal in memory, as shipped", "no", _IN_PROCESS, "no: a repeated call is another one", "switched off"),
    ),
    ETCD: (_DURABLE, "yes", "yes: its own load tool", "no: a repeated put is another one", "none falls due"),
}
_PROMISED: Final = (
    "an acknowledged write survives a power cut of all nodes",
    "vote and term on disk",
    "measured through a client",
    "a repeated write is applied once",
    "compaction while measured",
)


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement. ``equal``: did all replicas hold the same afterwards? None: nobody looked.

    ``errors_logged``: what the store's own log has at level error or above.
    """

    store: str
    in_flight: int
    round: int
    puts_per_second: float
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    failed: int = 0
    elections: int = 0
    equal: bool | None = None
    errors_logged: int = 0


def stores_of(samples: Sequence[Sample]) -> list[str]:
    """Those that were measured, in the order of tables and charts."""
    present = {sample.store for sample in samples}
    return [store for store in SLUGS if store in present]


def levels_of(samples: Sequence[Sample]) -> list[int]:
    """The numbers in flight, ascending."""
    return sorted({sample.in_flight for sample in samples})


def rates(samples: Sequence[Sample], store: str, in_flight: int) -> list[float]:
    """Puts per second of a store, in the order in which they were measured."""
    return [each.puts_per_second for each in samples if (each.store, each.in_flight) == (store, in_flight)]


def ratio(samples: Sequence[Sample], store: str, in_flight: int) -> float:
    """Our median by theirs."""
    return median(rates(samples, OURS, in_flight)) / median(rates(samples, store, in_flight))


def figures_of(samples: Sequence[Sample]) -> Figures:
    """Of each number in flight every store's median, and the ratios of ours to theirs."""
    figures: Figures = {}
    for in_flight in levels_of(samples):
        for store in stores_of(samples):
            name = f"{SLUGS[store]}_at_{in_flight}"
            figures[f"{name}_puts_per_second"] = round(median(rates(samples, store, in_flight)), 1)
            if store != OURS:
                figures[f"ratio_to_{name}"] = round(ratio(samples, store, in_flight), 3)
    return figures


def tables_of(samples: Sequence[Sample]) -> list[Table]:
    """Medians and ratios; every sample; and what each store promises for it."""
    stores, levels = stores_of(samples), levels_of(samples)
    medians = Table(
        "puts per second, medians, and how many times theirs ours are",
        ["store", *(f"puts_per_second_at_{n}" for n in levels), *(f"ours_by_theirs_at_{n}" for n in levels)],
        [
            [
                store,
                *(round(median(rates(samples, store, n)), 1) for n in levels),
                *(None if store == OURS else round(ratio(samples, store, n), 2) for n in levels),
            ]
            for store in stores
        ],
    )
    columns = ["round", "store", "in_flight", "puts_per_second", "latency_p50_ms", "latency_p99_ms", "failed"]
    columns += ["elections", "replicas_equal", "errors_it_logged"]
    every = Table(
        "every sample, in the order in which they were measured",
        columns,
        [
            [
                each.round + 1,
                each.store,
                each.in_flight,
                each.puts_per_second,
                each.latency_p50_ms,
                each.latency_p99_ms,
                each.failed,
                each.elections,
                None if each.equal is None else "yes" if each.equal else "no",
                each.errors_logged,
            ]
            for each in samples
        ],
    )
    promises = Table("what each promises for it", ["store", *_PROMISED], [[s, *_PROMISES[s]] for s in stores])
    return [medians, promises, every]


def chart_of(samples: Sequence[Sample]) -> Chart:
    """Bars side by side for each number in flight."""
    levels = levels_of(samples)
    series = []
    for store in stores_of(samples):
        all_rates = [rates(samples, store, n) for n in levels]
        series.append(
            Series(
                store,
                [f"{n:,}" for n in levels],
                [median(each) for each in all_rates],
                low=[min(each) for each in all_rates],
                high=[max(each) for each in all_rates],
            )
        )
    note = ["The scale is one of factors."]
    if set(PYSYNCOBJ) & set(stores_of(samples)):
        note.append("PySyncObj keeps everything in memory and is driven inside its leader.")
    note.append("raftzmq (and etcd, where it takes part) sync every write on a majority and serve clients over TCP.")
    return Chart(
        name="peers",
        title="Replicated stores on one machine",
        x_label="puts in flight",
        y_label="puts per second (median; lowest to highest)",
        series=series,
        kind="bars",
        log_y=True,
        note=" ".join(note),
    )


def findings_of(samples: Sequence[Sample]) -> list[str]:
    """Sentences for whoever doesn't want to read tables."""
    stores, levels = stores_of(samples), levels_of(samples)
    found = []
    for store in stores:
        if store == OURS:
            continue
        parts = [
            f"{in_words(ratio(samples, store, n))} its puts {'one at a time' if n == 1 else f'at {n:,} in flight'}"
            for n in levels
        ]
        found.append(f"Beside {store}, raftzmq does {', '.join(parts)}.")
    if any(store in PYSYNCOBJ for store in stores):
        found.append(
            "PySyncObj's figures are those of a program that keeps its log in memory and calls itself: a power cut of "
            "its nodes loses what was acknowledged, and a client elsewhere would add a way to and fro. The others had "
            "synced every write to a majority's disks and answered over TCP."
        )
    low = levels[0]
    if low == 1 and PYSYNCOBJ[0] in stores:
        found.append(
            f"One at a time PySyncObj as shipped is at the pace of its clock, not of the machine: it sends once in its "
            f"append period of 100 ms, so about ten puts a second ({median(rates(samples, PYSYNCOBJ[0], 1)):,.0f} "
            "here); with a period of 1 ms "
            f"{median(rates(samples, PYSYNCOBJ[2], 1)):,.0f}."
        )
    unequal = sorted({each.store for each in samples if each.equal is False})
    if unequal:
        found.append(f"The replicas of {', '.join(unequal)} did not all hold the same afterwards.")
    logged = sum(each.errors_logged for each in samples)
    if logged:
        found.append(
            f"PySyncObj's own log had {logged:,} lines of level error or above while it was measured, and its "
            f"replicas were {'not always ' if unequal else ''}equal afterwards."
        )
    return found


def in_words(times: float) -> str:
    """A ratio as people say it."""
    if times >= 10:
        return f"{times:.0f} times"
    return f"{times:.2g} times" if times >= 1.5 else f"{times:.2f} times"
