// Draws the Lamport diagram: a line for each node, marks for events on it, arrows for messages between them.

import { show } from "../number.js";
import { colourOf } from "./grid_paint.js";
import { MARKS, kindOf, nodeOf } from "./lamport_kinds.js";
import { arrow, lost, mark } from "./lamport_marks.js";

const MARGIN = 150; // places that are looked at before those in view, for messages that are under way into it
const LABELLED = 11; // pixels per place from which on messages are named
const STUB = 26; // pixels along the axis of a message whose other end isn't known

export class LamportPainter {
  constructor(sheet) {
    this._sheet = sheet;
    /** What was drawn, for pointing at: `{x, y, event}` and `{a, b, event}`. */
    this.points = [];
    this.arrows = [];
    /** How many of them are lost. */
    this.lost = 0;
  }

  /**
   * `slots` in `frame`; `lostOf(message)` says of one that has no receipt whether it is lost; `chosen` is an event,
   * `cone` what is before and after it, or null; of the nodes in `silent` nothing is heard.
   */
  paint(slots, frame, { texts, base, lostOf, chosen, cone, pointed, silent }) {
    Object.assign(this, { _frame: frame, _texts: texts, _chosen: chosen, _cone: cone, _pointed: pointed, _lostOf: lostOf });
    this.points = [];
    this.arrows = [];
    this.lost = 0;
    this._taken = [];
    const [first, last] = frame.view;
    const places = slots.places.slice(Math.max(0, slots.from(first) - MARGIN), slots.from(last) + 1);
    this._axis(slots, frame, base);
    this._lines(slots, frame, silent);
    for (const place of places) if (place.event.mid !== undefined) this._message(place, slots);
    for (const place of places) this._mark(place);
    this._pen.globalAlpha = 1;
  }

  get _pen() {
    return this._sheet.pen;
  }

  /** Events that are neither cause nor effect of the chosen one stand back. */
  _fade(...events) {
    const bright = this._cone === null || events.some((one) => this._cone.before.has(one) || this._cone.after.has(one));
    this._pen.globalAlpha = bright ? 1 : 0.18;
  }

  /** A line per node; dotted where it wasn't there: before it started, and behind the last word of a silent one. */
  _lines(slots, frame, silent) {
    const gone = [...silent].map((node) => ({ node, from: slots.lastOf.get(node) ?? -Infinity, to: Infinity }));
    const absences = [...slots.absences, ...gone];
    const [begin, end] = frame.flat ? [0, frame.width] : [frame.head, frame.height];
    for (const [node, lane] of frame.lanes) {
      let at = begin;
      for (const absence of absences) {
        if (absence.node !== node) continue;
        const from = Math.min(Math.max(frame.along(absence.from), begin), end);
        const to = Math.min(Math.max(frame.along(absence.to), begin), end);
        this._line(at, from, lane, []);
        this._line(from, to, lane, [2, 6]);
        at = Math.max(at, to);
      }
      this._line(at, end, lane, []);
    }
    this._pen.setLineDash([]);
  }

  /** A piece of a node's line, along the axis. */
  _line(from, to, lane, dash) {
    if (from >= to) return;
    const pen = this._pen;
    const point = (along) => (this._frame.flat ? [along, lane] : [lane, along]);
    pen.strokeStyle = this._sheet.colour("gone");
    pen.lineWidth = 1.5;
    pen.setLineDash(dash);
    pen.beginPath();
    pen.moveTo(...point(from));
    pen.lineTo(...point(to));
    pen.stroke();
  }

