// Draws the rows of the log grid. What it costs depends on the pixels in view, not on how many entries lie behind them.

import { show } from "../number.js";

const TERM_COLOURS = 7;
const SEPARATED = 4; // from so many pixels per entry on, entries stand apart
const CELLS = 12; // and from so many on, each has a frame of its own
const FADE_MS = 6000;

/** Rows lower than this have no room for two lines. */
export const LOW = 34;

/** The name of a term's colour: next terms differ, and the seventh after has the same again. */
export const colourOf = (term) => `term-${term % TERM_COLOURS}`;

/**
 * What a row shows of entries `from` to `to`: `{first, last, term, x, end}`, in pixels, a null term where it isn't known.
 * Entries narrower than a pixel are skipped, all but one for each pixel.
 */
export function* segments(runs, span, from, to) {
  let index = from;
  let place = runs.place(index);
  while (index <= to) {
    while (place < runs.runs.length && runs.runs[place].last < index) place += 1;
    const run = runs.runs[place];
    const known = run !== undefined && run.first <= index;
    const last = Math.min(to, known ? run.last : (run?.first ?? to + 1) - 1);
    const x = span.x(index);
    const end = span.x(last + 1);
    yield { first: index, last, term: known ? run.term : null, x, end: Math.max(end, Math.floor(x) + 1) };
    index = last + 1;
    if (end < Math.floor(x) + 1) {
      index = Math.max(index, Math.ceil(span.left + (Math.floor(x) + 1) / span.scale));
      place = runs.place(index);
    }
  }
}

export class Painter {
  constructor(sheet) {
    this._sheet = sheet;
    this._still = matchMedia("(prefers-reduced-motion: reduce)");
  }

  /** One node's row: `row` as the grid makes it, `y` its top. Says whether something in it still moves. */
  row(row, span, y, height, now, texts) {
    const pen = this._sheet.pen;
    const rail = height >= 40 ? 3 : 2;
    const lane = height >= 40 ? 12 : height >= LOW ? 9 : 1; // for the leader's marks; in low rows they lie on the rails
    const body = { y: y + 3, height: height - 3 - (2 * rail + 3) - lane };
    pen.globalAlpha = row.heard ? 1 : 0.5;
    if (row.mark > 0) this._snapshot(row, span, body, texts);
    const from = Math.max(row.mark + 1, span.first);
    const to = Math.min(row.last, span.last);
    if (from <= to) {
      const parts = [...this._parts(row, span, from, to)];
      for (const part of parts) this._fill(part, span, body);
      if (span.scale >= SEPARATED) this._apart(span, from, to, body);
      for (const part of parts) this._name(part, span, body, texts);
      this._memory(row, span, Math.max(from, row.stable + 1), to, body);
      this._rail(span, from, Math.min(row.stable, to), body.y + body.height + 2, rail, "ink");
      this._rail(span, from, Math.min(row.applied, to), body.y + body.height + rail + 3, rail, "learner");
    }
    this._peer(row, span, y + height - (height >= LOW ? 8 + (height >= 40) : 9), texts);
    pen.globalAlpha = 1;
    return this._dropped(row, span, body, now);
  }

  /** What the log has forgotten because a snapshot of the state holds it. */
  _snapshot(row, span, body, texts) {
    const { pen } = this._sheet;
    const end = span.x(row.mark + 1);
    if (end <= 0) return;
    const begin = Math.max(0, span.x(1));
    pen.fillStyle = this._sheet.colour("line");
    pen.fillRect(begin, body.y, end - begin, body.height);
    pen.fillStyle = this._sheet.colour("gone");
    pen.fillRect(end - 3, body.y, 3, body.height);
    const words = [texts.grid.snapshotTo(show(row.mark)), `≤ ${show(row.mark)}`];
    const word = words.find((one) => this._sheet.wide(one, 0.95) + 10 <= end - begin);
    if (word) this._write(word, (begin + end - 3) / 2, body, "ink", 0.95);
  }

