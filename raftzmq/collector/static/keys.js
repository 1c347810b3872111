// The keyboard: one key for each thing that the page can do, and the map of them. Whoever can do something adds its key.

import { put, say } from "./svg.js";

const NAMES = { " ": "␣", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc", Enter: "↵" };
/** In the order of the map. */
export const GROUPS = ["page", "stage", "time", "faults", "views"];

export class Keys {
  constructor(dialog) {
    this._dialog = dialog;
    this._actions = new Map();
    this._lines = [];
    this._escapes = [];
    this._texts = null;
    dialog.querySelector(".close").onclick = () => dialog.close();
    document.addEventListener("keydown", (event) => this._press(event));
    this.add("?", () => this.toggle(), (texts) => texts.meanings.map);
    this.tell("Escape", (texts) => texts.meanings.escape);
  }

  /**
   * From now on, `key` (a KeyboardEvent's: "m", "P", "ArrowLeft", " ") calls `run`. `words(texts)` says in a few words
   * what for; `group` is one of GROUPS, the part of the map in which that stands.
   */
  add(key, run, words, group = "page") {
    if (this._actions.has(key)) console.error(`two things want the key ${key}`);
    this._actions.set(key, run);
    this.tell(key, words, group);
  }

  /** Only a line of the map: for a key that somebody else listens to. `key` may be several, as "1 … 9". */
  tell(key, words, group = "page") {
    this._lines.push({ key, words, group });
    if (this._texts) this.show(this._texts);
  }

  /** Be asked when Escape is pressed: the last who came is asked first, and says true if it had something to end. */
  onEscape(asked) {
    this._escapes.unshift(asked);
  }

  /** The words of the map. */
  show(texts) {
    this._texts = texts;
    const dialog = this._dialog;
    say(dialog.querySelector("h2"), texts.mapTitle);
    say(dialog.querySelector(".close"), texts.close);
    say(dialog.querySelector("#tour-again"), texts.tour.again);
    const groups = dialog.querySelector(".groups");
    groups.replaceChildren();
    for (const group of GROUPS) {
      const lines = this._lines.filter((line) => line.group === group);
      if (!lines.length) continue;
      const part = put(groups, "section");
      put(part, "h3", "", texts.keyGroups[group]);
      const list = put(part, "dl");
      for (const { key, words } of lines) {
        const line = put(list, "div");
        put(put(line, "dt"), "kbd", "", NAMES[key] ?? key);
        put(line, "dd", "", words(texts));
      }
    }
  }

  toggle() {
    if (this._dialog.open) this._dialog.close();
    else this._dialog.showModal();
  }

  _press(event) {
    const { key, target } = event;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (key === "Escape") {
      if (!document.querySelector("dialog[open]") && this._escapes.some((asked) => asked())) event.preventDefault();
      return;
    }
    if (target.matches("input, textarea, select, [contenteditable]")) return;
    if ((key === " " || key === "Enter") && target.matches("button, a, summary")) return;
    if (document.querySelector("dialog[open]") && key !== "?") return;
    if (!this._actions.has(key)) return;
    event.preventDefault();
    this._actions.get(key)();
  }
}
