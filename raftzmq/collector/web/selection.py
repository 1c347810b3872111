"""Which events somebody wants: of some types, of some nodes, or all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from raftzmq.collector.web.refusal import Refusal
from raftzmq.config import check_node_name
from raftzmq.errors import ConfigurationError
from raftzmq.events import EVENT_TYPES, Level

NAMES_MAX = 300
"""Names in a selection: more than there are types of events, or nodes of a cluster."""


class Selection(NamedTuple):
    """Types and nodes whose events are wanted; None: of all of them."""

    types: frozenset[str] | None = None
    nodes: frozenset[str] | None = None

    def wants(self, node: str, kind: str) -> bool:
        """Is an event of this node and type wanted?"""
        return (self.types is None or kind in self.types) and (self.nodes is None or node in self.nodes)

    @property
    def details(self) -> frozenset[str]:
        """The types among them that are made only while somebody asks for them by name."""
        return frozenset(kind for kind in self.types or () if EVENT_TYPES[kind].level is Level.DETAIL)


ALL = Selection()


def selection_of_query(types: Iterable[str], nodes: Iterable[str]) -> Selection:
    """From ``?type=role,vote&node=n1``: values may be comma lists, and parameters may come again.

    Raises Refusal for a type that there is none of, or what is no node's name.
    """
    return Selection(_types(_split(types)), _nodes(_split(nodes)))


def selection_of_message(message: Any) -> Selection:
    """From a browser's ``{"filter": {"types": […], "nodes": […]}}``; what is left out or null means all.

    Raises Refusal for anything else.
    """
    wanted = message.get("filter") if isinstance(message, Mapping) and set(message) == {"filter"} else None
    if not isinstance(wanted, Mapping) or not set(wanted) <= {"types", "nodes"}:
        raise Refusal(400, 'messages are like {"filter": {"types": ["role", "vote"], "nodes": ["n1"]}}')
    return Selection(_types(_listed(wanted.get("types"))), _nodes(_listed(wanted.get("nodes"))))


def _split(values: Iterable[str]) -> list[str]:
    return [name for value in values for name in value.split(",") if name]


def _listed(value: Any) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise Refusal(400, "types and nodes must be lists of names")
    return value


def _types(names: list[str]) -> frozenset[str] | None:
    _bounded(names)
    for name in names:
        if name not in EVENT_TYPES:
            raise Refusal(400, f"there is no type of event {name[:64]!r}; there are: {', '.join(EVENT_TYPES)}")
    return frozenset(names) or None


def _nodes(names: list[str]) -> frozenset[str] | None:
    _bounded(names)
    for name in names:
        try:
            check_node_name(name)
        except ConfigurationError:
            raise Refusal(400, f"{name[:64]!r} is no node's name: use letters, digits, '-' and '_'") from None
    return frozenset(names) or None


def _bounded(names: list[str]) -> None:
    if len(names) > NAMES_MAX:
        raise Refusal(400, f"{len(names)} names are too many: at most {NAMES_MAX} can be asked for")
