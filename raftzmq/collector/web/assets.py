"""The live page's files: modules, styles and the page itself, read once, served with their types and a digest each."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

import orjson
from aiohttp import web

from raftzmq.collector.web.refusal import COMMON_HEADERS, Refusal
from raftzmq.events import EVENT_TYPES

STATIC = Path(__file__).resolve().parent.parent / "static"
PAGE_PARAMETERS = ("language", "theme", "messages", "presenter", "panel", "tour")
"""What a link to the page may choose; the page itself reads them."""
_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
_HEADERS = {
    **COMMON_HEADERS,
    # Everything from here and nothing from elsewhere: what a key or a value says can't become a script.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}


class Asset(NamedTuple):
    """A file as it is served; the tag changes with its content."""

    body: bytes
    content_type: str
    tag: str


class Assets:
    """The files below ``static/``, at any depth, and ``/static/catalogue.json``: when events happen, and why.

    A browser keeps them and asks each time whether they are still the same: a page never runs modules of two releases.
    """

    def __init__(self, directory: Path = STATIC) -> None:
        self._assets = {
            f"/static/{path.relative_to(directory).as_posix()}": _asset(path.read_bytes(), _TYPES[path.suffix])
            for path in sorted(directory.rglob("*"))
            if path.suffix in _TYPES
        }
        told = {kind: {"level": one.level, "when": one.when, "source": one.source} for kind, one in EVENT_TYPES.items()}
        self._assets["/static/catalogue.json"] = _asset(orjson.dumps(told), "application/json")

    def index(self, _: web.BaseRequest) -> web.Response:
        """The page."""
        page = self._assets["/static/index.html"]
        return web.Response(body=page.body, content_type=page.content_type, charset="utf-8", headers=_HEADERS)

    def asset(self, request: web.BaseRequest) -> web.Response:
        """One file; 304 if the browser has it already. Raises Refusal for one that there isn't."""
        asset = self._assets.get(request.path)
        if asset is None:
            raise Refusal(404, f"there is no file {request.path[:64]}: the page is at /")
        headers = {**_HEADERS, "Cache-Control": "no-cache", "ETag": asset.tag}
        if request.headers.get("If-None-Match") == asset.tag:
            return web.Response(status=304, headers=headers)
        return web.Response(body=asset.body, content_type=asset.content_type, charset="utf-8", headers=headers)


def _asset(body: bytes, content_type: str) -> Asset:
    return Asset(body, content_type, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
