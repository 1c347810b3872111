"""Limits, timing and the addresses of a cluster.

Every limit is a named constant with its reason. Sizes are bytes, times are integer microseconds unless the name
says otherwise: integers make a simulated run the same on every machine.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import Any

from raftzmq.endpoint import check_endpoint
from raftzmq.errors import ConfigurationError

KIB = 1024
MIB = 1024 * KIB

MICROSECONDS = 1_000_000
"""Microseconds in a second."""

KEY_BYTES_MAX = 480
"""LMDB's keys end at 511 bytes, and a key carries a suffix in some tables."""
VALUE_BYTES_MAX = MIB
"""A larger value would hold up heartbeats behind it and stall the log's group commit."""
COMMAND_BYTES_MAX = 3 * MIB // 2
"""One value at its limit, its key and their framing."""
BATCH_BYTES_MAX = MIB
"""One entry: long enough to amortize a sync, short enough to send within a heartbeat interval."""
BATCH_COMMANDS_MAX = 4096
"""Bounds the time that one entry holds the state thread."""
SESSION_WINDOW = 4096
"""Sequences past the lowest unanswered one that a session may use: bounds the results kept for it."""
SESSIONS_MAX = 10_000
"""Sessions kept; past it the one idle longest in log order is forgotten."""
SESSION_IDLE_US = 3_600 * MICROSECONDS
"""Log time after which an idle session may be forgotten when another is opened."""
UNCOMMITTED_BATCHES_MAX = 2
"""Batches proposed and not yet committed: two keep disk and network busy, more only lengthen the queue."""
UNCOMMITTED_OPENINGS_MAX = 16
"""Openings of sessions proposed and not yet committed, beside those batches. Each is an entry of its own, since its
index is the session's id; two at a time, a crowd of new clients would hold up all others by a sync for each two."""
UNCOMMITTED_BYTES_MAX = 16 * MIB
"""Bytes proposed and not yet committed."""
WAITING_BYTES_MAX = 32 * MIB
"""Bytes of commands waiting at the door of a leader; past it clients are told `Overloaded`."""
WAITING_OVERHEAD_BYTES = 256
"""What a waiting request costs beside its bytes: tiny ones must not fill the memory either."""
WAITING_READS_MAX = 65_536
"""Reads waiting for their ReadIndex round or for the state to catch up."""
WAITING_READ_BYTES_MAX = 32 * MIB
"""What they hold in memory: a request may carry thousands of queries. Past it clients are told `Overloaded`."""
QUERY_OVERHEAD_BYTES = 128
"""What a waiting query costs beside its bytes."""
INFLIGHT_BYTES_MAX = 4 * MIB
"""Bytes of entries under way to one follower without an answer."""
INFLIGHT_MESSAGES_MAX = 64
"""Messages with entries under way to one follower without an answer."""
ANSWER_BYTES_MAX = MIB
"""One answer message (or one row, if that alone is larger)."""
STATE_ANSWER_BYTES_MAX = 4 * MIB
"""Answers that one job of the state builds; the reads left over are answered by the next one."""
RANGE_ROWS_MAX = 10_000
"""Rows in one range answer; the rest is asked for with the resume key."""
PEER_FRAMES_MAX = 2 + 256
"""Frames of a peer's message: envelope, message and one per entry. libzmq limits a frame, not a message."""
PEER_BYTES_MAX = 8 * MIB
"""Bytes of a peer's message over all frames."""
CLIENT_FRAMES_MAX = 2
"""Frames of a client's message: header and payload."""
CLIENT_BYTES_MAX = 2 * MIB
"""Bytes of a client's message over all frames."""
CLIENTS_MAX = 65_536
"""Clients that a node remembers a handshake of; the one heard least recently is forgotten first."""
LAMPORT_MAX = 2**53 - 1
"""Where Lamport time ends: the last integer that every reader of JSON takes exactly. A million messages a second get
there in 285 years; a peer that claims a huge time can spoil the order of events, but not end the cluster."""
TERM_STEP_MAX = 2**32
"""How far above a node's own term a peer's may lie, if it is to be believed: as far as ten elections a second get in 13
years. A damaged message must not put the cluster where terms end, for there nobody can be elected any more."""
EVENTS_RING_BYTES = 8 * MIB
"""Events kept for subscribers that missed some: several seconds of a node under load."""
EVENTS_RARE_BYTES = MIB
"""The same for those that tell of elections, snapshots and starts: a busy day's worth, whatever else happens."""
EVENTS_LINGER_US = 10 * MICROSECONDS
"""Usual events are made for so long after their last subscriber left: a collector that restarts finds them."""
EVENTS_RANGES_MAX = 256
"""Ranges of missed events in one request."""
TRACE_CHARACTERS_MAX = 64
"""A client's tag for its requests: it stands in events, and is kept as long as the request is under way."""
LOG_BYTES_MAX = 64 * MIB
"""The log in memory (payloads and `ENTRY_OVERHEAD_BYTES` each): a follower takes no more entries past it."""
LOG_KEEP_BYTES = 16 * MIB
"""What compaction leaves of the log: a follower that was away for less catches up without a snapshot."""
ENTRY_OVERHEAD_BYTES = 256
"""What an entry costs in memory beside its payload: the objects around it."""
COMPACT_BYTES = MIB
"""Compaction waits until it has so much to remove: a transaction of the log carries it on its way."""
COMPACT_ENTRIES_MAX = 1024
"""Entries removed by one transaction of the log: bounds how much longer it takes."""
SNAPSHOT_CHUNK_BYTES = MIB // 2
"""One message of a snapshot: large enough to cost nothing per byte, small enough to pass between heartbeats."""
SNAPSHOT_WINDOW = 4
"""Chunks under way to one follower without an answer."""
HISTORY_REVISIONS_MAX = 1_000_000
"""Revisions that can be read back; what lies further behind is compacted by itself."""
HISTORY_BYTES_MAX = 1024 * MIB
"""Bytes of their rows: large values are kept for fewer revisions."""
HISTORY_STEP = 64
"""Revisions that a batch passes beside two for each of its own: so a backlog ends, in small steps."""
STATE_LAG_BYTES_MAX = 32 * MIB
"""Committed but unapplied bytes at which the door shuts (half of the log's bound in memory)."""
STATE_COMMIT_BATCHES = 1000
"""Batches after which the state's open transaction is committed: bounds what a start has to apply again."""
STATE_COMMIT_US = 1_000_000
"""Age at which the state's open transaction is committed, idle or not. See `raftzmq.node.applying`."""

