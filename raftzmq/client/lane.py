"""What parcels and reads have in common: waiting, travelling, silence, answers in parts, failures, deadlines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Protocol

from raftzmq.client.batches import NEVER, RETRY_MAX_US, Batch, Queue, Run, Span
from raftzmq.client.links import Link, Links
from raftzmq.client.outbox import Outbox
from raftzmq.client.results import Convert
from raftzmq.codec.clients import HANDSHAKE, NOT_LEADER, Answer, Failure
from raftzmq.config import MICROSECONDS
from raftzmq.errors import (
    ClientClosed,
    NoLeader,
    OutcomeUnknown,
    Overloaded,
    Refused,
    RequestError,
    Unreachable,
    request_error,
)

PAUSE_MIN_US: Final = 10_000
PAUSE_MAX_US: Final = 250_000
"""How long nothing is sent after a node said that it has too much to do; it grows while nodes go on saying so."""
ANSWER_TIME_US: Final = 50_000
"""A node is told of a timeout this much shorter, so that its definite refusal arrives before the caller gives up."""


class Owner(Protocol):
    """Whoever sent a request and is to have its answer."""

    def on_answer(self, item: Any, link: Link, header: Answer, payload: bytes, now_us: int) -> bool:
        """Results came; False if they make no sense."""

    def on_failure(self, item: Any, link: Link, failure: Failure, now_us: int) -> None:
        """This sending of the request failed."""


@dataclass(slots=True)
class Requests:
    """The requests that may still be answered: number → who sent what, over which link. ``trace``: their tag."""

    trace: str = ""
    open: dict[int, tuple[Owner, Any, Link]] = field(default_factory=dict)
    last: int = 0

    def add(self, owner: Owner, item: Any, link: Link) -> int:
        """The number of a new request."""
        self.last += 1
        self.open[self.last] = (owner, item, link)
        return self.last


def told_us(left_us: int) -> int:
    """The timeout that a node is told of when ``left_us`` are left."""
    return max(1, left_us - min(ANSWER_TIME_US, left_us // 4))


class Lane:
    """Calls of one kind, from waiting to settled."""

    IN_FLIGHT_MAX: ClassVar[int]
    """Batches under way at once. Calls that queue behind them travel together: batching without a timer."""
    LEADER_ONLY: ClassVar[bool]

    def __init__(self, links: Links, outbox: Outbox, requests: Requests) -> None:
        self.queue = Queue()
        self.batches: dict[Batch, None] = {}
        """Batches under way, oldest first."""
        self.deadline_us = NEVER
        """`step` has nothing to do for time's sake before."""
        self._links = links
        self._outbox = outbox
        self._requests = requests
        self._pause_until_us = 0
        self._pause_us = PAUSE_MIN_US
        self._setback = ("", "")
        """Code and message of the last failure, until there is an answer."""

    # --- what kinds of calls differ in ---

    def _target(self) -> Link | None:
        """Where to send to now; None if nowhere."""
        raise RuntimeError("a lane is of a kind")

    def _take(self) -> Batch | None:
        """The next batch off the queue; None if nothing may be sent now."""
        raise RuntimeError("a lane is of a kind")

    def _frames(self, batch: Batch, request: int, now_us: int) -> list[bytes]:
        """The message."""
        raise RuntimeError("a lane is of a kind")

    def _decode(self, payload: bytes, converts: list[Convert]) -> tuple[list[Any], list[Convert] | None] | None:
        """Results and what is to be made of them; None if the bytes are no results."""
        raise RuntimeError("a lane is of a kind")

    def _may_be_applied(self, batch: Batch) -> bool:
        """Could giving the batch up leave it applied?"""
        raise RuntimeError("a lane is of a kind")

    def _has_no_way(self) -> bool:
        """Is nobody there to take the calls?"""
        return self._target() is None

    def _overdue(self, batch: Batch, span: Span) -> RequestError:
        """The error of calls that were sent, and whose time is up."""
        raise RuntimeError("a lane is of a kind")

    def _on_unserved(self, link: Link, now_us: int) -> None:
        """The node had a batch for as long as the callers waited, and did not answer."""

    # --- time ---

    @property
    def busy(self) -> bool:
        """Is there any call? If not, `step` has nothing to do before `deadline_us`."""
        return bool(self.queue.fresh or self.batches or self.queue.runs)

    def step(self, now_us: int) -> bool:
        """Take in new calls, give up late ones, send what can be sent. True if something is left to be sent."""
        queue = self.queue
        if queue.fresh:
            queue.stamp(now_us)
            if queue.deadline_us < self.deadline_us:
                self.deadline_us = queue.deadline_us
        if now_us >= self.deadline_us:
            self._on_time(now_us)
        if now_us >= self._pause_until_us and (queue.runs or self.batches):
            target = self._target()
            if target is not None:
                self._flush(target, now_us)
        return bool(queue.runs) or any(batch.link is None for batch in self.batches)

    def _on_time(self, now_us: int) -> None:
        for run in self.queue.expire(now_us):
            self._outbox.failed.append((run.futures, self._unsent(run)))
        for batch in list(self.batches):
            for span in batch.expire(now_us):
                late = batch.futures[max(span.begin, batch.answered) : span.end]
                if late:
                    self._outbox.failed.append((late, self._overdue(batch, span)))
            if not batch.spans:
                if batch.link is not None:
                    self._on_unserved(batch.link, now_us)
                self._drop(batch)
            elif batch.link is not None and now_us >= batch.retry_us:
                self._links.doubt(batch.link, now_us)
                batch.patience_us = min(2 * batch.patience_us, RETRY_MAX_US)
                self._strand(batch)
        times = [self.queue.deadline_us]
        times += [min(batch.deadline_us, batch.retry_us) for batch in self.batches]
        if self._pause_until_us > now_us:
            times.append(self._pause_until_us)
        self.deadline_us = min(times)

    def _flush(self, target: Link, now_us: int) -> None:
        for batch in self.batches:
            if batch.link is None:
                self._send(batch, target, now_us)
        while self.queue.runs and len(self.batches) < self.IN_FLIGHT_MAX:
            batch_or_none = self._take()
            if batch_or_none is None:
                return
            self.batches[batch_or_none] = None
            self._send(batch_or_none, target, now_us)

    def _send(self, batch: Batch, link: Link, now_us: int) -> None:
        request = self._requests.add(self, batch, link)
        batch.sendings[request] = link
        retry_us = min(NEVER, now_us + batch.patience_us)
        batch.link, batch.request, batch.retry_us = link, request, retry_us
        self._outbox.frames.append((link.endpoint, self._frames(batch, request, now_us)))
        self.deadline_us = min(self.deadline_us, retry_us, batch.deadline_us)

    # --- what came ---

    def on_answer(self, batch: Batch, link: Link, header: Answer, payload: bytes, now_us: int) -> bool:
        """Results of a part of the batch, or all of it. Parts of several sendings may mix: they say the same."""
        decoded = self._decode(payload, batch.converts)
        if decoded is None:
            return False
        results, converts = decoded
        done, count = batch.answered, len(batch.futures)
        end = header.first + len(results)
        if header.first > done or end > count or (header.done and end != count):
            return False
        if header.first == 0 and end == count and done == 0:
            self._outbox.answered.append((batch.futures, converts, results))
        elif end > done:
            part = None if converts is None else converts[done:end]
            self._outbox.answered.append((batch.futures[done:end], part, results[done - header.first :]))
        self._pause_us = PAUSE_MIN_US
        self._setback = ("", "")
        batch.answered = max(done, end)
        batch.retry_us = now_us + batch.patience_us
        if batch.answered == count:
            self._drop(batch)
        return True

    def on_failure(self, batch: Batch, link: Link, failure: Failure, now_us: int) -> None:
        """One sending of the batch failed as a whole. What follows depends on whether it was the last one."""
        batch.sendings.pop(failure.request, None)
        if not failure.definite:
            batch.uncertain = True
        latest = batch.request == failure.request and batch.link is not None
        code = failure.code
        self._setback = (code, failure.message)
        if code == NOT_LEADER:
            self._links.on_not_leader(link, failure.leader, failure.endpoint, now_us)
        elif code == HANDSHAKE:
            self._links.on_stranger(link, now_us)
            self._pause(now_us)
        elif code in ("outcome_unknown", "no_leader"):
            self._links.dismiss(link, now_us)
        elif code == "overloaded":
            self._pause(now_us)
        elif not latest and not batch.clean:
            return  # a later sending is under way: its end decides
        else:
            self._on_verdict(batch, failure)
            return
        if not self.LEADER_ONLY:
            # The same node could be asked again at once, and say the same again.
            self._pause(now_us)
        if latest or batch.clean:
            self._retry(batch)

    def _on_verdict(self, batch: Batch, failure: Failure) -> None:
        """A failure that trying again won't mend."""
        code = "no_leader" if failure.code == "deadline_exceeded" else failure.code
        if self._may_be_applied(batch):
            message = f"{failure.message}; an earlier sending of it may have been applied"
            self._give_up(batch, OutcomeUnknown(message))
        else:
            self._give_up(batch, request_error(code, failure.message, definite=True))

    def on_lost(self, link: Link) -> None:
        """The connection broke: what was sent over it may not have arrived, and won't be answered over it."""
        for batch in self.batches:
            if batch.link is link:
                self._strand(batch)

    # --- ends ---

    def fail_waiting(self, error: RequestError) -> None:
        """Fail the calls that were never sent."""
        for run in self.queue.take_all():
            self._outbox.failed.append((run.futures, error))

    def close(self) -> None:
        """Fail all calls."""
        self.fail_waiting(ClientClosed("the client was closed before this call was sent"))
        for batch in list(self.batches):
            message = "the client was closed before the answer came"
            self._give_up(batch, ClientClosed(message, definite=not self._may_be_applied(batch)))

    def _retry(self, batch: Batch) -> None:
        """Have the batch sent again: as it is, or, if nothing of it can have been applied, as if for the first time.

        A clean batch must not stay as it is: its calls may be given up, with a promise that they aren't applied.
        """
        if batch.clean:
            self._drop(batch)
            self.queue.put_back(batch)
            self.deadline_us = min(self.deadline_us, self.queue.deadline_us)
        else:
            self._strand(batch)

    def _strand(self, batch: Batch) -> None:
        """The batch is under way nowhere: `step` will send it again."""
        batch.link = None
        batch.retry_us = NEVER

    def _give_up(self, batch: Batch, error: RequestError) -> None:
        waiting = batch.waiting()
        if waiting:
            self._outbox.failed.append((waiting, error))
        self._drop(batch)

    def _drop(self, batch: Batch) -> None:
        """Nobody waits for the batch any more; late answers to it will be ignored."""
        self.batches.pop(batch, None)
        for request in batch.sendings:
            self._requests.open.pop(request, None)

    def _pause(self, now_us: int) -> None:
        self._pause_until_us = now_us + self._pause_us
        self._pause_us = min(2 * self._pause_us, PAUSE_MAX_US)
        self.deadline_us = min(self.deadline_us, self._pause_until_us)

    def _unsent(self, run: Run) -> RequestError:
        """The error of calls that waited until their time was up: surely not applied."""
        seconds = f"{run.timeout_us / MICROSECONDS:g} s"
        refusal = self._links.refusal()
        if refusal:
            return Refused(refusal)
        if self._links.heard_us < run.asked_us:
            names = ", ".join(self._links.known())
            return Unreachable(f"no node answered within {seconds}; asked: {names}. Are they running?")
        code, message = self._setback
        if self._has_no_way() or code in (NOT_LEADER, "no_leader"):
            return NoLeader(f"no leader within {seconds}: a majority of the nodes may be down or cut off")
        if code == "overloaded":
            return Overloaded(f"the cluster had too much to do for {seconds}: {message}")
        return Overloaded(f"the calls made before were not answered for {seconds}, so this one was never sent")
