// Figures of the stream, added up as they pass: per quarter of a second for the last minute, per 2.5 seconds for ten.

const COLUMNS = 240;
const SAMPLES_MAX = 400;

/** The spans that can be looked at, and how wide a column of each is, in milliseconds. */
export const SPANS = [
  { name: "minute", column_ms: 250 },
  { name: "ten", column_ms: 2500 },
];

/** What happened in one column of time. */
class Column {
  constructor(number) {
    this.number = number;
    this.writes = this.reads = this.elections = 0;
    this.lag = this.slowest = null;
    this.answer = new Samples();
    this.sync = new Samples();
    this.leaders = [];
  }
}

/** Durations: of many no more are kept than a percentile needs, each second, fourth … one. */
class Samples {
  constructor() {
    this.count = 0;
    this._every = 1;
    this._kept = [];
    this._sorted = true;
  }

  add(value) {
    if (this.count++ % this._every) return;
    this._sorted = false;
    this._kept.push(value);
    if (this._kept.length < SAMPLES_MAX) return;
    this._kept = this._kept.filter((_, i) => i % 2 === 0);
    this._every *= 2;
  }

  /** Nearest rank; null of nothing. */
  at(percent) {
    if (!this._kept.length) return null;
    if (!this._sorted) this._kept.sort((a, b) => a - b);
    this._sorted = true;
    return this._kept[Math.max(0, Math.ceil((percent / 100) * this._kept.length) - 1)];
  }
}

/** One span of time: its columns, the newest last. */
export class Series {
  constructor(column_ms) {
    this.column_ms = column_ms;
    this.columns = [];
  }

  /** The column of a moment; null for one that is too old. */
  of(ms) {
    const number = Math.floor(ms / this.column_ms);
    const { columns } = this;
    const last = columns.at(-1);
    if (last === undefined || number > last.number) {
      const column = new Column(number);
      columns.push(column);
      if (columns.length > COLUMNS + 2) columns.shift();
      return column;
    }
    if (number === last.number) return last;
    for (let i = columns.length - 2; i >= 0; i--) if (columns[i].number === number) return columns[i];
    return null;
  }

  /** What is drawn: `COLUMNS` columns that end at `now_ms`, null where nothing was heard. */
  until(now_ms) {
    const end = Math.floor(now_ms / this.column_ms);
    const found = Array(COLUMNS).fill(null);
    for (const column of this.columns) {
      const i = column.number - end + COLUMNS - 1;
      if (i >= 0 && i < COLUMNS) found[i] = column;
    }
    return { columns: found, end_ms: (end + 1) * this.column_ms };
  }
}

/** Entries on their way from the leader's log in memory to the answer: at most so many batches are remembered. */
const BATCHES_MAX = 4000;
const WEIGHT_MAX = 16;
const SILENT_S = 1.5;

/** Adds events up in every span. Only what events truly carry: see `TAKE`. */
export class Figures {
  constructor() {
    this.begin(null);
  }

  /** Another moment: begin anew; `leader` is the leader's name there, or null. */
  begin(leader) {
    this.series = Object.fromEntries(SPANS.map(({ name, column_ms }) => [name, new Series(column_ms)]));
    this._now = SPANS.map(() => null);
    this.restart(leader);
  }

  /** Something was missed: what was added up stays, what was under way is forgotten. */
  restart(leader) {
    this._applied = new Map();
    this._commit = 0;
    this._leader = leader;
    this._batches = [];
    this._first = 0;
  }

  /** Each [position, event], in order. */
  take(events) {
    for (const [, event] of events) TAKE[event.type]?.(this, event);
  }

  /** Do something to the columns of an event. */
  each(event, change, value) {
    const ms = event.ts * 1000;
    for (let i = 0; i < SPANS.length; i++) {
      let column = this._now[i];
      if (column === null || Math.floor(ms / SPANS[i].column_ms) !== column.number) {
        column = this.series[SPANS[i].name].of(ms);
        if (column === null) continue;
        this._now[i] = column;
      }
      change(column, value, event);
    }
  }

  /** The leader took entries into its log: they wait for their answer from here on. */
  proposed(event) {
    this.leads(event.node);
    if (this._batches.length - this._first >= BATCHES_MAX) this._first += 1;
    this._batches.push({ node: event.node, boot: event.boot, first: event.first, last: event.last, ns: event.mono_ns });
    if (this._first > BATCHES_MAX) this._batches.splice(0, this._first), (this._first = 0);
  }

  /** The leader answered: by its own clock, how long after. */
  answered(event) {
    const batches = this._batches;
    while (this._first < batches.length && batches[this._first].first <= event.last) {
      const batch = batches[this._first];
      const count = Math.min(batch.last, event.last) - Math.max(batch.first, event.first) + 1;
      if (batch.node === event.node && batch.boot === event.boot && count > 0) {
        this.each(event, waited, { ms: (event.mono_ns - batch.ns) / 1e6, count: Math.min(count, WEIGHT_MAX) });
      }
      if (batch.last > event.last) break; // the rest of the batch is answered later
      this._first += 1;
    }
  }

  leads(node) {
    if (node === this._leader) return;
    this._leader = node;
    this._first = this._batches.length;
  }

  isLeader(node) {
    return node === this._leader;
  }

  committed(event, index) {
    if (index > this._commit) this._commit = index;
    this._lag(event);
  }

  applied(event, index) {
    const known = this._applied.get(event.node);
    if (known) [known.index, known.ts] = [index, event.ts];
    else this._applied.set(event.node, { index, ts: event.ts });
    this.committed(event, index);
  }

  /** How many committed entries the slowest node that speaks hasn't applied yet. */
  _lag(event) {
    let least = this._commit;
    for (const [name, applied] of this._applied) {
      if (event.ts - applied.ts > SILENT_S) this._applied.delete(name);
      else if (applied.index < least) least = applied.index;
    }
    this.each(event, lagged, this._commit - least);
  }
}

const wrote = (column, commands) => (column.writes += commands);
const read = (column, count) => (column.reads += count);
const lagged = (column, lag) => (column.lag = column.lag === null ? lag : Math.max(column.lag, lag));
const synced = (column, us) => column.sync.add(us / 1000);
const slowest = (column, us) => (column.slowest = Math.max(column.slowest ?? 0, us / 1000));
const stood = (column) => (column.elections += 1);
const led = (column, name) => column.leaders.push(name);
function waited(column, { ms, count }) {
  for (let i = 0; i < count; i++) column.answer.add(ms);
}

const TAKE = {
  __proto__: null,
  append: (figures, event) => event.role === "leader" && figures.proposed(event),
  reply: (figures, event) => figures.answered(event),
  read: (figures, event) => figures.each(event, read, event.count),
  trace: (figures, event) => typeof event.replied_us === "number" && figures.each(event, slowest, event.replied_us),
  storage: (figures, event) => event.what === "log" && event.commit_us > 0 && figures.each(event, synced, event.commit_us),
  election: (figures, event) => event.pre_vote === false && figures.each(event, stood),
  role: (figures, event) => {
    if (event.role !== "leader") return;
    figures.leads(event.node);
    figures.each(event, led, event.node);
  },
  commit: (figures, event) => figures.committed(event, event.index),
  apply: (figures, event) => {
    if (figures.isLeader(event.node)) figures.each(event, wrote, event.commands);
    figures.applied(event, event.last);
  },
  standing: (figures, event) => {
    if (event.role === "leader") figures.leads(event.node);
    figures.applied(event, event.applied_index);
  },
};
