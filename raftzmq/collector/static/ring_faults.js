// What is broken on purpose, drawn on the ring: groups that are parted, links that are cut or spoiled, nodes that are
// chosen to be broken next.

import { faultsOf, groupsOf, partsOf } from "./faults_words.js";
import { meet } from "./ring_places.js";
import { draw, place } from "./svg.js";

const BEND = 0.13;
/** Where along a link its words may stand; off the middle of the ring first, where the term is. */
const ALONG = [0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.25, 0.7, 0.75];
/** On it, or to a side of it, in parts of their width. */
const ASIDE = [0, 0.5, -0.5, 0.75, -0.75];
const HIGH = 14;

export class RingFaults {
  constructor(svg, ring) {
    this._ring = ring;
    const layer = (kind) => {
      const made = draw(svg, "g", { class: kind });
      svg.querySelector(".centre").before(made);
      return made;
    };
    this._groups = draw(svg, "g", { class: "parted" });
    svg.querySelector("title").after(this._groups); // below all else
    this._links = layer("broken");
    this._chosen = layer("chosen");
    this._marks = draw(svg, "g", { class: "broken-marks" });
  }

  /** Draw the faults of `state`; `chosen` is a set of names. */
  draw(state, chosen, words) {
    const ring = this._ring;
    const names = ring.names.filter((name) => ring.placeOf(name) !== undefined);
    const faults = faultsOf(state).filter(({ from, to }) => names.includes(from) && names.includes(to));
    const told = faults.map(({ from, to, fault }) => [from, to, ...partsOf(fault, words)]);
    const key = JSON.stringify([told, [...chosen], names, ring.key, words.cut]);
    if (key === this._key) return;
    this._key = key;
    this._taken = [...ring.taken];
    for (const layer of [this._groups, this._links, this._chosen, this._marks]) layer.replaceChildren();
    const groups = groupsOf(names, faults);
    const groupOf = new Map(groups.flatMap((group, i) => group.map((name) => [name, i])));
    if (groups.length > 1) groups.forEach((group) => this._group(group, words));
    const shown = new Set();
    for (const { from, to, fault } of faults) {
      if (fault.cut && groupOf.get(from) !== groupOf.get(to)) continue;
      const back = faults.find((other) => other.from === to && other.to === from);
      const both = back !== undefined && back.fault.cut && fault.cut;
      if (both && shown.has(`${to}\n${from}`)) continue;
      shown.add(`${from}\n${to}`);
      this._link(from, to, fault, both, words);
    }
    for (const name of chosen) this._choose(name);
  }

  /** A soft shape around nodes that still hear each other. */
  _group(group, words) {
    const points = hullOf(group.map((name) => this._ring.placeOf(name)));
    const d = `M${points.map((at) => `${at.x.toFixed(1)},${at.y.toFixed(1)}`).join("L")}Z`;
    const wide = 2 * (this._ring.radius * 1.3 + 12);
    const made = draw(this._groups, "g", { "data-group": group.join(" ") });
    draw(made, "title").textContent = words.group(group.join(", "));
    draw(made, "path", { d, class: "rim", "stroke-width": wide + 4 });
    draw(made, "path", { d, class: "land", "stroke-width": wide });
  }

  /** A link that is cut or spoiled, bent to the side on which its messages fly; a straight one if both ways are cut. */
  _link(from, to, fault, both, words) {
    const [a, b] = [this._ring.placeOf(from), this._ring.placeOf(to)];
    const bend = both ? 0 : BEND;
    const turn = { x: (a.x + b.x) / 2 - (b.y - a.y) * bend * 2, y: (a.y + b.y) / 2 + (b.x - a.x) * bend * 2 };
    const at = (part) => {
      const rest = 1 - part;
      const [p, q, r] = [rest * rest, 2 * rest * part, part * part];
      return { x: p * a.x + q * turn.x + r * b.x, y: p * a.y + q * turn.y + r * b.y };
    };
    const away = (this._ring.radius * 1.35) / (Math.hypot(b.x - a.x, b.y - a.y) || 1);
    const points = Array.from({ length: 25 }, (_, i) => at(away + (i / 24) * (1 - 2 * away)));
    const kind = fault.cut ? "cut" : "spoiled";
    const made = draw(this._links, "g", { class: kind, "data-link": `${from} ${to}`, "data-both": both });
    const parts = partsOf(fault, words);
    draw(made, "title").textContent = `${from} ${both ? "↔" : "→"} ${to}: ${parts.join(", ")}`;
    draw(made, "path", { d: `M${points.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join("L")}` });
    if (!both) this._head(made, points.at(-3), points.at(-1));
    const mark = draw(this._marks, "g", { class: kind });
    if (fault.cut) this._cross(mark, at(0.5));
    else this._words(mark, at, parts);
  }

