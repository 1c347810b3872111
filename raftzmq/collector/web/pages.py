"""The answers that are one document: what there is, at ``/about``, the state, the metrics, and whether all is well."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import orjson
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from raftzmq.collector.web.hub import Hub
from raftzmq.collector.web.refusal import COMMON_HEADERS
from raftzmq.collector.web.rows import STATUS_SCHEMA

METRICS_AGE_S = 0.5
"""Metrics are made at most this often: a crowd that asks for them costs no more than one who does."""
STALLED_S = 10.0
"""The collector's own loop turns once a second even if nothing happens."""
PATHS: tuple[tuple[str, str], ...] = (
    ("/", "the cluster, live: who leads, in which term, what is committed, and what happens"),
    ("/v1/state", "where every node stands, as JSON: the shape of <code>raftzmq status --json</code>"),
    ("/v1/recordings", "what can be looked at again, as JSON; below it: states, events and files of each"),
    ("/metrics", "figures for Prometheus, each with what it tells"),
    ("/events", "every event as it happens (server-sent): <code>curl -N …/events?type=role,leader</code>"),
    ("/ws", "the same for browsers, as a WebSocket: first the state, then events in batches"),
    ("/v1/control", "who may change something here (<code>raftzmq page</code> says how), and which nodes take faults"),
    ("/readyz", "200 if a leader is known, else 503 with the reason"),
    ("/livez", "200 if the collector works"),
)
_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>raftzmq: {cluster}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem;
  color-scheme: light dark }}
dt {{ font-family: ui-monospace, monospace; margin-top: .6rem }}
</style>
<h1>raftzmq: {cluster}</h1>
<p>The collector of {count} nodes: {nodes}. {standing}</p>
<dl>
{paths}</dl>
</html>
"""
_PAGE_HEADERS = {
    **COMMON_HEADERS,
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
}


class Pages:
    """Makes the answers from what the hub knows; ``clock`` is monotonic, in seconds.

    ``beat_at`` says when the collector's loop turned last.
    """

    def __init__(
        self, hub: Hub, registry: CollectorRegistry, clock: Callable[[], float], beat_at: Callable[[], float]
    ) -> None:
        self._hub = hub
        self._registry = registry
        self._clock = clock
        self._beat_at = beat_at
        self._metrics: dict[str, tuple[float, bytes]] = {}

    def about(self, _: web.BaseRequest) -> web.Response:
        """What there is."""
        hub = self._hub
        leader = hub.leader()
        standing = f"{escape(leader)} leads." if leader else f"Not ready: {escape(hub.trouble())}."
        names = [address.node for address in hub.config.nodes]
        text = _PAGE.format(
            cluster=escape(hub.config.cluster_id),
            count=len(names),
            nodes=", ".join(names) if len(names) <= 10 else f"{names[0]} … {names[-1]}",
            standing=standing,
            paths="".join(f'<dt><a href="{path}">{path}</a><dd>{text}\n' for path, text in PATHS),
        )
        return web.Response(text=text, content_type="text/html", headers=_PAGE_HEADERS)

    def state(self, _: web.BaseRequest) -> web.Response:
        """A row per configured node, and what else is known of the cluster."""
        state = self._hub.state
        return json_response(
            {
                "schema": STATUS_SCHEMA,
                "nodes": self._hub.rows(),
                "cluster_id": self._hub.config.cluster_id,
                "boot": self._hub.boot,
                "position": state.position,
                "leader": self._hub.leader(),
                "cluster": {name: value for name, value in state.document.items() if name not in ("nodes", "leader")},
            }
        )

    def metrics(self, request: web.BaseRequest) -> web.Response:
        """The metrics, in the form that is asked for: Prometheus' text, or OpenMetrics."""
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        now = self._clock()
        made_at, body = self._metrics.get(content_type, (-METRICS_AGE_S, b""))
        if now - made_at >= METRICS_AGE_S:
            body = encode(self._registry)
            if len(self._metrics) > 8:  # a header can ask for many forms
                self._metrics.clear()
            self._metrics[content_type] = now, body
        return web.Response(body=body, headers={**COMMON_HEADERS, "Content-Type": content_type})

    def livez(self, _: web.BaseRequest) -> web.Response:
        """Does the collector work? This thread does, or nobody would answer; the other one must have turned lately."""
        stalled = self._clock() - self._beat_at()
        if stalled <= STALLED_S:
            return json_response({"live": True})
        reason = f"the collector's loop hasn't turned for {stalled:.0f} s: its process is starved or stuck"
        return json_response({"live": False, "reason": reason}, status=503)

    def readyz(self, _: web.BaseRequest) -> web.Response:
        """Is a leader known?"""
        trouble = self._hub.trouble()
        if trouble:
            return json_response({"ready": False, "reason": trouble}, status=503)
        return json_response({"ready": True, "leader": self._hub.leader()})


def json_response(document: Any, *, status: int = 200) -> web.Response:
    """One JSON document on a line."""
    return web.Response(
        status=status,
        body=orjson.dumps(document) + b"\n",
        content_type="application/json",
        headers=COMMON_HEADERS,
    )
