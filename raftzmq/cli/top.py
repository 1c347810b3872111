"""``top``: the cluster as it is now, again and again."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from shutil import get_terminal_size
from types import FrameType
from typing import TYPE_CHECKING, NamedTuple

import click

from raftzmq.cli.options import (
    CONTEXT,
    TIMEOUT_S,
    config_option,
    find_collector,
    find_endpoints,
    json_option,
    load_cluster,
)
from raftzmq.cli.output import EXIT_UNHEALTHY, console, on_terminal, say, say_json
from raftzmq.cli.top_table import SORTS, following_sort

if TYPE_CHECKING:
    from raftzmq.cli.top_figures import Figures
    from raftzmq.cli.top_frame import Frame
    from raftzmq.cli.top_source import Source
    from raftzmq.client.sync import Client

REFRESH_S = 0.25
"""Four frames a second are smooth enough for numbers."""
JSON_S = 1.0
PATIENCE_S = 5.0
"""A single frame waits until every node has told all, a whole second is measured and no election has just begun, but
no longer than this."""
GATHER_S = 0.01
"""Events are taken in together: waking up for each of them would cost the machine more than it shows."""
PIPE_COLUMNS = 140
"""How wide a frame is where nobody says how wide the paper is; the variable COLUMNS says it."""
SERVELESS = frozenset({"no_leader", "no_majority", "deaf"})
"""Trouble in which the cluster cannot serve."""


class Wish(NamedTuple):
    """How the user wants to see it. ``end`` is on the monotonic clock."""

    once: bool
    as_json: bool
    interval: float
    end: float
    sort: str


@click.command(context_settings=CONTEXT)
@click.option("--once", is_flag=True, help="One frame, and the end; so it is in a pipe, too.")
@click.option(
    "--interval",
    type=click.FloatRange(min=0.05),
    default=None,
    metavar="SECONDS",
    help="Between frames: 0.25 on a terminal, 1 with --json.",
)
@click.option("--for", "length", type=click.FloatRange(min=0), default=None, metavar="SECONDS", help="End after this.")
@click.option(
    "--sort", type=click.Choice(tuple(SORTS)), default="name", help="How rows are sorted; the key s changes it."
)
@click.option(
    "--collector",
    envvar="RAFTZMQ_COLLECTOR",
    show_envvar=True,
    metavar="ENDPOINT",
    help="Where the collector publishes. Without it: the address in --config.",
)
@click.option(
    "--endpoints",
    envvar="RAFTZMQ_ENDPOINTS",
    show_envvar=True,
    metavar="HOST:PORT,…",
    help="Client addresses of nodes, asked if there is no collector. Without it: those of --config.",
)
@config_option
@json_option
def top(
    once: bool,
    interval: float | None,
    length: float | None,
    sort: str,
    collector: str | None,
    endpoints: str | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Watch the cluster: roles, progress, rates and what is wrong, four times a second.

    The figures come from the collector's stream of events; without a collector every node is asked for its status
    once a second, which says less, and the frame says so. Keys: q quits, p pauses, s sorts, ? explains. With --json
    there is one object a second, a line each. Exit code 5 of a single frame: the cluster cannot serve.

    \b
    Examples:
      raftzmq top
      raftzmq top --once                                   # as text, for a report
      raftzmq top --json --for 10 | jq .puts_per_s
      raftzmq top --sort lag --interval 2
    """
    live = on_terminal() and os.environ.get("TERM") != "dumb"
    wish = Wish(
        once=once or not (live or as_json),
        as_json=as_json,
        interval=interval or (JSON_S if as_json else REFRESH_S),
        end=time.monotonic() + length if length is not None else float("inf"),
        sort=sort,
    )
    from raftzmq.cli.top_figures import Figures

    known = [] if collector is not None and config is None else list(load_cluster(config).nodes)
    figures = Figures(address.node for address in known)
    source = _source(find_collector(collector, config), figures, endpoints, config)
    try:
        if wish.once:
            _show_once(source, figures, wish)
        elif wish.as_json:
            _stream(source, figures, wish)
        else:
            _watch(source, figures, wish)
    except KeyboardInterrupt:
        return  # Ctrl-C is a way to end it
    finally:
        source.close()


