"""The channel that delays and loses on purpose: what it decides, and that a seed decides it."""

from __future__ import annotations

from collections import Counter

import pytest

from raftzmq.errors import ConfigurationError
from raftzmq.node.link_faults import LinkFaults
from raftzmq.runtime.channel import HELD_MAX, Channel, ChannelFaults

MESSAGES = 4000


def fates(faults: ChannelFaults, name: str = "n1 n2 1", sent_every_us: int = 0) -> dict[int, int]:
    """When each message that arrives does so, by its number, looked at every microsecond that matters."""
    channel: Channel[int] = Channel(faults, name)
    arrived: dict[int, int] = {}
    now = 0
    for number in range(MESSAGES):
        channel.put(number, now)
        now += sent_every_us
        if number % 500 == 499:  # so that the bound on messages under way is not what loses them
            while (deadline := channel.deadline_us) is not None:
                now = max(now, deadline)
                arrived |= dict.fromkeys(channel.take(deadline), deadline)
    return arrived


def test_the_same_seed_makes_the_same_decisions() -> None:
    faults = ChannelFaults(20_000, 0.1, seed=7)
    first = fates(faults)
    assert first == fates(faults)
    assert first != fates(ChannelFaults(20_000, 0.1, seed=8)), "another seed, other decisions"
    assert first != fates(faults, "n1 n3 1"), "another channel of the node, other decisions"


def test_whether_one_message_is_lost_does_not_move_the_others() -> None:
    kept = fates(ChannelFaults(20_000, 0.0, seed=7), sent_every_us=0)
    some = fates(ChannelFaults(20_000, 0.3, seed=7), sent_every_us=0)
    first = {number: time for number, time in some.items() if number < 500}
    assert first == {number: kept[number] for number in first}


def test_loss_and_mean_delay_are_what_was_asked_for() -> None:
    channel: Channel[int] = Channel(ChannelFaults(20_000, 0.25, seed=1), "n1 n2 1")
    delays = []
    for number in range(MESSAGES):
        if channel.put(number, 1000):
            deadline = channel.deadline_us
            assert deadline is not None
            delays.append(deadline - 1000)
            assert channel.take(deadline) == [number]
    assert len(delays) == pytest.approx(0.75 * MESSAGES, rel=0.05)
    mean = sum(delays) / len(delays)
    assert mean == pytest.approx(20_000, rel=0.1)
    # Of an exponential distribution 1/e is longer than the mean; of a constant none, of a uniform one half.
    assert sum(delay > mean for delay in delays) / len(delays) == pytest.approx(0.37, abs=0.03)


def test_messages_overtake_one_another_and_none_comes_twice() -> None:
    arrived = fates(ChannelFaults(20_000, 0.0, seed=3), sent_every_us=10)
    assert sorted(arrived) == list(range(MESSAGES))
    assert list(arrived) != sorted(arrived)


def test_without_delay_nothing_waits_and_nothing_overtakes() -> None:
    channel: Channel[int] = Channel(ChannelFaults(0, 0.5, seed=3), "n1 n2 1")
    sent = [number for number in range(100) if channel.put(number, 5)]
    assert channel.take(5) == sent
    assert channel.deadline_us is None


def test_what_is_under_way_is_bounded() -> None:
    channel: Channel[int] = Channel(ChannelFaults(10**9, 0.0, seed=3), "n1 n2 1")
    accepted = [channel.put(number, 0) for number in range(HELD_MAX + 10)]
    assert accepted == [True] * HELD_MAX + [False] * 10


def test_all_is_lost_and_nothing_is() -> None:
    assert fates(ChannelFaults(0, 1.0, seed=3)) == {}
    assert len(fates(ChannelFaults(0, 0.0, seed=3))) == MESSAGES
    assert not ChannelFaults(0, 0.0, seed=3)
    assert ChannelFaults(0, 1.0)
    assert ChannelFaults(1, 0.0)


@pytest.mark.parametrize(
    ("delay_us", "loss", "says"), [(-1, 0.0, "negative"), (0, 1.5, "from 0 to 1"), (0, float("nan"), "from 0 to 1")]
)
def test_what_no_channel_can_do_is_refused(delay_us: int, loss: float, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        ChannelFaults(delay_us, loss)


NO_FAULTS = ChannelFaults(seed=5)


def through(link: LinkFaults, count: int = MESSAGES, base: ChannelFaults = NO_FAULTS) -> list[tuple[int, int]]:
    """(Number, arrival) of all that arrives of messages sent one by one at time 1000, in this order."""
    channel: Channel[int] = Channel(base, "n1 n2 1")
    arrived = []
    for number in range(count):
        channel.put(number, 1000, link)
        while (deadline := channel.deadline_us) is not None:
            arrived += [(it, deadline) for it in channel.take(deadline)]
    return arrived


def test_a_link_drops_and_doubles_as_often_as_it_was_told_to() -> None:
    seen = Counter(number for number, _ in through(LinkFaults(drop=0.25, duplicate=0.5)))
    assert len(seen) == pytest.approx(0.75 * MESSAGES, rel=0.05)
    assert set(seen.values()) == {1, 2}
    assert sum(times == 2 for times in seen.values()) == pytest.approx(0.5 * len(seen), rel=0.1)


def test_a_link_delays_by_the_mean_and_at_most_the_jitter_beside_it() -> None:
    delays = [arrival - 1000 for _, arrival in through(LinkFaults(delay_us=50_000, jitter_us=10_000))]
    assert len(delays) == MESSAGES
    assert 40_000 <= min(delays) < 41_000
    assert 59_000 < max(delays) <= 60_000
    assert sum(delays) / len(delays) == pytest.approx(50_000, rel=0.01)


def test_no_jitter_brings_a_message_before_it_was_sent() -> None:
    assert min(arrival for _, arrival in through(LinkFaults(delay_us=10, jitter_us=1000))) == 1000


def test_the_two_copies_take_their_own_times() -> None:
    arrived = through(LinkFaults(delay_us=50_000, jitter_us=10_000, duplicate=1.0), 100)
    times = [{arrival for it, arrival in arrived if it == number} for number in range(100)]
    assert sum(len(pair) == 2 for pair in times) > 95


def test_a_cut_link_carries_nothing_and_loses_what_is_under_way() -> None:
    assert through(LinkFaults(cut=True), 100) == []
    channel: Channel[int] = Channel(ChannelFaults(), "n1 n2 1")
    assert channel.put(1, 0, LinkFaults(delay_us=50))
    channel.lose_all()
    assert channel.deadline_us is None
    assert channel.take(100) == []
    assert channel.put(2, 100), "afterwards it carries again"


def test_the_faults_of_a_link_have_seeded_decisions_and_leave_the_channels_own_alone() -> None:
    link, base = LinkFaults(drop=0.3, jitter_us=100, duplicate=0.2), ChannelFaults(20_000, 0.1, seed=7)
    assert through(link) == through(link)
    assert through(link) != through(link, base=ChannelFaults(seed=6))
    alone = dict(through(LinkFaults(), 500, base))
    with_link = dict(through(LinkFaults(drop=0.3), 500, base))
    assert 0 < len(with_link) < len(alone)
    assert with_link.items() <= alone.items(), "what isn't dropped arrives when it would have"