  /** Times along the edge, with faint lines across. */
  _axis(slots, frame, base) {
    const pen = this._pen;
    this._sheet.letters(0.82);
    pen.textBaseline = "middle";
    pen.textAlign = frame.flat ? "center" : "left";
    let before = -Infinity;
    for (const [at, word] of this._times(slots, frame, base)) {
      const along = frame.along(at);
      const apart = frame.flat ? Math.max(70, this._sheet.wide(word, 0.82) + 14) : 34;
      if (frame.flat && along + apart / 2 > frame.width + 7) break;
      if (along - before < apart || along < (frame.flat ? 20 : frame.head + 6)) continue;
      before = along;
      pen.globalAlpha = 1;
      pen.fillStyle = this._sheet.colour("soft");
      pen.fillText(word, frame.flat ? along : 2, frame.flat ? 9 : along - 7);
      pen.fillStyle = this._sheet.colour("line");
      if (frame.flat) pen.fillRect(along, 18, 1, frame.height);
      else pen.fillRect(0, along, frame.width, 1);
    }
  }

  *_times(slots, frame, base) {
    const [first, last] = frame.view;
    if (slots.clock) {
      const step = 10 ** Math.ceil(Math.log10((frame.flat ? 70 : 34) / frame.scale));
      for (let at = Math.max(0, Math.ceil(first / step) * step); at <= last; at += step) {
        yield [at, this._texts.lamport.ms(step < 1 ? at.toFixed(Math.round(-Math.log10(step))) : show(Math.round(at)))];
      }
      return;
    }
    let time = null;
    for (let i = slots.from(first); i < slots.places.length && slots.places[i].at <= last; i++) {
      const { event, at } = slots.places[i];
      if (event.lamport !== time) yield [at, `L${event.lamport < base ? "−" : "+"}${show(Math.abs(event.lamport - base))}`];
      time = event.lamport;
    }
  }

  _colour(kind) {
    return this._sheet.colour(kind === "read" ? "learner" : `dot-${kind}`);
  }

  _message(place, slots) {
    const { event } = place;
    const { sent, received, told } = slots.messages.get(event.mid);
    const from = this._frame.lane(event.type.endsWith("sent") ? event.node : event.peer);
    const to = this._frame.lane(event.type.endsWith("sent") ? event.peer : event.node);
    if (from === undefined || to === undefined) return;
    const kind = kindOf(event);
    if (!event.type.endsWith("sent")) {
      const end = this._frame.point(place.at, to);
      const begin = sent === null ? this._stub(place.at, to, from, -1) : this._frame.point(sent.at, from);
      this._arrow(begin, end, event, sent?.event ?? event, kind, sent === null ? [3, 3] : null);
    } else if (!received.length) {
      this._fade(event);
      const begin = this._frame.point(place.at, from);
      const end = this._frame.point(place.at + this._ahead(), to);
      if (this._lostOf(event, told)) {
        this.lost += 1;
        const cross = lost(this._pen, begin, end, this._colour(kind), this._sheet.colour("alarm"));
        this.arrows.push({ a: begin, b: cross, event });
        this._label(event, begin, cross, kind);
      } else {
        this._arrow(begin, this._stub(place.at, from, to, 1), event, event, kind, [3, 3]);
      }
    }
  }

  /** How many places ahead a message would have come that didn't. */
  _ahead() {
    return Math.max(STUB * 1.6, 40) / this._frame.scale;
  }

  /** A little of the way from one line towards the other. */
  _stub(at, lane, other, direction) {
    const across = Math.sign(other - lane) * Math.min(Math.abs(other - lane) * 0.4, 34);
    return this._frame.point(at + (direction * STUB) / this._frame.scale, lane + across);
  }

  _arrow(a, b, event, cause, kind, dash) {
    this._fade(event, cause);
    const strong = this._isChosen(event) || this._isChosen(cause);
    arrow(this._pen, a, b, this._colour(kind), strong ? 3.2 : kind === "beat" ? 1.1 : 1.7, dash);
    this.arrows.push({ a, b, event });
    this._label(event, a, b, kind);
  }

  _isChosen(event) {
    const same = (one) => one !== null && (one === event || (event.mid !== undefined && one.mid === event.mid));
    return same(this._chosen) || same(this._pointed);
  }

