"""``raftzmq chaos``: break a cluster in lab mode, and heal it again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from raftzmq.cli.chaos_cluster import look
from raftzmq.cli.duration import Duration
from raftzmq.cli.loading import load_command
from raftzmq.cli.options import CONTEXT, F, client_options
from raftzmq.cli.output import note, printable, say, say_json
from raftzmq.collector.faults.cluster import Cluster, Mistake

SCHEMA = 1
"""The version of what ``--json`` says."""
DAY_US = 86_400_000_000
PROCESSES = {
    "kill": "Kill nodes (SIGKILL); a supervisor starts them again.",
    "pause": "Stop nodes in their tracks (SIGSTOP).",
    "resume": "Let paused nodes go on (SIGCONT).",
    "restart": "Stop nodes in order and start them again.",
}


class Chaos(click.Group):
    """The commands here, and those for processes, which are loaded when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of their use."""
        return [*PROCESSES, "partition", "link", "heal", "elect", "show"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, or None if there is none of that name."""
        if cmd_name not in PROCESSES:
            return super().get_command(ctx, cmd_name)
        return load_command(f"raftzmq.cli.chaos_processes:{cmd_name}")


@click.group(cls=Chaos, context_settings=CONTEXT)
def chaos() -> None:
    """Break a cluster on purpose, to see what Raft makes of it: kill and pause nodes, cut and spoil links, force
    elections. Whatever is done appears in the event stream, with what follows from it.

    Only nodes in lab mode obey (bin/up --lab, raftzmq node --lab); all others refuse. A node may be named 'leader'.
    Links go one way: what n1 sends to n3 may be lost while n1 hears n3 well. On the page (raftzmq page) all of it is
    done by hand.

    \b
    Examples:
      raftzmq chaos kill leader
      raftzmq chaos partition n1,n2 / n3,n4,n5 --for 10s
      raftzmq chaos link n1 n3 --drop 0.3 --delay-ms 50 --jitter-ms 10
      raftzmq chaos show
      raftzmq chaos heal
      raftzmq events --follow --type fault,role,leader
    """


def for_option(command: F) -> F:
    """``--for``: when it ends by itself."""
    return click.option(
        "--for",
        "for_us",
        type=Duration(DAY_US),
        default=None,
        metavar="TIME",
        help="End by itself after this time, such as 10s, 500ms or 2m. Without it: until chaos heal.",
    )(command)


@contextmanager
def _usage() -> Iterator[None]:
    """What makes no sense is a mistake of usage."""
    try:
        yield
    except Mistake as mistake:
        raise click.UsageError(str(mistake)) from None


def _until(for_us: int | None) -> str:
    return f" for {for_us / 1e6:g} s" if for_us else " until raftzmq chaos heal"


def _done(as_json: bool, what: str, rows: dict[str, Any], sentence: str, **more: Any) -> None:
    if as_json:
        say_json({"schema": SCHEMA, "action": what, **more, "nodes": list(rows.values())})
    else:
        say(printable(sentence))


def _tell_absent(cluster: Cluster, names: list[str]) -> None:
    for name in names:
        if not cluster.rows[name]["reachable"]:
            note(f"note: {printable(name)} does not answer, so nothing was changed there")


@chaos.command(context_settings=CONTEXT, short_help="Cut all links between groups of nodes, both ways.")
@click.argument("groups", nargs=-1, required=True, metavar="GROUP / GROUP …")
@for_option
@client_options
def partition(
    groups: tuple[str, ...],
    for_us: int | None,
    endpoints: str | None,
    config: Path | None,
    timeout: float,
    as_json: bool,
) -> None:
    """Cut all links between groups, in both directions; nodes of one group still reach each other.

    Groups are separated by / and their nodes by commas. A node that is in no group keeps all its links. Where links
    have faults already, the cut replaces them.

    \b
    Examples:
      raftzmq chaos partition n1,n2 / n3,n4,n5 --for 10s     # the minority cannot commit
      raftzmq chaos partition leader / n2,n3                 # only these two no longer hear the leader
      raftzmq chaos partition n1 / n2 / n3                   # nobody hears anybody
    """
    from raftzmq.collector.faults import links

    parts = [[name.strip() for name in part.split(",") if name.strip()] for part in " ".join(groups).split("/")]
    with _usage():
        links.check_groups(parts)
        cluster = look(endpoints, config, timeout)
        sides, answers = links.part(cluster, parts, for_us or 0)
    _tell_absent(cluster, [name for side in sides for name in side])
    shown = " / ".join(",".join(side) for side in sides)
    _done(as_json, "partition", answers, f"partitioned: {shown}{_until(for_us)}", groups=sides)


PROBABILITY = click.FloatRange(0, 1)
MILLISECONDS = click.FloatRange(0, 60_000)


