"""What strangers and careless programs pour into a node: bad frames, vast ones, vanishing clients, large values.

Each flood is one function of a `Target`, so that tests and the measurement of other clients send the same. Run as a
program it sends one flood by name, once for each line that it reads: starting it must not slow down who is measured.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass

from raftzmq.client.sync import Client
from raftzmq.codec import PROTOCOL_MAX, PROTOCOL_MIN
from raftzmq.codec.clients import (
    Answer,
    Execute,
    Hello,
    Read,
    Welcome,
    decode_node_header,
    decode_results,
    encode_header,
)
from raftzmq.config import MIB
from raftzmq.errors import RequestError
from raftzmq.kv.commands import Get, OpenSession, Parcel, Put, encode_parcel, encode_queries
from raftzmq.transport.bare import BareDealer

GARBAGE_MESSAGES = 2000
VAST_BYTES = 100 * MIB
TINY_FRAMES = 10_000
CLIENTS = 1000
CLIENTS_AT_ONCE = 50
VALUES = 2000
VALUE_BYTES = MIB
UNREAD_VALUES = 16
UNREAD_REQUESTS = 20_000
UNREAD_S = 3.0
ANSWER_S = 10.0
"""How long an answer may take that will surely come."""


@dataclass(frozen=True, slots=True)
class Target:
    """One node's ports, and where its cluster's clients knock. ``seed``: same floods."""

    peer: str
    client: str
    endpoints: tuple[str, ...]
    seed: int = 1


Counts = dict[str, int]
"""What became of a flood, as its sender saw it."""


def garbage(target: Target) -> Counts:
    """Random bytes in random frames, at both ports."""
    rng = random.Random(target.seed)
    with _both(target) as (peer, client):
        for _ in range(GARBAGE_MESSAGES):
            frames = [rng.randbytes(rng.randrange(200)) for _ in range(rng.randrange(1, 5))]
            peer.send(frames)
            client.send(frames)
        return {"answers": _answers(client, GARBAGE_MESSAGES), "peer_answers": _answers(peer)}


def vast_frame(target: Target) -> Counts:
    """One frame of 100 MiB, at both ports: the connection is cut where the header of the frame says so."""
    frame = bytes(VAST_BYTES)
    for endpoint in (target.peer, target.client):
        with BareDealer(endpoint) as dealer:
            dealer.send([frame])
            dealer.receive(patience_s=0.5)
    return {}


def tiny_frames(target: Target) -> Counts:
    """10,000 tiny frames in one message, at both ports."""
    with _both(target) as (peer, client):
        peer.send([b"x"] * TINY_FRAMES)
        client.send([b"x"] * TINY_FRAMES)
        return {"answers": _answers(client), "peer_answers": _answers(peer)}


def tiny_messages(target: Target) -> Counts:
    """10,000 messages of one tiny frame, at both ports."""
    with _both(target) as (peer, client):
        for _ in range(TINY_FRAMES):
            peer.send([b"x"])
            client.send([b"x"])
        return {"answers": _answers(client), "peer_answers": _answers(peer)}


def vanishing_clients(target: Target) -> Counts:
    """1,000 clients that greet, ask for a session and a read, and are gone before the answer comes."""
    greeted = 0
    for begin in range(0, CLIENTS, CLIENTS_AT_ONCE):
        with ExitStack() as crowd:
            dealers = [crowd.enter_context(BareDealer(target.client)) for _ in range(CLIENTS_AT_ONCE)]
            for number, dealer in enumerate(dealers, begin):
                greet(dealer)
                open_session = encode_parcel(Parcel(0, 0, 0, [OpenSession(b"vanishing %d" % number)]))
                dealer.send([encode_header(Execute(1, 10_000_000)), open_session])
                dealer.send([encode_header(Read(2, 10_000_000)), encode_queries([Get(b"nobody waits for this")])])
            for dealer in dealers:
                frames = dealer.receive()
                greeted += frames is not None and isinstance(decode_node_header(frames[0]), Welcome)
    return {"greeted": greeted}


def large_values(target: Target) -> Counts:
    """2,000 puts of 1 MiB at once, by a client that doesn't wait for any before it sends them all."""
    value = random.Random(target.seed).randbytes(VALUE_BYTES)
    acknowledged = refused = unknown = 0
    with Client(target.endpoints, timeout=10.0) as client:
        futures = [client.put_async(b"large/%04d" % number, value) for number in range(VALUES)]
        for future in futures:
            try:
                future.result()
            except RequestError as error:
                refused += error.definite
                unknown += not error.definite
            else:
                acknowledged += 1
    return {"acknowledged": acknowledged, "refused": refused, "unknown": unknown}


