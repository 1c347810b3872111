// A closer look at one node, beside the ring: what its disk holds, where its log stands, how long its disk takes, whom
// it reaches how fast, what waits, and the process itself.

import { show } from "../number.js";
import { shapeOf } from "../shapes.js";
import { draw, place, put, say } from "../svg.js";
import { Past, quantile } from "./inspector_past.js";
import { Spark } from "./spark.js";

const SYNC_BARS = 60;
const SECOND_BARS = 60;
/** By section, the facts in it; the words for both are under the same names. */
const FACTS = {
  disk: ["term", "voted_for", "mark_index", "durable_index"],
  log: ["last_index", "stable_index", "commit_index", "applied_index"],
  sync: ["p50", "p99"],
  waits: ["proposals_pending", "reads_pending", "waiting_bytes", "lag_bytes", "clients"],
  process: ["pid", "supervised", "rss_bytes", "events_ring_bytes", "boots", "missing", "boot", "incarnation"],
};
const dash = (value, write = show) => (value === null || value === undefined ? "–" : write(value));

export class Inspector {
  constructor(root, page) {
    this._root = root;
    this._page = page;
    this._past = new Past();
    this._facts = new Map();
    this._titles = new Map();
    this._head(root);
    const body = (this._body = put(root, "div", "look-body"));
    for (const [name, facts] of Object.entries(FACTS)) this._section(body, name, facts);
    page.onSelect(() => (this._body.scrollTop = 0));
  }

  _head(root) {
    const head = put(root, "header", "look-head");
    const glyph = draw(head, "svg", { viewBox: "-22 -22 44 44", width: 34, height: 34, "aria-hidden": "true" });
    this._glyph = draw(draw(glyph, "g", {}), "path", { class: "shape" });
    this._name = put(head, "h2", "look-name");
    this._role = put(head, "span", "look-role");
    this._close = put(head, "button", "look-close", "×");
    Object.assign(this._close, { type: "button", id: "inspector-close", onclick: () => this._page.select(null) });
    this._timer = put(root, "div", "look-timer");
    this._left = put(put(this._timer, "span", "look-track"), "i");
    this._due = put(this._timer, "span", "look-due");
  }

  _section(body, name, facts) {
    const section = put(body, "section", `look-${name}`);
    this._titles.set(name, put(section, "h3"));
    if (name === "log") this._gauge = this._makeGauge(section);
    const list = put(section, "dl");
    for (const fact of facts) this._facts.set(fact, this._fact(list, fact));
    if (name === "sync") this._syncs = new Spark(section, SYNC_BARS);
    if (name === "sync") this._peers(body);
    if (name === "waits") this._waiting = new Spark(section, SECOND_BARS);
    if (name === "process") this._memory = new Spark(section, SECOND_BARS);
  }

  _fact(list, fact) {
    const line = put(list, "div");
    line.dataset.fact = fact;
    return { title: put(line, "dt"), value: put(line, "dd"), line };
  }

  _makeGauge(section) {
    const track = put(section, "div", "look-gauge");
    track.ariaHidden = "true";
    return new Map(["stable", "commit", "applied"].map((part) => [part, put(track, "i", part)]));
  }

  /** Round trips and followers' logs: as many lines as there are peers. */
  _peers(body) {
    const section = put(body, "section", "look-peers");
    this._titles.set("peers", put(section, "h3"));
    this._peerList = put(section, "ol");
    this._noPeers = put(section, "p", "data-soft");
    this._dropped = put(section, "p", "look-dropped");
  }

  say(texts) {
    const words = (this._texts = texts.inspector);
    for (const [name, title] of this._titles) say(title, words.sections[name]);
    for (const [fact, { title }] of this._facts) {
      say(title, words.facts[fact]);
      title.title = words.hints[fact] ?? "";
    }
    [this._close.ariaLabel, this._close.title] = [words.close, words.close];
    this._root.ariaLabel = words.title;
  }

  begin(_state, events) {
    this._past.begin();
    this._past.take(events);
  }

  take(events) {
    this._past.take(events);
  }

  draw({ now, state, rows, texts }) {
    const name = this._page.selected;
    if (name === null) return;
    const row = rows.find((one) => one.name === name) ?? { name, condition: "unheard", heard: false, role: null };
    const node = state.all.nodes[name];
    this._root.dataset.inspected = name;
    this._drawHead(row, node, texts);
    this._drawTimer(row, node, now);
    if (node === undefined) return this._unheard();
    for (const fact of [...FACTS.disk, ...FACTS.log]) this._tell(fact, dash(node[fact], (value) => (fact === "voted_for" ? value : show(value))));
    this._drawGauge(node, rows);
    this._drawSyncs(name);
    this._drawPeers(node);
    this._drawQueues(name, node);
    this._drawProcess(name, node, state);
  }

  _unheard() {
    for (const { value } of this._facts.values()) say(value, "–");
    for (const bar of this._gauge.values()) bar.style.width = "0";
    this._peerList.replaceChildren();
    for (const spark of [this._syncs, this._waiting, this._memory]) spark.show([]);
    say(this._noPeers, "");
    say(this._dropped, "");
  }

