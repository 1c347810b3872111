// The places of the page that aren't panels: always in sight. What is in them has the same methods as a view.

import { Faults } from "./faults.js";
import { Inspector } from "./views/inspector.js";

import { Timeline } from "./timeline.js";

/** By the id of its place, which is also the name under which the page knows it: what is made in it. */
const SLOTS = { faults: Faults, inspector: Inspector, timeline: Timeline };

export class Slots {
  /** `page` is handed to each, as to a view. */
  constructor(page) {
    this._filled = new Map();
    for (const [name, Slot] of Object.entries(SLOTS)) this._filled.set(name, new Slot(document.getElementById(name), page));
  }

  /** What is in a place. */
  get(name) {
    return this._filled.get(name);
  }

  /** The types of single messages that they need. */
  get types() {
    return [...this._filled.values()].flatMap((slot) => slot.types ?? []);
  }

  say(texts) {
    for (const slot of this._filled.values()) slot.say?.(texts);
  }

  begin(state, events) {
    for (const slot of this._filled.values()) slot.begin?.(state, events);
  }

  take(events) {
    for (const slot of this._filled.values()) slot.take?.(events);
  }

  /** Draw all of them; says whether one moves by itself. */
  draw(frame) {
    let moves = false;
    for (const slot of this._filled.values()) moves = slot.draw?.(frame) === true || moves;
    return moves;
  }
}
