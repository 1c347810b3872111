"""Nodes without Raft for the clients' live tests: real sockets, the real state machine, consensus by decree.

`Nodes` are threads that share one state, one of which is told to lead. They can be told to swallow answers, to fall
silent, or to die. ``python -m tests.client.server PORT`` is one such node in a process of its own; with ``--echo`` it
answers every command at once without executing it, which shows what a client alone costs.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

import zmq

from raftzmq.codec import PROTOCOL_MAX
from raftzmq.codec.clients import (
    Answer,
    Execute,
    Failure,
    Hello,
    Read,
    StatusAnswer,
    StatusRequest,
    Welcome,
    decode_client_header,
    encode_header,
    encode_results,
)
from raftzmq.core.types import EntryKind, make_entry
from raftzmq.kv.commands import decode_parcel, decode_queries, encode_batch
from raftzmq.kv.machine import StateMachine
from raftzmq.kv.tables import Tables
from raftzmq.storage.memory_table import MemoryTable
from raftzmq.transport.sockets import client_router

CLUSTER = "decreed"


class Decree:
    """What the nodes agree on: one state, and who leads."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.leader = ""
        self.members: list[tuple[str, str]] = []
        self.index = 0
        self.machine = StateMachine(Tables(MemoryTable(), MemoryTable(), MemoryTable(), MemoryTable()))
        self.parcels: list[int] = []
        """The number of commands of each parcel applied."""

    def apply(self, parcel: bytes) -> Any:
        """Results of a parcel, or one error result."""
        with self.lock:
            self.index += 1
            self.parcels.append(len(decode_parcel(parcel).commands))
            data = encode_batch(time.monotonic_ns() // 1000, [parcel], 1)
            entry = make_entry(self.machine.chain, self.index, 1, EntryKind.COMMANDS, data)
            return self.machine.apply(entry)[0]

    def read(self, queries: bytes) -> list[Any]:
        """Results of queries."""
        with self.lock:
            return [self.machine.query(query) for query in decode_queries(queries)]


class Node:
    """One node, in a thread. Also a context manager."""

    def __init__(self, decree: Decree, name: str, endpoint: str) -> None:
        self.decree = decree
        self.name = name
        self.endpoint = endpoint
        self.swallow = 0
        """Answers to parcels that will be lost, after the parcel was applied."""
        self.silent = False
        """Takes messages and does nothing about them."""
        self.taken = 0
        """Messages that arrived: its socket belongs to its thread, so nobody else may look at that."""
        self.executed = 0
        self.connections: set[bytes] = set()
        """The routing ids that greeted."""
        self.tags: list[str] = []
        """The tag of each request, in order."""
        self._stop = threading.Event()
        self._context = zmq.Context()
        self._router = client_router(self._context, endpoint)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def kill(self) -> None:
        """Close everything: clients see their connections break."""
        self._stop.set()
        self._thread.join()

    def __enter__(self) -> Node:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                if self._router.poll(10):
                    routing, *frames = self._router.recv_multipart()
                    self.taken += 1
                    if not self.silent:
                        self._on_message(routing, frames)
        finally:
            self._router.close()
            self._context.term()

    def _on_message(self, routing: bytes, frames: Sequence[bytes]) -> None:
        header = decode_client_header(frames[0])
        decree = self.decree
        if isinstance(header, (Execute, Read)):
            self.tags.append(header.trace)
        if isinstance(header, Hello):
            self.connections.add(routing)
            self._send(routing, Welcome(PROTOCOL_MAX, CLUSTER, self.name, "boot", decree.leader, decree.members))
        elif routing not in self.connections:
            self._send(routing, Failure(header.request, "handshake", "greet first", True))
        elif isinstance(header, StatusRequest):
            row = {"node": self.name, "role": "leader" if decree.leader == self.name else "follower"}
            self._send(routing, StatusAnswer(header.request), json.dumps(row).encode())
        elif isinstance(header, Read):
            self._send(routing, Answer(header.request, 0, True), encode_results(decree.read(frames[1])))
        elif decree.leader != self.name:
            endpoint = dict(decree.members).get(decree.leader, "")
            self._send(routing, Failure(header.request, "not_leader", "ask", True, decree.leader, endpoint))
        elif isinstance(header, Execute):
            self._execute(routing, header, frames[1])

    def _execute(self, routing: bytes, header: Execute, parcel: bytes) -> None:
        outcome = self.decree.apply(parcel)
        self.executed += 1
        if self.swallow > 0:
            self.swallow -= 1
        elif isinstance(outcome, dict):
            self._send(routing, Failure(header.request, outcome["error"], outcome["message"], True))
        else:
            self._send(routing, Answer(header.request, 0, True), encode_results(outcome))

    def _send(self, routing: bytes, header: Any, *payload: bytes) -> None:
        try:
            self._router.send_multipart([routing, encode_header(header), *payload], zmq.NOBLOCK)
        except zmq.ZMQError:
            # The client is gone: a node loses such answers, too.
            self.connections.discard(routing)


def echo(port: int) -> None:
    """Answer every command at once, as a put would be; opens sessions, stores nothing."""
    router = client_router(zmq.Context(), f"tcp://127.0.0.1:{port}")
    print("ready", flush=True)
    revision = 0
    while os.getppid() != 1:
        if not router.poll(1000):
            continue
        routing, *frames = router.recv_multipart()
        header = decode_client_header(frames[0])
        if isinstance(header, Hello):
            answer = [encode_header(Welcome(PROTOCOL_MAX, CLUSTER, "n1", "boot", "n1", []))]
        elif isinstance(header, Read):
            row = (b"key", b"x" * 256, 1, 1, 1, 0)
            results: list[Any] = [row] * len(decode_queries(frames[1]))
            answer = [encode_header(Answer(header.request, 0, True)), encode_results(results)]
        else:
            count = len(decode_parcel(frames[1]).commands)
            revision += count
            results = list(range(revision - count + 1, revision + 1))
            answer = [encode_header(Answer(header.request, 0, True)), encode_results(results)]
        router.send_multipart([routing, *answer])


def main(arguments: list[str]) -> None:
    """One node in this process, until its parent is gone."""
    port = int(arguments[0])
    if "--echo" in arguments:
        echo(port)
        return
    decree = Decree()
    endpoint = f"tcp://127.0.0.1:{port}"
    decree.leader, decree.members = "n1", [("n1", endpoint)]
    with Node(decree, "n1", endpoint):
        print("ready", flush=True)
        while os.getppid() != 1:
            threading.Event().wait(0.2)


if __name__ == "__main__":
    main(sys.argv[1:])