  _tell(fact, text) {
    const { value } = this._facts.get(fact);
    say(value, text);
    if (value.title !== text) value.title = text;
  }

  _drawHead(row, node, texts) {
    const kind = row.heard ? row.role ?? "unknown" : row.condition;
    place(this._glyph.parentNode, { class: `node ${kind}` });
    place(this._glyph, { d: shapeOf(kind, 15) });
    say(this._name, row.name);
    say(this._role, row.heard ? texts.roles[row.role] ?? row.role ?? "" : texts.conditions[row.condition]);
  }

  /** What is left of the election timer: the words say what the node said last, the bar runs down between. */
  _drawTimer(row, node, now) {
    const due = row.heard && row.role !== "leader" ? node?.election_due_us ?? null : null;
    const words = this._texts;
    const { timers, clock } = this._page.flights ?? {};
    const part = due === null ? null : timers?.leftOf(row.name, clock.now(now))?.part;
    this._timer.toggleAttribute("data-runs", due !== null);
    this._left.style.width = `${(100 * (part ?? 0)).toFixed(1)}%`;
    say(this._due, due !== null ? words.due(Math.round(due / 1000)) : row.heard && row.role === "leader" ? words.leads : words.noTimer);
  }

  /** Where the log stands, between the entry after which it begins and the newest one of the whole cluster. */
  _drawGauge(node, rows) {
    const newest = Math.max(1, ...rows.map((row) => row.last_index ?? 0));
    const begin = Math.min(node.mark_index ?? 0, newest - 1);
    const reach = (index) => `${Math.max(0, Math.min(100, (100 * ((index ?? 0) - begin)) / (newest - begin)))}%`;
    this._gauge.get("stable").style.width = reach(node.stable_index);
    this._gauge.get("commit").style.width = reach(node.commit_index);
    this._gauge.get("applied").style.width = reach(node.applied_index);
  }

  _drawSyncs(name) {
    const { syncs } = this._past.of(name);
    if (this._syncsOf === name && this._syncsCount === syncs.count) return;
    [this._syncsOf, this._syncsCount] = [name, syncs.count];
    const values = syncs.values();
    const words = this._texts;
    const p99 = quantile(values, 0.99);
    this._tell("p50", dash(quantile(values, 0.5), words.time));
    this._tell("p99", dash(p99, words.time));
    say(this._titles.get("sync"), values.length ? words.syncsOf(show(values.length)) : words.sections.sync);
    this._syncs.show(values, p99 ?? 1);
  }

  _drawPeers(node) {
    const words = this._texts;
    const trips = node.metrics.round_trip_us ?? {};
    const peers = [...new Set([...Object.keys(trips), ...Object.keys(node.match_index)])].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
    const longest = Math.max(1, ...Object.values(trips));
    while (this._peerList.children.length > peers.length) this._peerList.lastElementChild.remove();
    peers.forEach((peer, i) => {
      const line = this._peerList.children[i] ?? this._peerLine();
      line.dataset.peer = peer;
      const [name, track, trip, behind] = line.children;
      say(name, peer);
      track.firstElementChild.style.width = `${(100 * (trips[peer] ?? 0)) / longest}%`;
      say(trip, dash(trips[peer], words.time));
      const match = node.match_index[peer];
      say(behind, match === undefined ? "" : words.behind(show(Math.max(0, (node.last_index ?? 0) - match))));
    });
    say(this._noPeers, peers.length ? "" : words.noPeers);
    const dropped = Object.entries(node.metrics.dropped ?? {}).filter(([, count]) => count > 0);
    say(this._dropped, dropped.length ? words.dropped(dropped.map(([what, count]) => `${what} ${show(count)}`).join(" · ")) : words.nothingDropped);
  }

  _peerLine() {
    const line = put(this._peerList, "li");
    put(line, "b");
    put(put(line, "span", "look-track"), "i");
    put(line, "span", "look-trip");
    put(line, "span", "data-soft");
    return line;
  }

  _drawQueues(name, node) {
    const words = this._texts;
    const told = node.metrics;
    for (const fact of ["proposals_pending", "reads_pending", "clients"]) this._tell(fact, dash(told[fact]));
    for (const fact of ["waiting_bytes", "lag_bytes"]) this._tell(fact, dash(told[fact], words.bytes));
    const { waiting, memory } = this._past.of(name);
    if (this._secondsOf === name && this._secondsCount === waiting.count) return;
    [this._secondsOf, this._secondsCount] = [name, waiting.count];
    this._waiting.show(waiting.values());
    this._memory.show(memory.values());
  }

  _drawProcess(name, node, state) {
    const words = this._texts;
    const found = Object.entries(state.all.processes).find(([one]) => one.slice(one.lastIndexOf(":") + 1) === name)?.[1];
    this._tell("pid", dash(node.pid, String));
    this._tell("supervised", found === undefined ? words.unsupervised : found.state);
    for (const fact of ["rss_bytes", "events_ring_bytes"]) this._tell(fact, dash(node.metrics[fact], words.bytes));
    this._tell("boots", show(node.boots));
    this._tell("missing", show(node.missing));
    this._tell("boot", dash(node.boot, String));
    this._tell("incarnation", dash(node.incarnation, String));
  }
}
