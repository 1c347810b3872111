"""The same script on nodes that threads run, on nodes that coroutines run, and on both in one cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from raftzmq.benchmarks.process_costs import Cost, spent, take_costs
from raftzmq.labs.chapters import chapters
from raftzmq.labs.history import History, Moment
from raftzmq.labs.lab import Lab
from raftzmq.labs.logs import State
from raftzmq.labs.narration import Step
from raftzmq.labs.same_script import BURST, WRITES, burst, content, write
from raftzmq.labs.stage import LAST_WORDS_S, Stage
from raftzmq.labs.verdict import Verdict
from raftzmq.labs.words import Words, both
from raftzmq.runtime.choice import COROUTINES, THREADS

CASTS: dict[str, Mapping[str, str]] = {
    "threads": {"n1": THREADS, "n2": THREADS, "n3": THREADS},
    "coroutines": {"n1": COROUTINES, "n2": COROUTINES, "n3": COROUTINES},
    "mixed": {"n1": THREADS, "n2": COROUTINES, "n3": THREADS},
}
"""Who runs each node, chapter by chapter."""
RUNS, BEGINS, ENDS, LEFT = "runs", "burst-begins", "burst-ends", "left"
"""First words of tags by which requests carry into the recording what no event tells."""

_START = Step(
    Words("Start three nodes: {cast}.", "3台を起動する: {cast}。"),
    Words("{how.en}", "{how.ja}"),
    Words(
        "Raft §5: the algorithm is a function of messages and timers; it doesn't matter who waits for them.",
        "Raft §5: アルゴリズムはメッセージとタイマーの関数であり、誰がそれを待つかは問わない。",
    ),
)
_HOW: dict[str, Words] = {
    "threads": Words(
        "A loop of its own waits in one system call for all sockets; further threads write to the disk.",
        "独自のループが1つのシステムコールで全ソケットを待ち、別のスレッドがディスクに書く。",
    ),
    "coroutines": Words(
        "asyncio's event loop waits for the same descriptors; what blocks, the disk, is left to threads here too.",
        "asyncioのイベントループが同じ記述子を待つ。ブロックするディスクは、ここでもスレッドに任せる。",
    ),
    "mixed": Words(
        "To each other they are nothing but messages: no node can tell what runs another.",
        "互いに見えるのはメッセージだけ。相手が何で動いているかは、どのノードにも分からない。",
    ),
}
"""What is worth knowing of each cast."""
_SCRIPT = Step(
    Words(
        "Run the script: {writes} writes one by one, then {burst} puts in a burst.",
        "台本を実行する: 書き込みを1つずつ{writes}回、続けてまとめて{burst}回。",
    ),
    Words(
        "One by one each write waits for two disks. In the burst many share an entry, and so a sync.",
        "1つずつの書き込みは毎回2台のディスクを待つ。まとめて送ると多くが1エントリ、1同期を分け合う。",
    ),
    Words("Thesis 10.2: batching and pipelining", "博士論文 10.2: バッチとパイプライン"),
)


def act(stage: Stage) -> None:
    """Start the nodes anew with each cast, and run the same script."""
    for name, cast in CASTS.items():
        shown = ", ".join(f"{node} {runtime}" for node, runtime in cast.items())
        stage.tell(_START, cast=shown, how=_HOW[name])
        begin(stage, cast)
        stage.leader()
        client = stage.client(timeout=10.0)
        stage.rest(0.5)  # the collector hears everybody by then
        for node, row in stage.rows().items():
            _note(stage, RUNS, node, row["runtime"])
        stage.tell(_SCRIPT, writes=WRITES, burst=BURST)
        write(client)
        pids = [stage.cluster.pid(node) for node in stage.nodes]
        before = take_costs(pids)
        _note(stage, BEGINS, name)
        burst(client)
        total = sum(spent(before, take_costs(pids), pids).values(), start=Cost())
        _note(stage, ENDS, name, total.cpu_ns // 1000 // BURST, round(total.voluntary / BURST, 2))
        _note(stage, LEFT, name, content(client))
        stage.settle()
        stage.rest(LAST_WORDS_S)
        stage.stop(*stage.running)


def begin(stage: Stage, cast: Mapping[str, str]) -> None:
    """Start each node on its runtime."""
    for node, runtime in cast.items():
        stage.start(node, options=("--runtime", runtime))


def _note(stage: Stage, *words: object) -> None:
    """A request whose tag carries something into the recording."""
    tag = " ".join(map(str, words))
    stage.client(trace=tag).put(f"notes/{words[0]}/{words[1]}", tag)


@dataclass(slots=True)
class Part:
    """One chapter: its cast as the nodes themselves named it, and what the script did to the cluster in it.

    ``batches`` are the entries that the burst's commands were put into; costs are of all processes, per put.
    """

    cast: dict[str, str]
    told: list[Moment]
    agreed: State | None = None
    """The last state that all nodes told of, where they agreed on all of them."""
    left: str = ""
    burst_last: int = 0
    commands: int = 0
    batches: int = 0
    seconds: float = 0.0
    costs: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The runtime, if all nodes have the same."""
        kinds = sorted(set(self.cast.values()))
        return kinds[0] if len(kinds) == 1 else " + ".join(kinds)

    @property
    def rate(self) -> float:
        """Puts per second in the burst."""
        return self.commands / self.seconds if self.seconds else 0.0


