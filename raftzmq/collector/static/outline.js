// A recording seen from afar, as the timeline draws it: where on a line of time positions lie, how dense events are,
// what happened, and who led. What comes live is added at its end.

import { kindOf } from "./ticks.js";

/** No silence takes more room; the collector draws its own outlines in the same way. */
const SILENCE_S = 10;
/** Points for what came live are so far apart. */
const POINT_MS = 250;
const TICKS_MAX = 1000;

/** How many of a sorted list are not above a value. */
function upTo(list, value) {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

export class Outline {
  /** `answer`: the collector's, or none for a stream of which nothing is recorded. */
  constructor(answer = null) {
    const points = answer?.positions?.length > 1 ? answer : { positions: [0], ms: [0], seconds: 0 };
    const last = points.positions.length - 1;
    /** The points of the line: positions, times (ms since 1970) and where they lie, in seconds from its beginning. */
    this.positions = [...points.positions];
    this.ms = [...points.ms];
    this.xs = points.positions.map((_, i) => (last ? (points.seconds * i) / last : 0));
    this.reigns = answer?.reigns.map((reign) => ({ ...reign })) ?? [];
    this.ticks = answer?.ticks ?? [];
    this.complete = answer?.complete ?? true;
  }

  /** How long the line is. */
  get length() {
    return this.xs.at(-1);
  }

  get first() {
    return this.positions[0];
  }

  get last() {
    return this.positions.at(-1);
  }

  /** Where a position lies. */
  xOf(position) {
    return this._between(this.positions, this.xs, position);
  }

  /** The position at a place of the line. */
  positionAt(x) {
    return Math.round(this._between(this.xs, this.positions, x));
  }

  /** The time there. */
  msAt(x) {
    return this._between(this.xs, this.ms, x);
  }

  _between(from, to, value) {
    const after = Math.min(Math.max(1, upTo(from, value)), from.length - 1);
    if (from.length < 2) return to[0];
    const [low, high] = [from[after - 1], from[after]];
    const part = high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 1;
    return to[after - 1] + part * (to[after] - to[after - 1]);
  }

  /** How many points there are in a part of the line. */
  pointsBetween(from, to) {
    return upTo(this.xs, to) - upTo(this.xs, from);
  }

  /** The collector's answer for a part of it, with more points and marks. */
  refine(answer) {
    const [first, last] = [Math.max(this.first, answer.positions[0]), Math.min(this.last, answer.positions.at(-1))];
    if (!(last > first) || answer.positions.length < 2) return;
    const [low, high] = [this.xOf(first), this.xOf(last)];
    const [before, after] = [upTo(this.positions, first - 1), upTo(this.positions, last)];
    const inner = answer.positions.map((_, i) => i).filter((i) => answer.positions[i] >= first && answer.positions[i] <= last);
    const steps = answer.positions.length - 1;
    const place = (i) => low + ((high - low) * i) / steps;
    const put = (list, found) => [...list.slice(0, before), ...found, ...list.slice(after)];
    this.ms = put(this.ms, inner.map((i) => answer.ms[i]));
    this.xs = put(this.xs, inner.map(place));
    this.positions = put(this.positions, inner.map((i) => answer.positions[i]));
    const outside = this.ticks.filter((tick) => tick.position < first || tick.position >= last);
    const inside = answer.ticks.filter((tick) => tick.position >= first && tick.position < last);
    this.ticks = [...outside, ...inside].sort((a, b) => a.position - b.position);
  }

  /** Events came live; `state` is the one behind them. */
  take(events, state) {
    if (!events.length) return;
    const ms = state.all.time_ms;
    const position = events.at(-1)[0] + 1;
    for (const [at, event] of events) {
      if (at < this.last && this.length) continue; // the collector's answer has it already
      const kind = kindOf(event);
      if (kind !== null) this.ticks.push({ position: at, ms: event.ts * 1000, kind, event });
    }
    if (this.ticks.length > TICKS_MAX) this.ticks = this.ticks.slice(-TICKS_MAX / 2);
    this._reign(events[0][0], state);
    if (position <= this.last) return;
    if (!this.length && this.positions.length === 1) {
      [this.positions, this.ms, this.xs] = [[events[0][0], position], [ms, ms], [0, 1e-6]];
      return;
    }
    const passed = Math.min(Math.max(0, ms - this.ms.at(-1)) / 1000, SILENCE_S);
    const end = this.xs.length - 1;
    if (end > 0 && this._lived && ms - this.ms[end - 1] < POINT_MS) {
      this.positions[end] = position;
      this.xs[end] += passed;
      this.ms[end] = ms;
    } else {
      this.positions.push(position);
      this.xs.push(this.length + passed);
      this.ms.push(ms);
    }
    this._lived = true;
  }

  _reign(position, state) {
    const now = this.reigns.at(-1);
    const [leader, term] = [state.leader, state.all.leader_term];
    const reigns = now !== undefined && now.last === null;
    if (reigns && (leader !== now.node || term !== now.term)) now.last = position;
    if (leader === null || (reigns && now.last === null)) return;
    if (now?.node === leader && now.term === term) now.last = null;
    else this.reigns.push({ node: leader, term, first: position, last: null });
  }

  /** The mark nearest to a place, if one is within `within`. */
  tickNear(x, within) {
    let found = null;
    for (const tick of this.ticks) {
      const distance = Math.abs(this.xOf(tick.position) - x);
      if (distance <= within) [within, found] = [distance, tick];
    }
    return found;
  }

  /** Who led at a position; undefined if nobody did. */
  reignAt(position) {
    return this.reigns.findLast((reign) => reign.first <= position && (reign.last === null || position < reign.last));
  }
}