  _write(word, x, body, colour, part, weight = 400) {
    const { pen } = this._sheet;
    this._sheet.letters(part, weight);
    pen.fillStyle = this._sheet.colour(colour);
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(word, x, body.y + body.height / 2 + 0.5);
  }

  /** The segments of a row, split where the node's commit index is: `firm` up to there. */
  *_parts(row, span, from, to) {
    for (const part of segments(row.log.terms, span, from, to)) {
      const last = Math.min(part.last, row.commit);
      if (last >= part.first) yield { ...part, last, end: last === part.last ? part.end : span.x(last + 1), firm: true };
      if (part.last <= row.commit) continue;
      const first = Math.max(part.first, row.commit + 1);
      yield { ...part, first, x: first === part.first ? part.x : span.x(first), firm: false };
    }
  }

  /** Full where it is committed, hollow between two lines where it isn't yet, slanting lines where the term isn't known. */
  _fill(part, span, body) {
    const { pen } = this._sheet;
    const x = Math.max(part.x, -2);
    const width = Math.min(part.end, span.width + 2) - x;
    const name = part.term === null ? "gone" : colourOf(part.term);
    pen.fillStyle = part.term === null ? this._sheet.hatch(name) : this._sheet.colour(name);
    if (part.firm) {
      pen.fillRect(x, body.y, width, body.height);
      return;
    }
    const alpha = pen.globalAlpha;
    pen.globalAlpha = alpha * 0.25;
    pen.fillRect(x, body.y + 2, width, body.height - 4);
    pen.globalAlpha = alpha;
    pen.fillStyle = this._sheet.colour(name);
    pen.fillRect(x, body.y + 1, width, 2);
    pen.fillRect(x, body.y + body.height - 3, width, 2);
  }

  /** The term as text: in each cell if there is room, else once in the run if there are `texts`, else not. */
  _name(part, span, body, texts) {
    const sheet = this._sheet;
    const colour = part.term === null ? "gone" : colourOf(part.term);
    const ink = !part.firm ? "ink" : part.term === null ? "soft" : `on-${colour}`;
    const word = part.term === null ? "?" : String(part.term);
    const size = body.height >= 14 ? 1 : 0.85;
    if (span.scale >= sheet.wide(word, size) + 7) {
      for (let index = Math.max(part.first, span.first); index <= Math.min(part.last, span.last); index++) {
        this._write(word, span.x(index + 0.5), body, ink, size, 600);
      }
      return;
    }
    if (texts === null) return;
    const begin = Math.max(part.x, 0);
    const end = Math.min(part.end, span.width);
    const words = [part.term === null ? texts.grid.unknownTerm : texts.grid.term(show(part.term)), word];
    const fits = words.find((one) => sheet.wide(one, size) + 10 <= end - begin);
    if (!fits) return;
    const middle = (begin + end) / 2;
    if (part.term === null || !part.firm) this._ground(fits, size, middle, body, "panel");
    else if (span.scale >= SEPARATED) this._ground(fits, size, middle, body, colour);
    this._write(fits, middle, body, ink, size, 600);
  }

  /** A quiet ground for a word that lies over lines. */
  _ground(word, size, middle, body, colour) {
    const { pen } = this._sheet;
    const wide = this._sheet.wide(word, size) + 8;
    const high = Math.min(body.height - 4, this._sheet.size * 1.4);
    pen.fillStyle = this._sheet.colour(colour);
    pen.fillRect(middle - wide / 2, body.y + (body.height - high) / 2, wide, high);
  }

  /** Lines between entries that are wide enough to be seen one by one. */
  _apart(span, from, to, body) {
    const { pen } = this._sheet;
    pen.beginPath();
    for (let index = from; index <= to + 1; index++) {
      const x = Math.round(span.x(index));
      pen.moveTo(x, body.y);
      pen.lineTo(x, body.y + body.height);
    }
    pen.strokeStyle = this._sheet.colour("panel");
    pen.lineWidth = span.scale >= CELLS ? 2 : 1;
    pen.stroke();
  }

