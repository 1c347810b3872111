"""``range``: keys by prefix or interval."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from raftzmq.cli.keys import KEY
from raftzmq.cli.kv import key_value_json
from raftzmq.cli.options import BYTES, CONTEXT, BytesType, client_options, open_client
from raftzmq.cli.output import console, note, on_terminal, printable_bytes, say_json, write

if TYPE_CHECKING:
    from raftzmq.client.results import KeyValue, RangeResult

PAGE_ROWS = 1000
"""Rows asked for at a time: short enough to answer at once, long enough that the round trips don't count."""


class Token(BytesType):
    """A resume key as `range` printed it: text, or ``{"b64": …}`` where it is no text."""

    name = "key"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        """The bytes of the key."""
        if isinstance(value, bytes):
            return value
        if not str(value).startswith("{"):
            return BYTES.convert(value, param, ctx)
        from base64 import b64decode
        from json import loads

        try:
            return b64decode(loads(value)["b64"], validate=True)
        except (ValueError, KeyError, TypeError):
            self.fail(f'{value!r} is no resume key: give it as it was printed, text or {{"b64": "…"}}.', param, ctx)


def resume_token(key: bytes) -> str | dict[str, str]:
    """What `Token` reads back: text unless it isn't printable or looks like the other form."""
    from base64 import b64encode

    from raftzmq.events.maker import text_or_b64

    shown = text_or_b64(key)
    if isinstance(shown, str) and (not shown.isprintable() or shown.startswith("{")):
        return {"b64": b64encode(key).decode()}
    return shown


@click.command("range", context_settings=CONTEXT)
@click.argument("prefix", type=KEY, required=False)
@click.option("--start", type=BYTES, metavar="KEY", help="Instead of PREFIX: the first key.")
@click.option("--end", type=BYTES, metavar="KEY", help="Instead of PREFIX: the first key that is no longer wanted.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most N keys. Without it: all of them.")
@click.option("--resume-key", type=Token(), metavar="KEY", help="Go on where a limited range ended.")
@click.option("--keys-only", is_flag=True, help="Leave the values out.")
@click.option("--revision", type=click.IntRange(min=1), metavar="N", help="Keys and values as of this revision.")
@client_options
def range_(
    prefix: bytes | None,
    start: bytes | None,
    end: bytes | None,
    limit: int | None,
    resume_key: bytes | None,
    keys_only: bool,
    revision: int | None,
    endpoints: str | None,
    config: Path | None,
    timeout: float,
    as_json: bool,
) -> None:
    """List keys that begin with PREFIX, or from --start to before --end, in order, all as of one revision.

    On a terminal: a table. Into a pipe: a line per key, key and value with a tab between them, with what is not
    printable escaped; --json keeps every byte.

    \b
    Examples:
      raftzmq range app/
      raftzmq range ""                            # every key
      raftzmq range --start a --end c --limit 10
      raftzmq range app/ --keys-only --revision 12
    """
    if prefix is None and start is None and end is None:
        raise click.UsageError('range takes a PREFIX, or --start and --end; every key is: raftzmq range ""')
    if prefix is not None and (start is not None or end is not None):
        raise click.UsageError("PREFIX and --start or --end exclude one another: give one or the other.")
    with open_client(endpoints, config, timeout) as client:
        ask = partial(client.range, prefix, start=start, end=end)
        pages = _pages(ask, limit, revision, resume_key)
        if as_json:
            _print_json(pages, keys_only)
        else:
            _print_text(pages, keys_only)


def _pages(
    ask: Callable[..., RangeResult], limit: int | None, revision: int | None, resume_key: bytes | None
) -> Iterator[RangeResult]:
    """Answers until all keys, or ``limit`` of them, have come; all of the revision of the first."""
    left = limit
    while True:
        rows = PAGE_ROWS if left is None else min(left, PAGE_ROWS)
        page = ask(limit=rows, revision=revision, resume_key=resume_key)
        yield page
        revision, resume_key = page.revision, page.resume_key
        if left is not None:
            left -= len(page.items)
        if not page.more or left == 0:
            return


def _print_json(pages: Iterator[RangeResult], keys_only: bool) -> None:
    from raftzmq.events.maker import text_or_b64

    rows: list[Any] = []
    last: RangeResult | None = None
    for last in pages:
        rows += [text_or_b64(item.key) if keys_only else key_value_json(item) for item in last.items]
    assert last is not None
    resume = resume_token(last.resume_key) if last.resume_key is not None else None
    shown = {"revision": last.revision, "more": last.more, "resume_key": resume}
    say_json({**shown, "keys" if keys_only else "items": rows})


def _print_text(pages: Iterator[RangeResult], keys_only: bool) -> None:
    first = True
    for page in pages:
        if not page.items:
            pass
        elif on_terminal() and not keys_only:
            _print_table(page.items, header=first)
        else:
            write("".join(_line(item, keys_only) for item in page.items).encode())
        first = False
    if page.more and page.resume_key is not None:
        import shlex
        from json import dumps

        token = resume_token(page.resume_key)
        text = shlex.quote(token if isinstance(token, str) else dumps(token))
        note(f"there are more: go on with --resume-key {text} --revision {page.revision}")


def _line(item: KeyValue, keys_only: bool) -> str:
    key = printable_bytes(item.key)
    return f"{key}\n" if keys_only else f"{key}\t{printable_bytes(item.value)}\n"


def _print_table(items: list[KeyValue], *, header: bool) -> None:
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    screen = console()
    # What is longer than the screen is cut here already: rich would measure all of it.
    most = 4 * screen.width
    rows = [(printable_bytes(i.key[:most]), printable_bytes(i.value[:most]), str(i.mod_revision)) for i in items]
    key_width = max(3, min(max(cell_len(key) for key, _, _ in rows), screen.width // 2))
    revision_width = max(8, *(len(revision) for _, _, revision in rows))
    value_width = max(5, screen.width - key_width - revision_width - 6)
    table = Table(box=None, show_header=header, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("KEY", style="cyan", no_wrap=True, overflow="ellipsis", width=key_width)
    table.add_column("REVISION", justify="right", style="dim", no_wrap=True, width=revision_width)
    table.add_column("VALUE", no_wrap=True, overflow="ellipsis", width=value_width)
    for key, value, revision in rows:
        table.add_row(Text(key), revision, Text(value))
    screen.print(table)
