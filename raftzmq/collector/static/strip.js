// The timeline's picture: who led as coloured spans with their terms, marks for what happened, how dense events are,
// and the moment that is shown.

import { Sheet } from "./sheet.js";

const REIGN = { top: 4, height: 17 };
const TICK_Y = 32;
const DENSE = { top: 42, height: 18 };
/** Colours and shapes of marks; each kind has both, for who can't tell colours. */
const MARKS = {
  violation: ["alarm", "square"],
  fault: ["alarm", "bolt"],
  crash: ["alarm", "cross"],
  leader: ["leader", "up"],
  candidate: ["candidate", "diamond"],
  start: ["follower", "dot"],
  trouble: ["unsure", "ring"],
  truncate: ["candidate", "cut"],
  snapshot: ["learner", "box"],
};
const SHAPES = {
  square: (pen, x, y) => pen.rect(x - 4, y - 4, 8, 8),
  box: (pen, x, y) => pen.rect(x - 3, y - 3, 6, 6),
  dot: (pen, x, y) => pen.arc(x, y, 3, 0, 7),
  ring: (pen, x, y) => pen.arc(x, y, 3.5, 0, 7),
  diamond: (pen, x, y) => polygon(pen, [[x, y - 5], [x + 4, y], [x, y + 5], [x - 4, y]]),
  up: (pen, x, y) => polygon(pen, [[x, y - 5], [x + 5, y + 4], [x - 5, y + 4]]),
  bolt: (pen, x, y) => polygon(pen, [[x + 1, y - 6], [x - 4, y + 1], [x - 0.5, y + 1], [x - 1, y + 6], [x + 4, y - 1], [x + 0.5, y - 1]]),
  cut: (pen, x, y) => polygon(pen, [[x - 4, y - 4], [x + 4, y - 4], [x - 4, y + 4]]),
  cross: (pen, x, y) => {
    pen.moveTo(x - 4, y - 4);
    pen.lineTo(x + 4, y + 4);
    pen.moveTo(x + 4, y - 4);
    pen.lineTo(x - 4, y + 4);
  },
};

function polygon(pen, corners) {
  corners.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.closePath();
}

/** Colours of nodes, in the order in which they led; the name stands beside. */
const NODES = ["span-1", "span-2", "span-3", "span-4", "span-5"];

export class Strip {
  /** `changed` is called when it is to be drawn anew. */
  constructor(canvas, changed) {
    this.canvas = canvas;
    this._sheet = new Sheet(canvas, changed);
    this._nodes = [];
  }

  get width() {
    return this.canvas.clientWidth;
  }

  /**
   * `outline`, the part of its line from `from` to `to`; `at`: the place of the moment; `hover`, or null, of the
   * pointer; `picked`: two places between which somebody chooses; `flags`: places of bookmarks; `term(n)`: in words.
   */
  draw({ outline, from, to, at, hover, picked, flags, term, live }) {
    const pen = this._sheet.begin();
    const { width, height } = this._sheet;
    const span = Math.max(to - from, 1e-6);
    const xOf = (place) => ((place - from) / span) * width;
    this._dense(pen, outline, from, to, width);
    this._reigns(pen, outline, xOf, width, term);
    this._ticks(pen, outline, xOf, width);
    this._flags(pen, flags, xOf);
    if (picked) {
      pen.globalAlpha = 0.18;
      pen.fillStyle = this._sheet.colour("accent");
      const [low, high] = [Math.min(...picked), Math.max(...picked)].map(xOf);
      pen.fillRect(low, 0, high - low, height);
      pen.globalAlpha = 1;
    }
    if (hover !== null) this._line(pen, xOf(hover), height, "soft", 1);
    const x = Math.min(Math.max(xOf(at), 1), width - 1);
    pen.globalAlpha = 0.07;
    pen.fillStyle = this._sheet.colour("ink");
    if (!live) pen.fillRect(x, 0, width - x, height);
    pen.globalAlpha = 1;
    this._line(pen, x, height, "ink", 2);
    pen.fillStyle = this._sheet.colour(live ? "good" : "ink");
    pen.beginPath();
    polygon(pen, [[x - 6, 0], [x + 6, 0], [x + 6, 4], [x, 10], [x - 6, 4]]);
    pen.fill();
  }

