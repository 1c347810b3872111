"""Clusters as configuration names them, Raft's timers, and the limits that others rest on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftzmq import config
from raftzmq.config import Address, ClusterConfig, Timing, check_node_name, local_cluster, parse_cluster
from raftzmq.errors import ConfigurationError


def addresses(*names: str) -> tuple[Address, ...]:
    return tuple(Address(name, f"ipc://p-{name}", f"ipc://c-{name}", f"ipc://e-{name}") for name in names)


# --- timing ---


def test_the_default_timers() -> None:
    assert Timing() == Timing(50_000, 200_000, 400_000)


@pytest.mark.parametrize(
    ("heartbeat", "low", "high", "sentence"),
    [
        (0, 200, 400, "must be above zero"),
        (-1, 200, 400, "must be above zero"),
        (101, 200, 400, "at least two heartbeat intervals"),
        (50, 99, 400, "at least two heartbeat intervals"),
        (50, 200, 200, "must spread"),
        (50, 200, 150, "must spread"),
    ],
)
def test_timers_that_could_not_work_are_refused(heartbeat: int, low: int, high: int, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        Timing(heartbeat, low, high)


def test_timers_at_their_bounds_are_taken() -> None:
    assert Timing(1, 2, 3).election_max_us == 3


# --- names ---


@pytest.mark.parametrize("name", ["n1", "a", "A-b_9", "x" * 64])
def test_node_names(name: str) -> None:
    check_node_name(name)


@pytest.mark.parametrize("name", ["", "x" * 65, "a b", "a.b", "a/b", "ä", "a\n", "a,b", "¹"])
def test_names_that_cannot_stand_in_topics_files_and_lists(name: str) -> None:
    with pytest.raises(ConfigurationError, match="is no node name"):
        check_node_name(name)


# --- clusters ---


@pytest.mark.parametrize(
    ("cluster_id", "nodes", "collector", "sentence"),
    [
        ("", addresses("n1"), "ipc://x", "cluster id must not be empty"),
        ("c", (), "ipc://x", "at least one node"),
        ("c", addresses("n1", "n1"), "ipc://x", "same name"),
        ("c", addresses("n.1"), "ipc://x", "is no node name"),
        ("c", (*addresses("n1"), Address("n2", "ipc://p-n1", "ipc://c", "ipc://e")), "ipc://x", "two endpoints"),
        ("c", (Address("n1", "ipc://same", "ipc://same", "ipc://e"),), "ipc://x", "two endpoints"),
        ("c", addresses("n1"), "ipc://c-n1", "two endpoints"),
        ("c", addresses("n1"), "tcp://*:7400", r"the collector's address, 'tcp://\*:7400', is no endpoint"),
        ("c", (Address("n1", "10.0.0.1:7101", "ipc://c", "ipc://e"),), "ipc://x", "the peer address of node 'n1'"),
        ("c", (Address("n1", "ipc://p", "tcp://a:99999", "ipc://e"),), "ipc://x", "the client address of node 'n1'"),
        ("c", (Address("n1", "ipc://p", "ipc://c", "tcp://a:0"),), "ipc://x", "ports are 1 to 65535"),
    ],
)
def test_clusters_that_cannot_be(cluster_id: str, nodes: tuple[Address, ...], collector: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        ClusterConfig(cluster_id, nodes, collector)


def test_a_node_is_found_by_its_name() -> None:
    cluster = local_cluster(3)
    assert cluster.address("n2") == Address("n2", *(f"tcp://127.0.0.1:{port}" for port in (7102, 7202, 7302)))
    with pytest.raises(ConfigurationError, match="names no node 'n4'; it names n1, n2, n3"):
        cluster.address("n4")


@pytest.mark.parametrize("count", [1, 5, 99, 100, 250])
def test_the_ports_of_a_local_cluster(count: int) -> None:
    cluster = local_cluster(count)
    bases = (7100, 7200, 7300) if count <= 99 else (17000, 18000, 19000)
    assert [node.node for node in cluster.nodes] == [f"n{k}" for k in range(1, count + 1)]
    for k, node in enumerate(cluster.nodes, 1):
        assert [node.peer, node.client, node.events] == [f"tcp://127.0.0.1:{base + k}" for base in bases]


@pytest.mark.parametrize("count", [-1, 0, 251])
def test_the_size_of_a_local_cluster_is_bounded(count: int) -> None:
    with pytest.raises(ConfigurationError, match=f"1 to 250 nodes, not {count}"):
        local_cluster(count)


@given(st.integers(1, 9), st.text("abcXYZ019-_. ", min_size=1, max_size=20))
def test_a_cluster_survives_its_file(count: int, cluster_id: str) -> None:
    cluster = local_cluster(count, cluster_id)
    assert parse_cluster(cluster.to_toml()) == cluster


GOOD = local_cluster(1).to_toml()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("= 1", "is not TOML"),
        ("", "cluster id must not be empty"),
        ('cluster_id = "c"', "at least one node"),
        ("cluster_id = 5", "must be strings"),
        ('cluster_id = "c"\ncollector = 5', "must be strings"),
        ('cluster_id = "c"\nweb = 5', "must be strings"),
        (GOOD.replace("http://127.0.0.1:7480", "127.0.0.1:7480"), "no address for the web"),
        (GOOD + "\n[other]\n", "doesn't know: other"),
        ('cluster_id = "c"\nnodes = 3', "array of tables"),
        ('cluster_id = "c"\nnodes = [3]', "node 1 must have exactly"),
        ('cluster_id = "c"\n[[nodes]]\nnode = "n1"', "node 1 must have exactly"),
        (GOOD + 'more = "x"\n', "node 1 must have exactly"),
        (GOOD.replace('"n1"', "1"), "every setting of node 1 must be a string"),
        (GOOD.replace('"n1"', '"n 1"'), "is no node name"),
    ],
)
def test_files_that_cannot_be_used_say_why(text: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        parse_cluster(text, "cluster.toml")


@pytest.mark.parametrize("text", ["= 1", "other = 1", "nodes = 3", "cluster_id = 5"])
def test_complaints_name_the_file(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^here\.toml"):
        parse_cluster(text, "here.toml")


def test_a_file_may_leave_the_collector_out() -> None:
    text = "\n".join(line for line in GOOD.splitlines() if not line.startswith("collector"))
    assert parse_cluster(text) == local_cluster(1)


def test_a_file_that_names_no_web_address_has_none() -> None:
    text = "\n".join(line for line in GOOD.splitlines() if not line.startswith("web"))
    assert parse_cluster(text).web == ""
    assert parse_cluster(parse_cluster(text).to_toml()).web == ""
    assert parse_cluster(GOOD).web == "http://127.0.0.1:7480"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:7480", ("127.0.0.1", 7480)),
        ("http://[::1]:80/", ("::1", 80)),
        ("http://collector:7480", ("collector", 7480)),
    ],
)
def test_web_addresses(url: str, expected: tuple[str, int]) -> None:
    assert config.web_address(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        *("", "http://", "http://host", "https://host:1", "tcp://host:1", "host:1", "http://host:0", "http://:80"),
        *(
            "http://host:65536",
            "http://host:x",
            "http://u@host:1",
            "http://host:1/path",
            "http://host:1/?q",
            "http://[",
        ),
    ],
)
def test_what_is_no_web_address(url: str) -> None:
    with pytest.raises(ConfigurationError, match="no address for the web: give one like"):
        config.web_address(url)


def test_the_web_needs_a_port_of_its_own() -> None:
    with pytest.raises(ConfigurationError, match="same port"):
        ClusterConfig("c", addresses("n1"), "tcp://127.0.0.1:7480", "http://127.0.0.1:7480")


# --- limits that rest on one another ---


def test_a_command_at_its_limit_passes_every_limit_behind_it() -> None:
    assert config.VALUE_BYTES_MAX + config.KEY_BYTES_MAX + 1024 <= config.COMMAND_BYTES_MAX
    assert config.COMMAND_BYTES_MAX <= config.CLIENT_BYTES_MAX
    assert max(config.COMMAND_BYTES_MAX, config.BATCH_BYTES_MAX) + 64 <= config.PEER_BYTES_MAX
    assert config.COMMAND_BYTES_MAX <= config.INFLIGHT_BYTES_MAX
    assert config.COMMAND_BYTES_MAX <= config.UNCOMMITTED_BYTES_MAX <= config.WAITING_BYTES_MAX
    assert config.BATCH_COMMANDS_MAX <= config.SESSION_WINDOW
    assert config.KEY_BYTES_MAX < 511, "LMDB's bound"
