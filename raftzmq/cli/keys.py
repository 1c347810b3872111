"""Keys on the command line: bytes, completed from what is stored."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from raftzmq.cli.options import Bytes, open_client
from raftzmq.errors import RaftzmqError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMPLETION_S = 0.3
"""How long a completion may ask: who presses the tabulator waits for the answer."""
COMPLETIONS_MAX = 100
_SPECIAL = frozenset(" \t'\"\\$`!&|;<>()*?[]{}#~:=")
"""What shells do something with. Keys that have any of it are typed, not completed."""


class Key(Bytes):
    """A key, or the beginning of some."""

    name = "key"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The stored keys that begin so; none if the cluster doesn't answer at once."""
        from click.shell_completion import CompletionItem

        try:
            with ctx.scope(cleanup=False):
                return [CompletionItem(key) for key in stored_keys(ctx, incomplete)]
        except (RaftzmqError, OSError):
            return []


def stored_keys(ctx: click.Context, beginning: str) -> list[str]:
    """Up to `COMPLETIONS_MAX` keys that can be typed as they are, in order; raises RaftzmqError."""
    endpoints, config = ctx.params.get("endpoints"), ctx.params.get("config")
    with open_client(endpoints, config, COMPLETION_S) as client:
        found = client.range(os.fsencode(beginning), limit=COMPLETIONS_MAX, timeout=COMPLETION_S)
    texts = [item.key.decode("utf-8", "surrogateescape") for item in found.items]
    return [text for text in texts if text.isprintable() and not _SPECIAL.intersection(text)]


KEY = Key()
