"""A stage for cores alone: a text says step by step what reaches whom, and reads what they do about it.

Nothing moves by itself: messages lie in the order in which they were sent until a command delivers or drops them, time
passes where a command says so, and disks write at once unless they are told to hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from raftzmq.config import Retention
from raftzmq.core.messages import InstallSnapshot, Message
from raftzmq.core.ready import Append, Fact
from raftzmq.core.types import Entry, EntryKind
from raftzmq.simulation import describe
from tests.core.support import Core

STEPS_MAX = 1_000
"""Deliveries after which a stage that doesn't come to rest is broken."""


class Orderly:
    """Randomness by rank: n1 times out 10 ms after the minimum, n2 after 20 ms, and so on."""

    def __init__(self, name: str) -> None:
        self._rank = int(name[1:])

    def randrange(self, start: int, stop: int, /) -> int:
        return min(start + 10_000 * self._rank, stop - 1)


class Stage:
    """``do`` takes a command and returns what followed from it, a line per thing."""

    def __init__(self) -> None:
        self.cores: dict[str, Core] = {}
        self._clocks: dict[str, int] = {}
        self._mail: list[Message] = []
        self._held: set[str] = set()
        self._lines: list[str] = []
        self._commands: dict[str, Callable[[list[str]], None]] = {
            "nodes": self._nodes,
            "campaign": self._campaign,
            "wait": self._wait,
            "propose": self._propose,
            "read": self._read,
            "deliver": self._deliver,
            "drop": self._drop,
            "settle": self._settle,
            "hold": self._hold,
            "write": self._write,
            "compact": self._compact,
            "install": self._install,
            "crash": self._crash,
            "show": self._show,
        }

    def do(self, command: str) -> list[str]:
        """Carry out ``command``; raises ValueError for one that there isn't."""
        word, *arguments = command.split()
        if word not in self._commands:
            raise ValueError(f"{word!r} is no command; there are {', '.join(self._commands)}")
        self._lines = []
        self._commands[word](arguments)
        self._look()
        counted = Counter(self._lines)
        return [line if n == 1 else f"{line} ({n} times)" for line, n in counted.items()] or ["nothing happens"]

    # ---- commands

    def _nodes(self, arguments: list[str]) -> None:
        """``nodes 3 [term=2] [n1=1,1,2 …]``: that many new cores, with entries of these terms in their logs."""
        self.cores.clear()
        self._mail.clear()
        self._held.clear()
        count, *settings = arguments
        given = dict(setting.split("=") for setting in settings)
        term = int(given.pop("term")) if "term" in given else None
        for name in (f"n{k}" for k in range(1, int(count) + 1)):
            terms = [int(t) for t in given.pop(name, "").split(",") if t]
            core = Core(name, voters=int(count), terms=terms, term=term, rng=Orderly(name))
            self.cores[name] = core
            self._clocks[name] = 0
        assert not given, f"no such nodes: {given}"
        self._show([])

    def _campaign(self, arguments: list[str]) -> None:
        """``campaign n1``: its election timeout is over. Nobody else's time passes."""
        [name] = arguments
        self._tick(name, self.cores[name].raft.deadline)

    def _tick(self, name: str, now: int) -> None:
        self._clocks[name] = max(self._clocks[name], now)
        self.cores[name].raft.tick(now)
        self._look()

    def _wait(self, arguments: list[str]) -> None:
        """``wait 50 [n1 …]``: milliseconds pass for these nodes, or for all; each wakes when it wants to."""
        time = int(arguments[0]) * 1_000
        began = {name: self._clocks[name] for name in arguments[1:] or self.cores}
        while True:
            passed, name = min((self.cores[name].raft.deadline - clock, name) for name, clock in began.items())
            if passed > time:
                break
            self._tick(name, self.cores[name].raft.deadline)
        for name, clock in began.items():
            self._tick(name, clock + time)

    def _propose(self, arguments: list[str]) -> None:
        """``propose n1 x``"""
        self.cores[arguments[0]].raft.propose(arguments[1].encode())

    def _read(self, arguments: list[str]) -> None:
        """``read n1 7``: ask for a read index, under this context."""
        self.cores[arguments[0]].raft.read_index(int(arguments[1]))

    def _take(self, arguments: list[str]) -> list[Message]:
        """Messages that ``n1>n2``, ``n1>``, ``>n2`` or nothing (all) describes; what is left stays on its way."""
        wanted = [pair.split(">") for pair in arguments or [">"]]
        chosen = [m for m in self._mail if any(s in ("", m.sender) and t in ("", m.to) for s, t in wanted)]
        self._mail = [message for message in self._mail if message not in chosen]
        return chosen

    def _deliver(self, arguments: list[str]) -> None:
        """``deliver [n1>n2 n1> >n2 …]``: what is on its way so arrives."""
        for message in self._take(arguments):
            self.cores[message.to].raft.step(message)
            self._look()

    def _drop(self, arguments: list[str]) -> None:
        """``drop [n1>n2 …]``: what is on its way so is lost."""
        for message in self._take(arguments):
            self._lines.append(f"lost: {message.sender} → {message.to}: {_told(message)}")

    def _settle(self, arguments: list[str]) -> None:
        """``settle``: deliver until nothing is on its way; the messages themselves are not shown."""
        for _ in range(STEPS_MAX):
            self._look(messages=False)
            if not self._mail:
                return
            message = self._mail.pop(0)
            self.cores[message.to].raft.step(message)
        raise AssertionError("the stage never comes to rest")

    def _hold(self, arguments: list[str]) -> None:
        """``hold n1``: its disk writes nothing until it is told to."""
        self._held |= {*arguments}

    def _write(self, arguments: list[str]) -> None:
        """``write n1``: its disk finishes what is under way (and goes on holding what comes next)."""
        core = self.cores[arguments[0]]
        assert core.append is not None, f"{core.name}'s disk has nothing to write"
        self._lines.append(f"{core.name}'s disk has {_append(core.append)}")
        append, core.append = core.append, None
        _store(core, append)

    def _compact(self, arguments: list[str]) -> None:
        """``compact n1 4``: its state is durable up to 4, and its log keeps as little as it may."""
        raft = self.cores[arguments[0]].raft
        raft.retention = Retention(keep_bytes=1, step_bytes=1, bound_bytes=2)
        raft.state_durable(raft.log.mark_at(int(arguments[1])))

    def _install(self, arguments: list[str]) -> None:
        """``install n1``: its state is, durably, the snapshot that was to be put in its place."""
        core = self.cores[arguments[0]]
        mark, core.install = core.install, None
        assert mark is not None, f"{core.name} has no snapshot to install"
        core.raft.snapshot_installed(mark)

    def _crash(self, arguments: list[str]) -> None:
        """``crash n1``: it starts again with what its disk has."""
        core = self.cores[arguments[0]]
        core.now = self._clocks[core.name]
        self.cores[core.name] = core.restarted(rng=Orderly(core.name))
        self._held.discard(core.name)
        self._show([core.name])

    def _show(self, arguments: list[str]) -> None:
        """``show [n1 …]``: role, term, vote, log; ``|`` is behind what is committed, ``~`` at what isn't durable."""
        self._look()
        for name in arguments or self.cores:
            raft = self.cores[name].raft
            log = raft.log
            parts = []
            for index in range(log.first_index, log.last_index + 1):
                parts.append(f"{log.entry(index).term}{'~' if index > log.stable else ''}")
                if index == raft.commit_index:
                    parts.append("|")
            behind = f" after {log.mark.index}" if log.mark.index else ""
            self._lines.append(
                f"{name}  {raft.role} of term {raft.current_term}, vote {raft.voted_for or '-'}, "
                f"log{behind}: {' '.join(parts) or 'empty'}"
            )

    # ---- what followed

    def _look(self, *, messages: bool = True) -> None:
        """Take what the cores want done, and write down what it is."""
        moved = True
        while moved:
            moved = False
            for core in self.cores.values():
                moved |= self._looked(core, messages)

    def _looked(self, core: Core, messages: bool) -> bool:
        before, installing = core.append, core.install
        core.facts.clear()
        core.reads.clear()
        core.committed.clear()
        core.outbox.clear()
        core.take()
        for fact in core.facts:
            self._fact(core.name, fact)
        if core.append is not before and core.append is not None:
            self._lines.append(f"{core.name} → disk: {_append(core.append)}")
        if core.install is not installing and core.install is not None:
            self._lines.append(f"{core.name} → state: become the snapshot that ends at {core.install.index}")
        for message in core.outbox:
            if messages:
                self._lines.append(f"{core.name} → {message.to}: {_told(message)}")
            self._mail.append(message)
        if core.committed:
            self._lines.append(f"{core.name} applies {_entries(tuple(core.committed))}")
        for state in core.reads:
            self._lines.append(f"{core.name} may answer read {state.context} once it has applied {state.index}")
        if core.append is None or core.name in self._held:
            return False
        append, core.append = core.append, None
        _store(core, append)
        return True

    def _fact(self, name: str, fact: Fact) -> None:
        fields = fact.fields
        if fact.kind == "role":
            self._lines.append(f"{name} is {fields['role']} in term {fact.term}: {fields['reason']}")
        elif fact.kind == "truncate":
            self._lines.append(f"{name} removes {fields['first']}…{fields['last']} from its log")
        elif fact.kind == "disrupt_refused":
            self._lines.append(f"{name} hears a leader and doesn't listen to {fields['candidate']}")
        elif fact.kind == "vote" and not fields["granted"]:
            self._lines.append(f"{name} doesn't vote for {fields['candidate']}: {fields['reason']}")