@chaos.command(context_settings=CONTEXT, short_help="Spoil the messages from one node to another.")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--drop", type=PROBABILITY, default=0.0, metavar="P", help="Lose each message, P from 0 to 1.")
@click.option("--delay-ms", type=MILLISECONDS, default=0.0, metavar="MS", help="Deliver each later by this.")
@click.option("--jitter-ms", type=MILLISECONDS, default=0.0, metavar="MS", help="… by up to this more or less.")
@click.option("--duplicate", type=PROBABILITY, default=0.0, metavar="P", help="Deliver each twice, P from 0 to 1.")
@click.option("--cut", is_flag=True, help="Deliver nothing.")
@click.option("--sound", is_flag=True, help="Nothing is wrong with it any more.")
@click.option("--both", is_flag=True, help="The same from TO to FROM.")
@for_option
@client_options
def link(
    source: str,
    target: str,
    drop: float,
    delay_ms: float,
    jitter_ms: float,
    duplicate: float,
    cut: bool,
    sound: bool,
    both: bool,
    for_us: int | None,
    endpoints: str | None,
    config: Path | None,
    timeout: float,
    as_json: bool,
) -> None:
    """Spoil the messages that FROM sends to TO; what TO sends to FROM stays as it is. Faults that the link has had
    are replaced.

    \b
    Examples:
      raftzmq chaos link n1 n3 --drop 0.3 --delay-ms 50 --jitter-ms 10 --duplicate 0.1
      raftzmq chaos link leader n2 --cut --for 1m        # n2 hears no heartbeat; the leader hears n2
      raftzmq chaos link n1 n2 --delay-ms 200 --both
      raftzmq chaos link n1 n2 --sound                   # what n2 sends to n1 is still late
    """
    from raftzmq.collector.faults import links

    spoiled = links.Spoiled(drop, round(delay_ms * 1000), round(jitter_ms * 1000), duplicate, cut)
    with _usage():
        if sound and spoiled != links.Spoiled():
            raise click.UsageError("--sound ends what is wrong with the link: give nothing else with it.")
        if not sound:
            spoiled.check()
        cluster = look(endpoints, config, timeout)
        done = (
            links.mend(cluster, source, target, both=both)
            if sound
            else links.spoil(cluster, source, target, spoiled, both=both, for_us=for_us or 0)
        )
    (source,), (target,) = done.groups
    now = "as it should be" if sound else f"spoiled{_until(for_us)}"
    _done(as_json, "link", done.answers, f"{source} {'↔' if both else '→'} {target} is {now}")


@chaos.command(context_settings=CONTEXT, short_help="End the faults of links.")
@click.argument("nodes", nargs=-1, metavar="[NODE]…")
@client_options
def heal(nodes: tuple[str, ...], endpoints: str | None, config: Path | None, timeout: float, as_json: bool) -> None:
    """End all faults of links, or those from and to certain nodes. It wakes no paused node: chaos resume does.

    \b
    Examples:
      raftzmq chaos heal
      raftzmq chaos heal n3
    """
    from raftzmq.collector.faults import links

    cluster = look(endpoints, config, timeout)
    (chosen,), answers = links.heal(cluster, nodes)
    _tell_absent(cluster, chosen or list(cluster.rows))
    whose = f"the links of {', '.join(chosen)} are" if chosen else "all links are"
    _done(as_json, "heal", answers, f"healed: {whose} as they should be")


@chaos.command(context_settings=CONTEXT, short_help="Have a node start an election now.")
@click.argument("node")
@client_options
def elect(node: str, endpoints: str | None, config: Path | None, timeout: float, as_json: bool) -> None:
    """Have a node campaign now, without waiting for its election timer and without asking first whether it would win.

    Voters don't refuse it because they hear a leader (thesis 3.10), so it usually wins and the old leader follows; but
    they refuse it if its log is behind theirs. Nothing that was committed is lost.

    \b
    Examples:
      raftzmq chaos elect n2
      raftzmq chaos elect n2 && raftzmq status
    """
    from raftzmq.collector.faults import links

    ((name,),), answers = links.elect(look(endpoints, config, timeout), node)
    _done(as_json, "elect", answers, f"{name} campaigns in term {answers[name]['term']}; raftzmq status tells who won")


@chaos.command(context_settings=CONTEXT, short_help="The faults in force, link by link.")
@client_options
def show(endpoints: str | None, config: Path | None, timeout: float, as_json: bool) -> None:
    """A row for each node that sends, a column for each that is sent to: what is wrong between them, and for how long.

    \b
    Examples:
      raftzmq chaos show
      raftzmq chaos show --json | jq '.nodes[] | select(.links != {})'
    """
    from raftzmq.cli.chaos_matrix import print_matrix
    from raftzmq.collector.faults import links

    cluster = look(endpoints, config, timeout)
    answers = links.show(cluster).answers
    if as_json:
        say_json({"schema": SCHEMA, "nodes": list(answers.values())})
    else:
        print_matrix(cluster.rows, answers)
