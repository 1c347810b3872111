"""Lab mode: faults that a person asks for while the node runs, each of which may end by itself.

A node that wasn't started in lab mode refuses them all. What is held here only says what is to become of messages: the
pipes to the peers do it, and look here for each message, from threads of their own.
"""

from __future__ import annotations

import json
from typing import Any

from raftzmq.codec.clients import ChaosAnswer, ChaosRequest, encode_header
from raftzmq.core import Raft
from raftzmq.errors import InvalidRequest, Refused
from raftzmq.node.link_faults import SOUND, LinkFaults
from raftzmq.node.reporting import NEVER, Reporter


class Lab:
    """The faults of this node's outgoing links, by peer: those in force stand in ``links``.

    ``links`` is read by other threads: its values are replaced whole.
    """

    def __init__(self, raft: Raft, report: Reporter) -> None:
        self.enabled = False
        """Was the node started in lab mode?"""
        self.links: dict[str, LinkFaults] = {}
        self.deadline_us = NEVER
        """When `tick` is wanted: a fault ends by itself."""
        self._ends_us: dict[str, int] = {}
        self._raft = raft
        self._report = report

    def answer(self, asked: ChaosRequest, now_us: int) -> list[bytes]:
        """Do what is asked: the frames of the answer. Raises Refused and InvalidRequest, and then nothing was done."""
        node = self._raft.node
        if not self.enabled:
            raise Refused(
                f"{node} was not started in lab mode, so it takes no faults: start it with --lab, or with "
                "RAFTZMQ_NODE_LAB=1 in its environment (bin/up --lab does that for all nodes)"
            )
        faults = LinkFaults(asked.drop, asked.delay_us, asked.jitter_us, asked.duplicate, asked.cut)
        others = [member.node for member in self._raft.log.configuration.members if member.node != node]
        strangers = [peer for peer in asked.peers if peer not in others]
        if strangers:
            raise InvalidRequest(
                f"{node} has no link to {strangers[0]!r}; it has some to {', '.join(others) or 'nobody'}"
            )
        if asked.action == "link":
            if not faults or not asked.peers:
                raise InvalidRequest("a fault needs a peer, and one of cut, drop, delay, jitter and duplicate")
            for peer in dict.fromkeys(asked.peers):
                self._set(peer, faults, asked.for_us, now_us)
        elif asked.action == "heal":
            for peer in asked.peers or list(self.links):
                self._end(peer, "healed", now_us)
        elif asked.action == "elect":
            if not self._raft.campaign():
                raise InvalidRequest(
                    f"{node} cannot campaign now: it leads already, is no voter, or its disk is busy or full"
                )
            self._say("elect", None, SOUND, None, now_us)
        return [encode_header(ChaosAnswer(asked.request)), json.dumps(self._row(now_us)).encode()]

    def tick(self, now_us: int) -> None:
        """End what is over."""
        for peer, end_us in list(self._ends_us.items()):
            if now_us >= end_us:
                self._end(peer, "ended", now_us)

    def _set(self, peer: str, faults: LinkFaults, for_us: int, now_us: int) -> None:
        what = "changed" if peer in self.links else "set"
        self.links[peer] = faults
        self._ends_us.pop(peer, None)
        if for_us:
            self._ends_us[peer] = now_us + for_us
        self.deadline_us = min(self._ends_us.values(), default=NEVER)
        self._say(what, peer, faults, for_us or None, now_us)

    def _end(self, peer: str, what: str, now_us: int) -> None:
        faults = self.links.pop(peer, None)
        self._ends_us.pop(peer, None)
        self.deadline_us = min(self._ends_us.values(), default=NEVER)
        if faults is not None:
            self._say(what, peer, faults, None, now_us)

    def _say(self, what: str, peer: str | None, faults: LinkFaults, for_us: int | None, now_us: int) -> None:
        self._report.emit(
            "fault",
            now_us,
            what=what,
            peer=peer,
            cut=faults.cut,
            drop=faults.drop,
            duplicate=faults.duplicate,
            delay_us=faults.delay_us,
            jitter_us=faults.jitter_us,
            for_us=for_us,
        )

    def _row(self, now_us: int) -> dict[str, Any]:
        """This node's faults as plain values; ``left_ms`` null: until it is healed."""
        links = {
            peer: {
                "cut": faults.cut,
                "drop": faults.drop,
                "duplicate": faults.duplicate,
                "delay_ms": faults.delay_us / 1000,
                "jitter_ms": faults.jitter_us / 1000,
                "left_ms": max(0, self._ends_us[peer] - now_us) // 1000 if peer in self._ends_us else None,
            }
            for peer, faults in sorted(self.links.items())
        }
        return {"node": self._raft.node, "term": self._raft.current_term, "links": links}
