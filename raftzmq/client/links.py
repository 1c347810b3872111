"""Who listens, who leads: the connections of a client and its search for a leader.

A link goes through CLOSED → CONNECTING → GREETING → READY. Sockets reconnect by themselves, so a link whose connection
breaks is CONNECTING again, and greets as soon as it stands. While something waits for a leader, the known nodes are
asked in turn, by a handshake (its answer names the leader): the next one after `HANDSHAKE_US` without an answer, or
after a short back-off when the one that answered knows no leader.

A node's word on who leads is taken as a hint only. It counts once the one it names is READY, and a link that stayed
silent when it owed an answer is *doubted*, and not used, until something is heard from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from raftzmq.client.outbox import Outbox
from raftzmq.codec import PROTOCOL_MAX, PROTOCOL_MIN
from raftzmq.codec.clients import Hello, Welcome, encode_header
from raftzmq.config import MICROSECONDS

HANDSHAKE_US: Final = 100_000
"""Without an answer to its handshake for this long, the next node is asked."""
BACKOFF_MIN_US: Final = 10_000
BACKOFF_MAX_US: Final = 50_000
"""Between questions who leads: a node that knows no leader will in an election's time, a few hundred milliseconds."""
ASK_AGAIN_US: Final = MICROSECONDS
"""A node that hasn't answered a handshake isn't asked again before: its answer may be under way."""
HOPS_MAX: Final = 3
"""Redirects followed at once without a write answered; after more, nodes that name one another are left a while."""
NO_DEADLINE: Final = 2**62


class LinkState(Enum):
    """How far a connection has come."""

    CLOSED = "closed"
    CONNECTING = "connecting"
    GREETING = "greeting"
    READY = "ready"


@dataclass(slots=True, eq=False)
class Link:
    """A connection to one endpoint. ``asked_us`` is when an unanswered handshake was sent (-1: there is none)."""

    endpoint: str
    state: LinkState = LinkState.CLOSED
    node: str = ""
    boot: str = ""
    asked_us: int = -1
    doubted: bool = False
    refusal: str = ""
    refused_us: int = -1
    pins: int = 0
    """How many calls want this very endpoint; it isn't closed while there are any."""

    @property
    def usable(self) -> bool:
        """May requests be sent over it?"""
        return self.state is LinkState.READY and not self.doubted


