// Messages at their true times, on a clock that runs slower than the stream. Live, the stream goes on meanwhile: what
// waits is kept up to a bound and a time, then the film jumps to the newest moment and says how much it left out.

const BEHIND_MS = 10_000;
const WAITING_MAX = 4000;
const STILL_MS = 1200;
const LEAD_MS = 250;
const HOLD_MS = 40;
const GLOW_MS = 350;
const CROSS_MS = 1500;
const LOST_MS = 1000;
const USUAL_MS = 0.5;

export class Film {
  constructor() {
    this.clear();
  }

  clear() {
    /** What its clock shows, in milliseconds since 1970; null before the first message. */
    this.time_ms = null;
    this.behind_ms = 0;
    this.skipped = 0;
    this._waiting = [];
    this._next = 0;
    this._known = new Map();
    this._flying = new Set();
    this._usual_ms = USUAL_MS;
  }

  /** A message left. */
  sent(flight) {
    if (this._waiting.length - this._next >= WAITING_MAX) {
      this.skipped += 1;
      return;
    }
    this._waiting.push(flight);
    this._known.set(flight.mid, flight);
  }

  /** A message was taken, at `ms`. */
  received(mid, ms) {
    const flight = this._known.get(mid);
    if (flight === undefined) return;
    flight.received_ms = Math.max(ms, flight.sent_ms + 0.01); // two clocks may differ; a message isn't taken before it left
    flight.arrived = true;
    this._usual_ms += (Math.min(flight.received_ms - flight.sent_ms, 100) - this._usual_ms) / 20;
    this._known.delete(mid);
  }

  /** Live: let the clock run for `passed_ms` of ours at `speed`; `newest_ms` is the stream's. */
  run(passed_ms, speed, newest_ms) {
    const end = newest_ms - HOLD_MS; // behind that, a receipt has come for what was received
    if (this.time_ms === null || this.time_ms > newest_ms) this.time_ms = end;
    this.time_ms = Math.min(this.time_ms + passed_ms * speed, Math.max(end, this.time_ms));
    if (newest_ms - this.time_ms > BEHIND_MS) this._jump(end);
    const next = this._waiting[this._next];
    // Nothing flies and nothing will for a while: nobody wants to watch that in slow motion.
    if (next && !this._flying.size && next.sent_ms - this.time_ms > STILL_MS * speed) this.time_ms = next.sent_ms - LEAD_MS * speed;
    this.behind_ms = newest_ms - this.time_ms;
    this._depart(speed, newest_ms);
  }

  /** In a replay: show its time. */
  show(time_ms, speed) {
    if (this.time_ms !== null && (time_ms < this.time_ms || time_ms > this.time_ms + BEHIND_MS)) this._flying.clear();
    this.time_ms = time_ms;
    this.behind_ms = 0;
    this._depart(speed, time_ms);
  }

  _jump(end_ms) {
    const from = this._next;
    while (this._next < this._waiting.length && this._waiting[this._next].sent_ms < end_ms - LEAD_MS) this._next += 1;
    this.skipped += this._next - from;
    this._flying.clear();
    this.time_ms = end_ms - LEAD_MS;
  }

  _depart(speed, newest_ms) {
    const waiting = this._waiting;
    while (this._next < waiting.length && waiting[this._next].sent_ms <= this.time_ms) this._flying.add(waiting[this._next++]);
    if (this._next > 1000 || this._next === waiting.length) {
      waiting.splice(0, this._next);
      this._next = 0;
    }
    for (const flight of this._flying) {
      this._move(flight, newest_ms);
      if (flight.over_ms > (flight.lost ? CROSS_MS : GLOW_MS) * speed) this._flying.delete(flight);
    }
    if (this._known.size <= 2 * WAITING_MAX) return;
    for (const [mid, flight] of this._known) if (newest_ms - flight.sent_ms > 2 * BEHIND_MS) this._known.delete(mid);
  }

  /** Where it is: `part` of its way, and for how long it has been over. */
  _move(flight, newest_ms) {
    const passed = this.time_ms - flight.sent_ms;
    flight.lost = flight.received_ms === null && newest_ms - flight.sent_ms > LOST_MS;
    if (flight.received_ms !== null) {
      const way = flight.received_ms - flight.sent_ms;
      flight.part = Math.min(1, passed / way);
      flight.over_ms = Math.max(0, passed - way);
    } else {
      // When it will be taken nobody knows yet: as far as most are after that time, but it doesn't arrive.
      const usual = Math.max(this._usual_ms, 0.05);
      flight.part = (flight.lost ? 0.6 : 0.9) * Math.min(1, passed / usual);
      flight.over_ms = flight.lost ? Math.max(0, passed - usual) : 0;
    }
  }

  /** What is on its way or has just arrived. */
  get flying() {
    return this._flying;
  }

  /** Does anything fly, or wait to? */
  get busy() {
    return this._flying.size > 0 || this._next < this._waiting.length;
  }
}
