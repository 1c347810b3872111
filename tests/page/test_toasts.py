"""Short sentences: they are read while a dialog is open, and show every letter of a file's name."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

from raftzmq.collector.recording_file import recorded_files
from tests.collector.audited_runs import recorded
from tests.collector.recordings import record
from tests.collector.web.support import serving
from tests.page.chromium import Tab, tab
from tests.page.planted import shown

TURNED = "safe\u202egnp\u2066\x07.events.jsonl.zst"
"""A name that turns what stands behind it, and rings."""
SPELLED = "safe\\u202egnp\\u2066\\x07.events.jsonl.zst"
_IN_FRONT = """
(() => {
  const toast = [...document.querySelectorAll(".toast")].find((one) => one.textContent.includes("TEXT"));
  if (toast === undefined) return false;
  const { left, top, width, height } = toast.getBoundingClientRect();
  return toast.contains(document.elementFromPoint(left + width / 2, top + height / 2));
})()
"""
_DROP = """
(() => {
  const bytes = Uint8Array.from(atob("DATA"), (letter) => letter.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], NAME));
  document.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
})()
"""


def test_a_toast_is_in_front_of_a_dialog_that_opened_before_or_after() -> None:
    async def watch() -> None:
        async with shown() as (_, page):
            await page.value("raftzmq.toast('before')")
            assert await page.value(_IN_FRONT.replace("TEXT", "before"))
            await page.press("?")
            await page.until("document.getElementById('map').open")
            await page.until(_IN_FRONT.replace("TEXT", "before"))
            await page.value("raftzmq.toast('within', 'bad')")
            assert await page.value(_IN_FRONT.replace("TEXT", "within")), (
                "not behind its backdrop, where nothing is clicked"
            )
            await page.value("[...document.querySelectorAll('.toast')].at(-1).click()")
            assert "within" not in await page.text("#toasts")
            assert await page.value("document.getElementById('map').open"), "who takes a toast away means the toast"
            await page.press("?")
            await page.until("!document.getElementById('map').open")
            await page.until(_IN_FRONT.replace("TEXT", "before"))
            assert await page.value("document.getElementById('toasts').parentElement === document.body")

    asyncio.run(watch())


async def _dropped(page: Tab, data: bytes) -> None:
    name = "String.fromCodePoint(" + ", ".join(str(ord(letter)) for letter in TURNED) + ")"
    await page.value(_DROP.replace("DATA", base64.b64encode(data).decode()).replace("NAME", name))


async def _said(page: Tab, text: str, kind: str = "toast") -> None:
    spelled = text.replace("\\", "\\\\")
    toasts = f"[...document.querySelectorAll('.{kind} span')]"
    await page.until(f"{toasts}.some((one) => one.textContent.includes('{spelled}'))")


def test_a_name_of_a_file_neither_hides_letters_nor_turns_others(tmp_path: Path) -> None:
    record(tmp_path, recorded(3, 6_000)[:60], every=50, frame=20)
    data = recorded_files(tmp_path)[0].read_bytes()

    async def watch() -> None:
        with serving(live=False) as one:
            one.web.shelf.add(tmp_path, ident="run")
            async with tab() as page:
                await page.open(f"http://127.0.0.1:{one.address[1]}/?language=en#token={one.web.token.text}")
                await page.until("window.raftzmq?.slots.get('timeline') && raftzmq.control.allowed")
                await _dropped(page, data)
                await _said(page, f"Opening {SPELLED}")
                await _said(page, f"{SPELLED}: ")
                await page.until("raftzmq.player.recording.startsWith('opened-')")
                await page.until(f"document.querySelector('.time-moment .behind').textContent === {SPELLED!r}")
                await page.until("document.querySelectorAll('#time-recording option').length === 2")
                assert SPELLED in await page.text("#time-recording")
                assert one.get("/v1/recordings").json[-1]["name"] == TURNED, "the name itself is what it was"
                page.errors.clear()
                await _dropped(page, b"no recording")
                await _said(page, SPELLED, "bad")
                assert [error for error in page.errors if "422" not in error] == []
                said = await page.value("document.body.textContent")
                assert not {"\u202e", "\u2066", "\x07"} & set(said)

    asyncio.run(watch())
