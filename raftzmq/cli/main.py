"""``raftzmq``: every command by name, loaded when it is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from raftzmq.cli.ending import ended_in_words
from raftzmq.cli.help_format import HelpContext, HelpFormatter
from raftzmq.cli.loading import load_command
from raftzmq.cli.options import CONTEXT
from raftzmq.standard_streams import open_closed

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Examples = Sequence[tuple[str, Sequence[tuple[str, str]]]]
"""Titles, and below each command lines with what they do."""


class Lazy(NamedTuple):
    """Where a command is, in which section of the help it stands, and its one line there."""

    target: str
    section: str
    help: str


COMMANDS: dict[str, Lazy] = {
    "put": Lazy("raftzmq.cli.kv:put", "Keys and values", "Set a key."),
    "get": Lazy("raftzmq.cli.kv:get", "Keys and values", "Print a key's value."),
    "del": Lazy("raftzmq.cli.kv:delete", "Keys and values", "Remove a key."),
    "range": Lazy("raftzmq.cli.ranges:range_", "Keys and values", "List keys by prefix or interval."),
    "cas": Lazy("raftzmq.cli.kv:cas", "Keys and values", "Set a key only if it is as expected."),
    "shell": Lazy("raftzmq.cli.shell:shell", "Keys and values", "Many commands on one connection, or from a file."),
    "status": Lazy("raftzmq.cli.status:status", "Looking at the cluster", "One row per node: role, term, progress."),
    "health": Lazy("raftzmq.cli.status:health", "Looking at the cluster", "Can the cluster serve? Does a real read."),
    "events": Lazy("raftzmq.cli.events:events", "Looking at the cluster", "Elections, votes, commits as they happen."),
    "top": Lazy("raftzmq.cli.top:top", "Looking at the cluster", "All of it in one live table: what is wrong?"),
    "explain": Lazy("raftzmq.cli.explain:explain", "Looking at the cluster", "Where the time of a request went."),
    "page": Lazy("raftzmq.cli.page:page", "Looking at the cluster", "The address of the live page in a browser."),
    "replay": Lazy("raftzmq.cli.replay:replay", "Looking at the cluster", "What was recorded, once more."),
    "doctor": Lazy("raftzmq.cli.doctor:doctor", "Looking at the cluster", "Ports, disk, limits, clock: what is wrong?"),
    "node": Lazy("raftzmq.cli.node:node", "Running a cluster", "Run one node."),
    "collector": Lazy(
        "raftzmq.cli.collector:collector", "Running a cluster", "Gather all nodes' events in one stream."
    ),
    "generate": Lazy("raftzmq.cli.generate:generate", "Running a cluster", "The files that start one."),
    "snapshot": Lazy("raftzmq.cli.snapshot:snapshot", "Running a cluster", "All keys in one file, and back."),
    "chaos": Lazy(
        "raftzmq.cli.chaos:chaos", "Breaking it on purpose", "Kill, pause, cut, delay, elect: lab mode only."
    ),
    "lab": Lazy("raftzmq.cli.lab:lab", "Breaking it on purpose", "Lessons on real clusters, told and judged."),
    "simulate": Lazy("raftzmq.cli.simulate:simulate", "Testing it", "Run whole clusters in virtual time, by seed."),
    "audit": Lazy("raftzmq.cli.audit:audit", "Testing it", "Do recorded events keep Raft's invariants?"),
    "verify": Lazy("raftzmq.cli.verify:verify", "Testing it", "Are recorded histories linearizable?"),
    "bench": Lazy("raftzmq.cli.bench:bench", "Testing it", "Measure it on this machine."),
    "completion": Lazy("raftzmq.cli.completion:completion", "This program", "Let bash, zsh or fish complete it."),
}
"""Every command. Its module is imported when it is called, so that ``raftzmq put`` doesn't load a storage engine."""

HELP = """A replicated, strongly consistent key-value store, and a laboratory for the Raft under it."""

