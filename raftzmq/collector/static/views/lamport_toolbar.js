// What can be pressed above the Lamport diagram: pause, width, order, which groups, and which entry's way alone.

import { wholeScreen } from "../full_screen.js";
import { put, say } from "../svg.js";
import { GROUPS } from "./lamport_kinds.js";

const BUTTONS = {
  pause: (diagram) => diagram.pause(),
  follow: (diagram) => diagram.follow(),
  narrower: (diagram) => diagram.zoom(1 / 1.5),
  wider: (diagram) => diagram.zoom(1.5),
};

export class LamportToolbar {
  constructor(root, diagram) {
    this._diagram = diagram;
    this._buttons = new Map();
    for (const [name, act] of Object.entries(BUTTONS)) this._buttons.set(name, this._button(root, name, () => act(diagram)));
    this._order = put(root, "select");
    Object.assign(this._order, { id: "lamport-order", onchange: () => diagram.orderBy(this._order.value) });
    this._groups = new Map();
    const groups = put(root, "span", "lamport-groups");
    for (const name of Object.keys(GROUPS)) {
      this._groups.set(name, this._button(groups, name, () => diagram.toggle(name), `lamport-${name}`));
    }
    this._form = put(root, "form", "grid-go");
    this._word = put(this._form, "label");
    this._number = put(this._form, "input");
    Object.assign(this._number, { id: "lamport-entry", type: "number", min: 1, step: 1, inputMode: "numeric" });
    this._word.htmlFor = this._number.id;
    this._clear = this._button(this._form, "clear", () => diagram.only(null));
    this._form.onsubmit = (event) => {
      event.preventDefault();
      const index = Number(this._number.value);
      diagram.only(Number.isSafeInteger(index) && index > 0 ? index : null);
    };
    this._traces = put(root, "select", "lamport-traces");
    Object.assign(this._traces, { id: "lamport-traces" });
    const full = this._button(root, "full", null, "full-screen");
    wholeScreen(full, root.parentElement, () => diagram.redraw());
    this._buttons.set("full", full);
    this._traces.onchange = () => this._traces.value && diagram.only(Number(this._traces.value));
  }

  _button(root, name, act, kind = "") {
    const button = put(root, "button", kind);
    return Object.assign(button, { type: "button", id: `lamport-${name}`, onclick: act });
  }

  say(texts) {
    const words = texts.lamport;
    for (const [name, button] of this._buttons) {
      if (name !== "full") say(button, words.tools[name][0]);
      button.title = button.ariaLabel = words.tools[name][1];
    }
    for (const [name, button] of this._groups) {
      say(button, words.groups[name][0]);
      button.title = words.groups[name][1];
    }
    this._order.title = this._order.ariaLabel = words.order;
    const chosen = this._order.value || "lamport";
    this._order.replaceChildren();
    for (const [name, word] of Object.entries(words.orders)) put(this._order, "option", "", word).value = name;
    this._order.value = chosen;
    say(this._word, words.entry);
    this._number.placeholder = words.anyEntry;
    say(this._clear, words.clear);
    this._clear.title = words.clearTitle;
    this._traced = null;
  }

  /** What is shown, as words and as the state of the buttons; `asked`: which entry alone, or null. */
  tell({ traces, groups, asked, paused, follows, order }, texts) {
    if (this._order.value !== order) this._order.value = order;
    const pressed = new Map([[this._buttons.get("pause"), paused], [this._buttons.get("follow"), follows]]);
    for (const [name, button] of this._groups) pressed.set(button, groups[name]);
    for (const [button, on] of pressed) if (button.ariaPressed !== String(on)) button.ariaPressed = String(on);
    this._clear.disabled = asked === null;
    if (this._asked !== asked) this._number.value = (this._asked = asked) ?? "";
    if (this._traced === traces) return;
    this._traced = traces;
    this._traces.disabled = !traces.length;
    this._traces.replaceChildren();
    put(this._traces, "option", "", texts.lamport.traces).value = "";
    for (const trace of traces) put(this._traces, "option", "", texts.lamport.trace(trace)).value = trace.index;
  }
}