DEFAULT_HEARTBEAT_US = 50_000
DEFAULT_ELECTION_MIN_US = 200_000
DEFAULT_ELECTION_MAX_US = 400_000

PEER_PORT, CLIENT_PORT, EVENTS_PORT = 7100, 7200, 7300
COLLECTOR_PORT = 7400
WEB_PORT = 7480
MANY_NODES = 99
MANY_PEER_PORT, MANY_CLIENT_PORT, MANY_EVENTS_PORT = 17000, 18000, 19000

_WEB = re.compile(r"http://(\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9._-]+):(\d{1,5})/?")


@dataclass(frozen=True, slots=True)
class Timing:
    """Raft's timers, in microseconds (Raft §5.2, §9.3).

    A follower waits for a time drawn from ``[election_min_us, election_max_us)`` before it campaigns.
    """

    heartbeat_us: int = DEFAULT_HEARTBEAT_US
    election_min_us: int = DEFAULT_ELECTION_MIN_US
    election_max_us: int = DEFAULT_ELECTION_MAX_US

    def __post_init__(self) -> None:
        if not 0 < self.heartbeat_us:
            raise ConfigurationError("the heartbeat interval must be above zero")
        if not 2 * self.heartbeat_us <= self.election_min_us:
            raise ConfigurationError(
                "the minimum election timeout must be at least two heartbeat intervals, or one lost heartbeat "
                "starts an election: raise --election-timeout-ms or lower --heartbeat-ms"
            )
        if not self.election_min_us < self.election_max_us:
            raise ConfigurationError("the maximum election timeout must be above the minimum: timeouts must spread")


@dataclass(frozen=True, slots=True)
class Retention:
    """How much of its log a node keeps once the state has made it durable, in bytes of memory.

    Above ``keep_bytes`` (by ``step_bytes``) the log is compacted down to it. A leader keeps what its followers lack up
    to half of ``bound_bytes``; then who lacks it gets a snapshot, in chunks of ``chunk_bytes``.
    ``entries_max`` bounds what goes at once.
    """

    keep_bytes: int = LOG_KEEP_BYTES
    bound_bytes: int = LOG_BYTES_MAX
    step_bytes: int = COMPACT_BYTES
    entries_max: int = COMPACT_ENTRIES_MAX
    chunk_bytes: int = SNAPSHOT_CHUNK_BYTES

    @property
    def commit_bytes(self) -> int:
        """Bytes of batches after which the state is made durable, since what isn't can't be compacted away.

        Together with what is kept in any case that stays below half of the bound, where a leader's door may slow.
        """
        return self.bound_bytes // 8


@dataclass(frozen=True, slots=True)
class Address:
    """Where one node listens: three ZeroMQ endpoints such as ``tcp://127.0.0.1:7101``."""

    node: str
    peer: str
    client: str
    events: str


