"""``raftzmq snapshot``: everything that is stored, in one file; and a new cluster out of it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from raftzmq.cli.options import CONTEXT, client_options, cluster_options, json_option, load_cluster, open_client
from raftzmq.cli.output import console, note, on_terminal, printable, say, say_json
from raftzmq.errors import ConfigurationError

if TYPE_CHECKING:
    from raftzmq.backups.reading import Contents
    from raftzmq.config import ClusterConfig

FILE = click.Path(path_type=Path)
SCHEMA = 1


@click.group(context_settings=CONTEXT)
def snapshot() -> None:
    """Save all that a cluster stores in one file, look into it, and make a new cluster out of it.

    A snapshot holds every key with its value, revisions, version and lease, as of one revision. It holds no sessions of
    clients, no history and no addresses.

    \b
    Examples:
      raftzmq snapshot save monday.snapshot
      raftzmq snapshot status monday.snapshot
      raftzmq snapshot restore monday.snapshot --config new/cluster.toml --out new/data
    """


@snapshot.command(context_settings=CONTEXT, short_help="All keys of a cluster, or of a stopped node, in a file.")
@click.argument("file", type=FILE)
@click.option(
    "--data",
    type=FILE,
    metavar="DIR",
    help="Not from the cluster, but from the data directory of a node that is stopped.",
)
@click.option("--force", is_flag=True, help="Write over FILE if it is there.")
@client_options
def save(
    file: Path,
    data: Path | None,
    force: bool,
    endpoints: str | None,
    config: Path | None,
    timeout: float,
    as_json: bool,
) -> None:
    """Save every key, as of one revision, to FILE, which is there whole in the end or not at all.

    The cluster goes on meanwhile: reads are linearizable, so all that was acknowledged before is in it. --timeout is
    for each of them.

    With --data it is what that node has applied, which may be less than what the cluster acknowledged: it is for when
    no majority of the nodes can be started any more. Choose the node whose status said the highest revision, or save
    from each and compare.

    \b
    Examples:
      raftzmq snapshot save monday.snapshot
      raftzmq snapshot save /backup/today --force --endpoints 10.0.0.1:7201,10.0.0.2:7201 --json
      raftzmq snapshot save rescued.snapshot --data .raftzmq/n2
    """
    from raftzmq.backups.saving import save_cluster, save_node

    left_out = 0
    with _progress(f"saving {file}") as advance:
        if data is None:
            with open_client(endpoints, config, timeout) as client:
                contents = save_cluster(client, file, advance, force=force)
        else:
            from raftzmq.storage.stopped import stopped_node

            with stopped_node(data) as node:
                contents = save_node(node, file, advance, force=force)
                left_out = node.entries_not_applied
    if left_out:
        note(
            f"note: the last {left_out} entries of this node's log are not in it: the node had not applied them, and "
            "alone it can't tell whether they were committed"
        )
    if as_json:
        say_json({**_document(file, contents), "entries_not_applied": left_out})
    else:
        say(f"{printable(str(file))}: {_amount(contents)} of cluster {printable(contents.header.cluster_id)}")


@snapshot.command(context_settings=CONTEXT, short_help="What is in a file, and whether it is whole.")
@click.argument("file", type=FILE)
@json_option
def status(file: Path, as_json: bool) -> None:
    """Read all of FILE, check every checksum, and tell what is in it. Exit code 1 if it is damaged, and where.

    \b
    Examples:
      raftzmq snapshot status monday.snapshot
      raftzmq snapshot status monday.snapshot --json | jq .revision
    """
    contents = _read(file)
    document = _document(file, contents)
    if as_json:
        say_json(document)
        return
    del document["schema"]
    if not on_terminal():
        say("\n".join(f"{name} {printable(str(value))}" for name, value in document.items()))
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in document.items():
        text = f"{value:,}" if name in ("revision", "keys", "bytes", "index") else printable(str(value))
        table.add_row(name, Text(text, style="green" if name == "verified" else ""))
    console().print(table)


@snapshot.command(context_settings=CONTEXT, short_help="Data directories of a new cluster, out of a file.")
@click.argument("file", type=FILE)
@click.option("--out", type=FILE, required=True, metavar="DIR", help="Where each node gets a directory of its name.")
@cluster_options
@click.option("--any-file-system", is_flag=True, help="Even where LMDB isn't known to survive a power cut.")
@json_option
def restore(
    file: Path, out: Path, config: Path | None, nodes: int | None, any_file_system: bool, as_json: bool
) -> None:
    """Make the data directories of all nodes of a new cluster, with every key of FILE and its revisions.

    The new cluster's writes continue after the snapshot's revision. It is another cluster: it needs an id of its own
    in its cluster file (raftzmq generate draws one), so that nodes and clients of the old one can't mistake it. Their
    sessions are unknown in it: what they had under way fails definitely or stays unknown, and is never applied twice.
    The local cluster of bin/up (--nodes) always has the same id; its sessions are unknown all the same.

    Directories that hold anything are refused. For nodes on other machines, move DIR/NAME and DIR/NAME.identity there,
    to the place that --data will name: each directory may be started once only.

    \b
    Examples:
      raftzmq generate supervisord --nodes 3 --out new
      raftzmq snapshot restore monday.snapshot --config new/cluster.toml --out new/data
      raftzmq snapshot restore monday.snapshot --nodes 3 --out .raftzmq
    """
    from raftzmq.backups.reading import SnapshotReader
    from raftzmq.storage.restoring import Point, restore_nodes

    cluster = load_cluster(config, nodes)
    # All of it is checked before anything is made.
    contents = _read(file)
    header = contents.header
    if cluster.cluster_id == header.cluster_id and not _is_local(cluster):
        raise ConfigurationError(
            f"{config} has the id {cluster.cluster_id!r} of the cluster that was saved: give the new cluster an id of "
            "its own, or nodes and clients of the old one may take it for theirs"
        )
    point = Point(header.index, header.term, header.revision, chain=int(contents.checksum[:8], 16))
    with SnapshotReader(file) as reader, _progress(f"restoring {file}") as advance:

        def rows() -> Iterator[Any]:
            for row in reader.rows():
                yield row
                if reader.keys % 1000 == 0:
                    advance(reader.keys, reader.bytes)

        made = restore_nodes(out, cluster, point, rows(), allow_any_filesystem=any_file_system)
    if as_json:
        told = {"schema": SCHEMA, "cluster_id": cluster.cluster_id, "revision": header.revision, "keys": contents.keys}
        say_json({**told, "nodes": [{"node": node, "data": str(path)} for node, path in made.items()]})
        return
    nodes_made, them = ("1 node", "it") if len(made) == 1 else (f"{len(made)} nodes", "them")
    name = printable(cluster.cluster_id)
    say(f"{_amount(contents)}, restored for {nodes_made} of cluster {name}; start {them}:")
    which = f"--nodes {len(cluster.nodes)}" if _is_local(cluster) else f"--config {_word(str(config))}"
    for node, path in made.items():
        say(f"  raftzmq node --node {_word(node)} {which} --data {_word(str(path))}")


def _word(text: str) -> str:
    """A text as one word of a command line that can be copied."""
    return printable(shlex.quote(text))


def _is_local(cluster: ClusterConfig) -> bool:
    """Is it the one of bin/up? Its id is always the same, and so are its ports: it can't meet another of its kind."""
    from raftzmq.config import local_cluster

    return cluster == local_cluster(len(cluster.nodes))


