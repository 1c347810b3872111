// Files of recordings that somebody opens here: chosen, or dropped on the page.

import { open } from "./recordings.js";
import { put, say } from "./svg.js";

export class Opening {
  /** `opened` is called with what the collector says of the file. */
  constructor(page, opened) {
    this._page = page;
    this._opened = opened;
    this._input = document.createElement("input");
    Object.assign(this._input, { type: "file", accept: ".zst,.jsonl.zst", id: "time-file", hidden: true });
    this._input.onchange = () => this._take(this._input.files[0]);
    document.body.append(this._input);
    this._veil = put(document.body, "div", "time-veil");
    this._veil.hidden = true;
    this._drop();
  }

  say(texts) {
    say(this._veil, texts.timeline.dropHere);
  }

  /** Let a file be chosen. */
  choose() {
    if (!this._may()) return;
    this._input.value = "";
    this._input.click();
  }

  _drop() {
    const isFile = (event) => event.dataTransfer?.types.includes("Files");
    document.addEventListener("dragover", (event) => {
      if (!isFile(event)) return;
      event.preventDefault();
      this._veil.hidden = false;
    });
    document.addEventListener("dragleave", (event) => {
      if (event.relatedTarget === null) this._veil.hidden = true;
    });
    document.addEventListener("drop", (event) => {
      if (!isFile(event)) return;
      event.preventDefault();
      this._veil.hidden = true;
      if (this._may()) this._take(event.dataTransfer.files[0]);
    });
  }

  _may() {
    const may = this._page.control?.allowed === true;
    if (!may) this._page.toast(this._page.settings.texts.timeline.readOnly, "bad");
    return may;
  }

  async _take(file) {
    if (!file) return;
    const { texts } = this._page.settings;
    this._page.toast(texts.timeline.opening(file.name));
    try {
      const told = await open(file, this._page.control);
      this._page.toast(texts.timeline.opened(told.name, told.last_position - told.first_position + 1), "good");
      this._opened(told);
    } catch (error) {
      this._page.toast(error.message, "bad");
    }
  }
}
