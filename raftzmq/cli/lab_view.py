"""How labs look: told step by step, judged in a table; colours and a clock on a terminal, plain lines in a pipe."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from raftzmq.cli.output import console, on_terminal, printable, say
from raftzmq.labs.words import Words

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from raftzmq.labs.lab import Lab
    from raftzmq.labs.narration import Told
    from raftzmq.labs.run import Run
    from raftzmq.labs.syllabus import Subject
    from raftzmq.labs.verdict import Check

WATCH = Words("watch", "注目")
RULE = Words("rule", "規則")
SHOWS = Words("what it shows", "見どころ")
HELD, NOT_HELD = Words("held", "成立"), Words("not held", "不成立")
GREEN = Words("GREEN: all {checks} checks hold", "緑: {checks}件の確認がすべて成立")
RED = Words("RED: {broken} of {checks} checks do not hold", "赤: {checks}件の確認のうち{broken}件が不成立")
JUDGED = Words(
    "judged from {events:,} recorded events, in {seconds} s", "記録された{events:,}件のイベントから判定、{seconds}秒"
)
EVENTS = Words("events {positions}", "イベント {positions}")
ENDED_EARLY = Words("The script ended early: {note}", "途中で終了: {note}")
LOOK = Words("look at it:", "再生:")
HEADINGS = (Words("LAB", "ラボ"), Words("TITLE", "題"), Words("WHAT IT SHOWS", "見どころ"), Words("LAST RUN", "前回"))
NEVER = Words("never run", "未実行")
PAUSE = Words("Enter goes on …", "Enterで次へ …")
PICTURE = Words("picture:", "図:")
POSITIONS_SHOWN = 4

Tell = Callable[["Told"], None]


@contextlib.contextmanager
def narrator(lab: Lab, language: str, *, quiet: bool, waits: bool) -> Iterator[Tell]:
    """What tells the steps of a lab as they come. ``waits``: for the Enter key after each, if somebody can press it."""
    if quiet:
        yield lambda _: None
    elif on_terminal():
        with _on_terminal(lab, language, waits=waits and sys.stdin.isatty()) as tell:
            yield tell
    else:
        say(f"{lab.name}: {lab.subject.title.to(language)}")
        say(f"{SHOWS.to(language)}: {lab.subject.shows.to(language)} ({lab.subject.rule.to(language)})")
        yield lambda told: say("\n".join(_plain_step(told, language)))


def _plain_step(told: Told, language: str) -> Iterator[str]:
    yield f"{told.number}. {printable(told.step.what.to(language))}"
    yield f"   {WATCH.to(language)}: {printable(told.step.watch.to(language))}"
    yield f"   {RULE.to(language)}: {printable(told.step.rule.to(language))}"


@contextlib.contextmanager
def _on_terminal(lab: Lab, language: str, *, waits: bool) -> Iterator[Tell]:
    """Steps one below the other, and a clock at the end of them while something is under way."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.rule import Rule
    from rich.text import Text

    screen = console()
    title = Text.assemble((lab.subject.title.to(language), "bold"), (f"  {lab.name}", "dim"))
    screen.print()
    screen.print(Rule(title, align="left", style="cyan"))
    screen.print(_indented(Text(lab.subject.shows.to(language))))
    screen.print(_indented(Text(lab.subject.rule.to(language), style="dim")))
    clock = Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=screen)
    clock.live.transient = True
    with clock:
        task = clock.add_task("", total=None)

        def tell(told: Told) -> None:
            for line in _step_lines(told, language):
                screen.print(line)
            clock.update(task, description=f"{told.number}")
            if waits:
                clock.stop()
                with contextlib.suppress(EOFError):
                    screen.input(Text(f"     {PAUSE.to(language)}", style="dim"))
                clock.start()

        yield tell


def _step_lines(told: Told, language: str) -> Iterator[Any]:
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=3, justify="right")
    grid.add_column()
    label = max(_width(WATCH.to(language)), _width(RULE.to(language)))
    grid.add_row(Text(str(told.number), style="bold cyan"), Text(told.step.what.to(language), style="bold"))
    inner = Table.grid(padding=(0, 1))
    inner.add_column(min_width=label, no_wrap=True)
    inner.add_column()
    inner.add_row(Text(WATCH.to(language), style="yellow"), Text(told.step.watch.to(language)))
    inner.add_row(Text(RULE.to(language), style="dim"), Text(told.step.rule.to(language), style="dim"))
    grid.add_row("", inner)
    yield Text()
    yield grid


