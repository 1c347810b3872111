// The chain values of the newest entries of a log: equal chains at an entry mean equal logs up to there.

const SIZE = 4_096;

export class Chains {
  constructor() {
    this._values = this._indexes = null;
    this._end = 0;
  }

  /** Those of the entries from `first` on. */
  append(first, chains) {
    this._values ??= new Float64Array(SIZE);
    this._indexes ??= new Float64Array(SIZE);
    this.cut(first - 1);
    for (let i = Math.max(0, chains.length - SIZE); i < chains.length; i++) {
      this._values[(first + i) % SIZE] = chains[i];
      this._indexes[(first + i) % SIZE] = first + i;
    }
    this._end = first + chains.length - 1;
  }

  /** The chain value of an entry, null if it isn't known. */
  at(index) {
    if (index < 1 || this._indexes === null || this._indexes[index % SIZE] !== index) return null;
    return this._values[index % SIZE];
  }

  /** The log ends at `last`. */
  cut(last) {
    for (let index = Math.max(last + 1, this._end - SIZE + 1, 1); index <= this._end; index++) {
      this._indexes[index % SIZE] = 0;
    }
    this._end = Math.min(this._end, last);
  }
}
