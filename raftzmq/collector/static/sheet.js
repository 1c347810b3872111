// A canvas as sharp as the screen, with the colours and letters of the page's style.

const WIDE_FROM = 0x2e80; // from here on letters are as wide as they are high: those of Japanese, for one

export class Sheet {
  /** `changed` is called when the canvas gets another size. */
  constructor(canvas, changed) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.width = this.height = 0;
    this._colours = new Map();
    this._hatches = new Map();
    new ResizeObserver(changed).observe(canvas);
  }

  /** Begin a new picture: an empty one, of the size that the canvas has now. */
  begin() {
    const { canvas, pen } = this;
    const ratio = window.devicePixelRatio || 1;
    this.width = canvas.clientWidth;
    this.height = canvas.clientHeight;
    const [width, height] = [Math.round(this.width * ratio), Math.round(this.height * ratio)];
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, this.width, this.height);
    this._style = getComputedStyle(canvas);
    this.size = parseFloat(this._style.fontSize) || 12;
    // Another theme is another ink: then no colour is what it was.
    if (this._ink !== this._style.color) {
      this._ink = this._style.color;
      this._colours.clear();
      this._hatches.clear();
    }
    return pen;
  }

  /** A colour of the style by name: `ink` for `--ink`. */
  colour(name) {
    let found = this._colours.get(name);
    if (found === undefined) {
      found = this._style.getPropertyValue(`--${name}`).trim() || this._ink;
      this._colours.set(name, found);
    }
    return found;
  }

  /** A pattern of slanting lines in that colour. */
  hatch(name) {
    let found = this._hatches.get(name);
    if (found === undefined) {
      const tile = Object.assign(document.createElement("canvas"), { width: 6, height: 6 });
      const pen = tile.getContext("2d");
      pen.strokeStyle = this.colour(name);
      pen.lineWidth = 1.4;
      pen.beginPath();
      for (const at of [-3, 3, 9]) {
        pen.moveTo(at - 3, 6);
        pen.lineTo(at + 3, 0);
      }
      pen.stroke();
      found = this.pen.createPattern(tile, "repeat");
      this._hatches.set(name, found);
    }
    return found;
  }

  /** Write in letters of the style's size, or a part of it. */
  letters(part = 1, weight = 400) {
    this.pen.font = `${weight} ${(this.size * part).toFixed(1)}px ${this._style.fontFamily}`;
  }

  /** About how wide a text will be, in pixels; measuring each would take longer than drawing it. */
  wide(text, part = 1) {
    let units = 0;
    for (const letter of text) units += letter.codePointAt(0) >= WIDE_FROM ? 1 : 0.57;
    return units * this.size * part;
  }
}
