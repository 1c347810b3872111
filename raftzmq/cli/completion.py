"""``raftzmq completion``: the script that teaches a shell to complete commands, options and stored keys."""

from __future__ import annotations

import sys

import click

from raftzmq.cli.options import CONTEXT
from raftzmq.cli.output import note, say

SHELLS = ("bash", "zsh", "fish")
PROGRAM = "raftzmq"
VARIABLE = "_RAFTZMQ_COMPLETE"
INSTALL = {
    "bash": 'eval "$(raftzmq completion bash)"    # in ~/.bashrc',
    "zsh": 'eval "$(raftzmq completion zsh)"    # in ~/.zshrc, after compinit',
    "fish": "raftzmq completion fish > ~/.config/fish/completions/raftzmq.fish",
}


@click.command(context_settings=CONTEXT)
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print the script that lets SHELL complete raftzmq's commands, options and stored keys.

    Keys are asked for over the network: a cluster that doesn't answer within 0.3 s completes none, and says nothing.
    The program must be on the PATH (with bash, bin/raftzmq is completed, too).

    \b
    Examples:
      eval "$(raftzmq completion bash)"           # in ~/.bashrc
      eval "$(raftzmq completion zsh)"            # in ~/.zshrc, after compinit
      raftzmq completion fish > ~/.config/fish/completions/raftzmq.fish
    """
    from click.shell_completion import BashComplete, FishComplete, ZshComplete

    script = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}[shell]
    if sys.stdout.isatty():
        note(f"This is for the shell to read. To install it: {INSTALL[shell]}")
    # The template alone: asking click for the whole would start the shell, to see how old it is.
    names = {"complete_func": f"_{PROGRAM}_completion", "complete_var": VARIABLE, "prog_name": PROGRAM}
    say(script.source_template % names)