def parts_of(history: History) -> list[Part]:
    """What each chapter shows; those without a cast are left out."""
    found = []
    for chapter in chapters(history):
        notes = [(str(moment.event["tag"]).split(), moment) for moment in chapter.of("trace") if moment.event["tag"]]
        cast = {words[1]: words[2] for words, _ in notes if words[0] == RUNS and len(words) == 3}
        if cast:
            told = [moment for words, moment in notes if words[0] == RUNS]
            part = Part(dict(sorted(cast.items())), told, _agreed(chapter))
            _read(part, chapter, notes)
            found.append(part)
    return found


def _agreed(chapter: History) -> State | None:
    """The last state that all nodes applied; None if they differ anywhere, or told of none in common.

    While they are stopped one after the other, those that are left may apply more.
    """
    told: dict[int, dict[str, State]] = {}
    for moment in chapter.of("apply"):
        event = moment.event
        state = State(int(event["last"]), int(event["digest"]), int(event["revision"]))
        told.setdefault(state.last, {})[moment.node] = state
    everywhere = {last: states for last, states in told.items() if len(states) == len(chapter.nodes)}
    if not everywhere or any(len(set(states.values())) > 1 for states in told.values()):
        return None
    return next(iter(everywhere[max(everywhere)].values()))


def _read(part: Part, chapter: History, notes: list[tuple[list[str], Moment]]) -> None:
    marks = {words[0]: (words, moment) for words, moment in notes}
    if LEFT in marks:
        part.left = marks[LEFT][0][-1]
    if BEGINS not in marks or ENDS not in marks:
        return
    begun, ended = marks[BEGINS][1], marks[ENDS][1]
    part.costs = marks[ENDS][0][2:]
    part.seconds = (ended.event["mono_ns"] - begun.event["mono_ns"]) / 1e9
    # Of whoever answered the requests: a leader answers what it has applied.
    applied = [m for m in chapter.of("apply", begun.node) if begun.position < m.position < ended.position]
    part.commands = sum(moment.event["commands"] for moment in applied)
    part.batches = sum(moment.event["last"] - moment.event["first"] + 1 for moment in applied)
    part.burst_last = max((moment.event["last"] for moment in applied), default=0)


_CASTS = Words(
    "The script ran on threads, on coroutines, and on both in one cluster, as the nodes themselves said",
    "台本はスレッド、コルーチン、そして両方が混ざったクラスタで動いた。これはノード自身の申告による",
)
_AGREE = Words(
    "Each time all nodes applied the same entries and had the same state",
    "毎回、全ノードが同じエントリを適用し、同じ状態になった",
)
_SAME = Words(
    "Each time the script left the same keys and values behind",
    "毎回、台本は同じキーと値を残した",
)
_SHARED = Words(
    "In each burst several puts shared an entry, whoever waited for the disk",
    "誰がディスクを待とうと、まとめ書きでは複数の書き込みが1エントリを分け合った",
)
_TABLE = Words(
    "What differs: the burst, over the runtimes (processor time and waits are of all three processes, per put; on a "
    "busy machine they say little)",
    "違い: まとめ書きをランタイムごとに (CPU時間と待ちは3プロセス合計、書き込み1回あたり。混んだ機械では"
    "あまり参考にならない)",
)


def judge(history: History) -> Verdict:
    """Three casts, one outcome."""
    verdict = Verdict()
    parts = parts_of(history)
    casts = {part.name for part in parts}
    told = [moment.position for part in parts for moment in part.told]
    seen = both(" / ".join(part.name for part in parts))
    verdict.check(_CASTS, {THREADS, COROUTINES} < casts and len(casts) > 2, told, seen=seen)
    agreed = [part.agreed for part in parts]
    reached = all(part.agreed is not None and part.agreed.last >= part.burst_last > 0 for part in parts)
    told_states = " / ".join(f"{state.last} ({state.digest:08x})" if state else "-" for state in agreed)
    seen = Words("up to entry {states}", "エントリ{states}まで").fill(states=told_states)
    verdict.check(_AGREE, parts and reached, seen=seen)
    left = [part.left for part in parts]
    verdict.check(_SAME, parts and all(left) and len(set(left)) == 1, seen=both(" / ".join(left)))
    batches = all(part.commands > part.batches > 0 for part in parts)
    seen = Words("{shares} puts per entry", "1エントリあたり{shares}回").fill(
        shares=" / ".join(f"{part.commands / max(1, part.batches):.1f}" for part in parts)
    )
    verdict.check(_SHARED, parts and batches, seen=seen)
    if parts:
        verdict.exhibit(_TABLE, _table(parts))
    return verdict


def _table(parts: list[Part]) -> list[str]:
    lines = [f"{'':<22}{'puts/s':>8}{'puts/entry':>12}{'CPU us/put':>12}{'waits/put':>11}"]
    for part in parts:
        cpu, waits = part.costs if len(part.costs) == 2 else ("-", "-")
        share = part.commands / max(1, part.batches)
        lines.append(f"{part.name:<22}{part.rate:>8,.0f}{share:>12.1f}{cpu:>12}{waits:>11}")
    return lines


LAB = Lab("runtimes", act, judge, nodes=3)
