"""Stored keys and values on their way to and from a browser: text where they are UTF-8, ``{"b64": …}`` elsewhere."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from typing import Any

from multidict import MultiMapping

from raftzmq.client.results import KeyValue
from raftzmq.collector.web.refusal import Refusal
from raftzmq.events.maker import text_or_b64

Shown = str | dict[str, str]
"""Bytes in JSON."""


def bytes_of(what: str, said: Any) -> bytes:
    """The bytes that ``said`` means; raises Refusal, naming ``what`` they were to be."""
    if isinstance(said, str):
        try:
            return said.encode()
        except UnicodeEncodeError:
            raise Refusal(400, f"the {what} is no text that UTF-8 can spell: send it as {{'b64': …}}") from None
    if isinstance(said, dict) and said.keys() == {"b64"} and isinstance(said["b64"], str):
        try:
            return b64decode(said["b64"], validate=True)
        except (binascii.Error, ValueError) as error:
            raise Refusal(400, f"the {what} is no base64: {error}") from None
    raise Refusal(400, f"the {what} is missing, or is neither text nor {{'b64': …}}")


def bytes_asked(query: MultiMapping[str], name: str) -> bytes | None:
    """The bytes of a query's parameter: as text under ``name`` or in base64 under ``name_b64``; None without either.

    Raises Refusal.
    """
    if name in query and f"{name}_b64" in query:
        raise Refusal(400, f"{name} and {name}_b64 are two ways to say the same: give one of them")
    if name in query:
        return bytes_of(name, query[name])
    if f"{name}_b64" in query:
        return bytes_of(name, {"b64": query[f"{name}_b64"]})
    return None


def number_asked(query: MultiMapping[str], name: str, otherwise: int, least: int, most: int) -> int:
    """A whole number of the query; raises Refusal for anything else, and past its bounds."""
    said = query.get(name)
    if said is None:
        return otherwise
    if not (said.isascii() and said.isdigit() and len(said) <= 19 and least <= int(said) <= most):
        raise Refusal(400, f"{name} is a number from {least} to {most}, not {said[:32]!r}")
    return int(said)


def shown_row(item: KeyValue, bytes_max: int) -> dict[str, Any]:
    """A key as it stood: its value up to ``bytes_max``, with its whole length in ``bytes``."""
    return {
        "key": text_or_b64(item.key),
        **shown_value(item.value, bytes_max),
        "create_revision": item.create_revision,
        "mod_revision": item.mod_revision,
        "version": item.version,
        "lease": item.lease,
    }


def shown_value(value: bytes, bytes_max: int) -> dict[str, Any]:
    """``value`` and ``bytes``: the beginning, whole characters if it is text, and how long all of it is."""
    return {"value": _beginning(value, bytes_max), "bytes": len(value)}


def _beginning(value: bytes, bytes_max: int) -> Shown:
    shown = text_or_b64(value)
    if len(value) <= bytes_max:
        return shown
    if isinstance(shown, str):
        return value[:bytes_max].decode(errors="ignore")  # the last character may be cut in two
    return {"b64": b64encode(value[:bytes_max]).decode()}
