"""``explain``: where the time of a request went, one's own or the slowest recorded ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from raftzmq.cli.event_options import Since
from raftzmq.cli.options import BYTES, CONTEXT, client_options, find_endpoints, recorded_option
from raftzmq.cli.output import note, printable_bytes, say, say_json

if TYPE_CHECKING:
    from raftzmq.collector.explaining import Explanation
    from raftzmq.collector.tagged import Measured

NO_REVISION = 2**62
"""A compare-and-swap that wants it never succeeds: it opens the session of a put, and changes nothing."""
USAGE = "give 'put KEY VALUE', 'get KEY', a recording, or nothing for the collector's recording"


@click.command(context_settings=CONTEXT)
@click.argument("what", nargs=-1, type=BYTES, metavar="[put KEY VALUE | get KEY | RECORDING]")
@click.option("--slowest", type=click.IntRange(min=1), metavar="N", help="Recorded: how many of the slowest. [3]")
@click.option("--since", type=Since(), metavar="TIME", help="Recorded: only later ones: 30s, 5m, 2h, 1d ago, ISO 8601.")
@recorded_option
@client_options
def explain(
    what: tuple[bytes, ...],
    slowest: int | None,
    since: float | None,
    directory: Path,
    endpoints: str | None,
    config: Path | None,
    timeout: float,
    as_json: bool,
) -> None:
    """Say where the time of a request went, in microseconds that add up.

    With put or get: does it, with a tag that the nodes recognize, and takes apart what the client measured: the way
    to the node and back, the queue at its door, the follower whose answer decided (its network, its disk), the
    leader's own disk, the state. It listens to the nodes' event sockets meanwhile; no collector is needed. Connecting
    and opening a session come before and are told apart: they happen once in a client's life.

    Without: the slowest requests that the collector has recorded, or RECORDING has (a file or a directory). A node
    tells of the slowest request of each second, and of every one that a client tagged: raftzmq.Client(trace="name").
    There the time counts from the node's door on.

    \b
    Examples:
      raftzmq explain put colour blue
      raftzmq explain get colour
      raftzmq explain --slowest 10 --since 5m
      raftzmq explain events-00000001.events.jsonl.zst
      raftzmq explain put colour blue --json | jq -r '.explanation.words[]'
    """
    if what and what[0] in (b"put", b"get"):
        if len(what) != (3 if what[0] == b"put" else 2) or slowest is not None or since is not None:
            raise click.UsageError(USAGE)
        _explain_own(what, find_endpoints(endpoints, config), timeout, as_json)
    elif len(what) <= 1:
        path = Path(what[0].decode("utf-8", "surrogateescape")) if what else directory
        _explain_recorded(path, slowest or 3, since, as_json)
    else:
        raise click.UsageError(USAGE)


def _explain_own(what: Sequence[bytes], endpoints: tuple[str, ...], timeout: float, as_json: bool) -> None:
    from raftzmq.cli.explain_view import show
    from raftzmq.cli.kv import key_value_json
    from raftzmq.collector.explained_json import explanation_json
    from raftzmq.collector.tagged import measure

    key = what[1]
    result: dict[str, Any] | None
    if what[0] == b"put":
        measured = measure(
            endpoints,
            timeout,
            warm_up=lambda client: client.compare_and_swap(key, None, b"", mod_revision=NO_REVISION),
            call=lambda client: client.put(key, what[2]),
        )
        result = {"revision": measured.result.revision}
    else:
        measured = measure(
            endpoints, timeout, warm_up=lambda client: client.get(key), call=lambda client: client.get(key)
        )
        result = None if measured.result is None else key_value_json(measured.result)
    if as_json:
        first = {"first_us": measured.first_us, "deaf": list(measured.deaf)}
        say_json({"result": result, "explanation": explanation_json(measured.explanation), **first})
        return
    _say_result(measured, key)
    show(measured.explanation)
    say(f"Before it, connecting and a first request took {measured.first_us / 1000:.1f} ms: once in a client's life.")
    if measured.deaf:
        note(f"{', '.join(measured.deaf)}: no events came from there, so that part is unknown")


def _say_result(measured: Measured, key: bytes) -> None:
    shown = printable_bytes(key)
    if measured.explanation.kind != "read":
        say(f"put {shown}: revision {measured.result.revision}\n")
    elif measured.result is None:
        say(f"get {shown}: there is no such key\n")
    else:
        say(f"get {shown}: {len(measured.result.value)} bytes, of revision {measured.result.mod_revision}\n")


def _explain_recorded(path: Path, count: int, since: float | None, as_json: bool) -> None:
    from raftzmq.cli.explain_view import show
    from raftzmq.collector.explained_json import explanation_json
    from raftzmq.collector.explainer import Explainer
    from raftzmq.collector.recording import Recording

    explainer = Explainer(count)
    recording = Recording(path)
    for text in recording.notes:
        note(text)
    for merged in recording.events(since_ts=since):
        explainer.take(merged.event)
    found = explainer.slowest()
    if as_json:
        say_json({"slowest": [explanation_json(explanation) for explanation in found]})
        return
    if not found:
        note(
            f"no request is told of in {path}: the nodes tell of the slowest of each second while a collector "
            "listens. 'raftzmq explain put KEY VALUE' does one"
        )
        click.get_current_context().exit(1)
    for number, explanation in enumerate(found, 1):
        say(("" if number == 1 else "\n") + f"{number}. {_heading(explanation)}\n")
        show(explanation)


def _heading(explanation: Explanation) -> str:
    many = "1 command" if explanation.commands == 1 else f"{explanation.commands} commands"
    what = f"write of {many}, entry {explanation.index}" if explanation.kind != "read" else f"read of {many}"
    when = datetime.fromtimestamp(explanation.ts).isoformat(" ", "milliseconds")
    tag = f", tagged {explanation.tag!r}" if explanation.tag else ""
    return f"{what}, at {explanation.node}, told at {when}{tag}"
