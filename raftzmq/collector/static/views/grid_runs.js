// Which term each entry of a log has: as runs of entries of one term, so that a million entries are a few numbers.

const RUNS_MAX = 10_000;
const RUNS_DROPPED = 1_000; // dropping from the front moves all the rest, so many go at once

export class TermRuns {
  constructor() {
    /** `{first, last, term}`, ascending; what no run covers has a term that isn't known. */
    this.runs = [];
  }

  /** The last entry whose term is known, 0 if none is. */
  get end() {
    return this.runs.at(-1)?.last ?? 0;
  }

  /** The place of the first run that ends at `index` or later. */
  place(index) {
    let [low, high] = [0, this.runs.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.runs[middle].last < index) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The term of an entry, null if it isn't known. */
  at(index) {
    const run = this.runs[this.place(index)];
    return run !== undefined && run.first <= index ? run.term : null;
  }

  /** Entries joined the log: what stood there or behind is gone. */
  append(first, last, term) {
    if (first <= this.end) this.cut(first - 1);
    const run = this.runs.at(-1);
    if (run !== undefined && run.term === term) {
      run.last = last; // also over a hole: in a log terms never fall, so what lies between has this term too
      return;
    }
    this.runs.push({ first, last, term });
    if (this.runs.length > RUNS_MAX) this.runs.splice(0, RUNS_DROPPED);
  }

  /** One entry is known to have this term, whatever is known of the others. */
  know(index, term) {
    if (index > this.end) this.append(index, index, term);
    else this.fill(index, index, term);
  }

  /** Of entries whose term isn't known it becomes known; the others stay as they are. */
  fill(first, last, term) {
    for (let index = first; index <= last; ) {
      const place = this.place(index);
      const after = this.runs[place];
      if (after !== undefined && after.first <= index) {
        index = after.last + 1;
        continue;
      }
      const end = after === undefined ? last : Math.min(last, after.first - 1);
      this._insert(place, { first: index, last: end, term });
      index = end + 1;
    }
  }

  /** Put a run before the one at `place`, as one with its neighbours of its term: terms never fall between them. */
  _insert(place, run) {
    const [before, after] = [this.runs[place - 1], this.runs[place]];
    const [joinsBefore, joinsAfter] = [before?.term === run.term, after?.term === run.term];
    if (joinsBefore && joinsAfter) {
      before.last = after.last;
      this.runs.splice(place, 1);
    } else if (joinsBefore) {
      before.last = run.last;
    } else if (joinsAfter) {
      after.first = run.first;
    } else {
      this.runs.splice(place, 0, run);
    }
  }

  /** The log ends at `last`; returns the runs of what was behind it. */
  cut(last) {
    const place = this.place(last + 1);
    if (place === this.runs.length) return [];
    const gone = this.runs.splice(place);
    if (gone[0].first <= last) {
      this.runs.push({ ...gone[0], last });
      gone[0] = { ...gone[0], first: last + 1 };
    }
    return gone;
  }

  /** The log begins after `index`. */
  forget(index) {
    const place = this.place(index + 1);
    if (place > 0) this.runs.splice(0, place);
    const run = this.runs[0];
    if (run !== undefined && run.first <= index) run.first = index + 1;
  }
}
