"""The cluster to be broken: which nodes there are, which are in lab mode, and how to ask them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from raftzmq.errors import NoLeader, RaftzmqError, RequestError

if TYPE_CHECKING:
    from raftzmq.codec.clients import ChaosRequest

LEADER = "leader"
"""Stands for whoever leads now."""

Row = dict[str, Any]


class FaultError(RaftzmqError):
    """What was asked for was not done, and no node was touched."""


class Mistake(FaultError):
    """What was asked for makes no sense, whatever the cluster is like."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """The rows of status, by node, and how long a node may take to answer."""

    rows: Mapping[str, Row]
    timeout: float

    def resolve(self, names: Iterable[str]) -> list[str]:
        """Names as the user gave them, each once, ``leader`` replaced; raises FaultError for one that isn't there."""
        found = []
        for name in names:
            found.append(self.leader() if name == LEADER and LEADER not in self.rows else name)
            if found[-1] not in self.rows:
                raise FaultError(f"there is no node {name!r}; there are {', '.join(self.rows)}, and 'leader'")
        return list(dict.fromkeys(found))

    def leader(self) -> str:
        """Who leads, by the word of the leader of the highest term; raises NoLeader."""
        leading = [row for row in self.rows.values() if row.get("role") == "leader"]
        if not leading:
            raise NoLeader("no node leads now, so 'leader' names nobody: name the node, or wait for the election")
        return str(max(leading, key=lambda row: int(row["term"]))["node"])

    def reachable(self, names: Iterable[str] | None = None) -> list[str]:
        """Those that answered."""
        return [name for name in (self.rows if names is None else names) if self.rows[name]["reachable"]]

    def demand_lab(self, names: Iterable[str]) -> None:
        """Raise FaultError unless all of these that answer are in lab mode."""
        without = [name for name in self.reachable(names) if not self.rows[name].get("lab")]
        if without:
            who = ", ".join(without)
            raise FaultError(
                f"{who} {'was' if len(without) == 1 else 'were'} not started in lab mode, so nothing was done. For the "
                "local cluster: bin/down, then bin/up --lab. For a node of one's own: raftzmq node --lab, or "
                "RAFTZMQ_NODE_LAB=1 in its environment"
            )

    def ask(self, requests: Mapping[str, ChaosRequest]) -> dict[str, Row]:
        """Ask nodes by name, all at once; their answers. Raises the first RequestError, naming who did what."""
        from raftzmq.client.lab import ask_nodes

        names = {str(self.rows[name]["endpoint"]): name for name in requests}
        outcomes = ask_nodes({endpoint: requests[name] for endpoint, name in names.items()}, self.timeout)
        rows = {names[endpoint]: outcome for endpoint, outcome in outcomes.items() if isinstance(outcome, dict)}
        for endpoint, outcome in outcomes.items():
            if isinstance(outcome, RequestError):
                done = f" ({', '.join(rows)} did what was asked: raftzmq chaos heal undoes it)" if rows else ""
                raise type(outcome)(
                    f"{names[endpoint]}: {outcome.message}{done}", definite=outcome.definite and not rows
                )
        return rows
