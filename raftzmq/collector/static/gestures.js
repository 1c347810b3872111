// What a viewer's hand does on a canvas: dragging, pinching, turning the wheel, pointing, pressing.

const STILL = 4; // pixels: a hand that moved less has pressed, not dragged
const LINE = 18; // pixels that a wheel means by a line

/**
 * `told` has the methods `pan(dx, dy)`, `zoom(factor, x, y)` (false: it can't, and the wheel is the page's),
 * `press(x, y)`, `hover(x, y)` and `leave()`, all in pixels of the canvas.
 */
export class Gestures {
  constructor(canvas, told) {
    this._canvas = canvas;
    this._told = told;
    this._down = new Map();
    this._moved = 0;
    canvas.addEventListener("pointerdown", (event) => this._begin(event));
    canvas.addEventListener("pointermove", (event) => this._move(event));
    canvas.addEventListener("pointerup", (event) => this._end(event, true));
    canvas.addEventListener("pointercancel", (event) => this._end(event, false));
    canvas.addEventListener("pointerleave", () => this._told.leave());
    canvas.addEventListener("wheel", (event) => this._turn(event), { passive: false });
  }

  _at(event) {
    const box = this._canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  _begin(event) {
    if (event.button !== 0) return;
    if (!this._down.size) this._moved = 0;
    this._down.set(event.pointerId, this._at(event));
    this._canvas.setPointerCapture?.(event.pointerId);
  }

  _move(event) {
    const at = this._at(event);
    const before = this._down.get(event.pointerId);
    if (before === undefined) {
      this._told.hover(at.x, at.y);
      return;
    }
    this._moved += Math.abs(at.x - before.x) + Math.abs(at.y - before.y);
    const other = [...this._down].find(([id]) => id !== event.pointerId)?.[1];
    if (other !== undefined) {
      const far = (point) => Math.max(Math.hypot(point.x - other.x, point.y - other.y), 10);
      this._told.zoom(far(at) / far(before), (at.x + other.x) / 2, (at.y + other.y) / 2);
    } else if (this._moved >= STILL) {
      this._told.pan(at.x - before.x, at.y - before.y);
    }
    this._down.set(event.pointerId, at);
  }

  _end(event, whole) {
    const at = this._down.get(event.pointerId);
    this._down.delete(event.pointerId);
    if (whole && at !== undefined && this._moved < STILL) this._told.press(at.x, at.y);
  }

  _turn(event) {
    const unit = event.deltaMode ? LINE : 1;
    const sideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
    const at = this._at(event);
    if (sideways) {
      const by = (event.deltaX || event.deltaY) * unit;
      this._told.pan(-by, -by);
    } else if (this._told.zoom(Math.exp((-event.deltaY * unit) / 400), at.x, at.y) === false) {
      return;
    }
    event.preventDefault();
  }
}
