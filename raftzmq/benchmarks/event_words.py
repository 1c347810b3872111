"""What events cost a leader, as figures, bars, tables, charts and sentences, all made from the samples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from raftzmq.benchmarks.bars import Bar
from raftzmq.benchmarks.event_costs import SITUATIONS, Costs, Memory, Situation, Stretch
from raftzmq.benchmarks.figures import Figures, median
from raftzmq.benchmarks.footprint import megabytes
from raftzmq.benchmarks.result import Cell, Chart, Mark, Series, Table

BOUNDS: dict[Situation, float] = {"nobody": 1.03, "usual": 1.10, "everything": 1.25, "stopped": 1.03, "gone": 1.03}
"""At most so many times the processor time per operation of a node that makes no events."""
MEMORY_BOUND = 1.05
"""RssAnon of a leader with a subscriber that stands still: its median in the last third, by that in the first."""
WORDS: dict[Situation, str] = {
    "nobody": "nobody subscribed",
    "usual": "the collector's usual subscription",
    "everything": "everything subscribed",
    "stopped": "a subscriber that stands still",
    "gone": "a subscriber that has gone",
}


def cost_ratios(costs: Costs) -> dict[tuple[Situation, int], list[float]]:
    """The ratios of all pairs, by situation and puts in flight, of what was measured."""
    found = {}
    for situation in SITUATIONS:
        for in_flight in sorted({stretch.in_flight for stretch in costs.stretches}):
            if ratios := costs.ratios(situation, in_flight):
                found[situation, in_flight] = ratios
    return found


def memory_growth(memory: Memory) -> float:
    """The median of the last third of the looks, by that of the first third; 1.0 for too few looks."""
    third = len(memory.looks) // 3
    if not third:
        return 1.0
    return median([size for _, size in memory.looks[-third:]]) / median([size for _, size in memory.looks[:third]])


def cost_bars(costs: Costs) -> list[Bar]:
    """A bar for each situation and number of puts in flight, and one for each memory."""
    bars = [
        Bar(
            f"leader CPU per operation, {WORDS[situation]}, {in_flight} in flight",
            median(ratios),
            BOUNDS[situation],
            "",
        )
        for (situation, in_flight), ratios in cost_ratios(costs).items()
    ]
    bars += [
        Bar(f"RssAnon with {WORDS['stopped']}, {memory.in_flight} in flight", memory_growth(memory), MEMORY_BOUND, "")
        for memory in costs.memory
    ]
    return bars


def cost_figures(costs: Costs) -> Figures:
    """Medians of the ratios and of the costs, and how far memory grew."""
    figures: Figures = {}
    for (situation, in_flight), ratios in cost_ratios(costs).items():
        name = f"{situation}_at_{in_flight}"
        figures[f"{name}_cpu_ratio"] = round(median(ratios), 3)
        for made, word in ((False, "without"), (True, "with")):
            per_operation = [s.cpu_us_per_operation for s in _of(costs, situation, in_flight) if s.made is made]
            figures[f"{name}_{word}_events_cpu_us_per_operation"] = round(median(per_operation), 2)
    for memory in costs.memory:
        figures[f"stopped_at_{memory.in_flight}_rss_anon_ratio"] = round(memory_growth(memory), 3)
    figures["keys_read_back"] = costs.keys_read_back
    return figures


def _of(costs: Costs, situation: Situation, in_flight: int) -> Iterable[Stretch]:
    return (s for s in costs.stretches if (s.situation, s.in_flight) == (situation, in_flight))


def cost_tables(costs: Costs) -> list[Table]:
    """The ratios with their spread, every pair, and the leader's memory."""
    summary: list[list[Cell]] = []
    for (situation, in_flight), ratios in cost_ratios(costs).items():
        spread = [round(value, 3) for value in (median(ratios), min(ratios), max(ratios), BOUNDS[situation])]
        summary.append([WORDS[situation], in_flight, len(ratios), *spread])
    columns = ("subscriber", "in_flight", "pairs", "median_ratio", "lowest_ratio", "highest_ratio", "bound")
    title = "Leader CPU per operation, with events by without"
    tables = [Table(title, columns, summary), _every_pair(costs)] if summary else []
    if costs.memory:
        rows: list[list[Cell]] = [
            [memory.in_flight, round(at_s, 2), megabytes(size)]
            for memory in costs.memory
            for at_s, size in memory.looks
        ]
        title = "Leader's memory while a subscriber stands still"
        tables.append(Table(title, ("in_flight", "since_stop_s", "leader_rss_anon_mb"), rows))
    return tables


