"""Runs a lab: the script on a stage of its own, then the judge over what was recorded."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from raftzmq.benchmarks.local_cluster import ClusterFailed
from raftzmq.collector.recording import Recording
from raftzmq.errors import RequestError
from raftzmq.labs.history import History, Moment
from raftzmq.labs.lab import Lab
from raftzmq.labs.narration import Told
from raftzmq.labs.run import Run
from raftzmq.labs.stage import PATIENCE_S, Narrate, NotSeen, Stage


def perform(
    lab: Lab,
    directory: Path,
    *,
    runtime: str = "threads",
    web: str = "",
    narrate: Narrate = lambda _: None,
    patience_s: float = PATIENCE_S,
) -> Run:
    """Run a lab, record it in ``directory`` (made if need be), judge it, and leave ``lab.json`` there.

    A script that waits in vain ends early, and the judge sees what there is. Raises CollectorFailed and
    ConfigurationError where nothing could be recorded.
    """
    directory.mkdir(parents=True, exist_ok=True)
    began_ms, begun, note = time.time_ns() // 1_000_000, time.monotonic(), ""
    with Stage(
        *(lab.nodes, directory),
        runtime=runtime,
        options=lab.options,
        details=lab.details,
        web=web,
        narrate=narrate,
        patience_s=patience_s,
        name=lab.name,
    ) as stage:
        try:
            lab.script(stage)
        except (NotSeen, ClusterFailed, RequestError) as error:
            note = str(error)
    seconds = round(time.monotonic() - begun, 1)
    moments = [Moment(merged.position, merged.event) for merged in Recording(directory).events()]
    verdict = lab.verdict_of(moments)
    pictures: Sequence[Path] = () if lab.draw is None else lab.draw(History(moments), directory)
    run = Run(
        *(lab.name, lab.subject, directory, runtime, began_ms, seconds, len(moments)),
        *(tuple(_placed(stage.told, moments)), verdict, note),
        tuple(path.name for path in pictures),
    )
    run.write()
    return run


def _placed(told: Iterable[Told], moments: Sequence[Moment]) -> Iterable[Told]:
    """The steps with the positions of the first events after them."""
    for one in told:
        found = next((moment.position for moment in moments if moment.ts * 1000 >= one.ms), 0)
        yield replace(one, position=found or (moments[-1].position if moments else 0))
