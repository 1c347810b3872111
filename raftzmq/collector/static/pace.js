// When recorded events are due: each as long after the one before as it was, divided by the speed.

/** Nothing is awaited for longer, whatever clocks and speed say: in milliseconds of the viewer's. */
export const SILENCE_MS = 3000;

export class Pace {
  constructor() {
    this.begin(0);
  }

  /** The moment's time, in milliseconds since 1970. */
  begin(ms) {
    /** The time that is shown; between two events, too. */
    this.now = ms;
    this._latest = ms;
  }

  /** `passed` milliseconds of the viewer's went by. */
  pass(passed, speed) {
    this.now += passed * speed;
  }

  /** How many of the next events are due; a wait for the one after them is cut short if it would be a long one. */
  due(events, speed) {
    let count = 0;
    let latest = this._latest;
    for (const [, event] of events) {
      // Nodes' clocks differ: time only goes on.
      const ms = Math.max(latest, event.ts * 1000);
      if (!(ms <= this.now)) {
        if (count === 0 && ms - this.now > SILENCE_MS * speed) this.now = ms - SILENCE_MS * speed;
        break;
      }
      latest = ms;
      count += 1;
    }
    this._latest = latest;
    return count;
  }

  /** More was due than could be shown, or nothing more is there: time waits at the last event. */
  hold() {
    this.now = Math.min(this.now, this._latest);
  }
}
