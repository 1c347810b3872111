// The nodes on a ring: who they are by colour, shape and text; lines go from the leader to whom it leads, arrows from
// who votes to whom it votes for.

import { show } from "./number.js";
import { crossOf, shapeOf } from "./shapes.js";
import { draw, place, say } from "./svg.js";
import { Votes } from "./votes.js";

const LINE = 15;
const HEAD = 7;

export class Ring {
  /** `page` says which node is looked at; a click on a node is told to it by the element of the ring. */
  constructor(svg, page) {
    this._svg = svg;
    this._page = page;
    svg.setAttribute("role", "group");
    this._lines = draw(svg, "g", { class: "lines" });
    this._arrows = draw(svg, "g", { class: "votes" });
    this._term = draw(svg, "g", { class: "centre" });
    this._termWord = draw(this._term, "text", { class: "centre-word" });
    this._termNumber = draw(this._term, "text", { class: "centre-number" });
    this._nodes = draw(svg, "g");
    this._glyphs = new Map();
    this._places = new Map();
    this.votes = new Votes();
    this.width = this.height = 0;
  }

  /** Another moment; `events` led there. */
  begin(state, events) {
    this.votes.begin(events);
  }

  /** The next events of the stream. */
  take(events) {
    this.votes.take(events);
  }

  /** The names of the nodes, in their order. */
  get names() {
    return [...this._places.keys()];
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
    const narrow = width < 480 || this._page.settings.presenter;
    const n = Math.max(names.length, 1);
    const words = (narrow ? 2.2 : 3.2) * LINE;
    const rx = Math.max(60, width / 2 - (narrow ? 52 : 110));
    const ry = Math.max(60, (height - words) / 2 - 52);
    const ring = Math.min(rx, ry * 1.6);
    const tall = Math.min(ry, ring);
    this.radius = Math.max(9, Math.min(narrow ? 25 : 34, tall * Math.sin(Math.PI / Math.max(2, n)) * 0.62));
    this.detailed = n <= 9 && !narrow;
    this._brief = narrow && n <= 9;
    const centre = { x: width / 2, y: (height - words) / 2 + 8 };
    this._places = new Map(
      names.map((name, i) => {
        const angle = -Math.PI / 2 + (i * 2 * Math.PI) / n;
        return [name, { x: centre.x + ring * Math.cos(angle), y: centre.y + tall * Math.sin(angle) }];
      }),
    );
    // Below what stands under the node at the top.
    const under = Math.max(-12, -tall + this.radius * 1.25 + (this.detailed ? 4.6 : 2.6) * LINE);
    place(this._termWord, { x: centre.x, y: centre.y + under });
    place(this._termNumber, { x: centre.x, y: centre.y + under + 32 });
    for (const [name, glyph] of this._glyphs) {
      if (this._places.has(name)) continue;
      glyph.group.remove();
      this._glyphs.delete(name);
    }
  }

  /** Show the cluster: `rows` as the page's view makes them, the leader's name or null, at `now_ms` of the cluster. */
  update(rows, leader, term, texts, width, height, now_ms) {
    this._layout(rows.map((row) => row.name), width, height);
    say(this._termWord, texts.termWord);
    say(this._termNumber, term ? show(term) : "–");
    const cast = this.votes.at(now_ms, leader);
    for (const row of rows) this._update(row, texts, rows.length, cast.length > 0, leader);
    this._lead(rows, leader);
    this._vote(cast, texts);
  }

