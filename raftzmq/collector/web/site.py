"""Every path of the page and what answers it: a line each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from raftzmq.collector.web.assets import PAGE_PARAMETERS, Assets
from raftzmq.collector.web.browser import serve_browser
from raftzmq.collector.web.chaos import Chaos
from raftzmq.collector.web.hub import Hub
from raftzmq.collector.web.kv_routes import add_kv_routes
from raftzmq.collector.web.labs import add_lab_routes
from raftzmq.collector.web.pages import Pages
from raftzmq.collector.web.recording_routes import recording_routes
from raftzmq.collector.web.recording_shelf import Shelf
from raftzmq.collector.web.routes import Routes
from raftzmq.collector.web.server_sent import serve_events
from raftzmq.collector.web.token import Token

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What answers may need: all of it belongs to the collector's web thread, except the collector's own files.

    ``directory`` is where the collector records and ``supervisor`` where supervisord listens, if there are any.
    """

    hub: Hub
    pages: Pages
    token: Token
    log: FilteringBoundLogger
    directory: Path | None
    supervisor: str | None
    shelf: Shelf


def site_of(around: Surroundings) -> Routes:
    """All paths."""
    routes = Routes(around.token)
    hub, pages, assets = around.hub, around.pages, Assets()
    routes.read("/", assets.index, *PAGE_PARAMETERS)
    routes.read("/static/", assets.asset)
    routes.read("/about", pages.about)
    routes.read("/v1/state", pages.state)
    routes.read("/metrics", pages.metrics)
    routes.read("/events", lambda request: serve_events(request, hub), "type", "node", "last_event_id")
    routes.read("/ws", lambda request: serve_browser(request, hub), "type", "node")
    routes.read("/readyz", pages.readyz)
    routes.read("/livez", pages.livez)
    add_kv_routes(routes, hub, around.shelf)
    recording_routes(routes, around.shelf)
    add_lab_routes(routes, around.shelf, around.directory)
    chaos = Chaos(hub, around.token, around.log, around.supervisor)
    routes.read("/v1/control", chaos.control)
    routes.act("/v1/chaos", chaos.act)
    routes.at_end(chaos.close)
    return routes
