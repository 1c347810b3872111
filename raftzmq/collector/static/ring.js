// The nodes on a ring: who they are by colour, shape and text; lines go from the leader to whom it leads, arrows from
// who votes to whom it votes for.

import { show } from "./number.js";
import { LINE, TERM, arrange, wordsAt } from "./ring_places.js";
import { crossOf, shapeOf } from "./shapes.js";
import { draw, place, say } from "./svg.js";
import { Votes } from "./votes.js";

const HEAD = 7;
/** So many nodes can be read one by one; of more, each has its role alone. */
const MOST_DETAILED = 9;
/** A log as long as that is expected: its length must have room too. */
const LONG = 9_999_999;
/** No words take more pixels of a line. */
const WIDEST = 150;
/** Letters as the style has them. */
const ROLE = "650 13.5px";
const DETAIL = "400 12.5px";

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
    this._pen = document.createElement("canvas").getContext("2d");
    this.votes = new Votes();
    this.width = this.height = 0;
    this.taken = [];
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

  /** Lay out for a size; nothing moves afterwards until the size, the language or the set of nodes changes. */
  _layout(names, width, height, texts) {
    const key = `${names.join()} ${width} ${height} ${texts.termWord} ${this._page.settings.presenter}`;
    if (key === this.key) return;
    /** Another one if things stand elsewhere. */
    this.key = key;
    this.width = width;
    this.height = height;
    place(this._svg, { viewBox: `0 0 ${width} ${height}` });
    this._family = getComputedStyle(this._svg).fontFamily;
    const levels = this._levels(names, texts);
    const { level, radius, nodes, term, taken } = arrange(names, width, height, levels);
    this.radius = radius;
    /** The boxes { left, right, top, bottom } of nodes, of words and of the term. */
    this.taken = taken;
    this._level = levels[level];
    this._places = new Map(nodes.map((node) => [node.name, node]));
    place(this._termWord, { x: term.x, y: term.y - 12 });
    place(this._termNumber, { x: term.x, y: term.y + 20 });
    for (const [name, glyph] of this._glyphs) {
      if (this._places.has(name)) continue;
      glyph.group.remove();
      this._glyphs.delete(name);
    }
  }

  /** How much can be said of each node, from all to nothing; for an audience shortly, and so in larger letters. */
  _levels(names, texts) {
    const { leader, follower, candidate } = texts.roles;
    const role = this._wide([leader, follower, candidate, ...Object.values(texts.conditions)], ROLE);
    const longest = names.reduce((long, name) => (name.length > long.length ? name : long), "");
    const whole = [texts.ring.has(names.length, names.length), ...this._stands(texts, LONG, LONG), this._voted(texts, 999, longest)];
    const { presenter } = this._page.settings;
    const least = presenter ? 14 : 17;
    const levels = [
      { says: "whole", lines: 4, wide: Math.max(role, Math.min(WIDEST, this._wide(whole, DETAIL))), inner: 150, least: 24, most: 34 },
      { says: "brief", lines: 2, wide: Math.max(role, this._wide([`✓ ${show(LONG)}`], DETAIL)), inner: 0, least, most: 30 },
      { says: "role", lines: 1, wide: role, inner: 0, least: 13, most: 25 },
      { says: "nothing", lines: 0, wide: 0, inner: 0, least: 9, most: 25 },
    ];
    return levels.slice(names.length > MOST_DETAILED ? 2 : presenter ? 1 : 0);
  }

  /** How wide the widest of some texts is in these letters, in pixels. */
  _wide(texts, letters) {
    this._pen.font = `${letters} ${this._family}`;
    return Math.ceil(Math.max(...texts.map((text) => this._pen.measureText(text).width)));
  }

  /** Say it in no more room than there is: the letters of what is longer stand closer. */
  _say(element, text, letters, wide) {
    if (element.textContent === text && element.dataset.wide === String(wide)) return;
    element.dataset.wide = wide;
    say(element, text);
    const tight = text !== "" && this._wide([text], letters) > wide;
    if (tight) place(element, { textLength: wide, lengthAdjust: "spacingAndGlyphs" });
    else for (const name of ["textLength", "lengthAdjust"]) element.removeAttribute(name);
  }

  /** Show the cluster: `rows` as the page's view makes them, the leader's name or null, at `now_ms` of the cluster. */
  update(rows, leader, term, texts, width, height, now_ms) {
    this._layout(rows.map((row) => row.name), width, height, texts);
    say(this._termWord, texts.termWord);
    this._say(this._termNumber, term ? show(term) : "–", "700 34px", 2 * TERM.half);
    const cast = this.votes.at(now_ms, leader);
    for (const row of rows) this._update(row, texts, rows.length, cast.length > 0, leader);
    this._lead(rows, leader);
    this._vote(cast, texts);
  }

  /** Lines from the leader to those who follow it. */
  _lead(rows, leader) {
    const led = leader === null ? [] : rows.filter((row) => row.leader === leader && row.name !== leader && row.heard);
    const key = `${this.key} ${leader} ${led.map((row) => row.name)}`;
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
    const key = `${this.key} ${this.votes.key} ${cast.length} ${texts.termWord}`;
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
    const lines = [word, ...(row.heard ? this._details(row, texts, of, voting) : [])].filter(Boolean);
    const shown = lines.slice(0, this._level.lines);
    const from = wordsAt(at.side, r, shown.length);
    place(glyph.group, {
      transform: `translate(${at.x.toFixed(1)},${at.y.toFixed(1)})`,
      class: `node ${kind}${past ? " past" : ""}`,
      "data-node": row.name,
      "data-side": at.side,
      "aria-pressed": selected,
      "aria-label": `${row.name}: ${lines.join(", ")}`,
    });
    glyph.group.toggleAttribute("data-selected", selected);
    place(glyph.shape, { d: shapeOf(kind, r) });
    place(glyph.cross, { d: kind === "down" ? crossOf(r) : "" });
    say(glyph.name, row.name);
    glyph.lines.forEach((line, i) => {
      place(line, { x: from.x, y: from.y + LINE * i });
      this._say(line, shown[i] ?? "", i ? DETAIL : ROLE, this._level.wide);
    });
  }

  /** What stands below a node's role. */
  _details(row, texts, of, voting) {
    const known = row.commit_index !== null && row.commit_index !== undefined;
    if (this._level.says !== "whole") return known ? [`✓ ${show(row.commit_index)}`] : [];
    const stands = known ? this._stands(texts, row.commit_index, row.applied_index) : [];
    if (voting && row.role === "candidate") return [texts.ring.has(this.votes.countOf(row.name), of), ...stands];
    return [...stands, this._voted(texts, row.term, row.voted_for)];
  }

  _stands(texts, committed, applied) {
    return [`${texts.committed} ${show(committed)}`, `${texts.applied} ${show(applied)}`];
  }

  _voted(texts, term, voted_for) {
    return [`${texts.termWord} ${show(term)}`, voted_for ? texts.votedFor(voted_for) : ""].filter(Boolean).join(" · ");
  }

  _make(name) {
    const group = draw(this._nodes, "g", { tabindex: 0, role: "button" });
    const shape = draw(group, "path", { class: "shape" });
    const cross = draw(group, "path", { class: "cross" });
    const label = draw(group, "text", { class: "name", dy: "0.35em" });
    const lines = [0, 1, 2, 3].map((i) => draw(group, "text", { class: i ? "detail" : "role" }));
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
