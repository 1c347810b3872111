// Short sentences that come, are read, and go: what was copied, what was refused and why.

import { put } from "./svg.js";

const STAYS_MS = 7000;
const MOST = 3;
const MARKS = { info: "ℹ", good: "✓", bad: "✕" };

export class Toasts {
  constructor(place) {
    this._place = place;
  }

  /** Say `text`; `kind` is info, good or bad. A click takes it away, and so does time. */
  show(text, kind = "info") {
    const toast = put(this._place, "button", `toast ${kind}`);
    toast.type = "button";
    put(toast, "i", "", MARKS[kind] ?? MARKS.info).ariaHidden = "true";
    put(toast, "span", "", text);
    const gone = setTimeout(() => toast.remove(), STAYS_MS);
    toast.onclick = () => {
      clearTimeout(gone);
      toast.remove();
    };
    while (this._place.children.length > MOST) this._place.firstElementChild.remove();
  }
}
