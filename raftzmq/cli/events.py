"""``events``: what the nodes do, live or from the collector's record."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

import click

from raftzmq.cli.options import CONTEXT, EVENTS_DIRECTORY, config_option, json_option, load_cluster
from raftzmq.cli.output import colours_wanted, note, on_terminal, write

PATIENCE_S = 1.5
"""A connection on one machine takes milliseconds: after this the user is told what is waited for."""
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

Event = dict[str, Any]

if TYPE_CHECKING:
    FloatType = click.ParamType[float]
    NamesType = click.ParamType[tuple[str, ...]]
else:  # older releases of click know no type arguments
    FloatType = NamesType = click.ParamType


class Since(FloatType):
    """A time: ``30s``, ``5m``, ``2h``, ``1d`` ago, or ISO 8601."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds since 1970."""
        if isinstance(value, float):
            return value
        ago = re.fullmatch(r"(\d+)([smhd])", str(value))
        if ago:
            return time.time() - int(ago[1]) * _UNITS[ago[2]]
        try:
            return datetime.fromisoformat(str(value)).timestamp()
        except ValueError:
            self.fail(f"{value!r} is no time: give 30s, 5m, 2h, 1d, or 2026-01-31T12:00:00.", param, ctx)


class Names(NamesType):
    """Names with commas between them."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """The names."""
        return value if isinstance(value, tuple) else tuple(n.strip() for n in str(value).split(",") if n.strip())


class Types(Names):
    """Types of events with commas between them."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """The names, each of them in the catalogue."""
        from raftzmq.events.catalogue import EVENT_TYPES

        names = super().convert(value, param, ctx)
        unknown = [name for name in names if name not in EVENT_TYPES]
        if unknown:
            self.fail(f"no such type of event: {', '.join(unknown)}; there are {', '.join(EVENT_TYPES)}.", param, ctx)
        return names


def joined(_ctx: click.Context, _param: click.Parameter, values: tuple[tuple[str, ...], ...]) -> frozenset[str]:
    """An option that may be repeated, each time with several names, as one set."""
    return frozenset(name for names in values for name in names)


def _list_types(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if not value:
        return
    from raftzmq.events.catalogue import EVENT_TYPES

    for event in EVENT_TYPES.values():
        click.echo(f"{click.style(event.kind, bold=True)}: {event.when}. {click.style(event.source, dim=True)}")
        for name, field in event.fields.items():
            click.echo(f"    {name:<16} {field.unit:<13} {field.meaning}")
    ctx.exit()


@click.command(context_settings=CONTEXT)
@click.option("-f", "--follow", is_flag=True, help="Live, from the collector, until Ctrl-C.")
@click.option("--type", "types", type=Types(), multiple=True, callback=joined, metavar="TYPE,…", help="Only these.")
@click.option("--node", "nodes", type=Names(), multiple=True, callback=joined, metavar="NODE,…", help="Only of these.")
@click.option(
    "-n", "--lines", type=click.IntRange(min=1), default=50, metavar="N", help="Recorded: the last N (not --follow)."
)
@click.option("--since", type=Since(), metavar="TIME", help="Only later ones: 30s, 5m, 2h, 1d ago, or ISO 8601.")
@click.option(
    "--directory",
    type=click.Path(path_type=Path),
    default=EVENTS_DIRECTORY,
    envvar="RAFTZMQ_COLLECTOR_DIRECTORY",
    show_envvar=True,
    metavar="DIR",
    help="Where the collector records.",
)
@click.option(
    "--collector",
    envvar="RAFTZMQ_COLLECTOR",
    show_envvar=True,
    metavar="ENDPOINT",
    help="Where the collector publishes. Without it: the address in --config.",
)
@click.option(
    "--types",
    "list_types",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_types,
    allow_from_autoenv=False,
    help="Explain every type of event and its fields.",
)
@config_option
@json_option
def events(
    follow: bool,
    types: frozenset[str],
    nodes: frozenset[str],
    lines: int,
    since: float | None,
    directory: Path,
    collector: str | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Print what the nodes do: one line per event, the recorded ones or, with --follow, live.

    Each line has the time, the node, its term, the type of event and what happened; --json prints the events as
    they were published, one a line.

    \b
    Examples:
      raftzmq events --follow
      raftzmq events -f --type role,term,leader,vote       # watch an election
      raftzmq events --node n1 --since 5m --lines 1000
      raftzmq events --json --type gap                     # what got lost on the way
      raftzmq events --types                               # what there is
    """

    def chosen(event: Event) -> bool:
        return (not types or event["type"] in types) and (not nodes or event["node"] in nodes)

    show = _printer(as_json)
    if not follow:
        _print_recorded(directory, lines, chosen, since, show)
        return
    endpoint = collector or load_cluster(config).collector

    def fresh(event: Event) -> bool:
        return chosen(event) and (since is None or event["ts"] >= since)

    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is the way to end it
        _follow(endpoint, _prefixes(types, nodes), fresh, show)


def _printer(as_json: bool) -> Callable[[Iterable[tuple[bytes, Event]]], None]:
    """A function that prints (payload, event) pairs at once."""
    if as_json:
        return lambda found: write(b"".join(payload + b"\n" for payload, _ in found))
    from raftzmq.cli.event_lines import event_line

    terminal, colours = on_terminal(), colours_wanted()

    def show(found: Iterable[tuple[bytes, Event]]) -> None:
        width = get_terminal_size().columns if terminal else 0
        text = "".join(event_line(event, colours=colours, width=width) + "\n" for _, event in found)
        write(text.encode("utf-8", "backslashreplace"))

    return show


def _print_recorded(
    directory: Path,
    lines: int,
    chosen: Callable[[Event], bool],
    since: float | None,
    show: Callable[[Iterable[tuple[bytes, Event]]], None],
) -> None:
    from raftzmq.collector.recorded import last_events
    from raftzmq.collector.writer import recorded_files

    if not recorded_files(directory):
        note(
            f"no events are recorded in {directory}: the collector writes them there. Start it with bin/up or "
            "'raftzmq collector', or name its directory with --directory"
        )
        click.get_current_context().exit(1)
    show(last_events(directory, lines, chosen=chosen, since=since or 0.0))


def _prefixes(types: frozenset[str], nodes: frozenset[str]) -> list[bytes]:
    """The narrowest subscriptions that bring all that was asked for."""
    if not nodes:
        return [b"raftzmq."]
    return [f"raftzmq.{node}.{kind}".encode() for node in sorted(nodes) for kind in sorted(types or {""})]


def _follow(
    endpoint: str,
    prefixes: list[bytes],
    chosen: Callable[[Event], bool],
    show: Callable[[Iterable[tuple[bytes, Event]]], None],
) -> None:
    from raftzmq.collector.follow import follow
    from raftzmq.collector.recorded import read_event

    connected: bool | None = None
    told = False

    def on_connection(made: bool) -> None:
        nonlocal connected, told
        if connected and not made:
            note(f"the collector at {endpoint} is gone; waiting until it is back")
            told = True
        elif made and told:
            note(f"connected to the collector at {endpoint}")
        connected = made

    begun = time.monotonic()
    for messages in follow(endpoint, prefixes, on_connection):
        if not connected and not told and time.monotonic() - begun > PATIENCE_S:
            note(f"waiting for the collector at {endpoint}; bin/up starts one, or 'raftzmq collector'")
            told = True
        pairs = ((payload, read_event(payload)) for _, payload in messages)
        found = [(payload, event) for payload, event in pairs if event is not None and chosen(event)]
        if found:
            show(found)
