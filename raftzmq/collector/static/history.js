// A run of events and the states before them: any moment in it is found again by folding a few hundred events.

import { ClusterState } from "./state.js";

/** Between two states that are kept. */
export const CHUNK_EVENTS = 400;

/** The place of the first of `list` for which `past` holds, which holds for all behind it. */
function firstOf(list, past) {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (past(list[middle])) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Does it say what all events so far add up to? */
export const isCheckpoint = (event) => event.type === "checkpoint" && event.node === "collector";
const copied = (state) => ClusterState.from(state.toJSON());

export class History {
  /** It keeps about `eventsMax` events. `whole`: positions without a hole are expected, as in a recording. */
  constructor(eventsMax, { whole = false } = {}) {
    this._eventsMax = eventsMax;
    this._whole = whole;
    this.begin(new ClusterState(), 0);
  }

  /** Begin anew, with the state behind the event at `position`. */
  begin(state, position) {
    /** The state behind the last event; it goes on changing. */
    this.state = state;
    this._torn = false;
    this._count = 0;
    this._chunks = [{ base: copied(state), position, events: [] }];
    /** The position of the last event. */
    this.last = position;
  }

  /** The first position whose state is known. */
  get first() {
    return this._chunks[0].position;
  }

  /** Is this moment in it? */
  has(position) {
    return this.first <= position && position <= this.last;
  }

  /** Fold the next [position, event]s. */
  take(events) {
    for (const one of events) {
      const [position, event] = one;
      if (this._whole && position !== this.last + 1) this._torn = true;
      const mends = this._torn && isCheckpoint(event);
      if (mends) {
        // What was missing may have changed anything: here stands what it all came to.
        this.state = new ClusterState();
        this._torn = false;
      }
      this.state.fold(event);
      const chunk = this._chunks.at(-1);
      chunk.events.push(one);
      this.last = position;
      this._count += 1;
      if (mends || chunk.events.length >= CHUNK_EVENTS) this._chunks.push({ base: copied(this.state), position, events: [] });
    }
    while (this._count > this._eventsMax && this._chunks.length > 2) this._count -= this._chunks.shift().events.length;
  }

  /** The state behind the event at this position, or the last one before it: a copy, to fold on. */
  stateAt(position) {
    const chunk = this._chunks[Math.max(0, firstOf(this._chunks, (one) => one.position > position) - 1)];
    const state = copied(chunk.base);
    for (const [at, event] of chunk.events) {
      if (at > position) break;
      state.fold(event);
    }
    return state;
  }

  /** At most `count` events behind a position. */
  after(position, count) {
    const found = [];
    let from = Math.max(0, firstOf(this._chunks, (one) => one.position > position) - 1);
    for (; from < this._chunks.length && found.length < count; from++) {
      const { events } = this._chunks[from];
      const at = firstOf(events, ([other]) => other > position);
      for (let i = at; i < events.length && found.length < count; i++) found.push(events[i]);
    }
    return found;
  }

  /** The last `count` events up to and with a position. */
  lead(position, count) {
    const found = [];
    for (let from = firstOf(this._chunks, (one) => one.position > position) - 1; from >= 0 && found.length < count; from--) {
      const { events } = this._chunks[from];
      for (let i = firstOf(events, ([other]) => other > position) - 1; i >= 0 && found.length < count; i--) found.push(events[i]);
    }
    return found.reverse();
  }

  /** The position of the last event before this one, or the first known position; null if there is none. */
  before(position) {
    const [event] = this.lead(position - 1, 1);
    if (event !== undefined) return event[0];
    return this.first < position ? this.first : null;
  }

  /** The next event (`by` 1), or the one before (-1), that `chosen` accepts: its position, or null. */
  find(position, by, chosen) {
    const events = by > 0 ? this.after(position, Infinity) : this.lead(position - 1, Infinity).reverse();
    return events.find(([, event]) => chosen(event))?.[0] ?? null;
  }
}
