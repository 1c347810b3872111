"""``put get del cas``: one key."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from raftzmq.cli.keys import KEY
from raftzmq.cli.options import BYTES, CONTEXT, client_options, open_client
from raftzmq.cli.output import (
    EXIT_KEY_NOT_FOUND,
    EXIT_PRECONDITION,
    note,
    on_terminal,
    printable_bytes,
    printable_lines,
    say,
    say_json,
    write,
)
from raftzmq.cli.shared import in_shell
from raftzmq.cli.standard_input import read_value

if TYPE_CHECKING:
    from raftzmq.client.results import KeyValue


def value_argument(value: bytes) -> bytes:
    """A value of the command line: itself, or all of standard input for ``-``, which in a shell has the commands."""
    if value != b"-":
        return value
    if in_shell():
        raise click.UsageError("a value cannot be read from standard input here: call 'raftzmq put KEY -' for it")
    return read_value()


def key_value_json(item: KeyValue) -> dict[str, Any]:
    """A key as JSON shows it: text where it is UTF-8, ``{"b64": …}`` where it isn't."""
    from raftzmq.events.maker import text_or_b64

    return {
        "key": text_or_b64(item.key),
        "value": text_or_b64(item.value),
        "create_revision": item.create_revision,
        "mod_revision": item.mod_revision,
        "version": item.version,
        "lease": item.lease,
    }


def report_missing(message: str, as_json: bool) -> None:
    """Say on standard error that a key isn't there."""
    _report("key_not_found", message, as_json)


def _report(code: str, message: str, as_json: bool) -> None:
    """Say on standard error what is no failure of the cluster, but has an error's exit code."""
    if as_json:
        import orjson

        message = orjson.dumps({"error": {"code": code, "message": message, "definite": True}}).decode()
    note(message)


@click.command(context_settings=CONTEXT)
@click.argument("key", type=KEY)
@click.argument("value", type=BYTES)
@client_options
def put(key: bytes, value: bytes, endpoints: str | None, config: Path | None, timeout: float, as_json: bool) -> None:
    """Set KEY to VALUE and print the new revision.

    VALUE - reads standard input, as bytes, to its end. A VALUE that begins with - goes behind --.

    Exit code 7: surely not applied. Exit code 8: it may have been applied; 'raftzmq get KEY' tells.

    \b
    Examples:
      raftzmq put colour blue
      raftzmq put app/config - < config.json
      raftzmq put temperature -- -5
    """
    with open_client(endpoints, config, timeout) as client:
        result = client.put(key, value_argument(value))
    if as_json:
        say_json({"revision": result.revision})
    else:
        say(f"revision {result.revision}")


@click.command(context_settings=CONTEXT)
@click.argument("key", type=KEY)
@click.option("--revision", type=click.IntRange(min=1), metavar="N", help="The value as of this revision.")
@client_options
def get(
    key: bytes, revision: int | None, endpoints: str | None, config: Path | None, timeout: float, as_json: bool
) -> None:
    """Print the value of KEY, linearizably: never older than anything that was acknowledged before.

    Into a pipe or file the value goes byte for byte, with nothing added; on a terminal what could steer it is
    escaped. Exit code 3: there is no such key.

    \b
    Examples:
      raftzmq get colour
      raftzmq get app/logo > logo.png
      raftzmq get colour --revision 12
      raftzmq get colour --json
    """
    with open_client(endpoints, config, timeout) as client:
        item = client.get(key, revision=revision)
    if item is None:
        when = "" if revision is None else f" at revision {revision}"
        report_missing(f"key not found{when}: {printable_bytes(key)}", as_json)
        click.get_current_context().exit(EXIT_KEY_NOT_FOUND)
    elif as_json:
        say_json(key_value_json(item))
    elif on_terminal():
        say(printable_lines(item.value))
    else:
        # Of several commands each ends its line, so that the next one's result begins a new one.
        write(item.value + b"\n" if in_shell() else item.value)


@click.command("del", context_settings=CONTEXT)
@click.argument("key", type=KEY)
@client_options
def delete(key: bytes, endpoints: str | None, config: Path | None, timeout: float, as_json: bool) -> None:
    """Remove KEY and print the revision that did it. Exit code 3: there was no such key.

    \b
    Example:
      raftzmq del colour
    """
    with open_client(endpoints, config, timeout) as client:
        result = client.delete(key)
    if as_json:
        say_json({"deleted": result.deleted, "revision": result.revision})
    elif result.deleted:
        say(f"deleted at revision {result.revision}")
    if not result.deleted:
        report_missing(f"key not found: {printable_bytes(key)}", as_json)
        click.get_current_context().exit(EXIT_KEY_NOT_FOUND)


@click.command(context_settings=CONTEXT)
@click.argument("key", type=KEY)
@click.argument("values", type=BYTES, nargs=-1, required=True, metavar="[EXPECTED] NEW")
@click.option("--absent", is_flag=True, help="Expect that KEY doesn't exist (no EXPECTED then).")
@click.option(
    "--mod-revision",
    type=click.IntRange(min=0),
    metavar="N",
    help="Expect that KEY was last modified at revision N; 0: that it doesn't exist (no EXPECTED then).",
)
@client_options
def cas(
    key: bytes,
    values: tuple[bytes, ...],
    absent: bool,
    mod_revision: int | None,
    endpoints: str | None,
    config: Path | None,
    timeout: float,
    as_json: bool,
) -> None:
    """Compare and swap: set KEY to NEW only if it is as expected, in one step that nothing comes between.

    Exit code 4: it was not as expected; nothing was changed. NEW - reads standard input.

    \b
    Examples:
      raftzmq cas colour blue green               # only if it is blue
      raftzmq cas lock me --absent                # only if it doesn't exist
      raftzmq cas colour red --mod-revision 12
    """
    expected, new = _comparison(values, absent, mod_revision)
    with open_client(endpoints, config, timeout) as client:
        result = client.compare_and_swap(key, expected, value_argument(new), mod_revision=mod_revision)
    if as_json:
        say_json({"succeeded": result.succeeded, "revision": result.revision})
    elif result.succeeded:
        say(f"revision {result.revision}")
    if not result.succeeded:
        stands = f"it was last modified at revision {result.revision}" if result.revision else "it doesn't exist"
        message = f"not swapped: {printable_bytes(key)} is not as expected; {stands}"
        _report("precondition_failed", message, as_json)
        click.get_current_context().exit(EXIT_PRECONDITION)


def _comparison(values: tuple[bytes, ...], absent: bool, mod_revision: int | None) -> tuple[bytes | None, bytes]:
    """Expected and new value; raises click.UsageError if there are too few or too many."""
    if absent and mod_revision is not None:
        raise click.UsageError("--absent and --mod-revision are two ways to expect: give one of them.")
    by_value = not absent and mod_revision is None
    if len(values) != (2 if by_value else 1):
        wanted = "KEY EXPECTED NEW" if by_value else "KEY NEW, without EXPECTED,"
        raise click.UsageError(f"cas takes {wanted} here; to expect that a key doesn't exist, use --absent.")
    return (values[0], values[1]) if by_value else (None, values[0])
