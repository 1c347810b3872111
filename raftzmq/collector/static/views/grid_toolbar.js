// What can be pressed above the log grid, and what it says is in view.

import { wholeScreen } from "../full_screen.js";
import { put, say } from "../svg.js";

const BUTTONS = {
  narrower: (grid) => grid.zoom(1 / 1.6),
  wider: (grid) => grid.zoom(1.6),
  all: (grid) => grid.all(),
  follow: (grid) => grid.follow(),
};

export class Toolbar {
  constructor(root, grid) {
    this._buttons = new Map();
    for (const [name, act] of Object.entries(BUTTONS)) {
      const button = put(root, "button");
      Object.assign(button, { type: "button", id: `grid-${name}`, onclick: () => act(grid) });
      this._buttons.set(name, button);
    }
    const form = put(root, "form", "grid-go");
    this._word = put(form, "label");
    this._number = put(form, "input");
    Object.assign(this._number, { id: "grid-index", type: "number", min: 1, step: 1, required: true, inputMode: "numeric" });
    this._word.htmlFor = this._number.id;
    const go = put(form, "button");
    go.id = "grid-go";
    this._buttons.set("go", go);
    form.onsubmit = (event) => {
      event.preventDefault();
      const index = Number(this._number.value);
      if (Number.isSafeInteger(index) && index > 0) grid.goTo(index);
    };
    const full = put(root, "button", "full-screen");
    Object.assign(full, { type: "button", id: "grid-full" });
    wholeScreen(full, root.parentElement, () => grid.redraw());
    this._buttons.set("full", full);
    this._view = put(root, "output", "grid-view");
    this._view.id = "grid-view";
  }

  say(texts) {
    for (const [name, button] of this._buttons) {
      const [word, title] = texts.grid.tools[name];
      if (name !== "full") say(button, word);
      button.title = button.ariaLabel = title;
    }
    say(this._word, texts.grid.goTo);
  }

  /** What is in view, as words and as the state of the buttons. */
  tell(words, span) {
    say(this._view, words);
    const pressed = { all: span.wide, follow: span.follows && !span.wide };
    for (const [name, on] of Object.entries(pressed)) {
      const button = this._buttons.get(name);
      if (button.ariaPressed !== String(on)) button.ariaPressed = String(on);
    }
  }
}
