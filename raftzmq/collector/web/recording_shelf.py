"""The recordings that can be looked at: the collector's own, those that were named at the start, and opened files."""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from raftzmq.collector.recording_frame import RecordingError
from raftzmq.collector.web.backlog import Kept
from raftzmq.collector.web.hub import Hub
from raftzmq.collector.web.recording_view import RecordingView
from raftzmq.collector.web.refusal import Refusal
from raftzmq.config import MIB

LIVE = "live"
"""The id of the collector's own directory."""
OPENED_MAX = 8
"""Opened files; another one takes the place of that which was looked at least lately."""
OPENED_BYTES_MAX = 1024 * MIB
"""What they may take of the disk together."""
THREADS = 4
"""Read files for all viewers: two may be busy with outlines, and whoever scrubs is still served at once. More would
take turns with the collector's own thread."""
NAME_MAX = 80
NOWHERE = Path("/dev/null/recordings")
"""Where a collector records that doesn't: nothing can be there."""
_ID = re.compile(r"[A-Za-z0-9._-]{1,96}")

Found = TypeVar("Found")


@dataclass
class Shelved:
    """A recording on the shelf. ``view`` is made when somebody looks at it first; ``begin``: where to look first."""

    ident: str
    name: str
    path: Path
    begin: int | None = None
    opened: bool = False
    live: bool = False
    view: RecordingView | None = None
    used: int = 0


class Shelf:
    """Lives on the event loop's thread; files are read in an executor of its own.

    ``directory`` is where the collector records, if it does; ``live``: there is a collector.
    """

    def __init__(self, hub: Hub, directory: Path | None, *, live: bool = True) -> None:
        self._hub = hub
        self._shelved: dict[str, Shelved] = {}
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="recordings")
        self._home: Path | None = None
        self._uses = 0
        self.receiving = 0
        """Files that are on their way to here."""
        if live:
            self._shelved[LIVE] = Shelved(LIVE, hub.config.cluster_id, directory or NOWHERE, live=True)

    def add(self, path: Path, *, ident: str | None = None, name: str | None = None, begin: int | None = None) -> str:
        """Put a file or directory on the shelf for good; its id, made of ``ident`` or the path's name.

        It is opened only when somebody looks at it. What is there already under this id and path stays.
        """
        wanted = _id_of(ident or path.resolve().name)
        known = self._shelved.get(wanted)
        if known is not None and known.path == path:
            return wanted
        free = wanted if known is None else f"{wanted[:80]}-{secrets.token_hex(4)}"
        self._shelved[free] = Shelved(free, (name or path.resolve().name)[:NAME_MAX], path, begin)
        return free

    def find(self, ident: str) -> Shelved:
        """The recording with this id; raises Refusal."""
        found = self._shelved.get(ident)
        if found is None:
            there = ", ".join(self._shelved) or "none"
            raise Refusal(
                404, f"no recording {ident[:64]!r} is open here (there are: {there[:200]}): open its file again"
            )
        self._uses += 1
        found.used = self._uses
        return found

    def all(self) -> list[Shelved]:
        """All of them, the collector's own first."""
        return list(self._shelved.values())

    async def read(self, one: Shelved, work: Callable[[RecordingView, list[Kept]], Found]) -> Found:
        """What ``work`` makes, in the executor, of a recording and what isn't in its files yet; raises Refusal."""
        tail: list[Kept] = []
        if one.live:
            tail = self._hub.backlog.since(0 if one.view is None else one.view.recorded_position)
        try:
            return await self.run(partial(_work, one, work, tail))
        except RecordingError as error:
            raise Refusal(404, _without(one, str(error))) from None

    async def run(self, work: Callable[[], Found]) -> Found:
        """Anything that reads or writes files."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    # --- opened files ---

    async def make_room(self) -> Path:
        """Where the next opened file goes; the directory is removed at the end."""
        if self._home is None:
            self._home = Path(await self.run(partial(tempfile.mkdtemp, prefix="raftzmq-recordings-")))
        return self._home / f"{secrets.token_hex(8)}.events.jsonl.zst"

    async def put(self, path: Path, name: str) -> Shelved:
        """Put an opened file on the shelf, if it is a recording; raises Refusal."""
        one = Shelved(f"opened-{secrets.token_hex(4)}", name[:NAME_MAX] or "recording", path, opened=True)
        try:
            about = await self.read(one, lambda view, _: view.about())
            if not about["last_position"]:
                raise Refusal(422, f"{one.name} holds no events that can be read")
        except Refusal as refusal:
            await self.run(partial(path.unlink, missing_ok=True))
            raise Refusal(422, refusal.message) from None
        self._shelved[one.ident] = one
        self._uses += 1
        one.used = self._uses
        await self._thin(one)
        return one

    async def _thin(self, newest: Shelved) -> None:
        """Remove opened files that there is no room for."""
        opened = sorted((one for one in self._shelved.values() if one.opened), key=lambda one: one.used)
        sizes = await self.run(lambda: [one.path.stat().st_size if one.path.exists() else 0 for one in opened])
        count, total = len(opened), sum(sizes)
        for one, size in zip(opened, sizes, strict=True):
            if one is newest or (count <= OPENED_MAX and total <= OPENED_BYTES_MAX):
                break
            self._shelved.pop(one.ident, None)
            await self.run(partial(one.path.unlink, missing_ok=True))
            count, total = count - 1, total - size

    async def close(self) -> None:
        """Remove the opened files; nothing can be read any more."""
        if self._home is not None:
            await self.run(partial(shutil.rmtree, self._home, ignore_errors=True))
        self._executor.shutdown(wait=False, cancel_futures=True)


def _work(one: Shelved, work: Callable[[RecordingView, list[Kept]], Any], tail: list[Kept]) -> Any:
    if one.view is None:
        one.view = RecordingView(one.path, live=one.live)
    return work(one.view, tail)


def _without(one: Shelved, message: str) -> str:
    """A sentence without paths of this machine, which are nobody's business, and mean nothing for opened files."""
    return message.replace(str(one.path), one.name).replace(str(one.path.parent), "…")


def _id_of(name: str) -> str:
    found = re.sub(r"[^A-Za-z0-9._-]+", "-", name.removesuffix(".zst").removesuffix(".jsonl").removesuffix(".events"))
    found = found.strip("-.")[:80]
    return found if _ID.fullmatch(found) and found != LIVE else f"recording-{found}"[:80]