  /** What a message says in a word or two, on its arrow, where nothing else stands. */
  _label(event, a, b, kind) {
    if (kind === "beat" || (this._frame.scale < LABELLED && !this._frame.clock)) return;
    const word = this._texts.lamport.brief(event);
    if (!word) return;
    const wide = this._sheet.wide(word, 0.82) + 6;
    for (const part of [0.5, 0.3, 0.7]) {
      const at = { x: a.x + (b.x - a.x) * part, y: a.y + (b.y - a.y) * part };
      if (this._free(at.x - wide / 2, at.y - 7, wide, 14)) {
        this._write(word, at, wide, this._colour(kind), "center");
        return;
      }
    }
  }

  /** Is nothing written there? Then something is, from now on. */
  _free(x, y, wide, high) {
    if (x < 0 || x + wide > this._frame.width || y < this._frame.head || y + high > this._frame.height) return false;
    if (this._taken.length > 400) return false;
    if (this._taken.some((one) => x < one.x + one.wide && one.x < x + wide && y < one.y + one.high && one.y < y + high)) return false;
    this._taken.push({ x, y, wide, high });
    return true;
  }

  _write(word, at, wide, colour, align, weight = 400) {
    const pen = this._pen;
    const left = align === "center" ? at.x - wide / 2 : at.x;
    const alpha = pen.globalAlpha;
    pen.globalAlpha = alpha * 0.85;
    pen.fillStyle = this._sheet.colour("panel");
    pen.fillRect(left, at.y - 7, wide, 14);
    pen.globalAlpha = alpha;
    this._sheet.letters(0.82, weight);
    pen.fillStyle = colour;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(word, left + wide / 2, at.y + 0.5);
  }

  _mark(place) {
    const { event } = place;
    const frame = this._frame;
    const lane = frame.lane(nodeOf(event));
    if (lane === undefined) return;
    const at = frame.point(place.at, lane);
    this._fade(event);
    this.points.push({ ...at, event });
    if (event.mid !== undefined) {
      this._pen.fillStyle = this._colour(kindOf(event));
      this._pen.beginPath();
      this._pen.arc(at.x, at.y, 2.6, 0, 2 * Math.PI);
      this._pen.fill();
    } else {
      const [shape, colour] = this._look(event);
      mark(this._pen, shape, at, this._sheet.colour(colour), this._sheet.colour("panel"), frame.flat);
      this._say(event, at);
    }
    if (!this._isChosen(event)) return;
    this._pen.strokeStyle = this._sheet.colour("accent");
    this._pen.lineWidth = 2.5;
    this._pen.beginPath();
    this._pen.arc(at.x, at.y, 11, 0, 2 * Math.PI);
    this._pen.stroke();
  }

  /** The shape and the colour of an event. */
  _look(event) {
    const [shape, colour] = MARKS[event.type];
    if (event.type === "append") return [shape, colourOf(event.terms?.at(-1) ?? event.term)];
    if (event.type === "vote") return [event.granted ? "ballot" : "no", colour];
    if (event.type === "disrupt_refused") return ["no", colour];
    if (event.type === "process") return event.state === "RUNNING" ? ["ring", "ink"] : ["cross", colour];
    if (event.type !== "role") return [shape, colour];
    if (event.role === "leader") return ["hexagon", "leader"];
    return /candidate/.test(event.role) ? ["rhomb", "candidate"] : ["follower", "follower"];
  }

  /** The words beside a mark, where there is room for them. */
  _say(event, at) {
    const word = this._texts.lamport.mark(event);
    if (!word) return;
    const wide = this._sheet.wide(word, 0.82) + 4;
    const colour = this._sheet.colour(event.type === "role" || event.type === "truncate" ? "ink" : "soft");
    const weight = event.type === "role" ? 650 : 400;
    const spots = this._frame.flat
      ? [[-wide / 2, -17], [-wide / 2, 17], [-wide / 2, -31]]
      : [[11, 0], [11, 12], [-wide - 11, 0]];
    for (const [dx, dy] of spots) {
      if (!this._free(at.x + dx, at.y + dy - 7, wide, 14)) continue;
      this._write(word, { x: at.x + dx, y: at.y + dy }, wide, colour, "left", weight);
      return;
    }
  }
}
