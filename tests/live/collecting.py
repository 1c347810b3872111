"""A real collector beside the nodes of a live cluster, and somebody who listens to its merged stream."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from raftzmq.config import Address
from raftzmq.events import topic_of
from raftzmq.transport.bare_subscriber import BareSubscriber
from tests.live.harness import LAUNCHER, LiveCluster, NodeProcess, eventually

DETAILS = ("sent", "received", "heartbeat_sent", "heartbeat_received")


class CollectorProcess:
    """`raftzmq collector` for a cluster; what it records lies in ``recorded``. Killed at the end of the block."""

    def __init__(self, cluster: LiveCluster, directory: Path) -> None:
        self.recorded = directory / "recorded"
        file = directory / "collector.toml"
        file.write_text(cluster.configuration.to_toml())
        command = [*LAUNCHER, "collector", "--config", str(file), "--directory", str(self.recorded)]
        self._process = NodeProcess(Address("collector", "", "", ""), command, directory / "collector.log")

    def __enter__(self) -> CollectorProcess:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        print("--- collector\n", self._process.tail())  # pytest shows it only if the test failed

    def start(self) -> None:
        """Start it, again if it was killed; it goes on where its recording ends."""
        self._process.start()

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()

    def stop(self) -> None:
        """SIGTERM: it records what it has, and ends in order."""
        self._process.signal(signal.SIGTERM)
        assert self._process.wait() == 0, self._process.tail()


class Listener:
    """Takes the merged stream on a thread; ``events`` are those that came, in their order."""

    def __init__(self, cluster: LiveCluster, kinds: Iterable[str] = ()) -> None:
        """``kinds``: also these types of events, which nodes make only for those who name them."""
        names = [address.node for address in cluster.configuration.nodes]
        # Whole nodes for what is told anyway, and each of the others by its own topic.
        prefixes = [topic_of(name, "") for name in [*names, "collector"]]
        self._prefixes = prefixes + [topic_of(name, kind) for name in names for kind in kinds]
        self._endpoint = cluster.configuration.collector
        self.events: list[dict[str, Any]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Listener:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _listen(self) -> None:
        with BareSubscriber([self._endpoint], self._prefixes) as subscriber:
            while not self._ended.is_set():
                for _, payload in subscriber.receive(50):
                    self.events.append(json.loads(payload))

    def of(self, kind: str, node: str | None = None) -> list[dict[str, Any]]:
        """The events of a type that came, of a node or of all."""
        return [e for e in list(self.events) if e["type"] == kind and node in (None, e["node"])]

    def wait_for(self, kind: str, nodes: Iterable[str], *, after: int = 0) -> None:
        """Wait until an event of ``kind`` came of each of ``nodes``, past the first ``after`` events."""

        def missing() -> set[str]:
            return set(nodes) - {event["node"] for event in self.events[after:] if event["type"] == kind}

        eventually(lambda: not missing(), f"{kind} of {', '.join(nodes)}")