  /** Lines from the leader to those who follow it. */
  _lead(rows, leader) {
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

  /** Arrows from voters to candidates; a refusal is crossed out. */
  _vote(cast, texts) {
    const key = `${this._key} ${this.votes.key} ${cast.length} ${texts.termWord}`;
    if (key === this._castKey) return;
    this._castKey = key;
    this._arrows.replaceChildren();
    for (const [voter, vote] of cast) {
      const a = this._places.get(voter);
      const b = this._places.get(vote.candidate);
      if (a === undefined || b === undefined || voter === vote.candidate) continue;
      const kind = `${vote.granted ? "granted" : "refused"}${vote.pre_vote ? " asked" : ""}`;
      const arrow = draw(this._arrows, "g", { class: kind, "data-vote": `${voter} ${vote.candidate}` });
      const told = vote.pre_vote ? texts.ring.wouldVote : texts.ring.votes;
      draw(arrow, "title").textContent = told(voter, vote.candidate, vote.granted);
      this._arrow(arrow, a, b, vote.granted);
    }
  }

  _arrow(group, a, b, granted) {
    const length = Math.hypot(b.x - a.x, b.y - a.y) || 1;
    const [x, y] = [(b.x - a.x) / length, (b.y - a.y) / length];
    const gap = this.radius * 1.35;
    const from = { x: a.x + x * gap, y: a.y + y * gap };
    const to = { x: b.x - x * gap, y: b.y - y * gap };
    draw(group, "line", { x1: from.x.toFixed(1), y1: from.y.toFixed(1), x2: to.x.toFixed(1), y2: to.y.toFixed(1) });
    const d = granted
      ? [[-x - y * 0.6, -y + x * 0.6], [0, 0], [-x + y * 0.6, -y - x * 0.6]]
          .map(([dx, dy], i) => `${i ? "L" : "M"}${(to.x + dx * 2 * HEAD).toFixed(1)},${(to.y + dy * 2 * HEAD).toFixed(1)}`)
          .join("")
      : `M${(from.x + to.x) / 2 - HEAD},${(from.y + to.y) / 2 - HEAD}l${2 * HEAD},${2 * HEAD}m0,${-2 * HEAD}l${-2 * HEAD},${2 * HEAD}`;
    draw(group, "path", { d });
  }

  _update(row, texts, of, voting, leader) {
    const glyph = this._glyphs.get(row.name) ?? this._make(row.name);
    const at = this._places.get(row.name);
    const r = this.radius;
    const kind = row.heard ? row.role ?? "unknown" : row.condition;
    const selected = this._page.selected === row.name;
    // It hasn't heard of its successor yet, or speaks no more: there are not two leaders.
    const past = kind === "leader" && row.name !== leader;
    const word = past ? texts.ring.past : row.heard ? texts.roles[row.role] ?? row.role ?? "" : texts.conditions[row.condition];
    const lines = [word, ...(row.heard ? this._details(row, texts, of, voting) : [])];
    place(glyph.group, {
      transform: `translate(${at.x.toFixed(1)},${at.y.toFixed(1)})`,
      class: `node ${kind}${past ? " past" : ""}`,
      "data-node": row.name,
      "aria-pressed": selected,
      "aria-label": `${row.name}: ${lines.filter(Boolean).join(", ")}`,
    });
    glyph.group.toggleAttribute("data-selected", selected);
    place(glyph.shape, { d: shapeOf(kind, r) });
    place(glyph.cross, { d: kind === "down" ? crossOf(r) : "" });
    say(glyph.name, row.name);
    glyph.lines.forEach((line, i) => {
      place(line, { y: r * 1.25 + 10 + LINE * (i + 0.6) });
      say(line, lines[i] ?? "");
    });
  }

  /** What stands below a node's role. */
  _details(row, texts, of, voting) {
    const known = row.commit_index !== null && row.commit_index !== undefined;
    if (this._brief) return [known ? `✓ ${show(row.commit_index)}` : ""];
    if (!this.detailed) return [];
    const stands = known ? `${texts.committed} ${show(row.commit_index)} · ${texts.applied} ${show(row.applied_index)}` : "";
    if (voting && row.role === "candidate") return [texts.ring.has(this.votes.countOf(row.name), of), stands];
    return [stands, [`${texts.termWord} ${show(row.term)}`, row.voted_for ? texts.votedFor(row.voted_for) : ""].filter(Boolean).join(" · ")];
  }

  _make(name) {
    const group = draw(this._nodes, "g", { tabindex: 0, role: "button" });
    const shape = draw(group, "path", { class: "shape" });
    const cross = draw(group, "path", { class: "cross" });
    const label = draw(group, "text", { class: "name", dy: "0.35em" });
    const lines = [0, 1, 2].map((i) => draw(group, "text", { class: i ? "detail" : "role" }));
    const glyph = { group, shape, cross, name: label, lines };
    group.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      group.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    });
    this._glyphs.set(name, glyph);
    return glyph;
  }
}
