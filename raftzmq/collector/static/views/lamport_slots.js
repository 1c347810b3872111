// Where each event stands along the diagram: by Lamport time, which no event precedes its cause in, or by the clock.

import { nodeOf } from "./lamport_kinds.js";

/**
 * By Lamport time: events of one time share a column, as many places wide as the node has that says most in it.
 * Returns `{event, at}` in order, `at` counting places.
 */
function byLamport(events) {
  const sorted = [...events].sort((a, b) => a.lamport - b.lamport); // stable: a node's own order remains
  const placed = [];
  let [begin, widest, time] = [0, 0, null];
  let used = new Map();
  for (const event of sorted) {
    if (event.lamport !== time) {
      begin += widest;
      widest = 0;
      used = new Map();
      time = event.lamport;
    }
    const node = nodeOf(event);
    const place = used.get(node) ?? 0;
    used.set(node, place + 1);
    widest = Math.max(widest, place + 1);
    placed.push({ event, at: begin + place });
  }
  return placed;
}

/** By the nodes' wall clocks, in milliseconds since the first; clocks that differ may show effects before causes. */
function byClock(events) {
  const sorted = [...events].sort((a, b) => a.ts - b.ts);
  const first = sorted[0]?.ts ?? 0;
  return sorted.map((event) => ({ event, at: (event.ts - first) * 1000 }));
}

/** All of what is shown: `places` in order, and `messages` by number: `{sent, received: [], told}`, places or null. */
export class Slots {
  constructor(events, clock) {
    this.clock = clock;
    this.places = clock ? byClock(events) : byLamport(events);
    this.end = this.places.at(-1)?.at ?? 0;
    this.messages = new Map();
    /** By node: the place of its last event; and from where to where it wasn't there, before it started. */
    this.lastOf = new Map();
    this.absences = [];
    const talking = new Set();
    for (const place of this.places) {
      const { event } = place;
      const node = nodeOf(event);
      if (event.type === "boot") this.absences.push({ node, from: this.lastOf.get(node) ?? -Infinity, to: place.at });
      this.lastOf.set(node, place.at);
      if (event.mid === undefined) continue;
      const message = this._message(event.mid);
      if (event.type.endsWith("sent")) {
        message.sent = place;
        message.told = talking.has(event.peer);
      } else {
        message.received.push(place);
      }
      talking.add(event.node);
    }
  }

  _message(mid) {
    let found = this.messages.get(mid);
    if (found === undefined) this.messages.set(mid, (found = { sent: null, received: [], told: false }));
    return found;
  }

  /** The number of the first place at `at` or later. */
  from(at) {
    let [low, high] = [0, this.places.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.places[middle].at < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** What happened before an event, and what after it, as causes go; all else is independent of it. Sets of events. */
  cone(event) {
    const order = this.places.map((place) => place.event).sort((a, b) => a.lamport - b.lamport);
    const place = order.indexOf(event);
    return place < 0 ? null : { before: reach(order, place, -1), after: reach(order, place, 1) };
  }
}

/** The events that a way leads to, along nodes' lines and messages, from the one at `place`, backwards or forwards. */
function reach(order, place, step) {
  const nodes = new Set([nodeOf(order[place])]);
  const mids = new Set();
  const found = new Set();
  for (let i = place; i >= 0 && i < order.length; i += step) {
    const event = order[i];
    const leaves = event.mid !== undefined && event.type.endsWith("sent");
    const far = leaves === step < 0;
    if (event.mid !== undefined && far && mids.has(event.mid)) nodes.add(event.node);
    if (!nodes.has(nodeOf(event))) continue;
    found.add(event);
    if (event.mid !== undefined && !far) mids.add(event.mid);
  }
  return found;
}