  _cross(mark, { x, y }) {
    draw(mark, "text", { x: x.toFixed(1), y: (y + 5).toFixed(1) }).textContent = "✕";
    this._taken.push(boxAround(x, y, HIGH, HIGH));
  }

  /**
   * Words where they lie over nothing else, in one line or one below the other. Where there is no such place they are
   * left out: what the link is drawn with says that something is wrong, and what it is, its title and the matrix say.
   */
  _words(mark, at, parts) {
    const texts = parts.map(() => draw(mark, "text"));
    for (const lines of [[parts.join(" ")], parts]) {
      texts.forEach((text, i) => (text.textContent = lines[i] ?? ""));
      const wide = Math.max(...texts.map((text) => text.getComputedTextLength()));
      const box = this._room(at, wide + 6, lines.length * HIGH);
      if (box === undefined) continue;
      this._taken.push(box);
      const x = ((box.left + box.right) / 2).toFixed(1);
      texts.forEach((text, i) => place(text, { x, y: (box.top + HIGH * (i + 0.8)).toFixed(1) }));
      return;
    }
    mark.remove();
  }

  /** A box of this size on a link, or beside it, that is taken by nothing else; undefined: there is none. */
  _room(at, wide, high) {
    const { width, height } = this._ring;
    const boxes = ASIDE.flatMap((aside) => ALONG.map((along) => boxAround(at(along).x + aside * wide, at(along).y, wide, high)));
    const within = ({ left, right, top, bottom }) => left >= 0 && top >= 0 && right <= width && bottom <= height;
    return boxes.find((box) => within(box) && !this._taken.some((other) => meet(box, other)));
  }

  _head(made, before, tip) {
    const length = Math.hypot(tip.x - before.x, tip.y - before.y) || 1;
    const [x, y] = [((tip.x - before.x) / length) * 9, ((tip.y - before.y) / length) * 9];
    const corner = (side) => `${(tip.x - x + side * y * 0.6).toFixed(1)},${(tip.y - y - side * x * 0.6).toFixed(1)}`;
    draw(made, "path", { class: "head", d: `M${corner(1)}L${tip.x.toFixed(1)},${tip.y.toFixed(1)}L${corner(-1)}` });
  }

  _choose(name) {
    const at = this._ring.placeOf(name);
    if (at === undefined) return;
    draw(this._chosen, "circle", { cx: at.x.toFixed(1), cy: at.y.toFixed(1), r: this._ring.radius * 1.3 + 8, "data-chosen": name });
  }
}

function boxAround(x, y, wide, high) {
  return { left: x - wide / 2, right: x + wide / 2, top: y - high / 2, bottom: y + high / 2 };
}

/** The corners of the smallest convex shape around points, in their order around it. */
function hullOf(points) {
  const sorted = [...points].sort((a, b) => a.x - b.x || a.y - b.y);
  const half = (list) => {
    const found = [];
    for (const point of list) {
      while (found.length > 1) {
        const [a, b] = [found.at(-2), found.at(-1)];
        if ((b.x - a.x) * (point.y - a.y) - (b.y - a.y) * (point.x - a.x) > 0) break;
        found.pop();
      }
      found.push(point);
    }
    return found.slice(0, -1);
  };
  return sorted.length < 3 ? sorted : [...half(sorted), ...half(sorted.reverse())];
}
