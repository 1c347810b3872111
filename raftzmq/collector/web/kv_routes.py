"""The paths of the cluster's data: keys, a key's history, commands, and where the time of a request went."""

from __future__ import annotations

from raftzmq.collector.web import explanations, history, keys
from raftzmq.collector.web.explanations import Explanations
from raftzmq.collector.web.history import History
from raftzmq.collector.web.hub import Hub
from raftzmq.collector.web.keys import Keys
from raftzmq.collector.web.kv import BODY_BYTES_MAX, Commands
from raftzmq.collector.web.kv_clients import KvClients
from raftzmq.collector.web.recording_shelf import Shelf
from raftzmq.collector.web.routes import Routes


def add_kv_routes(routes: Routes, hub: Hub, shelf: Shelf) -> None:
    """Keys and values are their users' own: they need the token, as commands do. Events are for everybody."""
    clients = KvClients(hub.config)
    commands = Commands(clients)
    routes.act("/v1/kv", commands.act, bytes_max=BODY_BYTES_MAX)
    routes.read("/v1/keys", Keys(clients).answer, *keys.PARAMETERS, token=True)
    routes.read("/v1/history", History(clients).answer, *history.PARAMETERS, token=True)
    routes.read("/v1/explain", Explanations(hub, shelf, commands.measured).answer, *explanations.PARAMETERS)
    routes.at_end(clients.close)
