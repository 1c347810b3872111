"""``events``: what the nodes do, live or from the collector's record."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click

from raftzmq.cli.event_catalogue import catalogue_options
from raftzmq.cli.event_choice import LEVELS, Choice
from raftzmq.cli.event_options import Names, Since, Types, joined
from raftzmq.cli.event_printer import Show, event_printer
from raftzmq.cli.options import CONTEXT, config_option, find_collector, json_option, load_cluster, recorded_option
from raftzmq.cli.output import note, printable


@click.command(context_settings=CONTEXT)
@click.argument("recording", type=click.Path(path_type=Path), required=False)
@click.option("-f", "--follow", is_flag=True, help="Live, from the collector, until Ctrl-C.")
@click.option("--type", "types", type=Types(), multiple=True, callback=joined, metavar="TYPE,…", help="Only these.")
@click.option("--node", "nodes", type=Names(), multiple=True, callback=joined, metavar="NODE,…", help="Only of these.")
@click.option("--level", type=click.Choice(LEVELS), default=None, help="Only as talkative as this; see --catalogue.")
@click.option("--grep", "text", default="", show_default=False, metavar="TEXT", help="Only with TEXT in them.")
@click.option("--columns", is_flag=True, help="A column for each node, and a rule where a term begins.")
@click.option(
    "-n", "--lines", type=click.IntRange(min=1), default=50, metavar="N", help="Recorded: the last N (not --follow)."
)
@click.option("--since", type=Since(), metavar="TIME", help="Only later ones: 30s, 5m, 2h, 1d ago, or ISO 8601.")
@click.option(
    "--speed",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="X",
    help="Recorded: 1 as they came, 10 ten times as fast, 0 at once.",
)
@recorded_option
@click.option(
    "--collector",
    envvar="RAFTZMQ_COLLECTOR",
    show_envvar=True,
    metavar="ENDPOINT",
    help="Where the collector publishes. Without it: the address in --config.",
)
@config_option
@json_option
@catalogue_options
def events(
    recording: Path | None,
    follow: bool,
    types: frozenset[str],
    nodes: frozenset[str],
    level: str | None,
    text: str,
    columns: bool,
    lines: int,
    since: float | None,
    speed: float,
    directory: Path,
    collector: str | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Print what the nodes do: one line per event, the recorded ones or, with --follow, live.

    Each line has the time, the node, its term, the type of event and what happened; --json prints the events as
    they were published, one a line. What only says that time passes (clock, standing, metrics, checkpoint) is left
    out of lines unless its type, or a level, is asked for. Nodes tell of single messages (sent, received, heartbeats)
    only while somebody asks for these types. RECORDING is a file of the collector's, or a directory of them; without
    it: --directory. 'raftzmq replay' plays all of one, or a part.

    \b
    Examples:
      raftzmq events --follow
      raftzmq events -f --type role,term,leader,vote       # watch an election
      raftzmq events -f --columns --level rare             # the same, a column for each node
      raftzmq events -f --type sent,received --node n1     # every message of n1
      raftzmq events -f --since 5m                         # from the record into the live stream
      raftzmq events --node n1 --since 5m --lines 1000
      raftzmq events monday.events.jsonl.zst -n 20         # a file that was kept
      raftzmq events --since 10m -n 500 --speed 2          # as they came, twice as fast
      raftzmq events --json --type gap                     # what got lost on the way
      raftzmq events --catalogue                           # what there is
      raftzmq events --catalogue --type trace              # one of them
      raftzmq events --schema > event.schema.json          # the same for programs
    """
    choice = Choice(types, nodes, level or "", text, pulse=as_json)
    if not follow:
        show = event_printer(as_json=as_json, columns=columns, nodes=sorted(nodes))
        _print_recorded(recording or directory, lines, choice, since, speed, show)
        return
    from raftzmq.cli.event_follow import follow_events

    known = _known_nodes(collector, config)
    show = event_printer(as_json=as_json, columns=columns, nodes=sorted(nodes) or known)
    endpoint = find_collector(collector, config)
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is the way to end it
        follow_events(endpoint, choice, show, names=known, since=since, record=recording or directory)


def _known_nodes(collector: str | None, config: Path | None) -> list[str]:
    """The cluster's nodes, if it is told which cluster; a bare address of a collector doesn't."""
    if collector is not None and config is None:
        return []
    return [address.node for address in load_cluster(config).nodes]


def _print_recorded(path: Path, lines: int, choice: Choice, since: float | None, speed: float, show: Show) -> None:
    from raftzmq.cli.playback import play
    from raftzmq.collector.recording import Recording

    recording = Recording(path)
    with contextlib.suppress(KeyboardInterrupt):
        play(recording.last(lines, chosen=choice, since=since or 0.0), speed, show)
    if not recording.event_count:
        note(f"note: {printable(str(path))} holds no event that can be read")
    for text in recording.notes:
        note(f"note: {printable(text)}")
