"""A process with a ROUTER that it doesn't read until it is told: a node whose loop is busy. Run as a module.

It prints its endpoint, then a line when the first messages wait, and after a line on standard input how many it had.
"""

from __future__ import annotations

import sys

import zmq

from raftzmq.transport.sockets import client_router, peer_router

MAKERS = {"client": client_router, "peer": peer_router}


def main() -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    router = MAKERS[sys.argv[1]](context, "tcp://127.0.0.1:*")
    print(router.getsockopt_string(zmq.LAST_ENDPOINT), flush=True)
    router.poll()
    print("messages wait", flush=True)
    sys.stdin.readline()
    count = 0
    while router.poll(500):
        router.recv_multipart()
        count += 1
    print(count)
    context.destroy(linger=0)


if __name__ == "__main__":
    main()