def _told(message: Message) -> str:
    if isinstance(message, InstallSnapshot):
        return f"a snapshot that ends at {message.mark.index} (term {message.mark.term}), in term {message.term}"
    return describe.message(message)


def _store(core: Core, append: Append) -> None:
    """The disk has it; what follows is taken by the next look."""
    if append.hard_state is not None:
        core.hard_state = append.hard_state
    if append.snapshot is not None:
        core.mark, core.disk = append.snapshot, []
    if append.compact_to is not None:
        del core.disk[: append.compact_to.index - core.mark.index]
        core.mark = append.compact_to
    if append.entries:
        core.disk[append.entries[0].index - core.mark.index - 1 :] = append.entries
    core.raft.appended(append)


def _append(append: Append) -> str:
    parts = []
    if append.hard_state is not None:
        parts.append(f"term {append.hard_state.current_term}, vote {append.hard_state.voted_for or '-'}")
    if append.snapshot is not None:
        parts.append(f"nothing up to {append.snapshot.index}, where a snapshot ends")
    if append.compact_to is not None:
        parts.append(f"forget entries up to {append.compact_to.index}")
    if append.entries:
        parts.append(_entries(append.entries))
    return "; ".join(parts)


def _entries(entries: tuple[Entry, ...]) -> str:
    texts = [f"{e.index}:{e.term}" + (f" {e.data.decode()!r}" if e.kind is EntryKind.COMMANDS else "") for e in entries]
    return "entries " + ", ".join(texts)