@dataclass(frozen=True, slots=True)
class ClusterConfig:
    """A cluster as its generated configuration names it: an id and the nodes that it starts with.

    ``collector`` is where the merged events are published, ``web`` where the collector serves its page, its metrics
    and the events over HTTP: a URL such as ``http://127.0.0.1:7480``, empty for nowhere.
    """

    cluster_id: str
    nodes: tuple[Address, ...]
    collector: str = f"tcp://127.0.0.1:{COLLECTOR_PORT}"
    web: str = ""
    _by_name: dict[str, Address] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.cluster_id:
            raise ConfigurationError("the cluster id must not be empty")
        if not self.nodes:
            raise ConfigurationError("a cluster needs at least one node")
        by_name = {address.node: address for address in self.nodes}
        if len(by_name) != len(self.nodes):
            raise ConfigurationError("two nodes of the configuration have the same name")
        for address in self.nodes:
            check_node_name(address.node)
            for use in ("peer", "client", "events"):
                _check(getattr(address, use), f"the {use} address of node {address.node!r}")
        _check(self.collector, "the collector's address")
        endpoints = [e for a in self.nodes for e in (a.peer, a.client, a.events)] + [self.collector]
        if len(set(endpoints)) != len(endpoints):
            raise ConfigurationError("two endpoints of the configuration are the same")
        if self.web:
            host, port = web_address(self.web)
            if f"tcp://{host}:{port}" in endpoints:
                raise ConfigurationError(f"{self.web} and another endpoint of the configuration have the same port")
        object.__setattr__(self, "_by_name", by_name)

    def address(self, node: str) -> Address:
        """The address of ``node``; raises ConfigurationError for a node that the configuration doesn't name."""
        try:
            return self._by_name[node]
        except KeyError:
            known = ", ".join(self._by_name)
            raise ConfigurationError(f"the configuration names no node {node!r}; it names {known}") from None

    def to_toml(self) -> str:
        """The text that `parse_cluster` reads back."""
        lines = [f'cluster_id = "{self.cluster_id}"', f'collector = "{self.collector}"']
        if self.web:
            lines.append(f'web = "{self.web}"')
        for a in self.nodes:
            lines += ["", "[[nodes]]", f'node = "{a.node}"', f'peer = "{a.peer}"', f'client = "{a.client}"']
            lines.append(f'events = "{a.events}"')
        return "\n".join(lines) + "\n"


def _check(endpoint: str, what: str) -> None:
    try:
        check_endpoint(endpoint)
    except ValueError as error:
        raise ConfigurationError(f"{what}, {endpoint!r}, {error}; give one like tcp://127.0.0.1:{PEER_PORT}") from None


def check_node_name(node: str) -> None:
    """Raise ConfigurationError unless ``node`` can stand in topics, file names and lists."""
    if not node or len(node) > 64 or not all(c.isascii() and (c.isalnum() or c in "-_") for c in node):
        raise ConfigurationError(f"{node!r} is no node name: use up to 64 letters, digits, '-' and '_'")


def web_address(url: str) -> tuple[str, int]:
    """Host and port of a URL such as ``http://127.0.0.1:7480`` or ``http://[::1]:7480``.

    Raises ConfigurationError for another scheme, a path, a missing port: what isn't there cannot be listened on.
    """
    found = _WEB.fullmatch(url)
    if found is None or not 0 < int(found[2]) <= 65_535:
        raise ConfigurationError(f"{url!r} is no address for the web: give one like http://127.0.0.1:{WEB_PORT}")
    return found[1].strip("[]"), int(found[2])


def local_cluster(count: int, cluster_id: str = "local") -> ClusterConfig:
    """The cluster of `bin/up`: ``count`` nodes n1, n2 … on loopback, on the fixed ports."""
    if not 1 <= count <= 250:
        raise ConfigurationError(f"a local cluster has 1 to 250 nodes, not {count}")
    if count > MANY_NODES:
        peer, client, events = MANY_PEER_PORT, MANY_CLIENT_PORT, MANY_EVENTS_PORT
    else:
        peer, client, events = PEER_PORT, CLIENT_PORT, EVENTS_PORT
    host = "tcp://127.0.0.1"
    return ClusterConfig(
        cluster_id,
        tuple(
            Address(f"n{k}", f"{host}:{peer + k}", f"{host}:{client + k}", f"{host}:{events + k}")
            for k in range(1, count + 1)
        ),
        web=f"http://127.0.0.1:{WEB_PORT}",
    )


def parse_cluster(text: str, source: str = "the cluster file") -> ClusterConfig:
    """Read a cluster from TOML: ``cluster_id``, ``collector``, ``web`` and a ``[[nodes]]`` table per node.

    Raises ConfigurationError, naming ``source`` and what is wrong.
    """
    try:
        document: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{source} is not TOML: {error}") from None
    unknown = set(document) - {"cluster_id", "collector", "web", "nodes"}
    if unknown:
        raise ConfigurationError(f"{source} has settings that raftzmq doesn't know: {', '.join(sorted(unknown))}")
    rows = document.get("nodes", [])
    if not isinstance(rows, list):
        raise ConfigurationError(f"{source}: nodes must be an array of tables ([[nodes]])")
    addresses = []
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or set(row) != {"node", "peer", "client", "events"}:
            raise ConfigurationError(f"{source}: node {number} must have exactly node, peer, client and events")
        if not all(isinstance(value, str) for value in row.values()):
            raise ConfigurationError(f"{source}: every setting of node {number} must be a string")
        addresses.append(Address(**row))
    cluster_id = document.get("cluster_id", "")
    collector = document.get("collector", f"tcp://127.0.0.1:{COLLECTOR_PORT}")
    web = document.get("web", "")
    if not isinstance(cluster_id, str) or not isinstance(collector, str) or not isinstance(web, str):
        raise ConfigurationError(f"{source}: cluster_id, collector and web must be strings")
    return ClusterConfig(cluster_id, tuple(addresses), collector, web)
