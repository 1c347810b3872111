// The page: one moment of the cluster, said in a headline, drawn on the ring and in the panel in front, at most once a
// frame.

import { Feed } from "./feed.js";
import { Flights } from "./flights.js";
import { Keys } from "./keys.js";
import { show } from "./number.js";
import { Panels } from "./panels.js";
import { Player } from "./player.js";
import { Ring } from "./ring.js";
import { Settings } from "./settings.js";
import { put, say } from "./svg.js";
import { rowsOf, standingOf } from "./view.js";

const QUIET_MS = 3000;
const $ = (id) => document.getElementById(id);
const dash = (value) => (value === null ? "–" : show(value));

export class Page {
  constructor(catalogue) {
    this.catalogue = catalogue;
    this.settings = new Settings(() => this._chosen());
    this._configured = [];
    this._standing = "connecting";
    this._selected = null;
    this._selectors = [];
    this.ring = new Ring($("ring"));
    this.flights = new Flights($("flights"), this.ring);
    this._feed = new Feed($("feed"), catalogue);
    this.panels = new Panels($("tabs"), $("panels"), this);
    this._arrange();
    this.player = new Player(Object.keys(catalogue), {
      told: (standing) => this._told(standing),
      began: (state, events) => this._began(state, events),
      took: (events) => this._took(events),
    });
    this._chosen();
    new ResizeObserver(() => this.changed()).observe($("stage"));
    setInterval(() => this.changed(), 500); // silence is news too
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

  /** Something is to be drawn anew, with the next frame. */
  changed() {
    if (this._frame || !this.player) return;
    this._frame = requestAnimationFrame((now) => {
      this._frame = 0;
      this._draw(now);
    });
  }

  _arrange() {
    const settings = this.settings;
    this._keys = new Keys($("map"), {
      m: () => settings.toggleMessages(),
      l: () => settings.nextLanguage(),
      t: () => settings.nextTheme(),
      f: () => $("feed").focus(),
      n: () => this.panels.show("table"),
    });
    $("messages").onclick = () => settings.toggleMessages();
    $("language").onclick = () => settings.nextLanguage();
    $("theme").onclick = () => settings.nextTheme();
    $("help").onclick = () => this._keys.toggle();
  }

  /** A setting changed, or all words are to be said for the first time. */
  _chosen() {
    const settings = this.settings;
    const texts = settings.texts;
    say($("messages"), texts.messages);
    $("messages").title = texts.messagesTitle;
    $("messages").ariaPressed = String(settings.messages);
    say($("language"), texts.other);
    $("language").title = texts.otherTitle;
    say($("theme"), texts.theme[settings.theme]);
    $("theme").title = texts.themeTitle;
    $("help").title = texts.helpTitle;
    for (const [name, label] of Object.entries(texts.labels)) say($(`label-${name}`), label);
    say($("ring-title"), texts.ringTitle);
    say($("feed-title"), texts.feedTitle);
    say($("about"), texts.about);
    const legend = $("legend");
    legend.replaceChildren();
    for (const role of ["leader", "follower", "candidate"]) put(legend, "li", role, texts.roles[role]);
    for (const condition of ["silent", "down"]) put(legend, "li", condition, texts.conditions[condition]);
    this._keys.show(texts);
    this._feed.show(texts);
    this.panels.say(texts);
    this.flights.want(settings.messages);
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
      say($("cluster"), document_.cluster_id);
      document.title = `raftzmq: ${document_.cluster_id}`;
      this.changed();
    } catch {
      return; // the connection is gone again: the stream says so
    }
  }

  _began(state, events) {
    this._feed.begin(state.all.notable, this.settings.texts);
    this.panels.begin(state, events);
    this.changed();
  }

  _took(events) {
    this._feed.take(events, this.settings.texts);
    this.flights.take(events, performance.now());
    this.panels.take(events);
    this.changed();
  }

  _draw(now) {
    const texts = this.settings.texts;
    const { state, live } = this.player;
    const rows = rowsOf(state, this._configured);
    const quiet = live && performance.now() - this.player.heardAt > QUIET_MS;
    if (quiet) for (const row of rows) this._quieten(row);
    const standing = standingOf(state, rows, texts, quiet);
    this._say(standing, texts);
    this.player.want([...this.flights.types, ...this.panels.types]);
    const stage = $("stage").getBoundingClientRect();
    this.ring.update(rows, standing.leader, standing.term, texts, Math.round(stage.width), Math.round(stage.height) - 34);
    const frame = { now, state, rows, standing, texts, live, quiet };
    const moving = [this.panels.draw(frame), this.flights.draw(now)];
    if (moving.some(Boolean)) this.changed();
  }

  _quieten(row) {
    row.heard = false;
    if (row.condition === "up") row.condition = "silent";
  }

  _say(standing, texts) {
    say($("headline"), standing.headline);
    document.body.dataset.leader = standing.leader ?? "";
    say($("term"), standing.term ? show(standing.term) : "–");
    say($("committed"), dash(standing.committed));
    say($("up"), texts.upOf(standing.up, standing.of));
    say($("changes"), show(standing.changes));
    say($("explained"), standing.explained);
    say($("alarm"), standing.alarm);
    $("alarm").hidden = !standing.alarm;
    const sampled = this.settings.messages && this.flights.oneOf > 1 ? ` · ${texts.flying(this.flights.oneOf)}` : "";
    say($("link"), texts[this._standing] + sampled);
    $("link").dataset.standing = this._standing;
  }
}
