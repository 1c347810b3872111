"""What commands share: how to find the cluster, how long to wait, JSON, and keys and values that are bytes."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from raftzmq.cli.output import JSON_WANTED
from raftzmq.cli.shared import shared_clients
from raftzmq.config import ClusterConfig, local_cluster
from raftzmq.endpoint import to_endpoint
from raftzmq.errors import ConfigurationError

if TYPE_CHECKING:
    from raftzmq.client.sync import Client

    BytesType = click.ParamType[bytes]
else:  # older releases of click know no type arguments
    BytesType = click.ParamType

F = TypeVar("F", bound=Callable[..., Any])

HOME = Path(".raftzmq")
"""Where the local cluster of bin/up keeps its data, below the directory that commands are called in."""
EVENTS_DIRECTORY = HOME / "collector"
LOCAL_NODES = 5
TIMEOUT_S = 5.0
CONTEXT = {"help_option_names": ["-h", "--help"], "show_default": True}


class Bytes(BytesType):
    """A key or value: the bytes of the argument, whether they are UTF-8 or not."""

    name = "bytes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        """The bytes that the shell passed."""
        return value if isinstance(value, bytes) else os.fsencode(str(value))


BYTES = Bytes()


def _remember_json(ctx: click.Context, _: click.Parameter, value: bool) -> bool:
    ctx.meta[JSON_WANTED] = value
    return value


def json_option(command: F) -> F:
    """``--json``: machine-readable results, and errors."""
    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        envvar="RAFTZMQ_JSON",
        show_envvar=True,
        callback=_remember_json,
        help="Result as JSON; an error as JSON on standard error.",
    )(command)


def config_option(command: F) -> F:
    """``--config``: the cluster file."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        envvar="RAFTZMQ_CONFIG",
        show_envvar=True,
        metavar="FILE",
        help="Cluster file (TOML). Without it: the local cluster of bin/up.",
    )(command)


def recorded_option(command: F) -> F:
    """``--directory``: the collector's recordings."""
    return click.option(
        "--directory",
        type=click.Path(path_type=Path),
        default=EVENTS_DIRECTORY,
        envvar="RAFTZMQ_COLLECTOR_DIRECTORY",
        show_envvar=True,
        metavar="DIR",
        help="Where the collector records.",
    )(command)


def cluster_options(command: F) -> F:
    """``--config`` or ``--nodes``: the cluster that a process belongs to."""
    nodes = click.option(
        "--nodes",
        type=click.IntRange(1, 250),
        envvar="RAFTZMQ_NODES",
        show_envvar=True,
        metavar="N",
        help="Size of the local cluster (no --config).",
    )
    return config_option(nodes(command))


def client_options(command: F) -> F:
    """The options of every command that talks to the cluster: ``--endpoints --config --timeout --json``."""
    options = [
        click.option(
            "--endpoints",
            envvar="RAFTZMQ_ENDPOINTS",
            show_envvar=True,
            metavar="HOST:PORT,…",
            help="Client addresses of some nodes; the others are learned. Without it: those of --config.",
        ),
        config_option,
        click.option(
            "--timeout",
            type=click.FloatRange(min=0, min_open=True),
            default=TIMEOUT_S,
            envvar="RAFTZMQ_TIMEOUT",
            show_envvar=True,
            metavar="SECONDS",
            help="How long to try.",
        ),
        json_option,
    ]
    for option in reversed(options):
        command = option(command)
    return command


def local_size() -> int:
    """How many nodes the local cluster has: what bin/up wrote down, else five."""
    try:
        return int((HOME / "nodes").read_text())
    except (OSError, ValueError):
        return LOCAL_NODES


def load_cluster(config: Path | None, nodes: int | None = None) -> ClusterConfig:
    """The cluster of a file, or the local one of ``nodes``; raises ConfigurationError.

    ``--config`` goes before ``--nodes``, but what stands on the command line before what the environment says.
    """
    if config is None or (nodes is not None and _is_typed("nodes") and not _is_typed("config")):
        return local_cluster(local_size() if nodes is None else nodes)
    from raftzmq.config import parse_cluster

    try:
        text = config.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigurationError(f"cannot read the cluster file {config}: {reason}") from None
    return parse_cluster(text, str(config))


def find_endpoints(endpoints: str | None, config: Path | None) -> tuple[str, ...]:
    """The client endpoints that a command was told to use; raises ConfigurationError.

    ``--endpoints`` goes before ``--config``, but what stands on the command line before what the environment says.
    """
    if endpoints is None or (config is not None and _is_typed("config") and not _is_typed("endpoints")):
        return tuple(address.client for address in load_cluster(config).nodes)
    parts = [part.strip() for part in endpoints.split(",") if part.strip()]
    if not parts:
        raise ConfigurationError("--endpoints is empty: give addresses like 127.0.0.1:7201,127.0.0.1:7202")
    return tuple(dict.fromkeys(_endpoint(part, "addresses like 127.0.0.1:7201") for part in parts))


def find_collector(collector: str | None, config: Path | None) -> str:
    """Where a command was told that the collector publishes; raises ConfigurationError."""
    if collector is None:
        return load_cluster(config).collector
    return _endpoint(collector.strip(), "--collector an address like 127.0.0.1:7400")


def _endpoint(text: str, wanted: str) -> str:
    """A text as an endpoint that can be connected to, which ``tcp://*:7201`` for one can't."""
    try:
        return to_endpoint(text)
    except ValueError as error:
        raise ConfigurationError(f"{text!r} {error}; give {wanted}") from None


def _is_typed(option: str) -> bool:
    """Does the option stand on the command line, rather than in the environment or nowhere?"""
    context = click.get_current_context(silent=True)
    return context is not None and context.get_parameter_source(option) is click.core.ParameterSource.COMMANDLINE


def open_client(endpoints: str | None, config: Path | None, timeout: float) -> AbstractContextManager[Client]:
    """A client of the cluster that the options name, for a ``with``; raises ConfigurationError.

    In a shell it is one that stays open for the commands after this one.
    """
    shared = shared_clients()
    if shared is not None:
        return shared.open(find_endpoints(endpoints, config), timeout)
    from raftzmq.client.sync import Client

    return Client(find_endpoints(endpoints, config), timeout=timeout)