def _every_pair(costs: Costs) -> Table:
    rows: list[list[Cell]] = []
    for situation, in_flight in cost_ratios(costs):
        pairs: dict[int, dict[bool, Stretch]] = {}
        for stretch in _of(costs, situation, in_flight):
            pairs.setdefault(stretch.pair, {})[stretch.made] = stretch
        for number, pair in sorted(pairs.items()):
            made, none = pair[True], pair[False]
            rows.append(
                [
                    *(situation, in_flight, number),
                    *(round(s.cpu_us_per_operation, 2) for s in (none, made)),
                    round(made.cpu_us_per_operation / none.cpu_us_per_operation, 3),
                    *(round(s.operations / s.seconds) for s in (none, made)),
                    megabytes(made.anonymous_bytes),
                ]
            )
    columns = (
        *("subscriber", "in_flight", "pair", "without_events_cpu_us_per_operation", "with_events_cpu_us_per_operation"),
        *("ratio", "without_events_operations_per_second", "with_events_operations_per_second", "leader_rss_anon_mb"),
    )
    return Table("Every pair", columns, rows)


def cost_charts(costs: Costs) -> list[Chart]:
    """Ratios with all pairs' spread beside their bounds, and memory over time."""
    ratios = cost_ratios(costs)
    charts = []
    if ratios:
        counts = sorted({in_flight for _, in_flight in ratios})
        series = [_bars_of(in_flight, ratios) for in_flight in counts]
        names = [situation for situation in SITUATIONS if any((situation, count) in ratios for count in counts)]
        series.append(Series("bound", names, [BOUNDS[name] for name in names]))
        note = "median of the pairs; the error bars reach from the lowest to the highest"
        title = "What making events costs the leader"
        y_label = "CPU per operation, by that without events"
        charts.append(Chart("events_cost", title, "who listens", y_label, series, "bars", note=note))
    if costs.memory:
        lines = [
            Series(f"{m.in_flight} in flight", [at_s for at_s, _ in m.looks], [megabytes(size) for _, size in m.looks])
            for m in costs.memory
        ]
        title = "Memory of a leader whose subscriber stands still"
        mark = [Mark("SIGSTOP", 0.0)]
        charts.append(Chart("events_memory", title, "seconds since SIGSTOP", "RssAnon (MB)", lines, marks=mark))
    return charts


def _bars_of(in_flight: int, ratios: dict[tuple[Situation, int], list[float]]) -> Series:
    mine = {situation: values for (situation, count), values in ratios.items() if count == in_flight}
    return Series(
        f"{in_flight} in flight",
        list(mine),
        [median(values) for values in mine.values()],
        [min(values) for values in mine.values()],
        [max(values) for values in mine.values()],
    )


def cost_findings(costs: Costs) -> list[str]:
    """A sentence for each kind of subscriber, and one about memory."""
    ratios = cost_ratios(costs)
    findings = []
    for situation in SITUATIONS:
        mine = {count: median(values) for (whose, count), values in ratios.items() if whose == situation}
        if not mine:
            continue
        said = ", ".join(f"{100 * (ratio - 1):+.1f}% at {count} in flight" for count, ratio in mine.items())
        held = [count for count, ratio in mine.items() if ratio <= BOUNDS[situation]]
        word = "within" if len(held) == len(mine) else "not everywhere within" if held else "more than"
        bound = f"{100 * (BOUNDS[situation] - 1):.0f}%"
        findings.append(f"With {WORDS[situation]}, events cost the leader {said} of processor time: {word} {bound}.")
    findings += [_memory_finding(memory) for memory in costs.memory if memory.looks]
    return findings


def _memory_finding(memory: Memory) -> str:
    sizes: Sequence[float] = [megabytes(size) for _, size in memory.looks]
    seconds = memory.looks[-1][0]
    return (
        f"In {seconds:.0f} s with a subscriber that stood still, at {memory.in_flight} in flight, the leader's own "
        f"memory lay between {min(sizes):g} and {max(sizes):g} MB and ended at {memory_growth(memory):.2f} of what it "
        "began with."
    )
