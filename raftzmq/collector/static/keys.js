// The keyboard: one letter for each thing that the page can do, and the map of them.

import { put, say } from "./svg.js";

export class Keys {
  constructor(dialog, actions) {
    this._dialog = dialog;
    this._actions = actions;
    document.addEventListener("keydown", (event) => this._press(event));
  }

  /** The words of the map. */
  show(texts) {
    const dialog = this._dialog;
    say(dialog.querySelector("h2"), texts.mapTitle);
    say(dialog.querySelector("button"), texts.close);
    const list = dialog.querySelector("dl");
    list.replaceChildren();
    for (const [key, meaning] of Object.entries(texts.keys)) {
      const line = put(list, "div");
      put(put(line, "dt"), "kbd", "", key === "Escape" ? "Esc" : key);
      put(line, "dd", "", meaning);
    }
  }

  toggle() {
    if (this._dialog.open) this._dialog.close();
    else this._dialog.showModal();
  }

  _press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea")) return;
    if (event.key === "?") this.toggle();
    else if (!this._dialog.open && Object.hasOwn(this._actions, event.key)) this._actions[event.key]();
    else return;
    event.preventDefault();
  }
}
