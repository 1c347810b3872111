"""A request that is not served: a status and a sentence that says why and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import orjson
from aiohttp import web

COMMON_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""On every answer. There is no Access-Control-Allow-Origin: pages of others may not read anything here."""


class Refusal(Exception):
    """Raised while a request is looked at; becomes ``{"error": {"code", "message"}}`` with ``status``."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})

    def response(self) -> web.Response:
        """The answer."""
        return web.Response(
            status=self.status,
            body=error_body(self.status, self.message),
            content_type="application/json",
            headers={**COMMON_HEADERS, **self.headers},
        )


def error_body(status: int, message: str) -> bytes:
    """``{"error": {"code", "message"}}``, where the code is the status in words: ``not_found``."""
    code = HTTPStatus(status).phrase.lower().replace(" ", "_").replace("-", "_")
    return orjson.dumps({"error": {"code": code, "message": message}}) + b"\n"
