// The logs of all nodes: a row per node, a column per entry; from a few entries as cells to a million in one view.

import { Gestures } from "../gestures.js";
import { show } from "../number.js";
import { Sheet } from "../sheet.js";
import { put, say } from "../svg.js";
import { Overview, paintCommitted, paintIndexes } from "./grid_axis.js";
import { EntryCard } from "./grid_card.js";
import { entryAt } from "./grid_entry.js";
import { NodeLog } from "./grid_log.js";
import { LOW, Painter } from "./grid_paint.js";
import { Past } from "./grid_past.js";
import { Span } from "./grid_span.js";
import { Toolbar } from "./grid_toolbar.js";

const NODES_MAX = 1_000;
const ROW_MIN = 24;
const ROW_MAX = 9; // of the letters' size
const BAR = 14; // pixels of the whole log as a bar
const LEGEND = ["committed", "uncommitted", "disk", "memory", "applied", "match", "next", "snapshot", "unknown", "dropped"];

export class LogGrid {
  constructor(root, page) {
    this._page = page;
    this._root = root;
    this._logs = new Map();
    this._rows = [];
    this._span = new Span();
    this._overview = new Overview();
    this._chosen = this._pointed = null;
    this._toolbar = new Toolbar(put(root, "div", "grid-tools"), this);
    this._log = put(root, "div", "grid-log");
    this._tall = put(this._log, "div", "grid-tall");
    this._names = put(this._tall, "div", "grid-names");
    this._canvas = put(this._tall, "canvas", "grid-canvas");
    Object.assign(this._canvas, { id: "grid-canvas", tabIndex: 0, role: "img" });
    this._sheet = new Sheet(this._canvas, () => page.changed());
    this._painter = new Painter(this._sheet);
    this._past = new Past(page, () => page.changed());
    this._card = new EntryCard(put(root, "aside", "grid-card"), page);
    this._legend = put(root, "ul", "grid-legend");
    this._gestures = new Gestures(this._canvas, this);
    this._canvas.addEventListener("keydown", (event) => this._key(event));
    this._log.addEventListener("scroll", () => page.changed());
  }

  /** Sendings and receipts say at once what a leader's standing says once a second. */
  get types() {
    return ["sent", "received"];
  }

  begin(state, events) {
    this._logs = new Map(Object.keys(state.all.nodes).map((name) => [name, new NodeLog()]));
    this._past.begin(state, this._logs);
    this.take(events);
    for (const log of this._logs.values()) log.dropped = [];
  }

  take(events) {
    const now = performance.now();
    for (const [, event] of events) {
      let log = this._logs.get(event.node);
      if (log === undefined) {
        if (this._logs.size >= NODES_MAX || typeof event.node !== "string" || event.node === "collector") continue;
        log = new NodeLog();
        this._logs.set(event.node, log);
      }
      log.take(event, now);
    }
  }

  say(texts) {
    this._texts = texts;
    this._canvas.ariaLabel = texts.grid.canvas;
    this._toolbar.say(texts);
    this._card.say(texts);
    this._legend.replaceChildren();
    put(this._legend, "li", "grid-words", texts.grid.legendHint);
    for (const name of LEGEND) put(this._legend, "li", `grid-${name}`, texts.grid.legend[name]);
  }

  draw({ now, rows, standing, texts }) {
    this._rows = rows.map((row) => this._row(row, rows, standing.leader));
    this._past.look();
    const pen = this._arrange();
    const { _span: span, _sheet: sheet } = this;
    const sums = this._sums();
    span.fit(sheet.width, sums.mark, sums.last);
    const bottom = sheet.height - BAR - 4;
    let moving = false;
    pen.save();
    pen.beginPath();
    pen.rect(0, this._top - 4, sheet.width, bottom - this._top + 4);
    pen.clip();
    this._columns(bottom);
    this._rows.forEach((row, i) => {
      const y = this._yOf(i);
      if (y > bottom || y + this._rowHeight < this._top) return;
      if (this._painter.row(row, span, y, this._rowHeight, now, texts)) moving = true;
      this._frame(row, y);
    });
    pen.restore();
    const taken = paintCommitted(sheet, span, sums.commit, this._top, Math.min(bottom, this._yOf(this._rows.length)), texts);
    paintIndexes(sheet, span, this._top, taken);
    this._overview.paint(sheet, span, this._longest(), sums.mark, sums.last, sheet.height - BAR, BAR);
    this._tell(sums, texts);
    return moving;
  }

