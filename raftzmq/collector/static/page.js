// The page: one moment of the cluster, said in a headline, drawn on the ring and in the panel in front, at most once a
// frame.

import { Awake } from "./awake.js";
import { Control } from "./control.js";
import { Feed } from "./feed.js";
import { Flights } from "./flights.js";
import { Frames } from "./frames.js";
import { Head } from "./head.js";
import { Keys } from "./keys.js";
import { Panels } from "./panels.js";
import { Player } from "./player.js";
import { LIVE } from "./recordings.js";
import { Ring } from "./ring.js";
import { Settings } from "./settings.js";
import { Slots } from "./slots.js";
import { say } from "./svg.js";
import { Toasts } from "./toast.js";
import { Tour } from "./tour.js";
import { rowsOf, standingOf } from "./view.js";

const QUIET_MS = 3000;
/** Live, words and numbers change no more often: nobody reads faster, and laying them out is what a frame costs most. */
const REST_MS = 50;
/** For an audience the ring is drawn as for a place of this size, and so all of it becomes larger. */
const PRESENTED = { width: 430, height: 350 };
const $ = (id) => document.getElementById(id);

export class Page {
  constructor(catalogue) {
    this.catalogue = catalogue;
    this.settings = new Settings(() => this._chosen());
    this.keys = new Keys($("map"));
    this._configured = [];
    this._cluster = "raftzmq";
    this._standing = "connecting";
    this._selected = null;
    this._selectors = [];
    this._toasts = new Toasts($("toasts"));
    this._awake = new Awake();
    this._size = { width: 0, height: 0 };
    this._drawnAt = -Infinity;
    this._resting = 0;
    /** When things are drawn. */
    this.frames = new Frames();
    this._drawing = (now) => this._draw(now);
    this.control = new Control(this);
    this.ring = new Ring($("ring"), this);
    this.flights = new Flights($("flights"), this.ring, this);
    this._head = new Head(this);
    this._feed = new Feed($("happenings"), this);
    this.slots = new Slots(this);
    this.panels = new Panels($("tabs"), $("panels"), this);
    this.tour = new Tour(this);
    this._arrange();
    this.player = new Player(Object.keys(catalogue), {
      told: (standing) => this._told(standing),
      began: (state, events) => this._began(state, events),
      took: (events) => this._took(events),
    });
    this._chosen();
    new ResizeObserver(([entry]) => this._sized(entry.contentRect)).observe($("scene"));
    setInterval(() => this.changed(), 500); // silence is news too
    this.tour.offer();
  }

  /** The name of the node that the viewer looks at, or null. */
  get selected() {
    return this._selected;
  }

  /** Look at a node; null: at none. */
  select(name) {
    if (name === this._selected) return;
    this._selected = name;
    for (const told of this._selectors) told(name);
    this.changed();
  }

  /** Be told whenever another node is looked at. */
  onSelect(told) {
    this._selectors.push(told);
  }

  /** Say something in a few words that go by themselves; `kind` is info, good or bad. */
  toast(text, kind = "info") {
    this._toasts.show(text, kind);
  }

  /** Something is to be drawn anew, with the next frame. */
  changed() {
    if (this.player) this.frames.ask(this._drawing);
  }

  _arrange() {
    const { keys } = this;
    keys.add("f", () => $("feed").focus(), (texts) => texts.meanings.feed);
    keys.add("j", () => this._selectBy(1), (texts) => texts.meanings.next, "stage");
    keys.add("k", () => this._selectBy(-1), (texts) => texts.meanings.previous, "stage");
    keys.onEscape(() => this._selected !== null && (this.select(null), true));
    $("ring").addEventListener("click", (event) => {
      const name = event.target.closest("[data-node]")?.dataset.node;
      if (name !== undefined) this.select(name === this._selected ? null : name);
    });
    this.onSelect((name) => {
      $("inspector").hidden = name === null || !$("inspector").hasChildNodes();
    });
    $("tour-again").onclick = () => {
      $("map").close();
      this.tour.begin();
    };
  }

