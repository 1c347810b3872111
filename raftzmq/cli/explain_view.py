"""An explanation as people and programs see it: a table with a bar for each part, sentences, JSON."""

from __future__ import annotations

from raftzmq.cli.output import console, on_terminal, printable, say
from raftzmq.collector.explained_words import part_name, words
from raftzmq.collector.explaining import Explanation, Step

_STYLES = {
    Step.CLIENT: "cyan",
    Step.QUEUE: "yellow",
    Step.SEND: "yellow",
    Step.NETWORK: "blue",
    Step.DISK: "magenta",
    Step.FOLLOWER: "magenta",
    Step.COMMIT: "white",
    Step.CONFIRM: "blue",
    Step.APPLY: "green",
    Step.READ: "green",
    Step.REPLY: "cyan",
}
BAR_MIN, BAR_MAX, BAR_PLAIN = 10, 60, 40
"""Columns of the bars; the last in a pipe, whose width nobody knows."""
_EIGHTHS = " ▏▎▍▌▋▊▉█"

Row = tuple[str, str, str, int, int, str]
"""Name, microseconds, share, where the bar begins and how long it is (microseconds), its style."""


def show(explanation: Explanation) -> None:
    """Print the table with its bars, then the sentences."""
    rows = _rows(explanation)
    if on_terminal():
        _print_table(rows, explanation.latency_us)
    else:
        say(_plain_table(rows, explanation.latency_us))
    say("")
    for sentence in words(explanation):
        say(printable(sentence))


def _rows(explanation: Explanation) -> list[Row]:
    total = max(1, explanation.latency_us)
    rows: list[Row] = []
    for part in explanation.parts:
        share = f"{100 * part.us / total:.1f} %"
        rows.append((part_name(part, explanation), f"{part.us:,}", share, part.begin_us, part.us, _STYLES[part.step]))
    rows.append(("together", f"{explanation.latency_us:,}", "100.0 %", 0, 0, "bold"))
    for beside in explanation.beside:
        begin_us = beside.begin_us or 0
        answered_us = beside.answered_us or begin_us + (beside.disk_us or 0)
        length = max(0, min(answered_us, total) - begin_us)
        if beside.disk_us is not None:
            rows.append((f"beside: {beside.node}'s disk", f"{beside.disk_us:,}", "", begin_us, length, "dim"))
        elif beside.answered_us is not None:
            rows.append((f"beside: {beside.node}", f"{length:,}", "", begin_us, length, "dim"))
        else:
            rows.append((f"beside: {beside.node}", "silent", "", 0, 0, "dim"))
    return [(printable(name), *rest) for name, *rest in rows]  # type: ignore[misc]


def bar(begin_us: int, us: int, total_us: int, width: int) -> str:
    """A bar from ``begin_us`` on, ``us`` long, where ``width`` columns are ``total_us``; a sliver for what is short."""
    if us <= 0:
        return ""
    total_us = max(1, total_us)
    blank = min(width - 1, begin_us * width // total_us)
    eighths = max(1, min((width - blank) * 8, round(us * width * 8 / total_us)))
    return " " * blank + "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")


def _plain_table(rows: list[Row], total_us: int) -> str:
    names, times, shares = (max(len(row[column]) for row in rows) for column in range(3))  # type: ignore[arg-type]
    names, times = max(names, len("PART")), max(times, len("MICROSECONDS"))
    lines = [f"{'PART':<{names}}  {'MICROSECONDS':>{times}}  {'SHARE':>{shares}}"]
    for name, time, share, begin_us, us, _ in rows:
        drawn = bar(begin_us, us, total_us, BAR_PLAIN)
        lines.append(f"{name:<{names}}  {time:>{times}}  {share:>{shares}}  {drawn}".rstrip())
    return "\n".join(lines)


def _print_table(rows: list[Row], total_us: int) -> None:
    from rich.table import Table
    from rich.text import Text

    screen = console()
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("PART", no_wrap=True)
    table.add_column("µs", justify="right", no_wrap=True)
    table.add_column("SHARE", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    taken = max(len(row[0]) for row in rows) + max(len(row[1]) for row in rows) + 7 + 8
    width = max(BAR_MIN, min(BAR_MAX, screen.width - taken))
    for name, time, share, begin_us, us, style in rows:
        faint = style if style in ("dim", "bold") else ""
        drawn = bar(begin_us, us, total_us, width)
        if style == "dim":
            drawn = drawn.replace("█", "░")
        table.add_row(Text(name, faint), Text(time, faint), Text(share, faint), Text(drawn, style))
    screen.print(table)
