"""Virtual time."""

from __future__ import annotations

from raftzmq.simulation.schedule import Schedule


def test_actions_come_in_the_order_of_time_then_of_asking() -> None:
    schedule = Schedule()
    seen: list[tuple[int, str]] = []

    def note(name: str) -> None:
        seen.append((schedule.now_us, name))
        if name == "b":
            schedule.at(3, note, "late: at once")
            schedule.after(0, note, "now, behind c")

    schedule.at(20, note, "d")
    schedule.at(10, note, "b")
    schedule.at(10, note, "c")
    schedule.after(5, note, "a")
    while schedule.step():
        pass
    assert seen == [(5, "a"), (10, "b"), (10, "c"), (10, "late: at once"), (10, "now, behind c"), (20, "d")]
    assert not schedule.step()