class Links:
    """All links of a client, and which of them leads."""

    def __init__(self, endpoints: tuple[str, ...], cluster: str, client: bytes, outbox: Outbox) -> None:
        self.leader: Link | None = None
        self.members: dict[str, str] = {}
        """Node → client endpoint, as the last handshake said."""
        self.heard_us = -1
        """When anything was last heard from any node (-1: never)."""
        self.deadline_us = NO_DEADLINE
        self._seeds = endpoints
        self._cluster = cluster
        self._client = client
        self._outbox = outbox
        self._links: dict[str, Link] = {endpoint: Link(endpoint) for endpoint in endpoints}
        """Those that failed last come last."""
        self._turn = 0
        self._seek_us = 0
        self._backoff_us = BACKOFF_MIN_US
        self._hops = 0
        self._seeking_leader = False

    # --- looking things up ---

    def find(self, endpoint: str) -> Link | None:
        """The link to ``endpoint``, if it was ever known."""
        return self._links.get(endpoint)

    def at(self, endpoint: str) -> Link:
        """The link to ``endpoint``, made if need be."""
        return self._links.setdefault(endpoint, Link(endpoint))

    def known(self) -> list[str]:
        """The endpoints given and those of the members."""
        return list(dict.fromkeys((*self._seeds, *self.members.values())))

    def anyone(self) -> Link | None:
        """A usable link: the leader's if there is one, else the one whose last failure is longest ago."""
        if self.leader is not None and self.leader.usable:
            return self.leader
        return next((link for link in self._links.values() if link.usable), None)

    def refusal(self) -> str:
        """Why every known node refused the handshake; empty if one didn't."""
        links = [self.at(endpoint) for endpoint in self.known()]
        return links[0].refusal if all(link.refusal for link in links) else ""

    # --- what happened ---

    def heard(self, link: Link, now_us: int) -> None:
        """A node said something."""
        self.heard_us = now_us
        link.doubted = False

    def on_connected(self, link: Link, now_us: int) -> None:
        """The connection stands: greet."""
        if link.state is LinkState.CONNECTING:
            link.state = LinkState.GREETING
            self._hello(link, now_us)

    def on_disconnected(self, link: Link, now_us: int) -> None:
        """The connection broke; its socket tries again by itself. Whoever else is there is asked at once."""
        if link.state is LinkState.CLOSED:
            return
        if link.state is LinkState.READY:
            self._seek_us = now_us
        link.state = LinkState.CONNECTING
        link.asked_us = -1
        link.doubted = False
        if self.leader is link:
            self.leader = None

    def on_welcome(self, link: Link, welcome: Welcome, now_us: int) -> bool:
        """The handshake was accepted. True if the node has restarted: what was sent to it before is lost."""
        if not PROTOCOL_MIN <= welcome.version <= PROTOCOL_MAX:
            self.on_refused(link, f"{welcome.node} chose protocol {welcome.version}, which wasn't offered", now_us)
            return True
        if self._cluster and welcome.cluster != self._cluster:
            message = f"{welcome.node} belongs to cluster {welcome.cluster!r}, not to {self._cluster!r}"
            self.on_refused(link, message, now_us)
            return True
        restarted = link.boot not in ("", welcome.boot)
        self._cluster = welcome.cluster
        link.state, link.node, link.boot = LinkState.READY, welcome.node, welcome.boot
        link.asked_us, link.refusal = -1, ""
        if welcome.members:
            self.members = dict(welcome.members)
        if welcome.leader == welcome.node:
            if self.leader is None:
                self._lead(link)
            return restarted
        if self.leader is link:
            self.leader = None
        if self.leader is None and self._seeking_leader:
            self._follow(link, welcome.leader, self.members.get(welcome.leader, ""), now_us)
        return restarted

    def on_refused(self, link: Link, message: str, now_us: int) -> None:
        """The node doesn't want this client: another cluster, or no protocol in common."""
        link.refusal, link.refused_us = message, now_us
        self._close(link)

    def on_not_leader(self, link: Link, leader: str, endpoint: str, now_us: int) -> None:
        """A write was refused by a node that doesn't lead; it may know who does."""
        if self.leader is link:
            self.leader = None
        if self.leader is not None:
            return
        self._hops += 1
        if self._hops > HOPS_MAX:
            self.back_off(now_us)
        else:
            self._follow(link, leader, endpoint, now_us)

    def on_stranger(self, link: Link, now_us: int) -> None:
        """The node has forgotten this client's handshake."""
        if self.leader is link:
            self.leader = None
        if link.state is LinkState.READY:
            link.state = LinkState.GREETING
            self._hello(link, now_us)
            self._seek_us = now_us + HANDSHAKE_US

    def doubt(self, link: Link, now_us: int) -> None:
        """The node owes an answer for too long: look for another."""
        link.doubted = True
        self._put_last(link)
        if self.leader is link:
            self.leader = None
        self._seek_us = min(self._seek_us, now_us)

    def dismiss(self, link: Link, now_us: int) -> None:
        """The node says that it no longer leads, or that it knows no leader."""
        if self.leader is link:
            self.leader = None
        self.back_off(now_us)

    def pass_over(self, link: Link, now_us: int) -> None:
        """The node could not serve a read: the next one goes to another, once there is another.

        The leader stays the first choice, since writes are its own. But it has to say that it still leads.
        """
        self._put_last(link)
        if self.leader is None:
            # Those that are connected may all be cut off together.
            other = self._next(now_us)
            if other is not None:
                self.greet(other, now_us)
        elif self.leader is link:
            if link.asked_us >= 0 and self._may_ask(link, now_us):
                self.doubt(link, now_us)
            else:
                self.greet(link, now_us)

    def useful(self) -> None:
        """A write was answered: the leader is one."""
        self._hops = 0
        self._backoff_us = BACKOFF_MIN_US

    def back_off(self, now_us: int) -> None:
        """Nobody is asked for a short while, which grows."""
        self._seek_us = now_us + self._backoff_us
        self._backoff_us = min(2 * self._backoff_us, BACKOFF_MAX_US)

    # --- searching ---

    def seek(self, now_us: int, *, leader: bool, anyone: bool) -> None:
        """Something waits for the leader, or for anyone: see to it that there is one."""
        self._seeking_leader = leader
        if not (leader and self.leader is None) and not (anyone and self.anyone() is None):
            self.deadline_us = NO_DEADLINE
            return
        if now_us >= self._seek_us:
            link = self._next(now_us)
            if link is not None:
                self.greet(link, now_us)
            self._seek_us = now_us + HANDSHAKE_US
        self.deadline_us = self._seek_us

    def greet(self, link: Link, now_us: int) -> bool:
        """Open the link or ask its node again; False if an answer is due anyway."""
        if link.state is LinkState.CLOSED:
            link.state = LinkState.CONNECTING
            self._outbox.wiring.append((True, link.endpoint))
            return True
        if link.state is LinkState.CONNECTING or not self._may_ask(link, now_us):
            return False
        self._hello(link, now_us)
        return True

    def forget_unused(self) -> None:
        """Close the links that nobody answered on and nothing waits for."""
        for link in self._links.values():
            if link.state in (LinkState.CONNECTING, LinkState.GREETING) and not link.pins:
                self._close(link)

    def _next(self, now_us: int) -> Link | None:
        """The next node to ask, in turn; None while all that are known owe an answer."""
        endpoints = self.known()
        for step in range(len(endpoints)):
            link = self.at(endpoints[(self._turn + step) % len(endpoints)])
            if link.refusal and now_us - link.refused_us < ASK_AGAIN_US:
                continue
            if link.state is LinkState.CLOSED or (
                link.state is not LinkState.CONNECTING and self._may_ask(link, now_us)
            ):
                self._turn = (self._turn + step + 1) % len(endpoints)
                return link
        return None

    def _put_last(self, link: Link) -> None:
        self._links[link.endpoint] = self._links.pop(link.endpoint)

    @staticmethod
    def _may_ask(link: Link, now_us: int) -> bool:
        return link.asked_us < 0 or now_us - link.asked_us >= ASK_AGAIN_US

    def _hello(self, link: Link, now_us: int) -> None:
        hello = Hello(PROTOCOL_MIN, PROTOCOL_MAX, self._cluster, self._client)
        self._outbox.frames.append((link.endpoint, [encode_header(hello)]))
        link.asked_us = now_us

    def _follow(self, source: Link, leader: str, endpoint: str, now_us: int) -> None:
        """``source`` says that ``leader`` leads, at ``endpoint``."""
        named = [link for link in self._links.values() if link.node == leader and link.usable] if leader else []
        target = named[0] if named else self.at(endpoint) if endpoint else None
        if target is None or target is source:
            self.back_off(now_us)
        elif target.usable:
            self._lead(target)
        elif self.greet(target, now_us):
            self._seek_us = now_us + HANDSHAKE_US
        else:
            self.back_off(now_us)

    def _lead(self, link: Link) -> None:
        self.leader = link
        self.forget_unused()

    def _close(self, link: Link) -> None:
        if link.state is not LinkState.CLOSED:
            self._outbox.wiring.append((False, link.endpoint))
        link.state, link.asked_us, link.doubted = LinkState.CLOSED, -1, False
        if self.leader is link:
            self.leader = None
