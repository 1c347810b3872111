// The space-time diagram: a line per node, its events on it, and the messages between them, in the order of causes.

import { Gestures } from "../gestures.js";
import { Sheet } from "../sheet.js";
import { put, say } from "../svg.js";
import { EventCard } from "./lamport_card.js";
import { Frame } from "./lamport_frame.js";
import { Happenings } from "./lamport_happenings.js";
import { GROUPS, MESSAGES, groupOf } from "./lamport_kinds.js";
import { LamportPainter } from "./lamport_paint.js";
import { wayOf } from "./lamport_request.js";
import { Slots } from "./lamport_slots.js";
import { LamportToolbar } from "./lamport_toolbar.js";

const TAIL = 1_500; // events behind which none can be in view while the end is followed
const GLIDE_MS = 140;
const NEAR = 11; // pixels
const BEATS = ["heartbeat_sent", "heartbeat_received"];

/** How far a point is from the line between two others. */
function distance(x, y, { a, b }) {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const part = Math.max(0, Math.min(1, ((x - a.x) * dx + (y - a.y) * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(x - a.x - dx * part, y - a.y - dy * part);
}

export class LamportDiagram {
  constructor(root, page) {
    this._root = root;
    this._page = page;
    this._store = new Happenings();
    this._groups = { ...GROUPS };
    this._only = this._frozen = this._chosen = this._pointed = this._cone = null;
    this._frame = new Frame();
    this._slots = new Slots([], false);
    this._toolbar = new LamportToolbar(put(root, "div", "grid-tools lamport-tools"), this);
    const stage = put(root, "div", "lamport-stage");
    this._names = put(stage, "div", "lamport-names");
    this._canvas = put(stage, "canvas", "lamport-canvas");
    Object.assign(this._canvas, { id: "lamport-canvas", tabIndex: 0, role: "img" });
    this._card = new EventCard(put(root, "aside", "grid-card lamport-card"), page, this);
    this._sheet = new Sheet(this._canvas, () => page.changed());
    this._painter = new LamportPainter(this._sheet);
    this._still = matchMedia("(prefers-reduced-motion: reduce)");
    this._gestures = new Gestures(this._canvas, this);
    this._canvas.addEventListener("keydown", (event) => this._key(event));
  }

  get types() {
    return this._groups.beats ? Object.keys(MESSAGES) : Object.keys(MESSAGES).filter((kind) => !BEATS.includes(kind));
  }

  begin(_, events) {
    this._store.begin(events);
    if (this._watched) this._store.watch(true);
    this._frozen = this._pointed = null;
    this._choose(null);
    this._frame.follows = this._only === null;
    this._key_ = "";
  }

  take(events) {
    this._store.take(events);
  }

  shown(flag) {
    this._watched = flag;
    this._store.watch(flag);
  }

  say(texts) {
    this._canvas.ariaLabel = texts.lamport.canvas;
    this._toolbar.say(texts);
    this._card.say(texts);
  }

  draw({ now, rows, standing, texts }) {
    this._arrange();
    const pen = this._sheet.begin();
    const glide = this._still.matches ? 1 : 1 - Math.exp(-(now - (this._drawnAt ?? now)) / GLIDE_MS);
    this._drawnAt = now;
    const nodes = rows.map((row) => row.name);
    const gliding = this._frame.fit(this._sheet.width, this._sheet.height, nodes, this._slots.end, Math.max(glide, 0.02));
    this._name(rows, standing.leader);
    pen.save();
    const lostOf = (event, told) => this._store.isLost(event, told);
    const silent = new Set(rows.filter((row) => !row.heard).map((row) => row.name));
    const { _chosen: chosen, _cone: cone, _pointed: pointed } = this;
    const base = this._store.base ?? 0;
    this._painter.paint(this._slots, this._frame, { texts, base, lostOf, chosen, cone, pointed, silent });
    pen.restore();
    this._tell(texts);
    return gliding;
  }

  /** The events to be shown in their places, anew if there are others than before. */
  _arrange() {
    const key = [this._frozen ? "frozen" : this._store.version, this._only, this._frame.clock, ...Object.values(this._groups)].join();
    if (key === this._key_) return;
    this._key_ = key;
    const all = this._frozen ?? this._store.last();
    const chosen = this._only === null ? this._wanted(all) : wayOf(all, this._only);
    const before = this._slots;
    this._slots = new Slots(chosen, this._frame.clock);
    const anchor = before.places.at(-1);
    if (anchor === undefined || before.clock !== this._slots.clock) return;
    // Old events go, so all places change: what was in view stays where it was.
    const same = this._slots.places.findLast((place) => place.event === anchor.event);
    if (same !== undefined) this._frame.left += same.at - anchor.at;
  }

  _wanted(all) {
    const groups = this._groups;
    const found = [];
    for (let i = all.length - 1; i >= 0; i--) {
      const group = groupOf(all[i]);
      if (group === "" || groups[group]) found.push(all[i]);
      if (found.length >= TAIL && this._frame.follows) break;
    }
    return found.reverse();
  }

  /** The names of the lines: elements, so that they can be read aloud, pressed and cut. */
  _name(rows, leader) {
    const { flat, head, each } = this._frame;
    const direction = flat ? "flat" : "tall";
    if (this._root.dataset.direction !== direction) this._root.dataset.direction = direction;
    while (this._names.children.length > rows.length) this._names.lastElementChild.remove();
    rows.forEach((row, i) => {
      const name = this._names.children[i] ?? this._makeName();
      const deposed = row.role === "leader" && leader !== null && leader !== row.name; // and doesn't know it
      const role = deposed ? "deposed" : row.role ?? "unknown";
      const kind = `lamport-name ${row.heard ? role : "gone"}${this._page.selected === row.name ? " chosen" : ""}`;
      if (name.className !== kind) name.className = kind;
      if (name.dataset.node !== row.name) name.dataset.node = row.name;
      const lane = this._frame.lane(row.name);
      const place = flat ? [0, lane - 13, 0, 26] : [i * each, 0, each, head - 4];
      const key = place.map(Math.round).join();
      if (name.dataset.place !== key) {
        name.dataset.place = key;
        const [left, top, width, height] = place.map((pixels) => `${pixels.toFixed(1)}px`);
        Object.assign(name.style, { left, top, width: flat ? "" : width, height });
      }
      say(name, row.name);
    });
  }

  _makeName() {
    const name = put(this._names, "button");
    name.type = "button";
    name.onclick = () => this._page.select(this._page.selected === name.dataset.node ? null : name.dataset.node);
    return name;
  }

  _tell(texts) {
    const words = texts.lamport;
    const shown = this._slots.places.length;
    const event = this._chosen ?? this._pointed;
    const message = event?.mid === undefined ? null : this._slots.messages.get(event.mid) ?? null;
    const isLost = message?.sent && !message.received.length ? this._store.isLost(message.sent.event, message.told) : false;
    const hint = shown ? words.hint : this._only === null ? words.none : words.noneOf(this._only);
    const paused = this._frozen !== null;
    this._card.show(event, message, isLost, hint, texts);
    this._card.tell(words.said(shown, this._only, paused));
    const { traces } = this._store;
    const follows = this._frame.follows && !paused;
    const order = this._frame.clock ? "clock" : "lamport";
    this._toolbar.tell({ traces, groups: this._groups, asked: this._only, paused, follows, order }, texts);
    const facts = { shown, only: this._only ?? "", paused, order };
    for (const [name, value] of Object.entries({ ...facts, arrows: this._painter.arrows.length, lost: this._painter.lost })) {
      if (this._root.dataset[name] !== String(value)) this._root.dataset[name] = value;
    }
  }

  /** Draw it anew with the next frame. */
  redraw() {
    this._page.changed();
  }

  /** Show only the way of this entry; null: everything. */
  only(index) {
    this._only = index;
    this._choose(null);
    this._frame.follows = true;
    this._key_ = "";
    this._arrange();
    if (index !== null) {
      this._frame.follows = false;
      this._frame.whole(this._slots.end);
    }
    this.redraw();
  }

  /** "lamport" or "clock". */
  orderBy(order) {
    this._frame.clock = order === "clock";
    this._arrange();
    if (this._frame.clock || this._only !== null) this._frame.whole(this._slots.end);
    this._frame.follows = this._only === null;
    this._choose(this._chosen);
    this.redraw();
  }

  /** Show a group of events, or show it no longer. */
  toggle(group) {
    this._groups[group] = !this._groups[group];
    this.redraw();
  }

  /** Stand still, or go on. */
  pause() {
    if (this._frozen !== null) this.follow();
    else this._freeze();
    this.redraw();
  }

  _freeze() {
    this._frozen ??= [...this._store.last()];
    this._frame.follows = false;
  }

  follow() {
    this._frozen = null;
    this._frame.follows = true;
    this.redraw();
  }

  _choose(event) {
    this._chosen = event;
    this._cone = event === null ? null : this._slots.cone(event);
  }

  pan(dx, dy) {
    this._freeze();
    this._arrange();
    this._frame.pan(dx, dy);
    if (this._frame.follows) this._frozen = null;
    this.redraw();
  }

  zoom(factor, x = this._sheet.width / 2, y = this._sheet.height / 2) {
    const able = this._frame.zoom(factor, x, y);
    this.redraw();
    return able;
  }

  hover(x, y) {
    const found = this._near(x, y);
    if (found === this._pointed) return;
    this._pointed = found;
    this._canvas.style.cursor = found === null ? "" : "pointer";
    this.redraw();
  }

  leave() {
    this._pointed = null;
    this.redraw();
  }

  press(x, y) {
    this._canvas.focus({ preventScroll: true });
    const found = this._near(x, y);
    if (found !== null) this._freeze(); // what one looks at must not run away
    this._arrange();
    this._choose(found);
    this.redraw();
  }

  /** The event of the nearest mark, else of the nearest arrow, else null. */
  _near(x, y) {
    const nearest = (things, far, most) =>
      things.reduce(([best, least], thing) => {
        const away = far(thing);
        return away < least ? [thing.event, away] : [best, least];
      }, [null, most])[0];
    const marks = this._painter.points.filter((point) => point.event.mid === undefined);
    return (
      nearest(marks, (point) => Math.hypot(point.x - x, point.y - y), NEAR) ??
      nearest(this._painter.arrows, (one) => distance(x, y, one), NEAR - 3)
    );
  }

  _key(event) {
    const page = (this._frame.flat ? this._sheet.width : this._sheet.height) * 0.9;
    const acts = {
      ArrowLeft: () => this.pan(60, 60),
      ArrowUp: () => this.pan(60, 60),
      ArrowRight: () => this.pan(-60, -60),
      ArrowDown: () => this.pan(-60, -60),
      PageUp: () => this.pan(page, page),
      PageDown: () => this.pan(-page, -page),
      Home: () => this.pan(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
      End: () => this.follow(),
      "+": () => this.zoom(1.5),
      "-": () => this.zoom(1 / 1.5),
      " ": () => this.pause(),
      Escape: () => (this._choose(null), this.redraw()),
    };
    if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(acts, event.key)) return;
    acts[event.key]();
    event.preventDefault();
    event.stopPropagation();
  }
}
