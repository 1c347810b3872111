"""``raftzmq bench``: measurements on a cluster that is started for them."""

from __future__ import annotations

import click

from raftzmq.cli.loading import load_command

_COMMANDS = {
    "report": ("raftzmq.benchmarks.report:report", "Run the suite, and write a page with charts about it."),
    "throughput": ("raftzmq.benchmarks.throughput:throughput", "Puts per second, and their latency."),
    "latency": ("raftzmq.benchmarks.latency:latency", "How long calls take at rising load, in open loops too."),
    "peers": ("raftzmq.benchmarks.peers:peers", "Other replicated stores beside this one, in one run."),
    "bars": ("raftzmq.benchmarks.bars_program:bars", "Is it as fast as it means to be? Which bars are held."),
    "failover": ("raftzmq.benchmarks.failover:failover", "Time without writes after the leader was killed."),
    "concurrency": ("raftzmq.benchmarks.concurrency:concurrency", "The runtimes, on a normal and on a slow disk."),
    "blocking": ("raftzmq.benchmarks.blocking:blocking", "What one blocking call in a coroutine does, and its cure."),
    "events": ("raftzmq.benchmarks.events:events", "What the event stream costs, and what a collector takes."),
    "recordings": ("raftzmq.benchmarks.recordings:recordings", "How soon a long recording can be used."),
    "page": ("raftzmq.benchmarks.page:page", "Does the page keep up, and how soon is a long recording open in it?"),
    "amdahl": ("raftzmq.benchmarks.amdahl:amdahl", "What more workers gain, and the laws behind it."),
    "linearizability": (
        "raftzmq.benchmarks.linearizability:linearizability",
        "Is every answer true while nodes are killed, paused, restarted?",
    ),
    "memory": ("raftzmq.benchmarks.memory:memory", "Do nodes grow under millions of puts? And their restarts."),
    "strangers": (
        "raftzmq.benchmarks.strangers:strangers",
        "What another client notices while bad input floods the leader.",
    ),
    "recovery": ("raftzmq.benchmarks.recovery:recovery", "A follower comes back: how soon, at what cost?"),
}
_SECTIONS = {
    "Everything": ("report",),
    "Speed": ("throughput", "latency", "bars", "peers", "events", "recordings", "page"),
    "Threads against coroutines": ("concurrency", "blocking", "amdahl"),
    "Faults": ("failover", "recovery", "strangers", "linearizability"),
    "Long runs": ("memory",),
}
"""In which order the help lists them; what is in no section stands last."""


class _Benchmarks(click.Group):
    """Loads a benchmark when it is called: the help needs neither sockets nor clients."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load the command, or None if there is none of that name."""
        if cmd_name not in _COMMANDS:
            return None
        return load_command(_COMMANDS[cmd_name][0], "RAFTZMQ_BENCH")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The benchmarks, without loading any."""
        placed = {name for names in _SECTIONS.values() for name in names}
        sections = {**_SECTIONS, "Others": tuple(name for name in _COMMANDS if name not in placed)}
        for title, names in sections.items():
            rows = [(name, _COMMANDS[name][1]) for name in names if name in _COMMANDS]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


@click.group(cls=_Benchmarks)
def bench() -> None:
    """Measure raftzmq on this machine. Each benchmark starts a cluster of its own and checks every answer.

    \b
    Examples:
      raftzmq bench throughput --nodes 3 --in-flight 1000
      raftzmq bench failover --runs 10 --json
      raftzmq bench report --quick
    """
