"""Holds what clients are told against the model and against real time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from raftzmq.kv.commands import Command, CompareAndSwap, Delete, Get, Put, Query, Range, StateHash
from raftzmq.simulation.model import Model, error, plain
from raftzmq.verify import RealTime, Violations


class Judge:
    """Every answer that a client takes for final comes by here."""

    def __init__(self, model: Model, realtime: RealTime, violations: Violations, damaged: Mapping[str, str]) -> None:
        """``damaged``: the nodes whose disks have lost a bit; they may say so instead of answering a read."""
        self._model = model
        self._damaged = damaged
        self._realtime = realtime
        self._report = violations.report
        self._given_up: list[tuple[str, str, int, int]] = []
        self.hashes: dict[int, tuple[str, str]] = {}

    # ---- writes

    def acknowledged(
        self, node: str, session: int, first: int, commands: Sequence[Command], results: list[Any], began: int
    ) -> None:
        """``node`` answered a parcel whose client began it when the floor was ``began``."""
        if len(results) != len(commands):
            self._report("results", (node,), f"{node} gave {len(results)} results for {len(commands)} commands")
            return
        for sequence, (command, result) in enumerate(zip(commands, results, strict=True), first):
            told = plain(result)
            executed = self._model.result(session, sequence)
            if executed != told:
                became = "was never committed" if executed is None else f"gave {executed!r}"
                self._report(
                    "acknowledged_writes",
                    (node,),
                    f"{node} answered command {sequence} of session {session} with {told!r}, but it {became}",
                )
                return
            self._in_time(node, command, told, began)

    def _in_time(self, node: str, command: Command, told: Any, began: int) -> None:
        if isinstance(command, Put):
            self._realtime.wrote(node, command.key, told, began)
        elif isinstance(command, (Delete, CompareAndSwap)):
            if told[0]:
                self._realtime.wrote(node, command.key, told[1], began)
            elif isinstance(command, Delete):
                self._realtime.saw(node, told[1], began)

    def again(self, node: str, session: int, first: int, results: list[Any]) -> None:
        """``node`` answered a parcel that had been answered before: the same results, or that they are forgotten."""
        for sequence, result in enumerate(results, first):
            told = plain(result)
            if told not in (self._model.result(session, sequence), error("invalid")):
                self._report(
                    "exactly_once",
                    (node,),
                    f"{node} answered command {sequence} of session {session} again, with {told!r} where it was "
                    f"{self._model.result(session, sequence)!r}",
                )

    def refused(self, node: str, what: str, code: str, message: str) -> None:
        """``node`` failed a request with a code that nothing in the simulation gives a reason for."""
        self._report("results", (node,), f"{node} refused {what} with {code}: {message}")

    def expired(self, node: str, session: int) -> None:
        """``node`` answered that it doesn't know this session any more, which a client had opened."""
        if self._model.knows(session):
            text = f"{node} answered that session {session} has expired; all that is committed says that it is open"
            self._report("results", (node,), text)

    def gave_up(self, client: str, node: str, session: int, first: int, count: int) -> None:
        """Every sending of these commands failed definitely, ``node``'s last, and the client left it at that."""
        self._given_up += [(client, node, session, sequence) for sequence in range(first, first + count)]

    def check_given_up(self) -> None:
        """None of what was given up may have been executed. Called now and then, and at the end."""
        for client, node, session, sequence in self._given_up:
            if self._model.result(session, sequence) is not None:
                self._report(
                    "definite_failures",
                    (node,),
                    f"{client} was told by {node} that command {sequence} of session {session} failed for good, "
                    "but it was executed",
                )
                return

    # ---- reads

    def answered(self, node: str, queries: Sequence[Query], results: list[Any], began: int) -> None:
        """``node`` answered a read that was sent when the floor was ``began``."""
        if len(results) != len(queries):
            self._report("results", (node,), f"{node} gave {len(results)} results for {len(queries)} queries")
            return
        for query, result in zip(queries, results, strict=True):
            if isinstance(result, dict):
                if result.get("error") == "corrupted" and node in self._damaged:
                    continue
                self._report("results", (node,), f"{node} answered {query!r} with {result}")
            elif isinstance(query, Get):
                self._row(node, query.key, result, began)
            elif isinstance(query, Range):
                self._range(node, query, result, began)
            else:
                self._hash(node, query, result, began)

    def _row(self, node: str, key: bytes, result: Any, began: int) -> None:
        self._realtime.read(node, key, None if result is None else result[3], began)
        if result is None:
            return
        written = self._model.value(result[3])
        if written is not None and tuple(result) != written:
            self._report(
                "results", (node,), f"{node} answered {tuple(result)!r}; revision {result[3]} wrote {written!r}"
            )

    def _range(self, node: str, query: Range, result: Any, began: int) -> None:
        revision, more, resume, rows = result
        if revision > self._model.revision:
            self._report(
                "linearizable_reads",
                (node,),
                f"{node} answered as of revision {revision}, but only {self._model.revision} is committed",
            )
            return
        self._realtime.saw(node, revision, began)
        expected = [row for row in self._model.rows_at(revision) if row[0] >= query.start]
        got = [tuple(row) for row in rows]
        after = expected[len(got)][0] if len(got) < len(expected) else None
        if got != expected[: len(got)] or (more, resume) != (after is not None, after):
            self._report(
                "results",
                (node,),
                f"{node} answered {query!r} as of revision {revision} with {got!r}, more {more}, resume {resume!r}; "
                f"the rows were {expected!r}",
            )

    def _hash(self, node: str, query: StateHash, result: Any, began: int) -> None:
        index, revision, digest = result
        self._realtime.saw(node, revision, began)
        known, owner = self.hashes.setdefault(index, (digest, node))
        if known != digest:
            self._report(
                "state_machine_safety",
                (owner, node),
                f"after entry {index} all that {owner} stores hashes to {known}, all that {node} stores to {digest}",
            )
