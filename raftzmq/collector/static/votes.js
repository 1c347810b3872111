// Who voted for whom in the newest election, and who refused: from `vote` events, and from those who stand themselves.

const AFTER_MS = 3000;
const LATE_MS = 500;
const OLD_MS = 6000;

export class Votes {
  constructor() {
    this.begin();
  }

  /** Another moment: `events` led there. */
  begin(events = []) {
    this._cast = new Map();
    this._term = this._ended = 0;
    this._key = 0;
    this.take(events);
  }

  /** Grows with every change. */
  get key() {
    return this._key;
  }

  take(events) {
    for (const [, event] of events) {
      if (event.type === "vote") this._vote(event);
      else if (event.type === "role") this._role(event);
    }
  }

  _vote(event) {
    if (!this._isOf(event)) return;
    if (event.pre_vote && this._ended && event.ts * 1000 > this._ended + LATE_MS) {
      this._cast.clear(); // the leader of this term is missed: another election begins
      this._ended = 0;
    }
    const before = this._cast.get(event.node);
    // Whether somebody could win is asked before: a real vote weighs more.
    if (before && !before.pre_vote && event.pre_vote) return;
    this._cast.set(event.node, { candidate: event.candidate, granted: event.granted === true, pre_vote: event.pre_vote === true, ms: event.ts * 1000 });
    this._key += 1;
  }

  _role(event) {
    if (event.role !== "candidate" && event.role !== "leader") return;
    if (!this._isOf(event)) return;
    if (event.role === "leader") this._ended = event.ts * 1000;
    else this._cast.set(event.node, { candidate: event.node, granted: true, pre_vote: false, ms: event.ts * 1000 });
    this._key += 1;
  }

  /** Does it belong to the newest term? A newer one forgets the older. */
  _isOf(event) {
    if (typeof event.term !== "number" || event.term < this._term) return false;
    if (event.term > this._term) {
      for (const [voter, vote] of this._cast) if (!vote.pre_vote) this._cast.delete(voter);
      this._term = event.term;
      this._ended = 0;
    }
    return true;
  }

  /** The votes to show at `now_ms`: until a moment after somebody won. Each is [voter, {candidate, granted, pre_vote}]. */
  at(now_ms, leader) {
    const over = this._ended ? now_ms - this._ended > AFTER_MS : leader !== null;
    return over ? [] : [...this._cast].filter(([, vote]) => now_ms - vote.ms < OLD_MS);
  }

  /** How many real votes a candidate has, its own included. */
  countOf(candidate) {
    return [...this._cast.values()].filter((vote) => vote.candidate === candidate && vote.granted && !vote.pre_vote).length;
  }
}