  /** The node after, or before, the one that is looked at. */
  _selectBy(by) {
    const names = rowsOf(this.player.state, this._expected).map((row) => row.name);
    if (!names.length) return;
    const at = names.indexOf(this._selected);
    this.select(names[(at < 0 ? (by > 0 ? 0 : -1) : at + by) % names.length] ?? names.at(-1));
  }

  _sized({ width, height }) {
    this._size = { width: Math.round(width), height: Math.round(height) };
    this.changed();
  }

  /** A setting changed, or all words are to be said for the first time. */
  _chosen() {
    const { settings } = this;
    const { texts } = settings;
    this._head?.say(texts);
    this.keys.show(texts);
    this._feed.say(texts);
    this.slots.say(texts);
    this.panels.say(texts);
    this.tour.say();
    this.flights.say(texts);
    this.flights.want(settings.messages);
    this._awake.want(settings.presenter);
    this.changed();
  }

  _told(standing) {
    this._standing = standing;
    if (standing === "live" || standing === "behind") this._fetchNames();
    this.changed();
  }

  /** Who is configured: a node that was never heard is on the ring too. */
  async _fetchNames() {
    try {
      const document_ = await (await fetch("/v1/state")).json();
      this._configured = document_.nodes.map((row) => row.node);
      this._cluster = document_.cluster_id;
      say($("cluster"), this._cluster);
      this.changed();
    } catch {
      return; // the connection is gone again: the stream says so
    }
  }

  /** Who is to be shown even if unheard: another recording may be another cluster's. */
  get _expected() {
    return this.player.recording === LIVE ? this._configured : [];
  }

  _began(state, events) {
    this._feed.begin(state, events);
    this.slots.begin(state, events);
    this.ring.begin(state, events);
    this.flights.begin(state, events);
    this.panels.begin(state, events);
    this.changed();
  }

  _took(events) {
    this._feed.take(events);
    this.ring.take(events);
    this.flights.take(events, performance.now());
    this.slots.take(events);
    this.panels.take(events);
    this._changedLive();
  }

  _changedLive() {
    if (this._resting) return;
    const left = this.player?.live ? this._drawnAt + REST_MS - performance.now() : 0;
    if (left <= 0) return this.frames.pace(this._drawing);
    this._resting = setTimeout(() => {
      this._resting = 0;
      this.frames.pace(this._drawing);
    }, left);
  }

  _draw(now) {
    this._drawnAt = performance.now();
    const { texts } = this.settings;
    const { state, live } = this.player;
    const rows = rowsOf(state, this._expected);
    const quiet = live && performance.now() - this.player.heardAt > QUIET_MS;
    if (quiet) for (const row of rows) this._quieten(row);
    const standing = standingOf(state, rows, texts, quiet, quiet ? this._deaf() : null);
    const frame = { now, state, rows, standing, texts, live, quiet };
    this._head.draw(frame, this._standing, this._cluster);
    this._feed.draw(frame);
    this.player.want([...this.flights.types, ...this.slots.types, ...this.panels.types]);
    const drawn = [this._drawStage(frame), this.panels.draw(frame), this.slots.draw(frame), this.flights.draw(now)];
    if (drawn.some((moves) => moves === true)) this.frames.pace(this._drawing);
  }

  /** Is it the collector that isn't heard? Then nothing is known of the nodes: { s, ms } since when, else null. */
  _deaf() {
    if (this._standing === "live" || this._standing === "behind") return null;
    const { answeredAt } = this.player.stream;
    return { s: Math.round((performance.now() - answeredAt) / 1000), ms: performance.timeOrigin + answeredAt };
  }

  _drawStage({ now, rows, standing, texts }) {
    const { width, height } = this._size;
    const larger = this.settings.presenter ? Math.max(1, Math.min(width / PRESENTED.width, height / PRESENTED.height)) : 1;
    const now_ms = this.flights.clock.now(now);
    const { leader, term } = standing;
    return this.ring.update(rows, leader, term, texts, Math.round(width / larger), Math.round(height / larger), now_ms);
  }

  _quieten(row) {
    row.heard = false;
    if (row.condition === "up") row.condition = "silent";
  }
}
