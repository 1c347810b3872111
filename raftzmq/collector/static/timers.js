// Election timers, as far as nodes have told of them: exactly once a second, in `standing`; between, that one began
// anew. How long it then is, a node draws by lot and says only in its next `standing`.

const LEADERS = /^(AppendEntries|InstallSnapshot|SnapshotChunk)$/;

/** What is known of a node's timer: when it is due in milliseconds since 1970, and whether it said so itself. */
export class Timers {
  constructor() {
    this.begin();
  }

  /** Another moment: nothing is known of its timers but what `events` tell, which led there. */
  begin(events = []) {
    this._due = new Map();
    /** The longest that was seen: a full turn. */
    this.longest_ms = this.longest_ms ?? 1;
    this.take(events);
  }

  /** The next events of the stream, each [position, event]. */
  take(events) {
    for (const [, event] of events) TAKE[event.type]?.(this, event);
  }

  /**
   * How much of a turn is left at `now_ms`: null for a node without a timer, of whom nothing was told, or whose timer
   * must have begun anew, since it hasn't run out.
   */
  leftOf(name, now_ms) {
    const timer = this._due.get(name);
    if (timer === undefined || timer.due_ms < now_ms) return null;
    return { part: Math.min(1, (timer.due_ms - now_ms) / this.longest_ms), exact: timer.exact };
  }

  /** Is a timer known at all, be it that it has passed without running out? */
  has(name) {
    return this._due.has(name);
  }

  _stand(event) {
    const due_us = event.role === "leader" ? null : event.election_due_us;
    if (typeof due_us !== "number") return void this._due.delete(event.node);
    this.longest_ms = Math.max(this.longest_ms, due_us / 1000);
    this._due.set(event.node, { due_ms: event.ts * 1000 + due_us / 1000, exact: true });
  }

  _anew(event) {
    this._due.set(event.node, { due_ms: event.ts * 1000 + this.longest_ms, exact: false });
  }
}

const anew = (timers, event) => timers._anew(event);
const heard = (timers, event) => {
  if (LEADERS.test(event.message)) timers._anew(event);
};

/** When a node's timer begins anew (raftzmq/core/elections.py): it starts, campaigns, votes, or hears a leader. */
const TAKE = {
  __proto__: null,
  standing: (timers, event) => timers._stand(event),
  boot: anew,
  election: anew,
  vote: (timers, event) => event.granted === true && event.pre_vote === false && timers._anew(event),
  role: (timers, event) => (event.role === "leader" ? timers._due.delete(event.node) : event.previous === "leader" && timers._anew(event)),
  append: (timers, event) => event.role === "follower" && timers._anew(event),
  received: heard,
  heartbeat_received: heard,
};
