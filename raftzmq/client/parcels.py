"""Writes: commands travel as parcels of a session, and are applied exactly once however often a parcel is sent.

A parcel keeps session, first sequence and commands for all its sendings, so a node recognizes what it has applied. The
lowest sequence still unanswered, which every parcel says, is the first one of the oldest parcel that is neither
answered nor given up: results above it are kept for us, and no sequence may lie `SESSION_WINDOW` above it (thesis 6.3,
pipelined). A parcel whose sendings have all ended definitely is dissolved: its commands wait again and travel under
new sequences, because what is given up after a definite end must not be applied later.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from raftzmq.client.batches import NEVER, Batch, Span
from raftzmq.client.lane import Lane, Requests, told_us
from raftzmq.client.links import Link, Links
from raftzmq.client.outbox import Outbox
from raftzmq.client.results import GARBLED, Convert, as_it_is, decode_written, failed_result
from raftzmq.codec.clients import Answer, Execute, Failure, encode_header
from raftzmq.config import BATCH_BYTES_MAX, BATCH_COMMANDS_MAX, MICROSECONDS, SESSION_WINDOW
from raftzmq.errors import OutcomeUnknown, RequestError
from raftzmq.kv.commands import OpenSession, Parcel, encode_parcel

OPEN_TIMEOUT_US: Final = 5 * MICROSECONDS
"""How long a node may try to open a session. Opening twice does no harm: the older one is forgotten some day."""


@dataclass(slots=True, eq=False)
class Session:
    """A session: its id, the next sequence, and first sequence → parcel for those not done with, ascending."""

    id: int
    next: int = 1
    parcels: dict[int, Batch] = field(default_factory=dict)

    @property
    def lowest(self) -> int:
        """No sequence below it will ever be sent again."""
        return next(iter(self.parcels), self.next)


class Parcels(Lane):
    """The lane of writes. They go to the leader alone."""

    IN_FLIGHT_MAX: ClassVar[int] = 4
    """Two that the leader has proposed, one at its door, one on its way. From 1 to 16 measured level (3 nodes)."""
    LEADER_ONLY: ClassVar[bool] = True

    def __init__(self, links: Links, outbox: Outbox, requests: Requests, client: bytes) -> None:
        super().__init__(links, outbox, requests)
        self._client = client
        self._session: Session | None = None
        self._sessions: dict[int, Session] = {}
        self._opening: Batch | None = None
        self._sent_to: Link | None = None

    def _target(self) -> Link | None:
        leader = self._links.leader
        return leader if leader is not None and leader.usable else None

    def _flush(self, target: Link, now_us: int) -> None:
        if target is not self._sent_to:
            # Another node leads now: what is under way to the old one may never be answered.
            self._sent_to = target
            for batch in self.batches:
                if batch.link is not target:
                    self._strand(batch)
        opening = self._opening
        if opening is not None and opening.link is None and not self.queue.runs:
            self._drop(opening)
        super()._flush(target, now_us)

    def _take(self) -> Batch | None:
        session = self._session
        if session is None:
            return self._open_session()
        room = session.lowest + SESSION_WINDOW - session.next
        if room <= 0:
            return None
        batch = self.queue.take(min(room, BATCH_COMMANDS_MAX), BATCH_BYTES_MAX)
        batch.session, batch.first = session.id, session.next
        session.parcels[batch.first] = batch
        session.next += len(batch.commands)
        return batch

    def _open_session(self) -> Batch | None:
        if self._opening is not None:
            return None
        command = OpenSession(self._client)
        self._opening = Batch([command], [None], [as_it_is], [Span(0, 1, 0, NEVER)], 0)
        return self._opening

    def _frames(self, batch: Batch, request: int, now_us: int) -> list[bytes]:
        session = self._sessions.get(batch.session)
        lowest = 0 if session is None else session.lowest
        left_us = OPEN_TIMEOUT_US if session is None else batch.last_deadline_us - now_us
        parcel = Parcel(batch.session, lowest, batch.first, batch.commands)
        return [encode_header(Execute(request, told_us(left_us), self._requests.trace)), encode_parcel(parcel)]

    def _decode(self, payload: bytes, converts: list[Convert]) -> tuple[list[Any], list[Convert] | None] | None:
        try:
            results, ready = decode_written(payload, converts)
        except GARBLED:
            return None
        return results, None if ready else converts

    def _may_be_applied(self, batch: Batch) -> bool:
        return not batch.clean

    def _has_no_way(self) -> bool:
        return self._session is None or super()._has_no_way()

    def _overdue(self, batch: Batch, span: Span) -> RequestError:
        seconds = f"{(span.deadline_us - span.asked_us) / MICROSECONDS:g} s"
        return OutcomeUnknown(f"sent, but no answer came within {seconds}: the write may or may not be applied")

    def on_answer(self, batch: Batch, link: Link, header: Answer, payload: bytes, now_us: int) -> bool:
        """Results of commands, or the id of a new session."""
        if batch is not self._opening:
            answered = super().on_answer(batch, link, header, payload, now_us)
        else:
            answered = self._on_session(batch, payload)
        if answered:
            self._links.useful()
        return answered

    def _on_session(self, batch: Batch, payload: bytes) -> bool:
        decoded = self._decode(payload, batch.converts)
        if decoded is None or len(decoded[0]) != 1:
            return False
        (result,) = decoded[0]
        if isinstance(result, dict):
            self._give_up(batch, failed_result(result))
        elif isinstance(result, int) and result > 0:
            self._drop(batch)
            self._session = self._sessions[result] = Session(result)
        else:
            return False
        return True

    def _on_verdict(self, batch: Batch, failure: Failure) -> None:
        if failure.code != "session_expired" or batch is self._opening:
            super()._on_verdict(batch, failure)
            return
        if self._session is not None and self._session.id == batch.session:
            self._session = None
        if batch.clean:
            self._retry(batch)
        else:
            super()._on_verdict(batch, failure)

    def _retry(self, batch: Batch) -> None:
        if batch is self._opening:
            self._drop(batch)
        else:
            super()._retry(batch)

    def _give_up(self, batch: Batch, error: RequestError) -> None:
        if batch is self._opening:
            # Nothing can be written without a session.
            self._drop(batch)
            self.fail_waiting(type(error)(error.message, definite=True))
        else:
            super()._give_up(batch, error)

    def _drop(self, batch: Batch) -> None:
        super()._drop(batch)
        if batch is self._opening:
            self._opening = None
        session = self._sessions.get(batch.session)
        if session is not None:
            session.parcels.pop(batch.first, None)
            if session is not self._session and not session.parcels:
                del self._sessions[session.id]