  /** Entries that are in memory only: a dashed frame around what a loss of power would take. */
  _memory(row, span, from, to, body) {
    if (from > to) return;
    const { pen } = this._sheet;
    const cells = span.scale >= CELLS;
    const x = Math.max(span.x(from), -4);
    pen.strokeStyle = this._sheet.colour("ink");
    pen.lineWidth = 1.5;
    pen.setLineDash([4, 3]);
    pen.beginPath();
    for (let index = from; cells && index <= to; index++) {
      pen.rect(span.x(index) + 2, body.y + 1, span.scale - 4, body.height - 2);
    }
    if (!cells) pen.rect(x, body.y + 1, Math.max(2, span.x(to + 1) - x), body.height - 2);
    pen.stroke();
    pen.setLineDash([]);
  }

  /** Up to where something is done: to the disk, to the state. */
  _rail(span, from, to, y, height, colour) {
    if (from > to) return;
    const x = Math.max(span.x(from), 0);
    this._sheet.pen.fillStyle = this._sheet.colour(colour);
    this._sheet.pen.fillRect(x, y, Math.max(1, Math.min(span.x(to + 1), span.width) - x), height);
  }

  /** What the leader knows of a follower: match index (full), next index (hollow), and what is under way between. */
  _peer(row, span, y, texts) {
    if (row.next === null || row.match === null) return;
    const { pen } = this._sheet;
    const match = span.x(row.match + 1) - Math.min(span.scale / 2, 8);
    const next = span.x(row.next) + Math.min(span.scale / 2, 8);
    pen.strokeStyle = pen.fillStyle = this._sheet.colour("follower");
    pen.lineWidth = 1.5;
    const low = y + 7;
    if (next - match > 12) {
      pen.beginPath();
      pen.moveTo(Math.max(match + 5, -2), y + 4);
      pen.lineTo(Math.min(next - 5, span.width + 2), y + 4);
      pen.stroke();
    }
    for (const [x, full] of [[match, true], [next, false]]) {
      if (x < -10 || x > span.width + 10) continue;
      pen.beginPath();
      pen.moveTo(x - 4.5, low);
      pen.lineTo(x, y);
      pen.lineTo(x + 4.5, low);
      pen.closePath();
      if (full) pen.fill();
      else pen.stroke();
    }
    const word = texts.grid.matchNext(show(row.match), show(row.next));
    const begin = Math.max(match, next) + 9;
    if (!row.labelled || begin < 0 || begin + this._sheet.wide(word, 0.82) > span.width) return;
    this._sheet.letters(0.82);
    pen.fillStyle = this._sheet.colour("soft");
    pen.textAlign = "left";
    pen.textBaseline = "middle";
    pen.fillText(word, begin, y + 4);
  }

  /** Entries that left the log: struck out, fallen below their row, fading. */
  _dropped(row, span, body, now) {
    const { pen } = this._sheet;
    row.log.dropped = row.log.dropped.filter((one) => now - one.since < FADE_MS);
    for (const { first, last, runs, since } of row.log.dropped) {
      const part = this._still.matches ? 0.2 : Math.max(0, (now - since) / FADE_MS);
      const high = Math.min(body.height, 15);
      const box = { y: body.y + body.height - high / 2 + Math.min(1, part * 8) * (high * 0.8), height: high };
      pen.globalAlpha = 1 - part ** 3;
      for (const run of runs) {
        const x = Math.max(span.x(run.first), -2);
        const end = Math.max(x + 2, Math.min(span.x(run.last + 1), span.width + 2));
        this._fill({ x, end, term: run.term, firm: true }, span, box);
        this._name({ ...run, x, end, firm: true }, span, box, null);
      }
      const x = Math.max(span.x(first), -2);
      pen.fillStyle = this._sheet.colour("alarm");
      pen.fillRect(x, box.y + high / 2 - 1.5, Math.min(Math.max(span.x(last + 1), x + 2), span.width + 2) - x, 3);
      pen.globalAlpha = 1;
    }
    return row.log.dropped.length > 0;
  }
}
