// What the inspector remembers of every node: how long its disk took lately, and what it counted each second.

const SYNCS_MAX = 512;
const SECONDS_MAX = 120;

/** The last so many numbers, oldest first. */
class Last {
  constructor(most) {
    this._kept = new Float64Array(most);
    this.count = 0;
  }

  push(value) {
    this._kept[this.count++ % this._kept.length] = value;
  }

  /** Up to `most` of them. */
  values(most = this._kept.length) {
    const size = this._kept.length;
    const length = Math.min(this.count, size, most);
    return Array.from({ length }, (_, i) => this._kept[(this.count - length + i) % size]);
  }
}

export class Past {
  constructor() {
    this.begin();
  }

  /** Another moment: what was remembered belongs to another time. */
  begin() {
    this._nodes = new Map();
  }

  /** The next events. Of thousands a second most are none of these: that must cost nothing. */
  take(events) {
    for (const [, event] of events) {
      if (event.type === "storage") {
        if (event.what === "log") this.of(event.node).syncs.push(event.commit_us);
      } else if (event.type === "metrics") {
        const node = this.of(event.node);
        node.waiting.push(event.proposals_pending + event.reads_pending);
        node.memory.push(event.rss_bytes ?? 0);
      }
    }
  }

  /** What is remembered of a node: `syncs` in microseconds, `waiting` requests and `memory` in bytes each second. */
  of(name) {
    let found = this._nodes.get(name);
    if (found === undefined) {
      found = { syncs: new Last(SYNCS_MAX), waiting: new Last(SECONDS_MAX), memory: new Last(SECONDS_MAX) };
      this._nodes.set(name, found);
    }
    return found;
  }
}

/** The smallest number that so much of `values` is no larger than; null of none. */
export function quantile(values, part) {
  if (!values.length) return null;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)];
}
