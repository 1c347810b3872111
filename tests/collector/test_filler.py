"""Questions to a node's door, over real sockets; time is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import zmq

from raftzmq.codec.clients import (
    HANDSHAKE,
    ClientFrame,
    EventsAnswer,
    EventsRequest,
    Failure,
    Hello,
    NodeFrame,
    Welcome,
    decode_client_header,
    encode_events,
    encode_header,
)
from raftzmq.collector.filler import ANSWER_US, GREET_US, REFUSED_US, Answered, Filler
from raftzmq.collector.source import Question
from raftzmq.transport.bare_publisher import BarePublisher
from tests.collector.support import cluster, wait_until

WELCOME = Welcome(2, "test", "n1", "b1", "", [])
QUESTION = Question("b1", [("commit", 3, 0)])


class Talk:
    """A filler and the node that it asks. ``now_us`` goes on only when a test says so."""

    def __init__(self, filler: Filler, node: BarePublisher) -> None:
        self.filler = filler
        self.node = node
        self.now_us = 0
        self.lost: list[str] = []
        self._heard: list[list[bytes]] = []

    def heard(self) -> ClientFrame:
        """The next message that reaches the node."""

        def come() -> bool:
            self.lost += self.filler.step(self.now_us)
            self._heard += self.node.questions()
            return bool(self._heard)

        wait_until(come, "the node is spoken to")
        self.routing, data = self._heard.pop(0)
        return decode_client_header(data)

    def silent(self) -> bool:
        """Does nothing more reach the node?"""
        self.lost += self.filler.step(self.now_us)
        # A greeting that has just left may not have arrived yet.
        return not self.node.questions() and self.filler._doors["n1"].greeted_us != self.now_us

    def say(self, header: NodeFrame, *payload: bytes) -> None:
        """The node answers whoever it heard last."""
        self.node.answer([self.routing, encode_header(header), *payload])

    def told(self) -> list[Answered]:
        """What comes out of the filler, as soon as something does or is refused."""
        said: list[Answered] = []
        refused = self.filler.refused

        def come() -> bool:
            said.extend(self.filler.take(self.now_us))
            return bool(said) or self.filler.refused > refused

        wait_until(come, "the filler hears the node")
        return said

    def greeted(self) -> None:
        """Both have greeted."""
        self.now_us += GREET_US
        assert isinstance(self.heard(), Hello)
        self.say(WELCOME)
        assert self.told() == [Answered("n1", None, ())]


@contextmanager
def talking() -> Iterator[Talk]:
    config = cluster(1)
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    try:
        with BarePublisher(config.nodes[0].events, config.nodes[0].client) as node:
            filler = Filler(context, config.nodes, "test")
            talk = Talk(filler, node)
            # A greeting leaves only once the connection stands.
            wait_until(lambda: bool(talk.filler._doors["n1"].socket.poll(0, zmq.POLLOUT)), "it is connected")
            yield talk
    finally:
        context.destroy(linger=0)


def test_a_question_waits_for_the_greeting_and_its_answer_comes_back() -> None:
    with talking() as talk:
        talk.filler.ask("n1", QUESTION, 0)
        waits = [talk.filler.waiting]
        talk.greeted()
        waits.append(talk.filler.waiting)
        asked = talk.heard()
        assert asked == EventsRequest(1, "b1", [("commit", 3, 0)])
        answer = EventsAnswer(1, "b1", False, {"commit": 1})
        talk.say(answer, encode_events([("commit", 3, b"{}")]))
        assert talk.told() == [Answered("n1", answer, [("commit", 3, b"{}")])]
        assert [*waits, talk.filler.waiting] == [False, True, False]


def test_it_greets_again_until_it_is_answered() -> None:
    with talking() as talk:
        for _ in range(3):
            talk.now_us += GREET_US
            assert isinstance(talk.heard(), Hello)
            talk.now_us += 1
            assert talk.silent()
        talk.say(WELCOME)
        talk.told()
        talk.now_us += GREET_US
        assert talk.silent()


def test_an_answer_to_an_earlier_question_is_passed_over() -> None:
    with talking() as talk:
        talk.greeted()
        talk.filler.ask("n1", QUESTION, talk.now_us)
        first = talk.heard()
        talk.filler.ask("n1", Question("b2", []), talk.now_us)
        second = talk.heard()
        assert isinstance(first, EventsRequest)
        assert isinstance(second, EventsRequest)
        assert (second.boot, second.request) == ("b2", first.request + 1)
        talk.say(EventsAnswer(first.request, "b1", False, {}), encode_events([]))
        talk.say(EventsAnswer(second.request, "b2", False, {}), encode_events([]))
        [answered] = talk.told()
        assert answered.answer is not None
        assert answered.answer.boot == "b2"


def test_without_an_answer_the_question_is_lost_and_the_node_is_greeted_again() -> None:
    with talking() as talk:
        talk.greeted()
        talk.filler.ask("n1", QUESTION, talk.now_us)
        talk.heard()
        talk.now_us += ANSWER_US - 1
        assert talk.silent()
        assert talk.lost == []
        talk.now_us += 1
        assert isinstance(talk.heard(), Hello)
        assert talk.lost == ["n1"]


def test_a_node_that_has_forgotten_it_is_greeted_and_asked_again() -> None:
    with talking() as talk:
        talk.greeted()
        talk.filler.ask("n1", QUESTION, talk.now_us)
        asked = talk.heard()
        assert isinstance(asked, EventsRequest)
        talk.say(Failure(asked.request, HANDSHAKE, "who is there?", True))
        assert talk.told() == []
        talk.greeted()
        assert talk.heard() == asked


def test_a_node_that_refuses_it_is_left_alone_for_a_while() -> None:
    with talking() as talk:
        talk.now_us += GREET_US
        talk.heard()
        talk.say(Failure(0, "refused", "another cluster", True))
        assert talk.told() == []
        talk.now_us += REFUSED_US + GREET_US - 1
        assert talk.silent()
        talk.now_us += 1
        assert isinstance(talk.heard(), Hello)


def test_what_is_no_answer_is_counted() -> None:
    with talking() as talk:
        talk.greeted()
        talk.filler.ask("n1", QUESTION, talk.now_us)
        talk.heard()
        for frames in ([b"\xc1"], [b""], [b"x"] * 9, [encode_header(EventsAnswer(1, "b1", False, {})), b"\xc1"]):
            talk.node.answer([talk.routing, *frames])
            assert talk.told() == []
        assert talk.filler.refused == 4
        talk.say(EventsAnswer(1, "b1", False, {}), encode_events([]))
        assert len(talk.told()) == 1
