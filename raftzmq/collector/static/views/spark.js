// A sparkline: the last values as thin bars, with nothing around them.

import { draw, place } from "../svg.js";

const WIDTH = 240;
const HEIGHT = 30;

export class Spark {
  /** `bars`: as many as there is room for. */
  constructor(parent, bars) {
    this._bars = bars;
    this._svg = draw(parent, "svg", { class: "spark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    this._path = draw(this._svg, "path", {});
  }

  /** Draw `values`, the newest on the right; `most` is what reaches the top, the largest of them without it. */
  show(values, most = Math.max(...values, 0)) {
    const step = WIDTH / this._bars;
    const shown = values.slice(-this._bars);
    const top = most || 1;
    const d = shown.map((value, i) => {
      const high = Math.max(value > 0 ? 1.5 : 0.6, Math.min(1, value / top) * HEIGHT);
      const x = WIDTH - (shown.length - i) * step;
      return `M${x.toFixed(1)},${HEIGHT}v${(-high).toFixed(1)}h${(step * 0.72).toFixed(1)}v${high.toFixed(1)}z`;
    });
    place(this._path, { d: d.join("") });
  }
}
