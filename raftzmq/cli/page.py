"""``raftzmq page``: the address of the collector's page, with or without what gives control."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import click

from raftzmq.cli.options import CONTEXT, EVENTS_DIRECTORY, config_option, json_option, load_cluster
from raftzmq.cli.output import note, printable, say, say_json
from raftzmq.collector.web.token_file import TOKEN_FILE, read_token
from raftzmq.config import web_address
from raftzmq.errors import RaftzmqError

SCHEMA = 1
ANSWER_S = 3.0
BESIDE = Path("data") / "collector"
"""Where `raftzmq generate supervisord` has the collector record, beside its cluster file."""
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Addresses to listen on, and what to call them from this machine."""


class PageError(RaftzmqError):
    """There is no page to open, or not with control."""


@click.command(context_settings=CONTEXT)
@click.option("--open", "opened", is_flag=True, help="Open it in the browser of this machine, too.")
@click.option("--read-only", is_flag=True, help="For others: they see everything that happens and change nothing.")
@config_option
@click.option(
    "--directory",
    type=click.Path(path_type=Path),
    envvar="RAFTZMQ_COLLECTOR_DIRECTORY",
    show_envvar=True,
    metavar="DIR",
    help=f"Where the collector records. Without it: {EVENTS_DIRECTORY} or, beside --config, that of raftzmq generate "
    "supervisord.",
)
@click.option(
    "--web",
    envvar="RAFTZMQ_COLLECTOR_WEB",
    show_envvar=True,
    metavar="URL",
    help="Where the collector serves. Without it: the cluster's address for it.",
)
@json_option
def page(
    opened: bool, read_only: bool, config: Path | None, directory: Path | None, web: str | None, as_json: bool
) -> None:
    """Print the address of the collector's page: the cluster, live and in its past, in a browser.

    The address holds the token that lets the page write keys and break nodes; it is new at each start of the
    collector, and lies in a file that only this user can read. Don't pass it on: --read-only is for that.

    \b
    Examples:
      raftzmq page
      raftzmq page --open
      raftzmq page --read-only               # to send to others
      raftzmq page --json | jq -r .url
    """
    cluster = load_cluster(config)
    given = cluster.web if web is None else web
    if web is None and not given:
        raise PageError("this cluster has no page: its file says no 'web' address. Give one, or --web")
    host, port = web_address(given)
    host = EVERYWHERE.get(host, host)
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    if directory is None:
        directory = EVENTS_DIRECTORY if config is None else config.parent / BESIDE
    token = None if read_only else read_token(directory)
    found = _ask(address, token)
    if not read_only and not found["allowed"]:
        raise PageError(_why_not(directory, address, token))
    url = f"{address}/" if read_only else f"{address}/#token={token}"
    if as_json:
        lab, supervised = found["lab"], found["supervised"]
        say_json({"schema": SCHEMA, "url": url, "control": not read_only, "lab": lab, "supervised": supervised})
    else:
        say(url)
        if not read_only and not found["lab"]:
            note("note: no node is in lab mode, so the page can't break any: bin/down, then bin/up --lab")
    if opened:
        import webbrowser

        if not webbrowser.open(url):
            note("note: no browser could be started here: open the address in one")


def _ask(address: str, token: str | None) -> dict[str, Any]:
    """What the page's server says of who has this token; raises PageError."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    # Without what the environment says of proxies: it is this machine, or one that its user named.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(f"{address}/v1/control", headers=headers), timeout=ANSWER_S) as answer:
            found = json.load(answer)
        return {"allowed": found["allowed"] is True, "lab": list(found["lab"]), "supervised": bool(found["supervised"])}
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        reason = getattr(error, "reason", None) or error
        raise PageError(
            f"no collector answers at {address} ({printable(str(reason))}): bin/up starts one, or raftzmq collector"
        ) from None


def _why_not(directory: Path, address: str, token: str | None) -> str:
    file = directory / TOKEN_FILE
    told = f"{file} cannot be read" if token is None else f"{file} holds another token"
    return (
        f"a collector answers at {address}, but {told}: name the directory where it records with --directory, as the "
        "user who started it; --read-only needs no token"
    )
