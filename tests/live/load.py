"""Writers that remember what they were told: every key is written once, so the store can be held to every answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from raftzmq import Client, KeyValue
from raftzmq.errors import RequestError
from tests.live.harness import PATIENCE, eventually

COUNTER = "load/counter"


@dataclass(slots=True)
class Told:
    """What clients were told about their writes: key → value."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    revisions: dict[str, int] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    swaps_acknowledged: int = 0
    swaps_unknown: int = 0


class Load:
    """Threads that put fresh keys, each waiting for its answer, and now and then count up a shared counter.

    ``acknowledged(n)`` is called in a writer's thread right after the n-th acknowledgement, before the next write.
    """

    def __init__(
        self,
        endpoints: Sequence[str],
        name: str,
        *,
        threads: int = 4,
        timeout: float = 10.0,
        value_bytes: int = 64,
        acknowledged: Callable[[int], None] | None = None,
    ) -> None:
        self.told = Told()
        self._name = name
        self._filler = "x" * value_bytes
        self._acknowledged = acknowledged
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._broken: list[Exception] = []
        self._client = Client(endpoints, timeout=timeout)
        self._threads = [threading.Thread(target=self._guard, args=(k,), daemon=True) for k in range(threads)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> Told:
        """End the writers, wait for the answers that they wait for; all that was told. Raises what a writer met."""
        self._ended.set()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "a writer still waits for an answer, far past its timeout"
        self._client.close()
        if self._broken:
            raise self._broken[0]
        return self.told

    def wait_for(self, more: int, what: str = "") -> None:
        """Wait until ``more`` further writes have been acknowledged."""
        aim = len(self.told.acknowledged) + more
        eventually(
            lambda: bool(self._broken) or len(self.told.acknowledged) >= aim,
            f"{more} more acknowledged writes {what}".strip(),
        )

    def _guard(self, writer: int) -> None:
        try:
            self._write(writer)
        except Exception as error:  # noqa: BLE001  whatever it is, `stop` raises it in the test's own thread
            self._broken.append(error)

    def _write(self, writer: int) -> None:
        number = 0
        while not self._ended.is_set():
            number += 1
            if number % 10 == 0:
                self._count_up()
                continue
            key, value = f"load/{self._name}/{writer}/{number}", f"{writer}-{number}-{self._filler}"
            try:
                revision = self._client.put(key, value).revision
            except RequestError as error:
                with self._lock:
                    (self.told.refused if error.definite else self.told.unknown)[key] = value
            else:
                with self._lock:
                    self.told.acknowledged[key] = value
                    self.told.revisions[key] = revision
                    count = len(self.told.acknowledged)
                if self._acknowledged is not None:
                    self._acknowledged(count)

    def _count_up(self) -> None:
        """One compare-and-swap on the counter that all writers share; losing the race is an answer too."""
        try:
            row = self._client.get(COUNTER)
            value = int(row.value) if row is not None else 0
            result = self._client.compare_and_swap(
                COUNTER, None, str(value + 1), mod_revision=row.mod_revision if row is not None else 0
            )
        except RequestError as error:
            if not error.definite:
                with self._lock:
                    self.told.swaps_unknown += 1
        else:
            if result.succeeded:
                with self._lock:
                    self.told.swaps_acknowledged += 1


def everything(endpoints: Sequence[str], prefix: str) -> list[KeyValue]:
    """All keys that begin with ``prefix``, as of one revision."""
    with Client(endpoints, timeout=PATIENCE) as client:
        answer = client.range(prefix)
        rows = answer.items
        while answer.more:
            answer = client.range(prefix, resume_key=answer.resume_key, revision=answer.revision)
            rows += answer.items
    return rows


def check(endpoints: Sequence[str], *tellings: Told) -> None:
    """Hold the store to what clients were told, by linearizable reads.

    Acknowledged: there, once, at the revision that was told. Refused: not there. Unknown: there once or not at all.
    The revisions add up: nothing was applied twice, under whatever key.
    """
    rows = {row.key.decode(): row for row in everything(endpoints, "load/")}
    counter = rows.pop(COUNTER, None)
    acknowledged = {key: value for told in tellings for key, value in told.acknowledged.items()}
    revisions = {key: revision for told in tellings for key, revision in told.revisions.items()}
    maybe = {key: value for told in tellings for key, value in told.unknown.items()}
    refused = {key for told in tellings for key in told.refused}

    lost = sorted(acknowledged.keys() - rows.keys())
    assert not lost, f"{len(lost)} of {len(acknowledged)} acknowledged writes are lost: {lost[:5]}"
    came_back = sorted(refused & rows.keys())
    assert not came_back, f"{len(came_back)} writes that were definitely refused were applied: {came_back[:5]}"
    strangers = sorted(rows.keys() - acknowledged.keys() - maybe.keys())
    assert not strangers, f"keys that nobody wrote: {strangers[:5]}"
    for key, row in rows.items():
        assert row.value.decode() == acknowledged.get(key, maybe.get(key)), f"{key} has another value"
        assert row.version == 1, f"{key} was put {row.version} times"
        assert revisions.get(key, row.mod_revision) == row.mod_revision, f"{key} moved to another revision"
    count = int(counter.value) if counter is not None else 0
    swaps = sum(told.swaps_acknowledged for told in tellings)
    unsure = sum(told.swaps_unknown for told in tellings)
    assert swaps <= count <= swaps + unsure, f"the counter is {count} after {swaps} swaps and {unsure} unknown ones"
    assert counter is None or counter.version == count, f"the counter {count} was written {counter.version} times"
    taken = sorted([row.mod_revision for row in rows.values()] + ([counter.mod_revision] if counter else []))
    assert len(set(taken)) == len(taken), "two writes have one revision"
