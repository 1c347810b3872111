"""How long a cluster that lost its leader was without one, and how many terms it took: read from its events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from raftzmq.labs.history import Event, History, Moment


@dataclass(slots=True)
class LeaderSearch:
    """From the moment at which the links of a leader were cut. ``candidates``: who asked for votes, by term.

    ``winner`` is None where nobody was elected until the links were whole again, at ``ended_ns``. Times are those of
    the monotonic clock that all processes of a machine share, in nanoseconds.
    """

    position: int
    lost: str
    lost_term: int
    begun_ns: int
    ended_ns: int | None = None
    ended_position: int | None = None
    winner: str | None = None
    won_term: int | None = None
    candidates: dict[int, list[str]] = field(default_factory=dict)

    @property
    def terms(self) -> int:
        """Terms that were begun; if there is a winner, the last of them is the winner's."""
        return (self.won_term or max(self.candidates, default=self.lost_term)) - self.lost_term

    @property
    def ms(self) -> float:
        """Milliseconds from the cut to the leader, or to the end of patience."""
        return ((self.ended_ns or self.begun_ns) - self.begun_ns) / 1e6

    @property
    def split_terms(self) -> list[int]:
        """Terms in which votes were asked for and which nobody won."""
        return [term for term in sorted(self.candidates) if term != self.won_term]


def leader_searches(history: History) -> list[LeaderSearch]:
    """All searches, in order: each begins when a leader's links are cut, as its own `fault` events tell.

    A search that the recording breaks off is left out. What a node says that is cut off has no place in the order of
    messages among the others' words; what happened before what is told by the clock that they share.
    """
    found: list[LeaderSearch] = []
    leads: dict[str, int] = {}
    for moment in sorted(history.moments, key=lambda m: int(m.event["mono_ns"])):
        event = moment.event
        search = found[-1] if found and found[-1].ended_ns is None else None
        if event["type"] == "role":
            if event["role"] == "leader":
                leads[moment.node] = moment.term
                _elected(search, moment)
            else:
                leads.pop(moment.node, None)
        elif event["type"] == "fault":
            _fault(found, search, leads, moment)
        elif event["type"] == "election" and search is not None and not event["pre_vote"]:
            search.candidates.setdefault(moment.term, []).append(moment.node)
    return [search for search in found if search.ended_ns is not None]


def _elected(search: LeaderSearch | None, moment: Moment) -> None:
    if search is not None and moment.term > search.lost_term:
        search.winner, search.won_term = moment.node, moment.term
        search.ended_ns, search.ended_position = moment.event["mono_ns"], moment.position


def _fault(found: list[LeaderSearch], search: LeaderSearch | None, leads: dict[str, int], moment: Moment) -> None:
    event, node = moment.event, moment.node
    if search is None:
        if event["cut"] and event["what"] in ("set", "changed") and node in leads:
            found.append(LeaderSearch(moment.position, node, leads[node], event["mono_ns"]))
    elif node == search.lost and (event["what"] in ("healed", "ended") or not event["cut"]):
        search.ended_ns, search.ended_position = event["mono_ns"], moment.position


def drawn_timeouts(history: History) -> Iterator[float]:
    """Election timeouts that ran out, in milliseconds: what each timer had been set to, and what the scheduler added.

    A timer begins anew when a leader is heard, when a vote is given and when a campaign begins or a leader steps down
    (Raft §5.2), so this needs the events of single messages.
    """
    set_ns: dict[str, int] = {}
    for moment in history:
        event, node = moment.event, moment.node
        if event["type"] == "election" and event["pre_vote"] and node in set_ns:
            yield (event["mono_ns"] - set_ns[node]) / 1e6
        if _sets_timer(event):
            set_ns[node] = event["mono_ns"]


def _sets_timer(event: Event) -> bool:
    kind = event["type"]
    if kind in ("received", "heartbeat_received"):
        # What is of an earlier term is refused, and sets nothing.
        return bool(event["message"] == "AppendEntries" and event["body"]["term"] == event["term"])
    if kind == "role":
        return bool(event["previous"] == "leader")
    return bool(kind == "election" or (kind == "vote" and event["granted"] and not event["pre_vote"]))
