"""Reads: queries travel together to the leader, if it is connected, or to any node that is.

Asking twice does no harm, so a read is simply asked again, elsewhere, until an answer comes or its time is up; and a
read that ended without an answer is definitely without effect.
"""

from __future__ import annotations

from typing import Any, ClassVar

from raftzmq.client.batches import NEVER, Batch, Span
from raftzmq.client.lane import Lane, told_us
from raftzmq.client.links import Link
from raftzmq.client.results import GARBLED, Convert, decode_read, state_digest
from raftzmq.codec.clients import Failure, Read, encode_header
from raftzmq.config import BATCH_BYTES_MAX, BATCH_COMMANDS_MAX, MICROSECONDS
from raftzmq.errors import NoLeader, RequestError, Unreachable
from raftzmq.kv.commands import encode_queries


class Reads(Lane):
    """The lane of reads."""

    IN_FLIGHT_MAX: ClassVar[int] = 4
    LEADER_ONLY: ClassVar[bool] = False

    def _target(self) -> Link | None:
        return self._links.anyone()

    def _take(self) -> Batch | None:
        batch = self.queue.take(BATCH_COMMANDS_MAX, BATCH_BYTES_MAX)
        if state_digest in batch.converts:
            # Hashing all that is stored may take long, and asking again would only double the work.
            batch.patience_us = NEVER
        return batch

    def _frames(self, batch: Batch, request: int, now_us: int) -> list[bytes]:
        left_us = batch.last_deadline_us - now_us
        return [encode_header(Read(request, told_us(left_us), self._requests.trace)), encode_queries(batch.commands)]

    def _decode(self, payload: bytes, converts: list[Convert]) -> tuple[list[Any], list[Convert] | None] | None:
        try:
            results, ready = decode_read(payload, converts)
        except GARBLED:
            return None
        return results, None if ready else converts

    def _may_be_applied(self, batch: Batch) -> bool:
        return False

    def on_failure(self, batch: Batch, link: Link, failure: Failure, now_us: int) -> None:
        """This sending failed. If no leader confirmed it, that may be so at this node alone: others come first now."""
        super().on_failure(batch, link, failure, now_us)
        if failure.code in ("no_leader", "deadline_exceeded"):
            self._links.pass_over(link, now_us)

    def _on_unserved(self, link: Link, now_us: int) -> None:
        # Where the callers' time is shorter than the silence that raises doubt, no other sign may ever come.
        self._links.pass_over(link, now_us)

    def _overdue(self, batch: Batch, span: Span) -> RequestError:
        seconds = f"{(span.deadline_us - span.asked_us) / MICROSECONDS:g} s"
        if self._links.heard_us < span.asked_us:
            return Unreachable(f"no node answered within {seconds}; asked: {', '.join(self._links.known())}")
        return NoLeader(f"no node could serve the read within {seconds}: a majority may be down or cut off")
