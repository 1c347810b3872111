"""A message whose term is damaged must not put the cluster where terms end: nobody could be elected there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from raftzmq.codec.peers import decode_envelope, decode_message, encode_message
from tests.scenarios.harness import SECOND, Lab


class Wire(Lab):
    """A cluster that keeps the last message of each node to each other."""

    def __init__(self) -> None:
        self.last: dict[tuple[str, str], list[bytes]] = {}
        super().__init__(3)

    def to_peer(self, source: str, target: str, frames: list[bytes]) -> bool:
        self.last[source, target] = frames
        return super().to_peer(source, target, frames)


@pytest.mark.parametrize("term", [2**63 - 1, 2**53])
@pytest.mark.parametrize("answer", [False, True], ids=["a follower hears it", "a leader hears it"])
def test_leaders_are_elected_after_a_damaged_term(term: int, answer: bool) -> None:
    """What the leader and a follower said last comes once more, in another term; then the leader fails."""
    lab = Wire()
    lab.one(3)
    lab.wait(SECOND)
    leader = lab.one_leader()
    pair = (leader, lab.after(leader, 1))
    source, target = pair[::-1] if answer else pair
    envelope, *frames = lab.last[source, target]
    message, stamp = decode_message(decode_envelope(envelope), frames)
    again = encode_message(replace(message, term=term), stamp.lamport, stamp.number, stamp.beat)
    lab.host(target).from_peer(source, [envelope, *again])
    lab.wait(SECOND)
    assert lab.one_leader() == leader, "nobody is in doubt about who leads"
    assert lab.node(target).counts["refused_peers"] == 1
    lab.crash(leader)
    lab.one(2)
