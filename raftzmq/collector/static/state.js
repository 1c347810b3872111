// What the events of a whole cluster add up to: the twin of raftzmq/collector/cluster_state.py. A pure fold: the same
// events in the same order give the same state, live and in replay, here and in Python.

import { canonical } from "./canonical.js";
import { foldFault } from "./link_state.js";
import { foldNode, unknownNode } from "./node_state.js";
import { Malformed, TEXT_MAX, bare, count, flag, get, isObject, names, ppm, scalar, text, textOrNull, whole } from "./values.js";

const SCHEMA = 1;
const NODES_MAX = 1000;
const NOTABLE_MAX = 40;
const VIOLATIONS_MAX = 10;
const SILENT_MS = 3000;
const LEADERSHIP = new Set(["boot", "role", "standing", "election"]);
const GONE = new Set(["EXITED", "FATAL", "STOPPED", "BACKOFF"]);
const KERNEL = new Set(["PAUSED", "RESUMED", "GONE"]);
const UNTOLD = new Set(["v", "boot", "seq", "order", "ts", "mono_ns", "incarnation", "cluster", "drop", "duplicate"]);

/** Types of events that people want to have seen. */
export const NOTABLE = new Set([
  ...["boot", "role", "truncate", "snapshot", "room", "corrupt", "disrupt_refused", "fault"],
  ...["gap", "late", "process", "violation", "verdict"],
]);

function emptyState() {
  return {
    schema: SCHEMA,
    collector: null,
    time_ms: 0,
    lamport: 0,
    term: 0,
    last_leader: null,
    leader_term: 0,
    leads: false,
    leader_changes: 0,
    elections: 0,
    pre_votes: 0,
    gaps: 0,
    missing: 0,
    late: 0,
    odd: 0,
    violations: 0,
    last_violations: [],
    unknown: bare(),
    processes: bare(),
    nodes: bare(),
    links: bare(),
    notable: [],
  };
}

/** The members of `document` that `model` knows, of the same kind of value; a null in the model takes any plain one. */
function like(model, document) {
  if (!isObject(document)) throw new Malformed("no object");
  const found = { ...model };
  for (const name of Object.keys(model)) {
    if (!Object.hasOwn(document, name)) continue;
    const value = document[name];
    const wanted = model[name];
    if (Array.isArray(wanted) ? !Array.isArray(value) : isObject(wanted) ? !isObject(value) : false) {
      throw new Malformed(name);
    }
    if (typeof wanted === "number") count(value);
    else if (typeof wanted === "boolean") flag(value);
    else if (wanted === null) scalar(value);
    found[name] = isObject(wanted) ? bare(Object.entries(value)) : Array.isArray(wanted) ? [...value] : value;
  }
  return found;
}

export class ClusterState {
  constructor() {
    this._state = emptyState();
  }

  /** The state that `toJSON`, or the collector, gave; raises Malformed for what is none. */
  static from(document) {
    const found = new ClusterState();
    const state = like(emptyState(), document);
    if (state.schema !== SCHEMA) throw new Malformed(`schema ${state.schema}`);
    state.nodes = bare(Object.entries(state.nodes).map(([name, node]) => [name, like(unknownNode(), node)]));
    state.links = bare(Object.entries(state.links).map(([name, links]) => [name, bare(Object.entries(links))]));
    found._state = state;
    return found;
  }

  /** Take in the next event of the merged stream; what isn't well made is counted in `odd`. */
  fold(event) {
    try {
      if (get(event, "node") === "collector") this._foldOwn(event);
      else this._foldNode(event);
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      this._state.odd += 1;
    }
  }

  /** Everything known, read-only; `leader` and each node's `condition` are computed by the methods of that name. */
  get all() {
    return this._state;
  }

  /** Who leads, as far as known: not who has stepped down, died or fallen silent since. */
  get leader() {
    const state = this._state;
    const node = state.nodes[state.last_leader ?? ""];
    return node === undefined || !state.leads || this.condition(node) !== "up" ? null : state.last_leader;
  }

  /** `up`, `silent` or `down`. */
  condition(node) {
    if (node.stopped) return "down";
    if (node.paused) return "silent";
    return this._state.time_ms - node.heard_ms <= SILENT_MS ? "up" : "silent";
  }

  /** A copy as plain JSON. */
  toJSON() {
    const document = structuredClone({ ...this._state, leader: this.leader });
    const nodes = Object.entries(this._state.nodes);
    document.nodes = bare(nodes.map(([name, node]) => [name, this._row(node)]));
    if (!Object.keys(document.links).length) delete document.links;
    return document;
  }

  _row(node) {
    const row = { ...structuredClone(node), condition: this.condition(node) };
    // What older releases didn't know is left out while it says nothing: their hashes stay what they were.
    for (const name of ["paused", "lab"]) if (!row[name]) delete row[name];
    return row;
  }

  /** What the hash is taken of. */
  canonical() {
    return canonical(this.toJSON());
  }

