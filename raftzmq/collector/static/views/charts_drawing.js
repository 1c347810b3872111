// One chart on a canvas: lines over columns of time, a scale, marks of elections, and a place that is looked at.

const LEFT = 46;
const RIGHT = 10;
const TOP = 10;
const BOTTOM = 20;

/** The next of 1, 2, 5, 10, 20 … that is not below. */
export function roundUp(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value * 0.999);
}

/** A number for a scale: 1.2 k rather than 1200. */
export function shortly(value) {
  if (value >= 1e6) return `${+(value / 1e6).toPrecision(3)} M`;
  if (value >= 1e4) return `${+(value / 1e3).toPrecision(3)} k`;
  return `${+value.toPrecision(3)}`;
}

/** The colours of the style sheet now. */
export function coloursOf(element) {
  const style = getComputedStyle(element);
  return Object.fromEntries(["ink", "soft", "line", "panel", "follower", "leader", "candidate", "accent", "dot-entries"].map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

export class Chart {
  /** `lines` are [{colour, dash or points, value(column)}]. */
  constructor(canvas, lines) {
    this._canvas = canvas;
    this._lines = lines;
    this._width = this._height = 0;
    this.top = 1;
    new ResizeObserver(([entry]) => {
      this._width = Math.round(entry.contentRect.width);
      this._height = Math.round(entry.contentRect.height);
    }).observe(canvas);
  }

  /** Which column is at a place of the screen, of `count`; null beside all. */
  columnAt(x, count) {
    const part = (x - this._canvas.getBoundingClientRect().left - LEFT) / (this._width - LEFT - RIGHT);
    return part < 0 || part > 1 ? null : Math.min(count - 1, Math.floor(part * count));
  }

  /** Draw columns; `looked` is the number of one, or null; `ticks` are [part, text]. */
  draw(columns, colours, looked, ticks) {
    if (!this._width || !this._height) return;
    const canvas = this._canvas;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(this._width * ratio), Math.round(this._height * ratio)];
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, this._width, this._height);
    const values = this._lines.map(({ value }) => columns.map((column) => (column === null ? null : value(column))));
    let highest = 0;
    for (const line of values) for (const value of line) if (value !== null && value > highest) highest = value;
    // The scale grows at once and shrinks only when there is much room: it would dance otherwise.
    const top = roundUp(highest);
    if (top > this.top || highest < this.top / 5) this.top = top;
    this._scale(pen, colours, ticks);
    this._marks(pen, colours, columns);
    this._lines.forEach((line, i) => this._line(pen, colours, line, values[i]));
    if (looked !== null) this._look(pen, colours, values, looked);
  }

  _x(i, count) {
    return LEFT + ((i + 0.5) / count) * (this._width - LEFT - RIGHT);
  }

  _y(value) {
    return this._height - BOTTOM - (Math.min(value, this.top) / this.top) * (this._height - TOP - BOTTOM);
  }

  _scale(pen, colours, ticks) {
    pen.font = "11px system-ui, sans-serif";
    pen.fillStyle = colours.soft;
    pen.strokeStyle = colours.line;
    pen.lineWidth = 1;
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    for (const part of [0, 0.5, 1]) {
      const y = Math.round(this._y(part * this.top)) + 0.5;
      pen.beginPath();
      pen.moveTo(LEFT, y);
      pen.lineTo(this._width - RIGHT, y);
      pen.stroke();
      pen.fillText(shortly(part * this.top), LEFT - 6, y);
    }
    pen.textBaseline = "bottom";
    for (const [part, text] of ticks) {
      pen.textAlign = part === 1 ? "right" : part === 0 ? "left" : "center";
      pen.fillText(text, LEFT + part * (this._width - LEFT - RIGHT), this._height - 2);
    }
  }

  /** Elections: a dashed line each; with the new leader's name where one won. */
  _marks(pen, colours, columns) {
    pen.strokeStyle = pen.fillStyle = colours.candidate;
    pen.lineWidth = 1.5;
    pen.textAlign = "left";
    pen.textBaseline = "top";
    columns.forEach((column, i) => {
      if (column === null || (!column.elections && !column.leaders.length)) return;
      const x = Math.round(this._x(i, columns.length)) + 0.5;
      pen.setLineDash(column.leaders.length ? [] : [3, 3]);
      pen.beginPath();
      pen.moveTo(x, TOP - 4);
      pen.lineTo(x, this._height - BOTTOM);
      pen.stroke();
      if (!column.leaders.length) return;
      const name = column.leaders.at(-1).slice(0, 12);
      const beside = x + 4 + pen.measureText(name).width < this._width - RIGHT;
      pen.textAlign = beside ? "left" : "right";
      pen.fillText(name, x + (beside ? 4 : -4), 1);
    });
    pen.setLineDash([]);
  }

  _line(pen, colours, { colour, dash, points }, values) {
    if (points) return this._points(pen, colours[colour], values);
    pen.strokeStyle = colours[colour];
    pen.lineWidth = 2;
    pen.lineJoin = "round";
    pen.setLineDash(dash ?? []);
    pen.beginPath();
    let drawn = false;
    values.forEach((value, i) => {
      if (value === null) drawn = false;
      else {
        const [x, y] = [this._x(i, values.length), this._y(value)];
        drawn ? pen.lineTo(x, y) : pen.moveTo(x, y);
        if (!drawn && (values[i + 1] ?? null) === null) pen.lineTo(x + 1.5, y); // one by itself is a dot
        drawn = true;
      }
    });
    pen.stroke();
    pen.setLineDash([]);
    return undefined;
  }

  /** What comes now and then. */
  _points(pen, colour, values) {
    pen.fillStyle = colour;
    values.forEach((value, i) => {
      if (value === null) return;
      pen.beginPath();
      pen.arc(this._x(i, values.length), this._y(value), 2.4, 0, 2 * Math.PI);
      pen.fill();
    });
  }

  _look(pen, colours, values, looked) {
    const x = this._x(looked, values[0].length);
    pen.strokeStyle = colours.soft;
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(x, TOP);
    pen.lineTo(x, this._height - BOTTOM);
    pen.stroke();
    this._lines.forEach(({ colour }, i) => {
      const value = values[i][looked];
      if (value === null) return;
      pen.fillStyle = colours[colour];
      pen.beginPath();
      pen.arc(x, this._y(value), 3.5, 0, 2 * Math.PI);
      pen.fill();
    });
  }
}
