// What surrounds the rows of the log grid: the indexes above, how far is committed, and the whole log below as a bar.

import { show } from "../number.js";
import { colourOf, segments } from "./grid_paint.js";

const APART = 74; // pixels between indexes

/** 1, 2 or 5 times a power of ten: the least that is not below `least`. */
function roundStep(least) {
  const ten = 10 ** Math.floor(Math.log10(Math.max(least, 1)));
  return [1, 2, 5, 10].map((one) => one * ten).find((step) => step >= least);
}

/** The indexes above the rows, each over the middle of its entry; none between the pixels of `taken`. */
export function paintIndexes(sheet, span, height, taken) {
  const { pen } = sheet;
  const step = roundStep(APART / span.scale);
  sheet.letters(0.9);
  pen.fillStyle = sheet.colour("soft");
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  for (let index = Math.max(step, Math.ceil(span.first / step) * step); index <= span.last; index += step) {
    const x = span.x(index + 0.5);
    const wide = sheet.wide(show(index), 0.9) / 2;
    const free = x + wide + 4 < taken[0] || x - wide - 4 > taken[1];
    if (free && x - wide >= 0 && x + wide <= span.width) pen.fillText(show(index), x, height / 2);
  }
}

/** A line behind the last entry that is committed anywhere, with its index above; returns from where to where that is. */
export function paintCommitted(sheet, span, commit, top, bottom, texts) {
  const x = span.x(commit + 1);
  if (!commit || x < -1 || x > span.width + 1) return [Infinity, Infinity];
  const { pen } = sheet;
  pen.strokeStyle = pen.fillStyle = sheet.colour("ink");
  pen.lineWidth = 2;
  pen.beginPath();
  pen.moveTo(x, top - 4);
  pen.lineTo(x, bottom);
  pen.stroke();
  const word = texts.grid.committedTo(show(commit));
  sheet.letters(0.9, 600);
  const wide = pen.measureText(word).width + 12;
  const begin = Math.min(Math.max(x - wide, 0), span.width - wide);
  pen.fillRect(begin, 1, wide, top - 5);
  pen.fillStyle = sheet.colour("panel");
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(word, begin + wide / 2, (top - 3) / 2);
  return [begin, begin + wide];
}

/** The whole log as a bar, and in it a frame around what is in view. */
export class Overview {
  constructor() {
    this._scale = 1;
    this._mark = 0;
  }

  /** The index at a pixel of the bar. */
  index(x) {
    return Math.round(this._mark + 1 + x / this._scale);
  }

  paint(sheet, span, log, mark, last, y, height) {
    const { pen } = sheet;
    this._mark = mark;
    this._scale = span.width / Math.max(last - mark, 1);
    const whole = { left: mark + 1, scale: this._scale, width: span.width, x: (index) => (index - mark - 1) * this._scale };
    pen.fillStyle = sheet.colour("line");
    pen.fillRect(0, y, span.width, height);
    if (last > mark) {
      for (const part of segments(log.terms, whole, mark + 1, last)) {
        pen.fillStyle = part.term === null ? sheet.hatch("gone") : sheet.colour(colourOf(part.term));
        pen.fillRect(part.x, y + 2, part.end - part.x, height - 4);
      }
    }
    const x = Math.max(0, whole.x(span.first));
    const wide = Math.max(5, Math.min(span.width, whole.x(span.last + 1)) - x);
    pen.strokeStyle = sheet.colour("ink");
    pen.lineWidth = 2;
    pen.strokeRect(Math.min(x, span.width - wide) + 1, y + 1, wide - 2, height - 2);
  }
}
