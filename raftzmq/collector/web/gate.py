"""Who may ask for what: checked before any request is looked at closer."""

from __future__ import annotations

import re
from ipaddress import ip_address

from aiohttp import web
from multidict import CIMultiDictProxy, MultiMapping

from raftzmq.collector.web.refusal import Refusal

PARAMETERS_MAX = 64
"""Query parameters of one request."""
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9._-]+)(?::\d{1,5})?")


class Gate:
    """Refuses what a web page of somebody else's might try on the address.

    A page that a browser loaded from elsewhere can send requests here too. It cannot read the answers, since none
    allows it to (no CORS), but WebSockets know no such rule: so a foreign ``Origin`` is refused everywhere. And if
    its host name was made to point to this machine (DNS rebinding), the browser takes us for that page's own server:
    so on loopback the ``Host`` must be this machine's name, whatever its port, for tunnels have others.
    """

    def __init__(self, host: str, address: tuple[str, int]) -> None:
        self._host = host.lower()
        self._loopback = is_loopback(address[0])
        self._port = address[1]

    def check(self, request: web.BaseRequest) -> None:
        """Raise Refusal unless the request may be looked at."""
        host = self._host_of(request.headers)
        origin = request.headers.getall("Origin", [])
        if origin and origin != [f"http://{host}"]:
            raise Refusal(
                403, f"a page of {origin[0][:128]} may not ask this server: open http://{host}/ itself instead"
            )
        if len(request.query) > PARAMETERS_MAX:
            raise Refusal(400, f"more than {PARAMETERS_MAX} parameters: list names with commas")

    def _host_of(self, headers: CIMultiDictProxy[str]) -> str:
        """The Host header; raises Refusal unless there is one that may be."""
        hosts = headers.getall("Host", [])
        found = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        if found is None:
            raise Refusal(400, "the request needs one Host header with the name or address that it was sent to")
        name = found[1].lower()
        if self._loopback and name not in ("localhost", self._host) and not is_loopback(name.strip("[]")):
            raise Refusal(
                403, f"this server is its own machine's only and isn't {name[:128]}: ask http://localhost:{self._port}"
            )
        return hosts[0]


def check_posted(request: web.BaseRequest, content_type: str, bytes_max: int) -> None:
    """Raise Refusal for a POST that a page of our own would not have sent, or that is longer than it may be.

    A form of somebody else's page can be sent here without asking first, but not with another content type than those
    of forms (the Fetch standard's simple requests); and every browser says ``Origin`` with a POST.
    """
    if "Origin" not in request.headers:
        host = request.headers["Host"]
        raise Refusal(403, f"a request that changes something says where it is from: 'Origin: http://{host}'")
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != content_type:
        raise Refusal(415, f"the body must be {content_type}, and its Content-Type must say so")
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise Refusal(415, "the body must not be compressed: nobody knows how long it would be")
    if request.content_length is None:
        raise Refusal(411, "the request must say how long its body is, as Content-Length")
    if request.content_length > bytes_max:
        raise Refusal(413, f"the body has {request.content_length} bytes; it may have {bytes_max}")


def is_loopback(address: str) -> bool:
    """Is it an address of the machine itself only?"""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def check_parameters(query: MultiMapping[str], *known: str) -> None:
    """Raise Refusal if the query has a parameter that the path doesn't know: a typing error must not go unseen."""
    for name in query:
        if name not in known:
            has = f"it knows: {', '.join(known)}" if known else "it has none"
            raise Refusal(400, f"this path has no parameter {name[:64]!r}; {has}")
