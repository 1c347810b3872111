// The last few thousand events that the Lamport diagram can show, and the requests that can be picked out of them.

import { MARKS, MESSAGES } from "./lamport_kinds.js";

const KEPT = 4_000;
const TRACES_MAX = 40;
const BREAKS_MAX = 20;
const LOST_S = 1;
const SETTLED_S = 2; // after so long all nodes tell of their messages

const isText = (value) => typeof value === "string";

function isKept(event) {
  if (!Number.isFinite(event.lamport) || !Number.isFinite(event.ts) || !isText(event.node)) return false;
  if (Object.hasOwn(MESSAGES, event.type)) return isText(event.mid) && isText(event.peer);
  if (!Object.hasOwn(MARKS, event.type)) return false;
  if (event.type === "process") return isText(event.name) && event.name.includes(":") && event.state !== "STARTING";
  // What the state's own disk does is not a step of Raft.
  return event.node !== "collector" && (event.type !== "storage" || event.what === "log");
}

export class Happenings {
  constructor() {
    /** The Lamport time from which others are counted: the first that this page has heard of. */
    this.base = null;
    this.begin([]);
  }

  /** Another moment: forget all, and keep what led there. */
  begin(events) {
    this.events = [];
    /** Requests whose way the nodes told, newest first. */
    this.traces = [];
    this.newest = 0;
    this.version = 0;
    this._breaks = [];
    this._since = Infinity;
    this.take(events);
  }

  take(events) {
    for (const [, event] of events) {
      if (event.ts > this.newest) this.newest = event.ts;
      if (event.type === "trace" && event.kind === "execute" && event.index > 0) {
        this.traces = [event, ...this.traces.filter((one) => one.index !== event.index)].slice(0, TRACES_MAX);
        this.version += 1;
      }
      if (!isKept(event)) continue;
      this.base ??= event.lamport;
      this.events.push(event);
      this.version += 1;
    }
    if (this.events.length > 2 * KEPT) this.events = this.events.slice(-KEPT);
  }

  /** From now on single messages are told of, or no longer. */
  watch(watched) {
    if (watched) {
      this._since = this.newest;
      return;
    }
    this._breaks = [...this._breaks, this.newest].slice(-BREAKS_MAX);
    this._since = Infinity;
  }

  /**
   * Is a message without a receipt lost? `told`: its receiver had told of messages before. Not one that has left just
   * now, nor one whose receipt nobody would have told us.
   */
  isLost(sent, told) {
    if (this.newest - sent.ts <= LOST_S || this._breaks.some((ts) => sent.ts <= ts && sent.ts > ts - LOST_S)) return false;
    return told || sent.ts > this._since + SETTLED_S;
  }

  /** The last events, oldest first. */
  last() {
    return this.events.slice(-KEPT);
  }
}
