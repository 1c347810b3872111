// What a node's events add up to: the twin of raftzmq/collector/node_state.py, under the same names.

import {
  ITEMS_MAX,
  bare,
  count,
  countOrNull,
  counts,
  flag,
  get,
  isObject,
  names,
  scalar,
  text,
  textOrNull,
} from "./values.js";

const ENVELOPE = new Set(["v", "node", "boot", "seq", "order", "ts", "mono_ns", "lamport", "term", "type"]);

/** A node of which nothing is known yet; null is what its events haven't told. */
export function unknownNode() {
  return {
    boot: null,
    boots: 0,
    incarnation: null,
    heard_ms: 0,
    stopped: false,
    paused: false,
    lab: false,
    role: null,
    term: 0,
    leader: null,
    voted_for: null,
    voters: [],
    mark_index: null,
    mark_chain: null,
    last_index: null,
    stable_index: null,
    commit_index: null,
    applied_index: null,
    durable_index: null,
    digest: null,
    revision: null,
    has_room: null,
    pid: null,
    election_due_us: null,
    next_index: bare(),
    match_index: bare(),
    missing: 0,
    metrics: bare(),
  };
}

/** Take in an event of this node; raises Malformed for one that isn't well made. */
export function foldNode(node, event) {
  const boot = get(event, "boot");
  const term = get(event, "term");
  if (boot !== node.boot) restart(node, text(boot));
  if (term !== node.term) {
    if (count(term) > node.term) node.voted_for = null;
    node.term = term;
  }
  TAKE.get(get(event, "type"))?.(node, event);
}

/** Another life of the process: what only the process knew is gone, what its disk held isn't. */
function restart(node, boot) {
  node.boot = boot;
  node.boots += 1;
  node.stopped = node.paused = false;
  node.role = node.leader = node.pid = node.election_due_us = null;
  node.next_index = bare();
  node.match_index = bare();
  node.metrics = bare();
}

function takeBoot(node, e) {
  node.incarnation = text(get(e, "incarnation"));
  node.role = "follower";
  node.has_room = true;
  node.voted_for = textOrNull(get(e, "voted_for"));
  node.voters = names(get(e, "voters"));
  node.mark_index = count(get(e, "mark_index"));
  node.mark_chain = count(get(e, "mark_chain"));
  node.last_index = node.stable_index = count(get(e, "last_index"));
  node.commit_index = node.applied_index = node.durable_index = count(get(e, "applied_index"));
  node.digest = count(get(e, "digest"));
  node.revision = count(get(e, "revision"));
}

function takeRole(node, e) {
  node.role = text(get(e, "role"));
  if (node.role !== "leader") {
    node.next_index = bare();
    node.match_index = bare();
  }
  if (node.role === "candidate") node.voted_for = text(get(e, "node"));
}

function takeVote(node, e) {
  if (get(e, "granted") === true && get(e, "pre_vote") === false) node.voted_for = text(get(e, "candidate"));
}

function takeTruncate(node, e) {
  node.last_index = Math.max(0, count(get(e, "first")) - 1);
  node.stable_index = Math.min(node.stable_index ?? 0, node.last_index);
}

function takeSnapshot(node, e) {
  if (get(e, "step") !== "installed") return;
  const index = count(get(e, "index"));
  node.mark_index = index;
  node.mark_chain = countOrNull(get(e, "chain"));
  node.applied_index = node.durable_index = index;
  node.last_index = Math.max(node.last_index ?? 0, index);
  node.commit_index = Math.max(node.commit_index ?? 0, index);
  node.digest = countOrNull(get(e, "digest"));
}

function takeApply(node, e) {
  node.applied_index = count(get(e, "last"));
  node.digest = count(get(e, "digest"));
  node.revision = count(get(e, "revision"));
}

function takeStorage(node, e) {
  if (get(e, "what") === "state") {
    node.durable_index = count(get(e, "last"));
    return;
  }
  node.stable_index = count(get(e, "last"));
  if (get(e, "vote_term") === node.term) node.voted_for = textOrNull(get(e, "voted_for"));
  if (get(e, "restarted_after") !== null) node.mark_index = count(e.restarted_after);
}

function takeStanding(node, e) {
  node.role = text(get(e, "role"));
  node.leader = textOrNull(get(e, "leader"));
  node.voted_for = textOrNull(get(e, "voted_for"));
  node.voters = names(get(e, "voters"));
  for (const name of ["mark_index", "mark_chain", "last_index", "stable_index", "commit_index", "applied_index"]) {
    node[name] = count(get(e, name));
  }
  for (const name of ["durable_index", "digest", "revision"]) node[name] = count(get(e, name));
  node.next_index = counts(get(e, "next_index"));
  node.match_index = counts(get(e, "match_index"));
  node.election_due_us = countOrNull(get(e, "election_due_us"));
  node.has_room = flag(get(e, "has_room"));
  node.pid = count(get(e, "pid"));
  node.lab = flag(Object.hasOwn(e, "lab") ? e.lab : false); // in recordings of older releases there is none
}

function takeMetrics(node, e) {
  const found = Object.entries(e)
    .slice(0, ITEMS_MAX)
    .filter(([name]) => !ENVELOPE.has(name))
    .map(([name, value]) => [name, isObject(value) ? counts(value) : scalar(value)]);
  node.metrics = bare(found);
}

const TAKE = new Map([
  ["boot", takeBoot],
  ["role", takeRole],
  ["vote", takeVote],
  ["leader", (node, e) => (node.leader = textOrNull(get(e, "leader")))],
  ["append", (node, e) => (node.last_index = count(get(e, "last")))],
  ["truncate", takeTruncate],
  ["commit", (node, e) => (node.commit_index = count(get(e, "index")))],
  [
    "compact",
    (node, e) => {
      node.mark_index = count(get(e, "index"));
      node.mark_chain = null;
    },
  ],
  ["snapshot", takeSnapshot],
  ["room", (node, e) => (node.has_room = flag(get(e, "has_room")))],
  ["apply", takeApply],
  ["storage", takeStorage],
  ["standing", takeStanding],
  ["metrics", takeMetrics],
]);