EXAMPLES = (
    (
        "Write and read (any node will do; reads are linearizable)",
        (
            ("raftzmq put colour blue", ""),
            ("raftzmq get colour", ""),
            ("raftzmq put app/config - < config.json", "the value from standard input"),
            ("raftzmq range app/", "the keys that begin with app/"),
            ("raftzmq cas colour blue green", "only if it is blue, else exit 4"),
            ("raftzmq cas lock me --absent", "only if it doesn't exist"),
            ("raftzmq shell", "history, completion, hints"),
        ),
    ),
    (
        "Look at the cluster",
        (
            ("raftzmq status", "who leads, how far each node is"),
            ("raftzmq health && deploy", "exit 5 unless a majority works"),
            ("raftzmq doctor", "what is wrong here, and what to do"),
            ("raftzmq explain put colour blue", "where its time goes"),
            ("raftzmq events --follow", "every step of every node, live"),
            ("raftzmq events --type role,vote", "the last elections, recorded"),
            ("raftzmq replay --state --to 14:03:20", "where everybody stood at that time"),
        ),
    ),
    (
        "Run a cluster (bin/up does all of this for you)",
        (
            ("raftzmq node --node n1 --nodes 3 --data .raftzmq/n1", ""),
            ("raftzmq collector --nodes 3", ""),
            ("raftzmq generate supervisord --nodes 7", "its files, on the screen"),
            ("raftzmq snapshot save monday.snapshot", "every key, while it goes on"),
        ),
    ),
    (
        "Learn from it",
        (
            ("raftzmq lab list", "lessons on real clusters"),
            ("raftzmq lab run leader-dies", "told, and judged by its events"),
        ),
    ),
    (
        "Test it",
        (
            ("raftzmq simulate --seeds 50", "lost messages, crashes, partitions"),
            ("raftzmq verify history.jsonl", "what Client(record=…) wrote"),
            ("raftzmq bench throughput --nodes 3", "puts per second"),
        ),
    ),
    (
        "In scripts",
        (
            ("raftzmq get colour --json | jq -r .value", ""),
            ("raftzmq shell < setup.raftzmq", "a command a line"),
            ("export RAFTZMQ_ENDPOINTS=10.0.0.1:7201,10.0.0.2:7201", ""),
        ),
    ),
)

EXIT_CODES = (
    ("0", "ok"),
    ("1", "error"),
    ("2", "usage"),
    ("3", "key not found"),
    ("4", "precondition failed"),
    ("5", "cluster unhealthy"),
    ("7", "definitely not applied (a read: no answer)"),
    ("8", "may have been applied: read to find out"),
    ("10 … 13", "of a node: see raftzmq node --help"),
    ("130", "interrupted (Ctrl-C)"),
    ("141", "the reader of its output has left"),
)


class Main(click.Group):
    """The group of all commands. Whatever a command raises ends as one sentence and an exit code."""

    table: Mapping[str, Lazy] = COMMANDS
    examples: Examples = EXAMPLES
    lists = "raftzmq --help"
    """What a user can call to see all commands."""
    context_class = HelpContext

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the help."""
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load the command, or None if there is none of that name."""
        lazy = self.table.get(cmd_name)
        if lazy is None:
            return None
        return load_command(lazy.target)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The names that begin so, without loading any command; or this group's own options."""
        from click.shell_completion import CompletionItem

        if incomplete.startswith("-"):
            return click.Command.shell_complete(self, ctx, incomplete)
        return [CompletionItem(name, help=it.help) for name, it in self.table.items() if name.startswith(incomplete)]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which name may have been meant."""
        known = not args or args[0] in self.table or args[0].startswith("-")
        if not known and not ctx.resilient_parsing:
            near = get_close_matches(args[0], self.table, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else f" '{self.lists}' lists them: {', '.join(self.table)}."
            ctx.fail(f"No such command '{args[0]}'.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands by purpose, without loading any; then examples and exit codes."""
        assert isinstance(formatter, HelpFormatter)
        for section in dict.fromkeys(lazy.section for lazy in self.table.values()):
            with formatter.section(section):
                formatter.write_dl([(name, lazy.help) for name, lazy in self.table.items() if lazy.section == section])
        formatter.write_paragraph()
        formatter.write_heading("Examples")
        for title, lines in self.examples:
            formatter.write_paragraph()
            formatter.write(f"  {title}:\n")
            for command, meaning in lines:
                formatter.write_example(command, meaning)
        with formatter.section("Exit codes"):
            formatter.write_dl(EXIT_CODES)
        formatter.write_paragraph()
        formatter.write_text(
            "Every option has an environment variable: RAFTZMQ_ENDPOINTS, RAFTZMQ_CONFIG, RAFTZMQ_TIMEOUT and "
            "RAFTZMQ_JSON for all commands, RAFTZMQ_<COMMAND>_<OPTION> for others, such as RAFTZMQ_RANGE_LIMIT."
        )

    def main(self, *args: Any, **options: Any) -> Any:
        """Run a command line, whatever its outputs lead to."""
        open_closed()
        return super().main(*args, **options)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Read the command line. What it asks for at once, help or the version, may fail as a command does."""
        with ended_in_words():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; errors, Ctrl-C and an output that takes nothing more end it without a traceback."""
        with ended_in_words(ctx):
            return super().invoke(ctx)


def _print_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from raftzmq.cli.release import release

        click.echo(f"raftzmq {release() or 'from a source tree that is not installed'}")
        ctx.exit()


@click.group(
    cls=Main,
    context_settings={**CONTEXT, "auto_envvar_prefix": "RAFTZMQ"},
    help=HELP,
    subcommand_metavar="COMMAND …",
    options_metavar="",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    allow_from_autoenv=False,
    help="The version.",
)
def main() -> None:
    """Make the group; its help stands in HELP."""


def run(arguments: Sequence[str] | None = None) -> None:
    """Run a command line, by default the process's own, and exit."""
    main(args=None if arguments is None else list(arguments), prog_name="raftzmq")
