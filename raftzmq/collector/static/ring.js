// The nodes on a ring: who they are by colour, shape and text; lines go from the leader to whom it leads.

import { draw, place, say } from "./svg.js";
import { show } from "./number.js";

const LINE = 15;

/** Corners of a regular shape, as an SVG path. */
function polygon(corners, radius, turn) {
  const points = Array.from({ length: corners }, (_, i) => {
    const angle = turn + (i * 2 * Math.PI) / corners;
    return `${(radius * Math.cos(angle)).toFixed(2)},${(radius * Math.sin(angle)).toFixed(2)}`;
  });
  return `M${points.join("L")}Z`;
}

const circle = (r) => `M${-r},0a${r},${r} 0 1,0 ${2 * r},0a${r},${r} 0 1,0 ${-2 * r},0Z`;

/** The shape says the role also without colours. */
function shapeOf(kind, r) {
  if (kind === "leader") return polygon(6, r * 1.22, Math.PI / 6);
  if (kind === "candidate" || kind === "pre-candidate") return polygon(4, r * 1.25, 0);
  if (kind === "learner") return polygon(4, r * 1.2, Math.PI / 4);
  return circle(r);
}

export class Ring {
  constructor(svg) {
    this._svg = svg;
    this._lines = draw(svg, "g", { class: "lines" });
    this._term = draw(svg, "g", { class: "centre" });
    this._termWord = draw(this._term, "text", { class: "centre-word" });
    this._termNumber = draw(this._term, "text", { class: "centre-number" });
    this._nodes = draw(svg, "g");
    this._glyphs = new Map();
    this._places = new Map();
    this.width = this.height = 0;
  }

  /** Where a node's centre is, in pixels; undefined for a stranger. */
  placeOf(name) {
    return this._places.get(name);
  }

  /** The way of a message: bent to one side, so that requests and answers don't meet. `part` goes from 0 to 1. */
  wayOf(from, to, part) {
    const a = this._places.get(from);
    const b = this._places.get(to);
    const bend = 0.11;
    const x = (a.x + b.x) / 2 - (b.y - a.y) * bend * 2;
    const y = (a.y + b.y) / 2 + (b.x - a.x) * bend * 2;
    const rest = 1 - part;
    return { x: rest * rest * a.x + 2 * rest * part * x + part * part * b.x, y: rest * rest * a.y + 2 * rest * part * y + part * part * b.y };
  }

  /** Lay out for a size; nothing moves afterwards until the size or the set of nodes changes. */
  _layout(names, width, height) {
    const key = `${names.join()} ${width} ${height}`;
    if (key === this._key) return;
    this._key = key;
    this.width = width;
    this.height = height;
    place(this._svg, { viewBox: `0 0 ${width} ${height}` });
    const narrow = width < 480;
    const n = Math.max(names.length, 1);
    const words = narrow ? 1.2 * LINE : 3.2 * LINE;
    const rx = Math.max(60, width / 2 - (narrow ? 52 : 110));
    const ry = Math.max(60, (height - words) / 2 - 52);
    const ring = Math.min(rx, ry * 1.35);
    const tall = Math.min(ry, ring);
    this.radius = Math.max(9, Math.min(narrow ? 25 : 34, tall * Math.sin(Math.PI / n) * 0.62));
    this.detailed = !narrow && n <= 9;
    const centre = { x: width / 2, y: (height - words) / 2 + 6 };
    this._places = new Map(
      names.map((name, i) => {
        const angle = -Math.PI / 2 + (i * 2 * Math.PI) / n;
        return [name, { x: centre.x + ring * Math.cos(angle), y: centre.y + tall * Math.sin(angle) }];
      }),
    );
    place(this._termWord, { x: centre.x, y: centre.y - 12 });
    place(this._termNumber, { x: centre.x, y: centre.y + 20 });
    for (const [name, glyph] of this._glyphs) {
      if (this._places.has(name)) continue;
      glyph.group.remove();
      this._glyphs.delete(name);
    }
  }

  /** Show the cluster: `rows` as the page's view makes them, the leader's name or null. */
  update(rows, leader, term, texts, width, height) {
    this._layout(rows.map((row) => row.name), width, height);
    say(this._termWord, texts.termWord);
    say(this._termNumber, term ? show(term) : "–");
    for (const row of rows) this._update(row, texts);
    const led = leader === null ? [] : rows.filter((row) => row.leader === leader && row.name !== leader && row.heard);
    const key = `${this._key} ${leader} ${led.map((row) => row.name)}`;
    if (key === this._ledKey) return;
    this._ledKey = key;
    this._lines.replaceChildren();
    for (const row of led) {
      const a = this._places.get(leader);
      const b = this._places.get(row.name);
      draw(this._lines, "line", { x1: a.x, y1: a.y, x2: b.x, y2: b.y });
    }
  }

  _update(row, texts) {
    const glyph = this._glyphs.get(row.name) ?? this._make(row.name);
    const at = this._places.get(row.name);
    const r = this.radius;
    const kind = row.heard ? row.role ?? "unknown" : row.condition;
    place(glyph.group, { transform: `translate(${at.x.toFixed(1)},${at.y.toFixed(1)})`, class: `node ${kind}`, "data-node": row.name });
    place(glyph.shape, { d: shapeOf(kind, r) });
    place(glyph.cross, { d: kind === "down" ? `M${-r * 0.72},${-r * 0.72}L${r * 0.72},${r * 0.72}` : "" });
    this._timer(glyph.timer, row, r);
    say(glyph.name, row.name);
    const word = row.heard ? texts.roles[row.role] ?? row.role ?? "" : texts.conditions[row.condition];
    const lines = [word];
    if (this.detailed && row.heard) {
      if (row.commit_index !== null) lines.push(`${texts.committed} ${show(row.commit_index)} · ${texts.applied} ${show(row.applied_index)}`);
      lines.push([`${texts.termWord} ${show(row.term)}`, row.voted_for ? texts.votedFor(row.voted_for) : ""].filter(Boolean).join(" · "));
    }
    glyph.lines.forEach((line, i) => {
      place(line, { y: r * 1.25 + 10 + LINE * (i + 0.6) });
      say(line, lines[i] ?? "");
    });
  }

  /** What was left of the election timer when the node last said so: a full turn is the longest that was seen. */
  _timer(arc, row, r) {
    const due = row.heard && row.role !== "leader" ? row.election_due_us : null;
    const around = 2 * Math.PI * (r + 7);
    this._longest = Math.max(this._longest ?? 1, due ?? 0);
    const part = due === null ? 0 : Math.max(0.02, due / this._longest);
    place(arc, { r: r + 7, visibility: due === null ? "hidden" : "visible", "stroke-dasharray": `${(around * part).toFixed(1)} ${around.toFixed(1)}` });
  }

  _make(name) {
    const group = draw(this._nodes, "g");
    const timer = draw(group, "circle", { class: "timer", transform: "rotate(-90)" });
    const shape = draw(group, "path", { class: "shape" });
    const cross = draw(group, "path", { class: "cross" });
    const label = draw(group, "text", { class: "name", dy: "0.35em" });
    const lines = [0, 1, 2].map((i) => draw(group, "text", { class: i ? "detail" : "role" }));
    const glyph = { group, timer, shape, cross, name: label, lines };
    this._glyphs.set(name, glyph);
    return glyph;
  }
}