  _line(pen, x, height, colour, width) {
    pen.fillStyle = this._sheet.colour(colour);
    pen.fillRect(x - width / 2, 0, width, height);
  }

  _dense(pen, outline, from, to, width) {
    const columns = Math.max(1, Math.floor(width / 3));
    const counts = [];
    let before = outline.positionAt(from);
    for (let i = 1; i <= columns; i++) {
      const position = outline.positionAt(from + ((to - from) * i) / columns);
      counts.push(position - before);
      before = position;
    }
    const most = Math.max(...counts, 1);
    pen.fillStyle = this._sheet.colour("line");
    pen.fillRect(0, DENSE.top + DENSE.height, width, 1);
    pen.fillStyle = this._sheet.colour("gone");
    pen.globalAlpha = 0.65;
    counts.forEach((count, i) => {
      const high = Math.sqrt(count / most) * DENSE.height; // bursts must not hide the rest
      pen.fillRect((i * width) / columns, DENSE.top + DENSE.height - high, Math.max(1, width / columns - 1), high);
    });
    pen.globalAlpha = 1;
  }

  _reigns(pen, outline, xOf, width, term) {
    this._sheet.letters(1, 600);
    pen.textBaseline = "middle";
    pen.fillStyle = this._sheet.colour("line");
    pen.globalAlpha = 0.55;
    pen.fillRect(0, REIGN.top, width, REIGN.height);
    pen.globalAlpha = 1;
    for (const reign of outline.reigns) {
      const [left, right] = [xOf(outline.xOf(reign.first)), reign.last === null ? xOf(outline.length) : xOf(outline.xOf(reign.last))];
      if (right < 0 || left > width) continue;
      if (!this._nodes.includes(reign.node)) this._nodes.push(reign.node);
      const colour = NODES[this._nodes.indexOf(reign.node) % NODES.length];
      const [low, high] = [Math.max(left, 0), Math.min(right, width)];
      pen.globalAlpha = 0.28;
      pen.fillStyle = this._sheet.colour(colour);
      pen.fillRect(low, REIGN.top, Math.max(high - low, 1.5), REIGN.height);
      pen.globalAlpha = 1;
      pen.fillRect(low, REIGN.top, Math.min(3, Math.max(high - low, 1.5)), REIGN.height);
      this._label(pen, [`${reign.node} · ${term(reign.term)}`, `${reign.node}`, `${reign.term}`], low + 7, high - low - 9);
    }
  }

  /** The longest of some texts that fits. */
  _label(pen, texts, x, room) {
    const text = texts.find((one) => this._sheet.wide(one) <= room);
    if (text === undefined) return;
    pen.fillStyle = this._sheet.colour("ink");
    pen.fillText(text, x, REIGN.top + REIGN.height / 2 + 1);
  }

  _ticks(pen, outline, xOf, width) {
    pen.lineWidth = 2;
    // The weightiest last, on top of the others.
    for (const kind of Object.keys(MARKS).reverse()) {
      const [colour, shape] = MARKS[kind];
      pen.fillStyle = pen.strokeStyle = this._sheet.colour(colour);
      let drawn = -9;
      for (const tick of outline.ticks) {
        if (tick.kind !== kind) continue;
        const x = xOf(outline.xOf(tick.position));
        if (x < -6 || x > width + 6 || x - drawn < 2) continue; // one beside the other is one
        drawn = x;
        pen.beginPath();
        SHAPES[shape](pen, x, TICK_Y);
        if (shape === "cross" || shape === "ring") pen.stroke();
        else pen.fill();
      }
    }
  }

  _flags(pen, flags, xOf) {
    pen.fillStyle = this._sheet.colour("accent");
    for (const place of flags) {
      const x = xOf(place);
      pen.beginPath();
      polygon(pen, [[x, DENSE.top - 2], [x + 8, DENSE.top + 2], [x, DENSE.top + 6]]);
      pen.fill();
      pen.fillRect(x - 0.75, DENSE.top - 2, 1.5, DENSE.height + 2);
    }
  }
}