  _advance(event) {
    const state = this._state;
    const ts = get(event, "ts");
    if (typeof ts !== "number") throw new Malformed("ts");
    const ms = Math.trunc(ts * 1000);
    if (ms > state.time_ms) state.time_ms = count(ms);
    const lamport = Object.hasOwn(event, "lamport") ? event.lamport : 0;
    if (typeof lamport !== "number") throw new Malformed("lamport");
    if (lamport > state.lamport) state.lamport = count(lamport);
  }

  _foldNode(event) {
    const state = this._state;
    const name = text(event.node);
    let node = state.nodes[name];
    if (node === undefined) {
      if (Object.keys(state.nodes).length >= NODES_MAX) throw new Malformed("nodes");
      node = state.nodes[name] = unknownNode();
    }
    this._advance(event);
    node.heard_ms = state.time_ms;
    const boot = node.boot;
    foldNode(node, event);
    if (node.term > state.term) state.term = node.term;
    const kind = event.type;
    if (boot !== node.boot) {
      delete state.links[event.node]; // they were the process's
      if (event.node === state.last_leader) state.leads = false;
    }
    if (LEADERSHIP.has(kind)) {
      this._watchLeader(event.node, node);
      if (kind === "election") {
        if (flag(get(event, "pre_vote"))) state.pre_votes += 1;
        else state.elections += 1;
      }
    } else if (kind === "fault") foldFault(state.links, event);
    if (NOTABLE.has(kind)) this._remember(event);
  }

  _watchLeader(name, node) {
    const state = this._state;
    if (node.role === "leader") {
      if (node.term > state.leader_term) {
        state.last_leader = name;
        state.leader_term = node.term;
        state.leader_changes += 1;
      }
      if (node.term === state.leader_term && name === state.last_leader) state.leads = true;
    } else if (name === state.last_leader) {
      state.leads = false;
    }
  }

  _foldOwn(event) {
    const kind = get(event, "type");
    const boot = text(get(event, "boot"));
    if (kind === "checkpoint") {
      // The first of a collector's life is the state from then on: a replay goes on as the collector itself did.
      if (boot !== this._state.collector) {
        this._state = ClusterState.from(get(event, "state"))._state;
        this._state.collector = boot;
      }
      return;
    }
    this._advance(event);
    OWN.get(kind)?.(this._state, event);
    if (NOTABLE.has(kind)) this._remember(event);
  }

  /** Keep what is short and plain of an event worth telling. */
  _remember(event) {
    const kept = bare([["ms", count(Math.trunc(event.ts * 1000))]]);
    if (Object.hasOwn(event, "drop") && Object.hasOwn(event, "duplicate")) {
      kept.drop_ppm = ppm(event.drop);
      kept.duplicate_ppm = ppm(event.duplicate);
    }
    for (const [name, value] of Object.entries(event)) {
      if (UNTOLD.has(name) || (value !== null && typeof value === "object") || Array.from(name).length > TEXT_MAX) continue;
      if (typeof value === "number" && !Number.isInteger(value)) continue;
      kept[name] = scalar(value);
    }
    this._state.notable = [...this._state.notable, kept].slice(-NOTABLE_MAX);
  }
}

function takeGap(state, e) {
  const missing = count(get(e, "missing"));
  state.gaps += 1;
  state.missing = Math.min(state.missing + missing, Number.MAX_SAFE_INTEGER);
  const node = state.nodes[get(e, "source")];
  if (node !== undefined) node.missing = Math.min(node.missing + missing, Number.MAX_SAFE_INTEGER);
}

function takeProcess(state, e) {
  const name = text(get(e, "name"));
  if (state.processes[name] === undefined && Object.keys(state.processes).length >= NODES_MAX) throw new Malformed(name);
  const found = {
    state: text(get(e, "state")),
    previous: textOrNull(get(e, "previous")),
    pid: count(get(e, "pid")),
    exit_status: whole(get(e, "exit_status")),
    ms: state.time_ms,
  };
  state.processes[name] = found;
  const node = state.nodes[name.slice(name.lastIndexOf(":") + 1)];
  if (node === undefined) return;
  if (GONE.has(found.state)) node.stopped = true;
  else if (found.state === "RUNNING" && (node.pid === null || node.pid === found.pid)) node.stopped = false;
  else if (node.pid === found.pid && KERNEL.has(found.state)) {
    node.stopped ||= found.state === "GONE";
    node.paused = found.state === "PAUSED";
  }
}

function takeViolation(state, e) {
  state.violations += 1;
  const kept = {
    ms: state.time_ms,
    rule: text(get(e, "rule")),
    nodes: names(get(e, "nodes")),
    text: text(get(e, "text")),
    recording: textOrNull(get(e, "recording")),
  };
  state.last_violations = [...state.last_violations, kept].slice(-VIOLATIONS_MAX);
}

function takeVerdict(state, e) {
  const source = text(get(e, "source"));
  if (flag(get(e, "known"))) delete state.unknown[source];
  else if (source in state.unknown || Object.keys(state.unknown).length < NODES_MAX) {
    state.unknown[source] = text(get(e, "reason"));
  }
}

const OWN = new Map([
  ["gap", takeGap],
  ["late", (state) => (state.late += 1)],
  ["process", takeProcess],
  ["violation", takeViolation],
  ["verdict", takeVerdict],
]);