def _width(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def _indented(text: Text) -> Any:
    from rich.padding import Padding

    return Padding(text, (0, 0, 0, 4))


def print_verdict(run: Run, language: str) -> None:
    """The checks, each with whether it holds and where to see it; then the verdict, and how to look at it all."""
    if on_terminal():
        _verdict_on_terminal(run, language)
        return
    if run.note:
        say(ENDED_EARLY.fill(note=printable(run.note)).to(language))
    width = max(_width(HELD.to(language)), _width(NOT_HELD.to(language)))
    for check in run.verdict.checks:
        state = (HELD if check.held else NOT_HELD).to(language)
        pad = " " * (width - _width(state))
        say(f"{state}{pad}  {printable(check.sentence.to(language))}{_aside(check, language)}")
    for exhibit in run.verdict.exhibits:
        say("\n".join([exhibit.title.to(language), *exhibit.lines]))
    say(f"{run.lab}: {_conclusion(run, language)} ({_judged(run, language)})")
    for picture in run.pictures:
        say(f"{PICTURE.to(language)} {run.directory / picture}")
    say(f"{LOOK.to(language)} raftzmq replay --page {printable(str(run.directory))}")


def _aside(check: Check, language: str) -> str:
    parts = [] if check.seen is None else [printable(check.seen.to(language))]
    if check.evidence:
        parts.append(_positions(check, language))
    return f" ({'; '.join(parts)})" if parts else ""


def _positions(check: Check, language: str) -> str:
    shown = ", ".join(map(str, check.evidence[:POSITIONS_SHOWN]))
    more = " …" if len(check.evidence) > POSITIONS_SHOWN else ""
    return EVENTS.fill(positions=shown + more).to(language)


def _conclusion(run: Run, language: str) -> str:
    checks = run.verdict.checks
    broken = sum(1 for check in checks if not check.held)
    return (GREEN if run.verdict.green else RED).fill(checks=len(checks), broken=broken).to(language)


def _judged(run: Run, language: str) -> str:
    return JUDGED.fill(events=run.events, seconds=f"{run.seconds:g}").to(language)


def _verdict_on_terminal(run: Run, language: str) -> None:
    from rich.table import Table
    from rich.text import Text

    screen = console()
    screen.print()
    if run.note:
        screen.print(_indented(Text(ENDED_EARLY.fill(note=run.note).to(language), style="yellow")))
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=3, justify="right")
    grid.add_column()
    for check in run.verdict.checks:
        mark = Text("✓", style="bold green") if check.held else Text("✗", style="bold red")
        text = Text(check.sentence.to(language), style="" if check.held else "bold red")
        text.append(_aside(check, language), style="not bold dim")
        grid.add_row(mark, text)
    screen.print(grid)
    for exhibit in run.verdict.exhibits:
        screen.print()
        screen.print(_indented(Text(exhibit.title.to(language), style="bold")))
        screen.print(_indented(Text("\n".join(exhibit.lines), no_wrap=True)))
    screen.print()
    style = "bold green" if run.verdict.green else "bold red"
    line = Text.assemble((_conclusion(run, language), style), (f"  {_judged(run, language)}", "dim"))
    screen.print(_indented(line))
    for picture in run.pictures:
        _print_hint(screen, PICTURE.to(language), str(run.directory / picture))
    _print_hint(screen, LOOK.to(language), f"raftzmq replay --page {run.directory}")


def _print_hint(screen: Console, label: str, text: str) -> None:
    from rich.text import Text

    # Never wrapped: it is there to be copied.
    screen.print(Text.assemble(("    " + label + " ", "dim"), (text, "cyan")), soft_wrap=True)


def print_summary(runs: Sequence[Run], language: str) -> None:
    """After several labs: a line for each."""
    rows = [(run.lab, run.subject.title.to(language), _conclusion(run, language), run.verdict.green) for run in runs]
    if not on_terminal():
        for name, _, conclusion, _ in rows:
            say(f"{name}\t{conclusion}")
        return
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2, 0, 0))
    for name, title, conclusion, green in rows:
        style = "green" if green else "bold red"
        mark = Text("✓" if green else "✗", style=style)
        grid.add_row(mark, Text(name, style="bold"), Text(title), Text(conclusion, style=style))
    screen = console()
    screen.print()
    screen.print(grid)


def print_list(subjects: Mapping[str, Subject], last: Mapping[str, Mapping[str, Any]], language: str) -> None:
    """The labs: a table on a terminal, lines with tabs in a pipe."""
    if not on_terminal():
        for name, subject in subjects.items():
            cells = (name, subject.title, subject.shows)
            texts = [cell.to(language) if isinstance(cell, Words) else cell for cell in cells]
            say("\t".join([*texts, _last(last.get(name), language)]))
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 1, 0))
    for number, heading in enumerate(HEADINGS):
        table.add_column(heading.to(language), no_wrap=number in (0, 3), ratio={1: 1, 2: 3}.get(number))
    for name, subject in subjects.items():
        known = last.get(name)
        style = "dim" if known is None else "green" if known["green"] else "bold red"
        shows = Text(subject.shows.to(language))
        shows.append(f" {subject.rule.to(language)}", style="dim")
        result = Text(_last(known, language), style=style)
        table.add_row(Text(name, style="bold cyan"), Text(subject.title.to(language)), shows, result)
    console().print(table)


def _last(known: Mapping[str, Any] | None, language: str) -> str:
    if known is None:
        return NEVER.to(language)
    when = datetime.fromtimestamp(known["began_ms"] / 1000)
    mark = "✓" if known["green"] else "✗"
    return f"{mark} {when:%Y-%m-%d %H:%M}"
