"""What a client's call ended with, as an answer over HTTP: its own code and sentence, under a status that fits."""

from __future__ import annotations

import orjson
from aiohttp import web

from raftzmq.collector.web.refusal import COMMON_HEADERS, Refusal
from raftzmq.errors import RequestError

STATUS = {
    "invalid": 400,
    "too_large": 413,
    "compacted": 410,
    "session_expired": 409,
    "corrupted": 500,
    "refused": 502,
    "overloaded": 503,
    "no_leader": 503,
    "unreachable": 503,
    "closed": 503,
    "outcome_unknown": 504,
    "deadline_exceeded": 504,
}
"""By the code of an error; 502 for one that isn't here: a node said something that nobody here knows."""


class KvRefusal(Refusal):
    """Becomes ``{"error": {"code", "message", "definite"}}``: whether the command was surely not applied matters."""

    def __init__(self, status: int, code: str, message: str, *, definite: bool) -> None:
        super().__init__(status, message, {"Retry-After": "1"} if status == 503 else {})
        self.code = code
        self.definite = definite

    def response(self) -> web.Response:
        """The answer."""
        error = {"code": self.code, "message": self.message, "definite": self.definite}
        return web.Response(
            status=self.status,
            body=orjson.dumps({"error": error}) + b"\n",
            content_type="application/json",
            headers={**COMMON_HEADERS, **self.headers},
        )


def refusal_of(error: RequestError) -> KvRefusal:
    """The answer for a call that ended so."""
    return KvRefusal(STATUS.get(error.code, 502), error.code, error.message, definite=error.definite)
