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
    if (index > this.end) {
      this.append(index, index, term);
      return;
    }
    const place = this.place(index);
    const after = this.runs[place];
    if (after.first <= index) return;
    const before = this.runs[place - 1];
    const [joinsBefore, joinsAfter] = [before?.term === term, after.term === term];
    if (joinsBefore) before.last = joinsAfter ? after.last : index;
    else if (joinsAfter) after.first = index;
    else this.runs.splice(place, 0, { first: index, last: index, term });
    if (joinsBefore && joinsAfter) this.runs.splice(place, 1);
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
