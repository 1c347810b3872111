"""A subscription to the merged stream, for whoever wants to look."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import zmq
from zmq.utils.monitor import parse_monitor_message

from raftzmq.transport.sockets import connect, events_subscriber

POLL_MS = 500


def follow(
    endpoint: str,
    prefixes: Sequence[bytes],
    on_connection: Callable[[bool], None],
    *,
    poll_ms: int = POLL_MS,
) -> Iterator[list[tuple[bytes, bytes]]]:
    """The (topic, payload) pairs that arrive, in lists of those that waited together, without end.

    An empty list comes at least every ``poll_ms`` milliseconds, so that a caller can look at its own clock.
    ``prefixes`` may grow meanwhile: what is added is subscribed to as well, as when a new node is heard of.
    ``on_connection`` is told when the connection is made or lost; ZeroMQ restores a lost one by itself. Raises
    ConfigurationError for what is no endpoint.
    """
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    subscriber = events_subscriber(context, [])
    monitor = subscriber.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED)
    try:
        subscribed = 0
        connect(subscriber, endpoint, "subscribe")
        poller = zmq.Poller()
        poller.register(subscriber, zmq.POLLIN)
        poller.register(monitor, zmq.POLLIN)
        while True:
            for prefix in prefixes[subscribed:]:
                subscriber.setsockopt(zmq.SUBSCRIBE, prefix)
            subscribed = len(prefixes)
            ready = dict(poller.poll(poll_ms))
            if monitor in ready:
                event = parse_monitor_message(monitor.recv_multipart())["event"]
                on_connection(event == zmq.EVENT_HANDSHAKE_SUCCEEDED)
            yield _waiting(subscriber)
    finally:
        # Each by name. A context knows its sockets by weak references: where the program's end leads here, because
        # nobody closed the generator, these may be gone already, and it would wait for the sockets for ever.
        subscriber.close(0)
        monitor.close(0)
        context.term()


def _waiting(subscriber: zmq.Socket[bytes], most: int = 1000) -> list[tuple[bytes, bytes]]:
    messages = []
    for _ in range(most):
        try:
            topic, payload = subscriber.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            break
        except ValueError:
            continue  # not two frames: not an event
        messages.append((topic, payload))
    return messages
