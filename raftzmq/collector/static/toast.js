// Short sentences that come, are read, and go: what was copied, what was refused and why.

import { plain } from "./stored.js";
import { put } from "./svg.js";

const STAYS_MS = 7000;
const MOST = 3;
const MARKS = { info: "ℹ", good: "✓", bad: "✕" };

export class Toasts {
  /** `place` moves into a dialog while that is open: all outside of it lies behind its backdrop, and can't be clicked. */
  constructor(place) {
    this._place = place;
    const moved = { subtree: true, attributes: true, attributeFilter: ["open"] };
    new MutationObserver(() => this._move()).observe(document.body, moved);
  }

  /**
   * Say `text`; `kind` is info, good or bad. A click takes it away, and so does time. Names of files are in some: letters
   * that would hide or turn others are spelled out.
   */
  show(text, kind = "info") {
    this._move();
    const toast = put(this._place, "button", `toast ${kind}`);
    toast.type = "button";
    put(toast, "i", "", MARKS[kind] ?? MARKS.info).ariaHidden = "true";
    put(toast, "span", "", plain(text));
    const gone = setTimeout(() => toast.remove(), STAYS_MS);
    toast.onclick = () => {
      clearTimeout(gone);
      toast.remove();
    };
    while (this._place.children.length > MOST) this._place.firstElementChild.remove();
  }

  _move() {
    const home = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body;
    if (this._place.parentElement !== home) home.append(this._place);
  }
}
