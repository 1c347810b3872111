"""What of a seed's run takes place: all of it, or the few faults, requests and ills that a failure needs.

A seed draws the same world whatever is left out of it, since every concern and every fault has a stream of chance of
its own; so a part of a run can be replayed without the rest. The text form is for command lines::

    faults 3 7; waits 3; requests c1.1 c2.4; without loss duplication

A concern that isn't named is whole; ``faults none`` leaves all of them out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from raftzmq.config import Timing
from raftzmq.errors import InvalidRequest
from raftzmq.simulation.conditions import Conditions

ILLS: dict[str, dict[str, Any]] = {
    "many nodes": {"nodes": 3},
    "loss": {"loss": 0.0},
    "duplication": {"duplication": 0.0},
    "straggling": {"straggling": 0.0},
    "distance": {"delay_max_us": 200},
    "slow disks": {"disk_us": 100},
    "slow rounds": {"round_us": 0},
    "short rounds": {"drain": 1_000},
    "impatience": {"impatience": 0.0},
    "eagerness": {"back_off_us": 500_000},
    "drift": {"drift_ppm": 0},
    "odd timeouts": {"timing": Timing()},
    "pipelining": {"depth": 1},
    "forgetting": {"sessions_max": 10_000, "idle_us": 3_600_000_000},
}
"""What can be taken from a world's character, and the conditions that are left then."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """None: all of them. ``waits`` are the faults before which the time passes that was drawn for it.

    ``requests`` are named ``client.number``, in the order in which the client made them up; number 0 is the opening of
    its session, which any other brings along. ``without`` are keys of
    `ILLS`. ``luck`` other than 0: other dice for all but the world's character, its faults and what clients ask for.
    """

    faults: tuple[int, ...] | None = None
    waits: tuple[int, ...] | None = None
    requests: tuple[str, ...] | None = None
    without: tuple[str, ...] = ()
    luck: int = 0

    @property
    def last_fault(self) -> int | None:
        """No fault comes after this one, nor a wait; None: they go on and on."""
        if self.faults is None:
            return None
        return max(self.faults, default=0)

    def __str__(self) -> str:
        parts = []
        for name, kept in (("faults", self.faults), ("waits", self.waits), ("requests", self.requests)):
            if kept is not None:
                parts.append(f"{name} {' '.join(map(str, kept)) or 'none'}")
        if self.without:
            parts.append("without " + " ".join(ill.replace(" ", "-") for ill in self.without))
        if self.luck:
            parts.append(f"luck {self.luck}")
        return "; ".join(parts)


WHOLE = Scenario()
"""Everything that the seed draws."""


def without(conditions: Conditions, ills: tuple[str, ...]) -> Conditions:
    """``conditions`` once these of `ILLS` are taken from them."""
    for ill in ills:
        if ill != "many nodes" or conditions.nodes > 3:
            conditions = replace(conditions, **ILLS[ill])
    return conditions


def parse_scenario(text: str) -> Scenario:
    """Read what ``str(scenario)`` wrote; raises InvalidRequest, with what is wrong, for anything else."""
    fields: dict[str, Any] = {}
    for part in filter(None, map(str.strip, text.split(";"))):
        name, *words = part.split()
        words = [] if words == ["none"] else words
        if name in ("faults", "waits", "luck"):
            if not all(word.isdigit() for word in words):
                raise InvalidRequest(f"{name} takes numbers, not {' '.join(words)!r}")
            fields[name] = tuple(map(int, words))
        elif name == "requests":
            fields[name] = tuple(words)
        elif name == "without":
            fields[name] = tuple(word.replace("-", " ") for word in words)
            unknown = [ill for ill in fields[name] if ill not in ILLS]
            if unknown:
                known = ", ".join(ill.replace(" ", "-") for ill in ILLS)
                raise InvalidRequest(f"a world has no ill {unknown[0]!r} that it could be without; there are {known}")
        else:
            raise InvalidRequest(f"a scenario has faults, waits, requests, without and luck, not {name!r}")
    if "luck" in fields:
        fields["luck"] = sum(fields["luck"])
    return Scenario(**fields)
