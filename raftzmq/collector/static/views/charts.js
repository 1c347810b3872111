// Charts of the last minute or ten: operations, the time to an answer, how far nodes are behind, and what disks take.

import { put, say } from "../svg.js";
import { Chart, coloursOf } from "./charts_drawing.js";
import { Figures, SPANS } from "./charts_series.js";

const AGAIN_MS = 120;

/** Per second, whatever the width of a column. */
const rate = (name) => (column, column_ms) => (column[name] * 1000) / column_ms;
const percent = (name, p) => (column) => column[name].at(p);

/** What is drawn: by chart, its lines. Nothing in a column but what events of that time told. */
const CHARTS = {
  operations: [
    { name: "writes", colour: "follower", value: rate("writes") },
    { name: "reads", colour: "dot-entries", dash: [5, 3], value: rate("reads") },
  ],
  answer: [
    { name: "p50", colour: "follower", value: percent("answer", 50) },
    { name: "p99", colour: "candidate", dash: [5, 3], value: percent("answer", 99) },
    { name: "slowest", colour: "dot-entries", points: true, value: (column) => column.slowest },
  ],
  lag: [{ name: "lag", colour: "follower", value: (column) => column.lag }],
  sync: [
    { name: "p50", colour: "follower", value: percent("sync", 50) },
    { name: "p99", colour: "candidate", dash: [5, 3], value: percent("sync", 99) },
  ],
};

export class Charts {
  constructor(root, page) {
    this._page = page;
    this._live = new Figures();
    this._past = new Figures();
    this._watching = false;
    this._span = SPANS[0];
    this._looked = null;
    this._at = 0;
    this._bar = put(root, "div", "charts-bar");
    this._buttons = SPANS.map((span) => {
      const button = put(this._bar, "button");
      button.type = "button";
      button.dataset.span = span.name;
      button.onclick = () => this._choose(span);
      return button;
    });
    this._marks = put(this._bar, "span", "charts-marks");
    const grid = put(root, "div", "charts");
    this._parts = Object.entries(CHARTS).map(([name, lines]) => this._part(grid, name, lines));
    this._choose(this._span);
  }

  _part(grid, name, lines) {
    const figure = put(grid, "figure", "chart");
    figure.dataset.chart = name;
    const caption = put(figure, "figcaption");
    const title = put(caption, "strong");
    const values = put(caption, "span", "values");
    const canvas = put(figure, "canvas");
    canvas.tabIndex = 0;
    canvas.role = "img";
    const told = lines.map((line) => {
      const found = put(values, "span", "value");
      const key = put(found, "i");
      key.style.color = `var(--${line.colour})`;
      key.className = line.points ? "points" : line.dash ? "dashed" : "";
      return { label: put(found, "span"), number: put(found, "b"), line };
    });
    const drawn = lines.map((line) => ({ ...line, value: (column) => line.value(column, this._span.column_ms) }));
    const chart = new Chart(canvas, drawn);
    canvas.addEventListener("pointermove", (event) => this._look(chart.columnAt(event.clientX, 240)));
    canvas.addEventListener("pointerleave", () => this._look(null));
    canvas.addEventListener("blur", () => this._look(null));
    canvas.addEventListener("keydown", (event) => this._press(event));
    return { name, title, canvas, chart, told, lines: drawn };
  }

  /** Those of the moment that is shown. What comes live is added up in any case: who comes back to it misses nothing. */
  get figures() {
    return this._page.player.live ? this._live : this._past;
  }

  begin(state, events) {
    const { player } = this._page;
    this._past.begin(state.leader);
    if (!player.live) this._past.take(events);
    else if (!this._watching) {
      this._watching = true;
      this._live.begin(state.leader);
      this._live.take(events);
      player.watch({ arrived: (arrived, anew) => (anew ? this._live.restart(player.stream.state.leader) : this._live.take(arrived)) });
    }
    this._at = 0;
  }

  take(events) {
    if (!this._page.player.live) this._past.take(events);
  }

  say(texts) {
    this._texts = texts;
    const words = texts.charts;
    this._buttons.forEach((button) => say(button, words.spans[button.dataset.span]));
    for (const { name, title, told } of this._parts) {
      say(title, words.titles[name]);
      title.title = words.tells[name];
      for (const { label, line } of told) {
        say(label, words.lines[line.name]);
        label.title = words.lineTells[line.name] ?? words.tells[name];
      }
    }
    this._at = 0;
  }

  shown() {
    this._at = 0;
  }

  draw({ now, state, live }) {
    const theme = getComputedStyle(this._bar).color;
    const key = `${theme} ${this._looked} ${this._span.name}`;
    if (now - this._at < AGAIN_MS && key === this._key) return;
    this._at = now;
    if (theme !== this._theme) this._colours = coloursOf(this._bar);
    this._theme = theme;
    this._key = key;
    const { columns } = this.figures.series[this._span.name].until(state.all.time_ms);
    const words = this._texts.charts;
    say(this._marks, live ? words.marks : words.past);
    const seconds = (this._span.column_ms * columns.length) / 1000;
    const ticks = [[0, words.ago(seconds)], [0.5, words.ago(seconds / 2)], [1, live ? words.now : words.then]];
    // The newest column is still filling up.
    const looked = this._looked ?? columns.length - 2;
    for (const part of this._parts) {
      part.chart.draw(columns, this._colours, this._looked, ticks);
      this._tell(part, columns, looked, words);
    }
  }

  /** The figures as text: those that are looked at, or the newest. */
  _tell({ name, canvas, told, lines }, columns, looked, words) {
    told.forEach(({ number, line }, i) => {
      // What comes once a second isn't in every column.
      const from = line.points ? Math.max(0, looked - Math.round(1000 / this._span.column_ms)) : looked;
      const value = columns.slice(from, looked + 1).map((column) => column && lines[i].value(column)).findLast((found) => found !== null) ?? null;
      say(number, value === null ? "–" : words.value[name](value));
    });
    const age = ((columns.length - 1 - looked) * this._span.column_ms) / 1000;
    const values = told.map(({ label, number }) => `${label.textContent} ${number.textContent}`).join(", ");
    const label = `${words.titles[name]}, ${this._looked === null ? words.now : words.ago(age)}: ${values}`;
    if (canvas.ariaLabel !== label) canvas.ariaLabel = label;
  }

  _choose(span) {
    this._span = span;
    for (const button of this._buttons) button.ariaPressed = String(button.dataset.span === span.name);
    this._page.changed();
  }

  _look(column) {
    if (column === this._looked) return;
    this._looked = column;
    this._page.changed();
  }

  _press(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    this._look(Math.max(0, Math.min(239, (this._looked ?? 239) + by)));
  }
}
