"""How labs look: told step by step, judged in a table; colours and a clock on a terminal, plain lines in a pipe."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from raftzmq.cli.output import console, on_terminal, printable, say
from raftzmq.cli.standard_input import input_on_terminal
from raftzmq.labs.words import Words

if TYPE_CHECKING:
    from rich.text import Text

    from raftzmq.labs.lab import Lab
    from raftzmq.labs.narration import Told
    from raftzmq.labs.run import Run
    from raftzmq.labs.syllabus import Subject
    from raftzmq.labs.verdict import Check, Verdict

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
HEADINGS = (Words("LAB", "ラボ"), Words("WHAT IT SHOWS", "見どころ"), Words("LAST RUN", "前回"))
NEVER = Words("never run", "未実行")
STARTING = Words("the nodes start …", "ノードを起動中 …")
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
        with _on_terminal(lab, language, waits=waits and input_on_terminal()) as tell:
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
        task = clock.add_task(STARTING.to(language), total=None)

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
    """What kept the script from its end, if anything did; the checks; and how to look at the recording."""
    screen = console() if on_terminal() else None
    if run.note:
        early = ENDED_EARLY.fill(note=printable(run.note)).to(language)
        say(early) if screen is None else screen.print(_indented(_text(early, "yellow")))
    print_checks(
        run.lab, run.verdict, language, f"{JUDGED.fill(events=run.events, seconds=f'{run.seconds:g}').to(language)}"
    )
    hints = [(PICTURE.to(language), str(run.directory / picture)) for picture in run.pictures]
    hints.append((LOOK.to(language), f"raftzmq replay --page {shlex.quote(str(run.directory))}"))
    for label, hint in hints:
        if screen is None:
            say(f"{label} {printable(hint)}")
        else:
            # Never wrapped: it is there to be copied.
            screen.print(_text(f"    {label} ", "dim").append(hint, style="cyan"), soft_wrap=True)


def print_checks(name: str, verdict: Verdict, language: str, judged: str = "") -> None:
    """The checks, each with whether it holds and where to see it; what there is to look at; then the verdict."""
    if on_terminal():
        _checks_on_terminal(verdict, language, judged)
        return
    width = max(_width(HELD.to(language)), _width(NOT_HELD.to(language)))
    for check in verdict.checks:
        state = (HELD if check.held else NOT_HELD).to(language)
        pad = " " * (width - _width(state))
        say(f"{state}{pad}  {printable(check.sentence.to(language))}{_aside(check, language)}")
    for exhibit in verdict.exhibits:
        say("\n".join([exhibit.title.to(language), *exhibit.lines]))
    say(f"{name}: {_conclusion(verdict, language)}" + (f" ({judged})" if judged else ""))


def _aside(check: Check, language: str) -> str:
    parts = [] if check.seen is None else [printable(check.seen.to(language))]
    if check.evidence:
        parts.append(_positions(check, language))
    return f" ({'; '.join(parts)})" if parts else ""


def _positions(check: Check, language: str) -> str:
    shown = ", ".join(map(str, check.evidence[:POSITIONS_SHOWN]))
    more = " …" if len(check.evidence) > POSITIONS_SHOWN else ""
    return EVENTS.fill(positions=shown + more).to(language)


def _conclusion(verdict: Verdict, language: str) -> str:
    broken = sum(1 for check in verdict.checks if not check.held)
    return (GREEN if verdict.green else RED).fill(checks=len(verdict.checks), broken=broken).to(language)


def _checks_on_terminal(verdict: Verdict, language: str, judged: str) -> None:
    from rich.table import Table

    screen = console()
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=3, justify="right")
    grid.add_column()
    for check in verdict.checks:
        mark = _text("✓", "bold green") if check.held else _text("✗", "bold red")
        sentence = _text(check.sentence.to(language), "" if check.held else "bold red")
        grid.add_row(mark, sentence.append(_aside(check, language), style="not bold dim"))
    screen.print()
    screen.print(grid)
    for exhibit in verdict.exhibits:
        screen.print()
        screen.print(_indented(_text(exhibit.title.to(language), "bold")))
        for line in exhibit.lines:
            screen.print(_indented(_text(line)), no_wrap=True, overflow="ignore", crop=False)
    screen.print()
    conclusion = _text(_conclusion(verdict, language), "bold green" if verdict.green else "bold red")
    screen.print(_indented(conclusion.append(f"  {judged}", style="not bold dim")))


def _text(text: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(text, style=style)


def print_summary(runs: Sequence[Run], language: str) -> None:
    """After several labs: a line for each."""
    rows = [
        (run.lab, run.subject.title.to(language), _conclusion(run.verdict, language), run.verdict.green) for run in runs
    ]
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

    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 1, 0), expand=True)
    table.add_column(HEADINGS[0].to(language), no_wrap=True)
    table.add_column(HEADINGS[1].to(language), ratio=1)
    table.add_column(HEADINGS[2].to(language), no_wrap=True)
    for name, subject in subjects.items():
        known = last.get(name)
        style = "dim" if known is None else "green" if known["green"] else "bold red"
        about = _text(subject.title.to(language), "bold").append(f"\n{subject.shows.to(language)}", style="not bold")
        about.append(f"\n{subject.rule.to(language)}", style="not bold dim")
        table.add_row(_text(name, "bold cyan"), about, _text(_last(known, language), style))
    console().print(table)


def _last(known: Mapping[str, Any] | None, language: str) -> str:
    if known is None:
        return NEVER.to(language)
    when = datetime.fromtimestamp(known["began_ms"] / 1000)
    mark = "✓" if known["green"] else "✗"
    return f"{mark} {when:%Y-%m-%d %H:%M}"
