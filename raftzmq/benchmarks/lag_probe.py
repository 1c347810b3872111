"""How late is a node's loop? Asked from outside, the same way of every runtime.

A question for a node's status needs no consensus, no disk and no other thread: the loop reads it, answers it, and that
is all. So the time to its answer is the time that the loop takes to come round to something new, plus two trips over
loopback. Questions are due at fixed times; one that is sent late because the answer before it was late counts from
when it was due, or a loop that stands still for a second would be noticed once instead of fifty times (coordinated
omission).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Self

from raftzmq.codec import PROTOCOL_MAX, PROTOCOL_MIN
from raftzmq.codec.clients import Hello, StatusAnswer, StatusRequest, Welcome, decode_node_header, encode_header
from raftzmq.transport.bare import BareDealer

EVERY_S = 0.02
"""Between two questions: often enough to see a heartbeat interval, too seldom to cost anything."""
PATIENCE_S = 10.0
"""A node that answers nothing for so long is asked no more: the load notices, and says why."""


class LagProbe:
    """Asks each node now and then while the block runs. A context manager; ``endpoints`` are the clients', by node."""

    def __init__(self, endpoints: Mapping[str, str], every_s: float = EVERY_S) -> None:
        self.seconds: dict[str, list[float]] = {node: [] for node in endpoints}
        """How long each answer took, in the order of the questions."""
        self._every_s = every_s
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(endpoint, self.seconds[node]), daemon=True)
            for node, endpoint in endpoints.items()
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, endpoint: str, seconds: list[float]) -> None:
        with BareDealer(endpoint) as dealer:
            dealer.send([encode_header(Hello(PROTOCOL_MIN, PROTOCOL_MAX, "", b"lag-probe"))])
            welcome = dealer.receive(patience_s=PATIENCE_S)
            if welcome is None or not isinstance(decode_node_header(welcome[0]), Welcome):
                return
            due, number = time.monotonic(), 0
            while not self._ended.wait(max(0.0, due - time.monotonic())):
                number += 1
                dealer.send([encode_header(StatusRequest(number))])
                answer = dealer.receive(patience_s=PATIENCE_S)
                if answer is None or not isinstance(decode_node_header(answer[0]), StatusAnswer):
                    return
                seconds.append(time.monotonic() - due)
                due += self._every_s
