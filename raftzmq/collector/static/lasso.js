// Drawing on the ring: around nodes, to choose them; from one node to another, to choose the link between them.

import { draw, place } from "./svg.js";

const STILL = 6; // pixels: a pointer that moved less has clicked, not drawn
const REACH = 1.7; // radii around a node that still count as the node

/** Is a point inside of a closed line? By how often a ray from it crosses the line. */
export function within(point, line) {
  let inside = false;
  for (let i = 0, k = line.length - 1; i < line.length; k = i++) {
    const [a, b] = [line[i], line[k]];
    if (a.y > point.y !== b.y > point.y && point.x < ((b.x - a.x) * (point.y - a.y)) / (b.y - a.y) + a.x) inside = !inside;
  }
  return inside;
}

export class Lasso {
  /**
   * `told`: `may()` says whether anything may be drawn, `drew(names, more)` gets the nodes that were drawn around,
   * `linked(from, to)` the ends of a line between two, and `follows(from, to)` the same while it is being drawn.
   */
  constructor(svg, ring, told) {
    this._svg = svg;
    this._ring = ring;
    this._told = told;
    this._drawn = null;
    this._line = draw(svg, "path", { class: "lasso", visibility: "hidden" });
    svg.addEventListener("pointerdown", (event) => this._begin(event));
    svg.addEventListener("pointermove", (event) => this._move(event));
    svg.addEventListener("pointerup", (event) => this._end(event));
    svg.addEventListener("pointercancel", () => this.forget());
    // A page that is dragged by a finger isn't drawn on, except where drawing was asked for.
    svg.addEventListener("touchmove", (event) => this._drawn && event.preventDefault(), { passive: false });
  }

  /** Draw with a finger too, which else moves the page. */
  set armed(armed) {
    this._armed = armed;
    this._svg.classList.toggle("armed", armed);
  }

  get armed() {
    return this._armed === true;
  }

  /** Nothing was drawn. Says whether something was about to be. */
  forget() {
    const drawing = this._drawn !== null;
    this._drawn = null;
    place(this._line, { visibility: "hidden" });
    this._told.follows(null, null);
    return drawing;
  }

  _at(event) {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(this._svg.getScreenCTM().inverse());
    return { x: at.x, y: at.y };
  }

  /** The node at a place, or null. */
  _node(at) {
    const near = this._ring.names.map((name) => {
      const centre = this._ring.placeOf(name);
      return { name, far: Math.hypot(centre.x - at.x, centre.y - at.y) };
    });
    near.sort((a, b) => a.far - b.far);
    return near.length && near[0].far <= this._ring.radius * REACH ? near[0].name : null;
  }

  _begin(event) {
    if (event.button !== 0 || this._drawn || !this._told.may()) return;
    if (event.pointerType === "touch" && !this.armed) return;
    const at = this._at(event);
    this._drawn = { pointer: event.pointerId, line: [at], from: this._node(at), begun: false, more: event.shiftKey };
  }

  _move(event) {
    const drawn = this._drawn;
    if (drawn?.pointer !== event.pointerId) return;
    const at = this._at(event);
    const last = drawn.line.at(-1);
    if (!drawn.begun) {
      if (Math.hypot(at.x - last.x, at.y - last.y) < STILL) return;
      drawn.begun = true;
      this._svg.setPointerCapture(event.pointerId); // so the click at the end chooses no node
    }
    drawn.line.push(at);
    const start = drawn.from === null ? null : this._ring.placeOf(drawn.from);
    const line = start ? [start, at] : drawn.line;
    const d = `M${line.map((one) => `${one.x.toFixed(1)},${one.y.toFixed(1)}`).join("L")}${start ? "" : "Z"}`;
    place(this._line, { d, visibility: "visible", class: start ? "lasso link" : "lasso" });
    if (start) this._told.follows(drawn.from, this._other(drawn.from, at));
  }

  _other(from, at) {
    const found = this._node(at);
    return found === from ? null : found;
  }

  _end(event) {
    const drawn = this._drawn;
    if (drawn?.pointer !== event.pointerId) return;
    this.forget();
    if (!drawn.begun) return;
    if (drawn.from === null) {
      const names = this._ring.names.filter((name) => within(this._ring.placeOf(name), drawn.line));
      if (names.length) this._told.drew(names, drawn.more);
      return;
    }
    const to = this._other(drawn.from, this._at(event));
    if (to !== null) this._told.linked(drawn.from, to);
  }
}