  /** What the rows come to together. */
  _sums() {
    const told = this._rows.filter((row) => row.told);
    const most = (of) => told.reduce((found, row) => Math.max(found, of(row)), 0);
    const mark = told.reduce((found, row) => Math.min(found, row.mark), Infinity);
    return {
      mark: Number.isFinite(mark) ? mark : 0,
      last: most((row) => Math.max(row.last, row.mark)),
      commit: most((row) => row.commit),
    };
  }

  /** The log of which most is there to be seen. */
  _longest() {
    const worth = (row) => row.last - row.mark + (row.role === "leader" ? 0.5 : 0);
    const found = this._rows.reduce((best, row) => (best && worth(best) >= worth(row) ? best : row), null);
    return found?.log ?? new NodeLog();
  }

  /** A node as the grid shows it. */
  _row(row, rows, leader) {
    let log = this._logs.get(row.name);
    if (log === undefined) this._logs.set(row.name, (log = new NodeLog()));
    const leading = leader !== null && leader !== row.name ? rows.find((one) => one.name === leader) : undefined;
    const said = leading && this._logs.get(leader)?.peers.get(row.name);
    return {
      name: row.name,
      log,
      role: row.role === "leader" && leader !== null && leader !== row.name ? "deposed" : row.role, // and doesn't know it
      heard: row.heard,
      told: row.last_index !== null && row.last_index !== undefined,
      mark: row.mark_index ?? 0,
      last: row.last_index ?? 0,
      stable: row.stable_index ?? 0,
      commit: row.commit_index ?? 0,
      applied: row.applied_index ?? 0,
      next: said?.next ?? leading?.next_index?.[row.name] ?? null,
      match: said?.match ?? leading?.match_index?.[row.name] ?? null,
      labelled: true,
    };
  }

  /** Sizes and names for the rows that there are; an empty canvas. */
  _arrange() {
    const height = this._log.clientHeight;
    if (this._height !== height) this._canvas.style.height = `${(this._height = height)}px`;
    const pen = this._sheet.begin();
    this._top = Math.round(this._sheet.size * 1.9);
    const room = height - this._top - BAR - 6;
    const least = Math.max(ROW_MIN, this._sheet.size * 2);
    this._rowHeight = Math.max(least, Math.min(ROW_MAX * this._sheet.size, Math.floor(room / Math.max(this._rows.length, 1))));
    const tall = this._top + this._rows.length * this._rowHeight + BAR + 6;
    if (this._tallest !== tall) this._tall.style.height = `${Math.max((this._tallest = tall), height)}px`;
    this._name();
    return pen;
  }

  /** The names at the left: elements, so that they can be read aloud, pressed and cut. */
  _name() {
    this._names.classList.toggle("low", this._rowHeight < LOW);
    while (this._names.children.length > this._rows.length) this._names.lastElementChild.remove();
    this._rows.forEach((row, i) => {
      const line = this._names.children[i] ?? this._makeName(i);
      if (line.dataset.node !== row.name) line.dataset.node = row.name;
      const kind = `grid-name ${row.heard ? row.role ?? "unknown" : "gone"}${this._page.selected === row.name ? " chosen" : ""}`;
      if (line.className !== kind) line.className = kind;
      const [top, high] = [`${this._top + i * this._rowHeight}px`, `${this._rowHeight}px`];
      if (line.style.top !== top) line.style.top = top;
      if (line.style.height !== high) line.style.height = high;
      say(line.children[0], row.name);
      say(line.children[1], row.told ? this._texts.grid.end(row.last, row.mark) : "–");
    });
  }

  _makeName(i) {
    const line = put(this._names, "button");
    line.type = "button";
    put(line, "b");
    put(line, "span").title = this._texts.grid.endTitle;
    line.onclick = () => this._page.select(this._page.selected === this._rows[i].name ? null : this._rows[i].name);
    return line;
  }

  _yOf(i) {
    return this._top + i * this._rowHeight - this._log.scrollTop;
  }

  /** Bands behind the chosen column and the one that is pointed at, and behind every other row. */
  _columns(bottom) {
    const { pen } = this._sheet;
    this._rows.forEach((row, i) => {
      if (i % 2 && this._page.selected !== row.name) return;
      pen.fillStyle = this._sheet.colour(this._page.selected === row.name ? "accent" : "ground");
      pen.globalAlpha = this._page.selected === row.name ? 0.12 : 0.7;
      pen.fillRect(0, this._yOf(i), this._sheet.width, this._rowHeight);
    });
    for (const [entry, alpha] of [[this._pointed, 0.1], [this._chosen, 0.2]]) {
      if (entry === null) continue;
      pen.globalAlpha = alpha;
      pen.fillStyle = this._sheet.colour("accent");
      pen.fillRect(this._span.x(entry.index), this._top, Math.max(2, this._span.scale), bottom - this._top);
    }
    pen.globalAlpha = 1;
  }

