// From places and nodes to pixels: time goes to the right where there is room, else down.

const FLAT_FROM = 560; // pixels of width from which on time goes to the right
const EDGE = 26; // pixels before the first and behind the last place
const SCALES = { true: [0.002, 1, 400], false: [3, 30, 110] }; // by the clock, by Lamport time: least, first, most

export class Frame {
  constructor() {
    this.clock = false;
    this.follows = true;
    this.left = 0;
    this._scales = { true: SCALES.true[1], false: SCALES.false[1] };
    this._end = 0;
    this._lanes = new Map();
  }

  /** Pixels per place, or per millisecond. */
  get scale() {
    return this._scales[this.clock];
  }

  set scale(scale) {
    this._scales[this.clock] = scale;
  }

  /** There are so many pixels and these nodes now; `end` is the last place. Says whether what is in view still glides. */
  fit(width, height, nodes, end, glide) {
    this.width = width;
    this.height = height;
    this.flat = width >= FLAT_FROM;
    this.head = this.flat ? 20 : 34;
    const across = this.flat ? height - this.head : width;
    const each = across / Math.max(nodes.length, 1);
    this.each = each;
    this._lanes = new Map(nodes.map((node, i) => [node, (this.flat ? this.head : 0) + each * (i + (this.flat ? 0.62 : 0.38))]));
    this._along = this.flat ? width : height - this.head;
    this._end = Math.max(0, end + (2 * EDGE - this._along) / this.scale);
    if (!this.follows) {
      this.left = Math.min(Math.max(this.left, 0), this._end);
      return false;
    }
    const rest = this._end - this.left;
    if (Math.abs(rest) * this.scale < 0.5 || Math.abs(rest) * this.scale > 2 * this._along || glide >= 1) {
      this.left = this._end;
      return false;
    }
    this.left += rest * glide;
    return true;
  }

  /** Where a node's line is; undefined for a stranger. */
  lane(node) {
    return this._lanes.get(node);
  }

  get lanes() {
    return this._lanes;
  }

  /** Pixels along the time axis, from the canvas's edge. */
  along(at) {
    return (at - this.left) * this.scale + EDGE + (this.flat ? 0 : this.head);
  }

  /** The first and the last place in view. */
  get view() {
    return [this.left - EDGE / this.scale, this.left + this._along / this.scale];
  }

  point(at, lane) {
    return this.flat ? { x: this.along(at), y: lane } : { x: lane, y: this.along(at) };
  }

  pan(dx, dy) {
    const by = this.flat ? dx : dy;
    this.left -= by / this.scale;
    this.follows = this.left >= this._end && by < 0;
    this.left = Math.min(Math.max(this.left, 0), this._end);
  }

  /** False if it is at its limit. */
  zoom(factor, x, y) {
    const [least, , most] = SCALES[this.clock];
    const scale = Math.min(most, Math.max(least, this.scale * factor));
    if (scale === this.scale) return false;
    const pixel = (this.flat ? x : y - this.head) - EDGE;
    const at = this.left + pixel / this.scale;
    this._end += (this._along - 2 * EDGE) * (1 / this.scale - 1 / scale);
    this.scale = scale;
    this.left = this.follows ? this._end : at - pixel / scale;
    return true;
  }

  /** All of `end` places at once, as far as that can be. */
  whole(end) {
    const [least, first] = SCALES[this.clock];
    this.scale = Math.min(this.clock ? SCALES.true[2] : first * 2, Math.max(least, (this._along - 2 * EDGE) / Math.max(end, 1)));
    this.left = 0;
  }
}
