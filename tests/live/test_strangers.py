"""Who doesn't belong: other protocols, other clusters, nodes that lost their disk. Told so, counted, without effect.

Peers' messages here are a leader's of a term far ahead: had one of them been taken, the term would tell.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from raftzmq.benchmarks.floods import greet
from raftzmq.codec import PROTOCOL_MAX, PROTOCOL_MIN
from raftzmq.codec.clients import Execute, Failure, StatusRequest, decode_node_header, encode_header
from raftzmq.codec.peers import (
    Envelope,
    decode_envelope,
    decode_refusal,
    encode_envelope,
    encode_message,
    message_kind,
)
from raftzmq.core.messages import AppendEntries
from raftzmq.kv.commands import OpenSession, Parcel, encode_parcel
from raftzmq.transport.bare import BareDealer
from tests.live.harness import LiveCluster, eventually
from tests.live.load import Load, check
from tests.live.memory import Growth

pytestmark = pytest.mark.live

FAR_AHEAD = 1_000_000
GROWTH_MIB = 50


def refused_peer(endpoint: str, envelope: Envelope) -> str:
    """Claim to lead, in this envelope; the sentence that comes back."""
    message = AppendEntries(envelope.node, envelope.to, FAR_AHEAD, 0, 0, 0, 0)
    with BareDealer(endpoint) as dealer:
        dealer.send([encode_envelope(envelope), *encode_message(message, 0, 0, False)])
        frames = dealer.receive()
    assert frames is not None, f"no word came back for {envelope}"
    assert decode_envelope(frames[0]).kind == 0
    return decode_refusal(frames[1]).reason


def failure_of(frames: list[bytes] | None) -> Failure:
    """The failure that a node answered with."""
    assert frames is not None, "no word came back"
    header = decode_node_header(frames[0])
    assert isinstance(header, Failure), header
    return header


def count_of(cluster: LiveCluster, name: str, count: str) -> int:
    """One of the counts in a node's status."""
    row = eventually(lambda: cluster.status(name), f"{name} answers")
    return int(row["counts"].get(count, 0))


def test_a_message_in_another_envelope_is_refused_and_has_no_effect(tmp_path: Path, runtime: str) -> None:
    with LiveCluster(tmp_path, 3, runtime=runtime) as cluster:
        cluster.start()
        leader = cluster.leader()
        target, other = cluster.others(leader)
        cluster.agreement()
        term = cluster.agreed_term(leader)
        own = cluster.configuration.cluster_id
        kind = message_kind(AppendEntries(leader, target, 1, 0, 0, 0, 0))
        known = (PROTOCOL_MIN, PROTOCOL_MAX, own, leader, "0" * 32, target, kind)
        strangers = {
            "speaks protocol": (PROTOCOL_MAX + 1, PROTOCOL_MAX + 2, *known[2:]),
            f"belongs to cluster '{own}', not to 'another'": (*known[:2], "another", *known[3:]),
            f"{leader} has lost its data directory": known,
            f"this is {target}, not {other}": (*known[:5], other, kind),
            "stranger is no other member": (*known[:3], "stranger", *known[4:]),
        }
        with Growth(cluster) as growth, Load(cluster.endpoints, "peers", threads=2) as load:
            load.wait_for(20)
            before = count_of(cluster, target, "refused_peers")
            for sentence, envelope in strangers.items():
                reason = refused_peer(cluster.nodes[target].address.peer, Envelope(*envelope))
                assert sentence in reason, reason
            load.wait_for(20, "after the strangers")
            told = load.stop()
        assert count_of(cluster, target, "refused_peers") - before == len(strangers)
        assert cluster.agreed_term(target) < FAR_AHEAD, f"a stranger moved the term, which was {term}"
        growth.check(GROWTH_MIB)
        check(cluster.endpoints, told)


def test_a_client_of_another_protocol_or_cluster_is_refused(tmp_path: Path, runtime: str) -> None:
    with LiveCluster(tmp_path, 3, runtime=runtime) as cluster:
        cluster.start()
        leader = cluster.leader()
        with Growth(cluster) as growth, Load(cluster.endpoints, "clients", threads=2) as load:
            load.wait_for(20)
            with BareDealer(cluster.nodes[leader].address.client) as dealer:
                greet(dealer, "", PROTOCOL_MAX + 1, PROTOCOL_MAX + 2)
                assert "speaks protocol" in failure_of(dealer.receive()).message
                greet(dealer, "another")
                refused = failure_of(dealer.receive())
                assert "belongs to cluster" in refused.message
                assert (refused.code, refused.definite) == ("refused", True)
                # Refused is not greeted: what it asks for now isn't done.
                dealer.send(
                    [encode_header(Execute(7, 10**7)), encode_parcel(Parcel(0, 0, 0, [OpenSession(b"stranger")]))]
                )
                answer = failure_of(dealer.receive())
                assert (answer.request, answer.code, answer.definite) == (7, "handshake", True)
                dealer.send([b"\xc1 no header"])
                invalid = failure_of(dealer.receive())
                assert (invalid.code, invalid.definite) == ("invalid", True)
                dealer.send([encode_header(StatusRequest(8)), b"", b"a frame too many"])
                assert "frames" in failure_of(dealer.receive()).message
            load.wait_for(20, "after the strangers")
            told = load.stop()
        growth.check(GROWTH_MIB)
        check(cluster.endpoints, told)
