// Which entries are in view: from a few, as cells, to all of a long log.

/** Pixels of an entry at most. */
export const SCALE_MAX = 64;
const SCALE_FIRST = 30;
const LEAST_MAX = 44; // a short log need not fill the width
const BLOCK = 110; // pixels for what snapshots hold: the entries in them are no longer there to be counted
const BEHIND = 30; // pixels behind the last entry, for what comes next

export class Span {
  constructor() {
    /** Pixels per entry. */
    this.scale = SCALE_FIRST;
    /** The index, with its fraction, at the left edge. */
    this.left = 1;
    this.follows = true;
    this._all = false;
    this.fit(1, 0, 0);
  }

  /** There are `width` pixels now, and entries behind `mark` up to `last`; what is in view stays, or follows the end. */
  fit(width, mark, last) {
    this.width = Math.max(width, 1);
    this._mark = mark;
    this._last = last;
    this._room = mark > 0 ? Math.min(BLOCK, this.width / 4) : 4;
    const entries = Math.max(last - mark, 1);
    this._least = Math.min(LEAST_MAX, Math.max(this.width - this._room - BEHIND, 1) / entries);
    this.scale = this._all ? this._least : Math.min(SCALE_MAX, Math.max(this.scale, this._least));
    const begin = mark + 1 - this._room / this.scale;
    const end = Math.max(begin, last + 1 - (this.width - BEHIND) / this.scale);
    this.left = this.follows || this._all ? end : Math.min(Math.max(this.left, begin), end);
    this._end = end;
    this._begin = begin;
  }

  /** Where an entry begins, in pixels. */
  x(index) {
    return (index - this.left) * this.scale;
  }

  /** The entry at a pixel. */
  index(x) {
    return Math.floor(this.left + x / this.scale);
  }

  /** The first and last entry of which anything can be seen. */
  get first() {
    return Math.max(1, this.index(0));
  }

  get last() {
    return Math.max(this.first, Math.min(this._last, this.index(this.width - 0.01)));
  }

  /** Is all there is in view? */
  get whole() {
    return this.scale <= this._least * 1.0001;
  }

  /** Is it asked to show all there is, whatever comes? */
  get wide() {
    return this._all;
  }

  /** Make entries wider or narrower; what is at pixel `x` stays there. False if it is at its limit. */
  zoom(factor, x) {
    const scale = Math.min(SCALE_MAX, Math.max(this.scale * factor, this._least));
    if (Math.abs(scale - this.scale) < 1e-12) return false;
    const at = this.left + x / this.scale;
    this._all = false;
    this.scale = scale;
    if (!this.follows) this.left = at - x / scale;
    this.fit(this.width, this._mark, this._last);
    return true;
  }

  /** Move what is in view by pixels. At the end it follows again. */
  pan(dx) {
    this._all = false;
    this.left -= dx / this.scale;
    this.follows = this.left >= this._end - 0.01 && dx <= 0;
    this.fit(this.width, this._mark, this._last);
  }

  /** Bring an entry to the middle; `scale` at least so many pixels per entry. */
  goTo(index, scale = 0) {
    this._all = this.follows = false;
    this.scale = Math.max(this.scale, scale);
    this.left = index + 0.5 - this.width / 2 / this.scale;
    this.fit(this.width, this._mark, this._last);
  }

  /** All entries, also those to come. */
  all() {
    this._all = this.follows = true;
    this.fit(this.width, this._mark, this._last);
  }

  /** The end, and what comes: as wide as they were, or as cells if all were in view. */
  follow() {
    if (this.whole) this.scale = Math.max(this._least, SCALE_FIRST);
    this._all = false;
    this.follows = true;
    this.fit(this.width, this._mark, this._last);
  }
}