def impatient_values(target: Target) -> Counts:
    """The same 2,000 values in a message each, from one connection that listens only once all are sent."""
    with BareDealer(target.client, unread_max=2 * VALUES) as dealer:
        greet(dealer)
        dealer.send(
            [encode_header(Execute(1, 10_000_000)), encode_parcel(Parcel(0, 0, 0, [OpenSession(b"impatient")]))]
        )
        session = 0
        while not session:
            frames = dealer.receive()
            if frames is None:
                return {"answers": 0}
            header = decode_node_header(frames[0])
            if isinstance(header, Answer):
                (session,) = decode_results(frames[1])
        for number in range(1, VALUES + 1):
            parcel = Parcel(session, 1, number, [Put(b"impatient/%04d" % number, bytes(VALUE_BYTES))])
            dealer.send([encode_header(Execute(number + 1, 10_000_000)), encode_parcel(parcel)])
        return {"answers": _answers(dealer, VALUES)}


def unread_answers(target: Target) -> Counts:
    """Reads of values of 1 MiB by a client that takes no answer: they pile up on their way to it."""
    with Client(target.endpoints, timeout=30.0) as client:
        client.put(b"unread", bytes(VALUE_BYTES))
    queries = encode_queries([Get(b"unread")] * UNREAD_VALUES)
    sent = 0
    with BareDealer(target.client, unread_max=1) as dealer:
        greet(dealer)
        until = time.monotonic() + UNREAD_S
        while time.monotonic() < until:
            if sent < UNREAD_REQUESTS and dealer.send([encode_header(Read(sent + 1, 10_000_000)), queries]):
                sent += 1
            else:
                time.sleep(0.05)
    return {"sent": sent}


def greet(dealer: BareDealer, cluster: str = "", minimum: int = PROTOCOL_MIN, maximum: int = PROTOCOL_MAX) -> None:
    """Say hello as a client does."""
    dealer.send([encode_header(Hello(minimum, maximum, cluster, b"stranger"))])


@contextmanager
def _both(target: Target) -> Iterator[tuple[BareDealer, BareDealer]]:
    """A connection to each port, with room for all answers."""
    room = 2 * TINY_FRAMES
    with BareDealer(target.peer, unread_max=room) as peer, BareDealer(target.client, unread_max=room) as client:
        yield peer, client


def _answers(dealer: BareDealer, expected: int = 0) -> int:
    """How many answers come, until none comes for a while: a long one as long as any are ``expected``."""
    count = 0
    while dealer.receive(patience_s=0.3 if count >= expected else ANSWER_S) is not None:
        count += 1
    return count


FLOODS: dict[str, Callable[[Target], Counts]] = {
    flood.__name__: flood
    for flood in (
        garbage,
        vast_frame,
        tiny_frames,
        tiny_messages,
        vanishing_clients,
        large_values,
        impatient_values,
        unread_answers,
    )
}


def command(name: str, target: Target) -> list[str]:
    """The command line that sends a flood; it prints its `Counts` as one JSON object."""
    return [sys.executable, "-P", "-m", __name__, name, json.dumps(asdict(target))]


if __name__ == "__main__":
    fields = json.loads(sys.argv[2])
    for _ in sys.stdin:
        told = FLOODS[sys.argv[1]](Target(**{**fields, "endpoints": tuple(fields["endpoints"])}))
        print(json.dumps(told), flush=True)