def _source(endpoint: str, figures: Figures, endpoints: str | None, config: Path | None) -> Source:
    from raftzmq.cli.top_source import Source

    addresses = find_endpoints(endpoints, config)
    names = {} if endpoints is not None else {address.client: address.node for address in load_cluster(config).nodes}

    def connect() -> Client:
        from raftzmq.client.sync import Client

        return Client(addresses, timeout=TIMEOUT_S)

    return Source(endpoint, figures, names, connect)


def _frame(figures: Figures) -> Frame:
    return figures.frame(time.monotonic(), time.time())


def _take_until(source: Source, end: float, enough: Callable[[], bool] = lambda: False) -> None:
    """Take in what comes until ``end``, or until there is enough of it."""
    while time.monotonic() < end and not enough():
        if source.step():
            time.sleep(GATHER_S)


def _show_once(source: Source, figures: Figures, wish: Wish) -> None:
    begun = time.monotonic()

    def enough() -> bool:
        now = time.monotonic()
        return figures.settled and figures.measured(now) and not figures.undecided(now)

    _take_until(source, min(wish.end, begun + PATIENCE_S), enough)
    frame = _frame(figures)
    if wish.as_json:
        say_json(frame.to_json())
    else:
        from raftzmq.cli.top_view import frame_lines

        terminal = on_terminal()
        width = console().width if terminal else get_terminal_size((PIPE_COLUMNS, 0)).columns
        lines = frame_lines(frame, width, source=source.words, sort=wish.sort)
        if terminal:
            screen = console()
            for line in lines:
                screen.print(line, soft_wrap=True)
        else:
            say("\n".join(line.plain.rstrip() for line in lines))
    if any(trouble.what in SERVELESS for trouble in frame.trouble) or frame.leader is None:
        click.get_current_context().exit(EXIT_UNHEALTHY)


def _stream(source: Source, figures: Figures, wish: Wish) -> None:
    # One frame at least, at the end of a time that is shorter than an interval.
    following = min(time.monotonic() + wish.interval, wish.end)
    while following <= wish.end:
        _take_until(source, following)
        say_json(_frame(figures).to_json())
        following = max(following + wish.interval, time.monotonic())


def _watch(source: Source, figures: Figures, wish: Wish) -> None:
    """Draw frames on the terminal until a key, a signal or the end."""
    from rich.control import Control
    from rich.text import Text

    from raftzmq.cli.top_keys import Keys
    from raftzmq.cli.top_view import frame_lines

    signal.signal(signal.SIGTERM, _leave)  # so that the terminal is left as it was found
    screen = console()
    sort, paused, explains = wish.sort, False, False
    frame = _frame(figures)
    following = 0.0
    with Keys() as keys, screen.screen(hide_cursor=True) as drawn:
        while time.monotonic() < wish.end:
            source.step()
            pressed = keys.read(GATHER_S)
            for key in pressed.lower():
                if key == "q":
                    return
                if key == "p":
                    paused = not paused
                elif key == "s":
                    sort = following_sort(sort)
                elif key in "?h":
                    explains = not explains
            if not pressed and time.monotonic() < following:
                continue
            following = time.monotonic() + wish.interval
            if not paused:
                frame = _frame(figures)
            width, height = screen.size
            lines = frame_lines(
                frame,
                width,
                source=source.words,
                height=height,
                sort=sort,
                state="PAUSED" if paused else "",
                help_=explains,
            )
            screen.control(Control.home())  # it would go on below what it has drawn
            drawn.update(Text("\n").join(lines))


def _leave(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)
