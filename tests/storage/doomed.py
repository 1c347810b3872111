"""A node's storage in a process of its own, whose system calls a test makes fail: what each call ends with, as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from raftzmq.errors import NodeError
from raftzmq.node.work import StateJob
from raftzmq.storage import open_node
from tests.storage.node_on_disk import CLUSTER, append, some_entries


def outcome(call: Callable[[], object]) -> str:
    """``ok``, or the error's name and exit code."""
    try:
        call()
    except NodeError as error:
        return f"{type(error).__name__} {error.exit_code}"
    return "ok"


def main(data: Path, until: str) -> list[str]:
    """Open, write the ``log`` twice, apply and commit the ``state`` twice, going on after a failure as no node may."""
    try:
        storage = open_node(data, CLUSTER, "n1", allow_any_filesystem=True)
    except NodeError as error:
        return [f"{type(error).__name__} {error.exit_code}"]
    first = storage.loaded.entries[0]
    entries = some_entries(first)
    calls: list[Callable[[], object]] = []
    if until in ("log", "state"):
        calls += [
            lambda: storage.log.write(append(*entries[:2])),
            lambda: storage.log.write(append(entries[2])),
        ]
    if until == "state":
        calls += [
            lambda: storage.state.apply(StateJob((first, *entries[:2]))),
            storage.state.commit,
            lambda: storage.state.apply(StateJob((entries[2],))),
            storage.state.commit,
        ]
    return ["ok", *map(outcome, [*calls, storage.close])]


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), sys.argv[2])))
