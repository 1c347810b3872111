// A node's log as its events told it: terms and chains of entries, what was dropped lately, and how far its followers are.

import { Chains } from "./grid_chains.js";
import { TermRuns } from "./grid_runs.js";

const DROPPED_MAX = 8;
const PEERS_MAX = 1_000;
const isCount = (value) => Number.isSafeInteger(value) && value >= 0;

export class NodeLog {
  constructor() {
    this.terms = new TermRuns();
    this.chains = new Chains();
    /** Entries that left the log by another way than a snapshot: `{first, last, runs, since}`, oldest first. */
    this.dropped = [];
    /** While it leads, by follower: `{next, match}`, each null as long as it isn't known. */
    this.peers = new Map();
  }

  /** An event of the node; `now` is the page's time. What isn't well made tells nothing. */
  take(event, now) {
    TAKE[event.type]?.(this, event, now);
  }

  /** The log ends at `last`: the rest goes, and is seen going. */
  cut(last, now) {
    const runs = this.terms.cut(last);
    this.chains.cut(last);
    if (!runs.length) return;
    this.dropped.push({ first: runs[0].first, last: runs.at(-1).last, runs, since: now });
    if (this.dropped.length > DROPPED_MAX) this.dropped.shift();
  }

  peer(name) {
    let found = this.peers.get(name);
    if (found === undefined) {
      if (this.peers.size >= PEERS_MAX) this.peers.clear();
      found = { next: null, match: null };
      this.peers.set(name, found);
    }
    return found;
  }
}

function takeAppend(log, { first, last, terms, chains }) {
  if (!isCount(first) || !isCount(last) || !Array.isArray(terms) || terms.length !== last - first + 1) return;
  if (terms[0] === terms.at(-1)) {
    if (isCount(terms[0])) log.terms.append(first, last, terms[0]); // terms never fall: all are this one
  } else {
    terms.forEach((term, i) => isCount(term) && log.terms.append(first + i, first + i, term));
  }
  if (Array.isArray(chains) && chains.length === terms.length) log.chains.append(first, chains);
}

function takeTruncate(log, { first }, now) {
  if (isCount(first) && first > 0) log.cut(first - 1, now);
}

function takeBoot(log, event, now) {
  log.peers.clear();
  takeEnd(log, event, now);
}

/** Where the log begins and ends, and the term of its last entry: what doesn't agree with that was a guess. */
function takeEnd(log, { mark_index, last_index, last_term }, now) {
  if (!isCount(mark_index) || !isCount(last_index) || !isCount(last_term)) return;
  log.cut(last_index, now);
  log.terms.forget(mark_index);
  if (last_index <= mark_index) return;
  const term = log.terms.at(last_index);
  if (term !== null && term !== last_term) {
    log.terms = new TermRuns();
    log.chains = new Chains();
  }
  log.terms.know(last_index, last_term);
}

function takeStanding(log, event, now) {
  takeEnd(log, event, now);
  log.peers.clear();
  if (event.role !== "leader") return;
  for (const [name, next] of Object.entries(event.next_index ?? {})) if (isCount(next)) log.peer(name).next = next;
  for (const [name, match] of Object.entries(event.match_index ?? {})) if (isCount(match)) log.peer(name).match = match;
}

function takeSent(log, { message, peer, body }) {
  const last = message === "AppendEntries" ? body?.entries?.[1] : undefined;
  if (isCount(last)) log.peer(peer).next = last + 1;
}

function takeReceived(log, { message, peer, body }) {
  if (message !== "AppendEntriesResponse" || body?.success !== true || !isCount(body.match_index)) return;
  const found = log.peer(peer);
  if (body.match_index > (found.match ?? 0)) found.match = body.match_index;
  if (found.next !== null && found.next <= found.match) found.next = found.match + 1;
}

function takeSnapshot(log, { step, index }) {
  if (step === "installed" && isCount(index)) log.terms.forget(index);
}

const TAKE = {
  append: takeAppend,
  truncate: takeTruncate,
  boot: takeBoot,
  standing: takeStanding,
  sent: takeSent,
  received: takeReceived,
  snapshot: takeSnapshot,
  commit: (log, { index, entry_term }) => isCount(index) && isCount(entry_term) && index && log.terms.know(index, entry_term),
  compact: (log, { index }) => isCount(index) && log.terms.forget(index),
  storage: (log, { restarted_after }) => isCount(restarted_after) && log.terms.forget(restarted_after),
  role: (log, { role }) => role !== "leader" && log.peers.clear(),
};