def _read(file: Path) -> Contents:
    from raftzmq.backups.reading import read_contents

    with _progress(f"checking {file}") as advance:
        return read_contents(file, lambda done: advance(0, done))


def _document(file: Path, contents: Contents) -> dict[str, Any]:
    header = contents.header
    return {
        "schema": SCHEMA,
        "file": str(file),
        "cluster_id": header.cluster_id,
        "revision": header.revision,
        "keys": contents.keys,
        "bytes": contents.bytes,
        "made_at": header.made_at,
        "source": header.source,
        "index": header.index,
        "term": header.term,
        "sha256": contents.checksum,
        "verified": True,
    }


def _amount(contents: Contents) -> str:
    keys = "1 key" if contents.keys == 1 else f"{contents.keys:,} keys"
    return f"{keys} as of revision {contents.header.revision:,}, {contents.bytes:,} bytes"


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Keys and bytes so far, on standard error while something runs, if that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda keys, size: None
        return
    from rich.console import Console

    with Console(stderr=True).status(printable(what)) as shown:

        def advance(keys: int, size: int) -> None:
            amount = f"{keys:,} keys, {size / 1e6:,.1f} MB" if keys else f"{size / 1e6:,.1f} MB"
            shown.update(f"{printable(what)}: {amount}")

        yield advance