  /** A frame around the chosen entry. */
  _frame(row, y) {
    if (this._chosen?.node !== row.name) return;
    const { pen } = this._sheet;
    pen.strokeStyle = this._sheet.colour("accent");
    pen.lineWidth = 2.5;
    pen.strokeRect(this._span.x(this._chosen.index) - 1, y + 1, Math.max(4, this._span.scale + 1), this._rowHeight - 4);
  }

  /** The words around the canvas, and what tests can read. */
  _tell(sums, texts) {
    const span = this._span;
    const empty = sums.last <= sums.mark;
    this._toolbar.tell(empty ? texts.grid.noEntries : texts.grid.view(span.first, span.last, sums.last), span);
    const entry = this._chosen ?? this._pointed;
    this._card.show(entry && entryAt(entry.index, entry.node, this._rows), this._rows.length, this._chosen !== null);
    Object.assign(this._root.dataset, {
      first: span.first,
      last: span.last,
      scale: span.scale.toPrecision(6),
      follows: span.follows,
      entry: this._chosen ? `${this._chosen.node}:${this._chosen.index}` : "",
    });
  }

  /** Where an entry of a node is on the canvas: `{x, y, width, height}` in pixels. */
  cell(node, index) {
    const i = this._rows.findIndex((row) => row.name === node);
    return { x: this._span.x(index), y: this._yOf(i), width: this._span.scale, height: this._rowHeight };
  }

  /** The entry at a place of the canvas, null if none is there. */
  _entry(x, y) {
    if (y < this._top || y > this._sheet.height - BAR - 4) return null;
    const row = this._rows[Math.floor((y - this._top + this._log.scrollTop) / this._rowHeight)];
    const index = this._span.index(x);
    return row !== undefined && index > row.mark && index <= row.last ? { node: row.name, index } : null;
  }

  /** Draw it anew with the next frame. */
  redraw() {
    this._page.changed();
  }

  /** Look at an entry of a node; null: at none. */
  choose(entry) {
    this._chosen = entry;
    this.redraw();
  }

  pan(dx) {
    this._span.pan(dx);
    this.redraw();
  }

  zoom(factor, x = this._sheet.width / 2) {
    const able = this._span.zoom(factor, x);
    this.redraw();
    return able;
  }

  hover(x, y) {
    this._pointed = this._entry(x, y);
    this.redraw();
  }

  leave() {
    this._pointed = null;
    this.redraw();
  }

  press(x, y) {
    this._canvas.focus({ preventScroll: true });
    if (y > this._sheet.height - BAR - 4) this._span.goTo(this._overview.index(x));
    else this.choose(this._entry(x, y));
    this.redraw();
  }

  /** Bring an entry into view, wide enough to be seen alone. */
  goTo(index) {
    this._span.goTo(index, 30);
    const row = this._rows.find((one) => one.role === "leader" && index <= one.last && index > one.mark)
      ?? this._rows.find((one) => index <= one.last && index > one.mark);
    this.choose(row === undefined ? null : { node: row.name, index });
  }

  all() {
    this._span.all();
    this.redraw();
  }

  follow() {
    this._span.follow();
    this.redraw();
  }

  /** The chosen entry moves with the arrows; without one, what is in view does. */
  _key(event) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const page = this._sheet.width * 0.9;
    const acts = {
      PageUp: () => this.pan(page),
      PageDown: () => this.pan(-page),
      Home: () => this.pan(Number.MAX_SAFE_INTEGER),
      End: () => this.follow(),
      "+": () => this.zoom(1.5),
      "-": () => this.zoom(1 / 1.5),
      0: () => this.all(),
      Escape: () => this.choose(null),
    };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (Object.hasOwn(steps, event.key)) this._step(...steps[event.key]);
    else if (Object.hasOwn(acts, event.key)) acts[event.key]();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  _step(across, down) {
    if (this._chosen === null) {
      if (across) this.pan(-across * Math.max(this._span.scale, 40));
      else this._log.scrollTop += down * this._rowHeight;
      return;
    }
    const place = this._rows.findIndex((row) => row.name === this._chosen.node);
    const row = this._rows[Math.min(Math.max(place + down, 0), this._rows.length - 1)];
    const index = Math.min(Math.max(this._chosen.index + across, row.mark + 1), row.last);
    if (index > row.mark) this._chosen = { node: row.name, index };
    const x = this._span.x(this._chosen.index);
    if (x < 0 || x > this._span.width - this._span.scale) this._span.goTo(this._chosen.index);
    this.redraw();
  }
}
