// The page: the stream's state, drawn at most once a frame.

import { Feed } from "./feed.js";
import { Flights } from "./flights.js";
import { Keys } from "./keys.js";
import { Ring } from "./ring.js";
import { Settings } from "./settings.js";
import { Stream } from "./stream.js";
import { put, say } from "./svg.js";
import { NodeTable } from "./table.js";
import { show } from "./texts.js";
import { rowsOf, standingOf } from "./view.js";

const QUIET_MS = 3000;
const $ = (id) => document.getElementById(id);
const dash = (value) => (value === null ? "–" : show(value));

class Page {
  constructor(catalogue) {
    this._settings = new Settings(() => this._chosen());
    this._ring = new Ring($("ring"));
    this._flights = new Flights($("flights"), this._ring);
    this._feed = new Feed($("feed"), catalogue);
    this._table = new NodeTable($("nodes"));
    this._configured = [];
    this._standing = "connecting";
    this._arrange();
    this.stream = new Stream(Object.keys(catalogue), (standing) => this._told(standing), (...batch) => this._took(...batch));
    this._chosen();
    new ResizeObserver(() => this._changed()).observe($("stage"));
    setInterval(() => this._changed(), 500); // silence is news too
  }

  get flights() {
    return this._flights;
  }

  _arrange() {
    const settings = this._settings;
    this._keys = new Keys($("map"), {
      m: () => settings.toggleMessages(),
      l: () => settings.nextLanguage(),
      t: () => settings.nextTheme(),
      f: () => $("feed").focus(),
      n: () => document.querySelector(".scroll").focus(),
    });
    $("messages").onclick = () => settings.toggleMessages();
    $("language").onclick = () => settings.nextLanguage();
    $("theme").onclick = () => settings.nextTheme();
    $("help").onclick = () => this._keys.toggle();
  }

  /** A setting changed, or all words are to be said for the first time. */
  _chosen() {
    const settings = this._settings;
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
    say($("nodes-title"), texts.nodesTitle);
    say($("about"), texts.about);
    const legend = $("legend");
    legend.replaceChildren();
    for (const role of ["leader", "follower", "candidate"]) put(legend, "li", role, texts.roles[role]);
    for (const condition of ["silent", "down"]) put(legend, "li", condition, texts.conditions[condition]);
    this._keys.show(texts);
    this._feed.show(texts);
    this._flights.want(settings.messages);
    if (this._asked !== settings.messages) {
      this._asked = settings.messages;
      this.stream.wantMessages(settings.messages);
    }
    this._changed();
  }

  _told(standing) {
    this._standing = standing;
    if (standing === "live" || standing === "behind") this._fetchNames();
    this._changed();
  }

  /** Who is configured: a node that was never heard is on the ring too. */
  async _fetchNames() {
    try {
      const document_ = await (await fetch("/v1/state")).json();
      this._configured = document_.nodes.map((row) => row.node);
      say($("cluster"), document_.cluster_id);
      document.title = `raftzmq: ${document_.cluster_id}`;
      this._changed();
    } catch {
      return; // the connection is gone again: the stream says so
    }
  }

  _took(events, anew) {
    const texts = this._settings.texts;
    if (anew) this._feed.begin(this.stream.state.all.notable, texts);
    else this._feed.take(events, texts);
    this._flights.take(events, performance.now());
    this._changed();
  }

  _changed() {
    if (this._frame || !this.stream) return;
    this._frame = requestAnimationFrame((now) => {
      this._frame = 0;
      this._draw(now);
    });
  }

  _draw(now) {
    const texts = this._settings.texts;
    const state = this.stream.state;
    const rows = rowsOf(state, this._configured);
    const quiet = performance.now() - this.stream.heardAt > QUIET_MS;
    if (quiet) for (const row of rows) this._quieten(row);
    const standing = standingOf(state, rows, texts, quiet);
    this._say(standing, texts);
    const stage = $("stage").getBoundingClientRect();
    this._ring.update(rows, standing.leader, standing.term, texts, Math.round(stage.width), Math.round(stage.height) - 34);
    this._table.update(rows, texts);
    if (this._flights.draw(now)) this._changed();
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
    const sampled = this._settings.messages && this._flights.oneOf > 1 ? ` · ${texts.flying(this._flights.oneOf)}` : "";
    say($("link"), texts[this._standing] + sampled);
    $("link").dataset.standing = this._standing;
  }
}

const catalogue = await (await fetch("/static/catalogue.json")).json();
/** For the browser's console: what the page knows. */
window.raftzmq = new Page(catalogue);
