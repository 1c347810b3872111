"""A log as far as it is known: what isn't known differs from nothing and lacks nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftzmq.verify import UNKNOWN_TERM, EntryId, KnownLog
from raftzmq.verify.known_log import same

ENTRIES = [(1, 11), (1, 12), (2, 13), (2, 14)]


def test_what_lies_before_its_base_is_unknown() -> None:
    log = KnownLog(ENTRIES, base=10)
    assert (log.base, log.last) == (10, 14)
    assert [log.get(index) for index in (9, 10, 11, 14, 15)] == [None, None, (1, 11), (2, 14), None]
    assert not log.differs(10, (9, 9))
    assert log.differs(11, (9, 9))
    assert log.between(10, 12) is None
    assert log.between(11, 12) == [(1, 11), (1, 12)]
    assert log.between(14, 15) is None


@pytest.mark.parametrize(("closed", "lacks"), [(True, True), (False, False)])
def test_only_a_log_whose_end_is_known_lacks_what_comes_after(closed: bool, lacks: bool) -> None:
    log = KnownLog(ENTRIES, closed=closed)
    assert log.lacks(5) is lacks
    assert log.excludes(5, (2, 15)) is lacks
    assert not log.lacks(4)


def test_an_entry_of_an_unknown_term_is_known_by_its_chain() -> None:
    assert same((UNKNOWN_TERM, 11), (1, 11))
    assert not same((UNKNOWN_TERM, 11), (1, 12))
    assert not same((2, 11), (1, 11))
    assert KnownLog(ENTRIES).has(1, (UNKNOWN_TERM, 11))


def test_a_truncation_before_its_base_leaves_nothing() -> None:
    log = KnownLog(ENTRIES, base=10)
    log.truncate(7)
    assert (log.base, log.last) == (6, 6)
    log.append([(3, 1)])
    assert log.get(7) == (3, 1)


def test_forgetting_keeps_the_last_entry() -> None:
    log = KnownLog(ENTRIES)
    log.forget(100)
    assert (log.base, log.last, log.get(4)) == (3, 4, (2, 14))


@pytest.mark.parametrize(("entry", "base"), [((3, 5), 8), (None, 9)])
def test_a_restart_knows_one_entry_at_most(entry: EntryId | None, base: int) -> None:
    log = KnownLog(ENTRIES)
    log.restart(9, entry)
    assert (log.base, log.last, log.get(9)) == (base, 9, entry)
    same_log = KnownLog.ending(9, entry)
    assert (same_log.base, same_log.last, same_log.get(9)) == (base, 9, entry)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 4)),
        st.tuples(st.just("truncate"), st.integers(1, 12)),
        st.tuples(st.just("forget"), st.integers(0, 12)),
    ),
    max_size=20,
)


@given(STEPS)
def test_what_is_known_is_what_a_whole_log_has(steps: list[tuple[str, int]]) -> None:
    log, whole, chain = KnownLog(), dict[int, EntryId](), 0
    for step, number in steps:
        if step == "append":
            for _ in range(number):
                chain += 1
                whole[log.last + 1] = (1, chain)
                log.append([(1, chain)])
        elif step == "truncate":
            log.truncate(number)
            whole = {index: entry for index, entry in whole.items() if index < number}
        else:
            log.forget(number)
        for index in range(1, log.last + 1):
            assert log.get(index) in (None, whole.get(index))
            assert not log.differs(index, whole.get(index))
        assert all(index <= log.last for index in whole)
        assert log.prefix(5).last == min(5, log.last)
